"""What the business checks and does, by entity set and function import: confirmations in confirm.py, all else here."""
import datetime

import confirm
import plant
from messages import Refused
from store import now_text

RESULTS = ("A_InspectionResult", "A_InspectionResultValue", "A_InspSampleResult", "A_InspectionSubset")
# Number ranges: set: property, width, first.
RANGES = {"MaintenanceNotification": ("MaintenanceNotification", 12, 10000001), "MeasurementDocument": ("MeasurementDocument", 20, 1),
          "Equipment": ("Equipment", 18, 20000001), "MeasuringPoint": ("MeasuringPoint", 12, 1001)}
ORDER_STEPS = {"ReleaseOrder": "OrderIsReleased", "TechlyCmpltOrder": "OrderIsTechnicallyCompleted", "CloseOrder": "OrderIsClosed"}


class Rules:
    def __init__(self, app):
        self.app = app
        self.confirmations = confirm.Confirmations(app)
        self.creators = {"ProdnOrdConf2": self.confirmations.create, "ProcOrdConf2": self.confirmations.create,
                         "A_MaterialDocumentHeader": self._material_document, "MaintenanceNotification": self._notification,
                         "MeasurementDocument": self._measurement, "A_InspLotUsageDecision": self._decision, "Batch": self._batch,
                         **dict.fromkeys(RESULTS, self._result)}
        self.callers = {**dict.fromkeys(confirm.CANCEL, self.confirmations.cancel), **dict.fromkeys(ORDER_STEPS, self._order_step),
                        "GetConfProposal": self.confirmations.proposal, "GetGdsMvtProposal": lambda u, f, g: [],
                        "SetMaintNotifToInProcess": self._notification_step, "CompleteMaintNotification": self._notification_step,
                        "Cancel": self._cancel_document, "A_InspectionSubsetTrigger_valuation": self._entity_of}

    # Entry

    def locks(self, node):
        if node.set.name in confirm.SETS:
            return self.confirmations.locks(node)
        return []

    def call_locks(self, function, given):
        if function.name in confirm.CANCEL:
            entity = self.app.store.get(confirm.CANCEL[function.name], (given.get("ConfirmationGroup"), given.get("ConfirmationCount")))
            return [f"order {entity['OrderID'].lstrip('0')}"] if entity else []
        return []

    def create(self, unit, node):
        return self.creators.get(node.set.name, self._plain)(unit, node)

    def update(self, unit, entity_set, entity, given):
        if entity_set.name in RESULTS:
            self._lot_open(entity)
            self._valuate({**entity, **given}, given)
        entity.update(given)
        self._stamp(entity_set.kind, entity)
        return unit.put(entity_set.name, entity_set.kind, entity)

    def call(self, unit, function, given):
        for name, prop in function.parameters.items():
            if not prop.nullable and not given.get(name):
                raise Refused("missing", name)
        if function.name not in self.callers:
            raise Refused("segment-unknown", segment=function.name)
        return self.callers[function.name](unit, function, given)

    # Common

    @staticmethod
    def _stamp(kind, entity):
        for name in ("LastChangeDateTime", "ChangedDateTime"):
            if name in kind.properties and kind.properties[name].type == "Edm.DateTimeOffset":
                entity[name] = now_text()

    def _plain(self, unit, node, **more):
        """Creates an entity with its number, and its children with its key."""
        kind = node.set.kind
        given = {**node.values, **more}
        number = RANGES.get(node.set.name)
        if number and not given.get(number[0]):
            given[number[0]] = unit.number(node.set.name, *number[1:])
        for name in kind.keys:
            if not given.get(name):
                raise Refused("missing", name)
        entity = self.app.plant.fill(node.set.name, **given)
        self._stamp(kind, entity)
        if self.app.store.get(node.set.name, tuple(entity[n] for n in kind.keys)):
            raise Refused("result-exists", kind.keys[-1])
        self.app.plant.put(unit, node.set.name, entity, root=True)
        for name, children in node.children.items():
            for at, child in enumerate(children):
                self._below(unit, kind, entity, child, at)
        return entity

    def _below(self, unit, parent_kind, parent, child, at):
        """A child of a deep insert: the key of what is above it, and a running number for what it adds to that."""
        kind = child.set.kind
        inherited = {n: parent[n] for n in parent_kind.keys if n in kind.properties}
        own = {n: child.values.get(n) or str(at + 1).zfill(kind.properties[n].max_length or 4)
               for n in kind.keys if n not in inherited and kind.properties[n].type == "Edm.String"}
        entity = self.app.plant.fill(child.set.name, **{**child.values, **inherited, **own})
        self.app.plant.put(unit, child.set.name, entity)
        for below in child.children.values():
            for i, node in enumerate(below):
                self._below(unit, kind, entity, node, i)

    # Goods

    def goods_item(self, given, order=None):
        """A goods movement's item, checked."""
        material = given.get("Material") or (order or {}).get("Material", "")
        if material not in self.app.materials:
            raise Refused("material-unknown", "Material", value=material)
        if given.get("GoodsMovementType") not in plant.MOVEMENTS:
            raise Refused("movement-unknown", "GoodsMovementType", value=given.get("GoodsMovementType") or "")
        code = confirm.unit_of(given, "EntryUnit", "PC")
        confirm.quantity(given, "QuantityInEntryUnit")
        return {**given, "Material": material, "EntryUnit": code, "Plant": given.get("Plant") or "1010",
                "StorageLocation": given.get("StorageLocation") or "101A",
                "QuantityInEntryUnit": given.get("QuantityInEntryUnit") or "0.000"}

    def _material_document(self, unit, node):
        items = node.children.get("to_MaterialDocumentItem", [])
        if not items:
            raise Refused("missing", "to_MaterialDocumentItem")
        if not node.values.get("GoodsMovementCode"):
            raise Refused("missing", "GoodsMovementCode")
        for item in items:
            order_id = item.values.get("ManufacturingOrder")
            order = self.app.store.get("A_ProductionOrder_2", (order_id,)) or self.app.store.get("A_ProcessOrder_2", (order_id,))
            if order_id and order is None:
                raise Refused("order-unknown", "ManufacturingOrder", value=order_id.lstrip("0"))
            item.values = self.goods_item(item.values, order)
        date = confirm.posting_date(self.app, node.values)
        return self._plain(unit, node, MaterialDocument=unit.number("MaterialDocument", 10, 4900000001), MaterialDocumentYear=date[:4],
                           PostingDate=date, DocumentDate=node.values.get("DocumentDate") or date, CreationDate=plant.day(plant.today()),
                           CreatedByUser=unit.user[:12])

    def _cancel_document(self, unit, function, given):
        """A document that takes the movements of another back: 101 by 102 and so on."""
        header = self._entity_of(unit, function, given)
        date = confirm.posting_date(self.app, given)
        number = {"MaterialDocument": unit.number("MaterialDocument", 10, 4900000001), "MaterialDocumentYear": date[:4]}
        items = self.app.store.find("A_MaterialDocumentItem", MaterialDocument=header["MaterialDocument"])
        for item in items:
            back = str(int(item["GoodsMovementType"]) + 1)
            self.app.plant.put(unit, "A_MaterialDocumentItem", {**item, **number, "GoodsMovementType": back})
        return self.app.plant.put(unit, function.set, {**header, **number, "PostingDate": date}, root=True)

    def _batch(self, unit, node):
        if node.values.get("Material") not in self.app.materials:
            raise Refused("material-unknown", "Material", value=node.values.get("Material") or "")
        if self.app.store.get("Batch", tuple(node.values.get(n) for n in node.set.kind.keys)):
            raise Refused("batch-exists", "Batch", value=node.values.get("Batch"))
        return self._plain(unit, node)

    # Quality

    def _lot_open(self, entity):
        lot = entity.get("InspectionLot") or ""
        if self.app.store.get("A_InspectionLot", (lot,)) is None:
            raise Refused("lot-unknown", "InspectionLot", value=lot.lstrip("0"))
        if self.app.store.get("A_InspLotUsageDecision", (lot,)):
            raise Refused("lot-decided", "InspectionLot", value=lot.lstrip("0"))

    def _characteristic(self, entity):
        key = tuple(entity.get(n) for n in ("InspectionLot", "InspPlanOperationInternalID", "InspectionCharacteristic"))
        found = self.app.store.get("A_InspectionCharacteristic", key)
        if found is None:
            raise Refused("characteristic-unknown", "InspectionCharacteristic", characteristic=key[2], value=(key[0] or "").lstrip("0"))
        return found

    def _valuate(self, entity, given):
        """Numbers from their texts, and accepted or rejected by the limits."""
        if "InspectionCharacteristic" not in entity:
            return
        limits = self._characteristic(entity)
        for name in [n for n in entity if n.startswith("InspResultFrmtd") and entity[n]]:
            try:
                number = float(entity[name].strip().replace(",", "."))
            except ValueError:
                raise Refused("result-text", name, value=entity[name]) from None
            given[name.replace("InspResultFrmtd", "InspectionResult")] = number
            low, high = limits["InspSpecLowerLimit"], limits["InspSpecUpperLimit"]
            bad = limits["InspSpecHasLowerLimit"] == "X" and number < low or limits["InspSpecHasUpperLimit"] == "X" and number > high
            if not entity.get("InspectionValuationResult"):
                given["InspectionValuationResult"] = "R" if bad else "A"

    def _result(self, unit, node):
        given = dict(node.values)
        self._lot_open(given)
        self._valuate(dict(node.values), given)
        for name, width in (("InspResultValueInternalID", 8), ("InspectionSubsetInternalID", 6)):
            if name in node.set.kind.keys and not given.get(name):
                given[name] = unit.number(f"{name} {given['InspectionLot']}", width)
        return self._plain(unit, node, **given)

    def _decision(self, unit, node):
        self._lot_open(node.values)
        for name in ("InspLotUsageDecisionCodeGroup", "InspectionLotUsageDecisionCode"):
            if not node.values.get(name):
                raise Refused("missing", name)
        lot = dict(self.app.store.get("A_InspectionLot", (node.values["InspectionLot"],)))
        lot["InspectionLotHasUsageDecision"] = "X"
        self.app.plant.put(unit, "A_InspectionLot", lot)
        return self._plain(unit, node)

    # Maintenance

    def _equipment(self, ident, target):
        ident = ident.zfill(18) if ident.isdigit() else ident
        if not self.app.store.get("Equipment", (ident, "9999-12-31T00:00:00")):
            raise Refused("equipment-unknown", target, value=ident.lstrip("0"))

    def _notification(self, unit, node):
        given = node.values
        if not given.get("NotificationText"):
            raise Refused("missing", "NotificationText")
        if given.get("NotificationType") not in self.app.settings["notification-types"]:
            raise Refused("notification-type", "NotificationType", value=given.get("NotificationType") or "")
        if given.get("TechnicalObject") and given.get("TechObjIsEquipOrFuncnlLoc", "EAMS_EQUI") == "EAMS_EQUI":
            self._equipment(given["TechnicalObject"], "TechnicalObject")
        return self._plain(unit, node)

    def _notification_step(self, unit, function, given):
        entity = self._entity_of(unit, function, given)
        if function.name.startswith("Complete"):
            entity["NotificationCompletionDate"] = given.get("NotificationReferenceDate") or plant.day(plant.today())
        entity["_phase"] = function.name
        return self.app.plant.put(unit, function.set, entity)

    def _measurement(self, unit, node):
        given = node.values
        point = self.app.store.get("MeasuringPoint", (given.get("MeasuringPoint") or "",))
        if point is None:
            raise Refused("point-unknown", "MeasuringPoint", value=(given.get("MeasuringPoint") or "").lstrip("0"))
        code = given.get("MeasurementReadingEntryUoM") or point["CharcValueUnit"]
        if code not in plant.UNITS:
            raise Refused("unit-unknown", "MeasurementReadingEntryUoM", value=code)
        if plant.UNITS[code][1] != plant.UNITS[point["CharcValueUnit"]][1]:
            raise Refused("unit-other", "MeasurementReadingEntryUoM", value=code, unit=point["CharcValueUnit"])
        now = datetime.datetime.now(datetime.timezone.utc)
        return self._plain(unit, node, MeasurementReadingEntryUoM=code, MsmtRdngDate=given.get("MsmtRdngDate") or now.date().isoformat(),
                           MsmtRdngTime=given.get("MsmtRdngTime") or now.strftime("%H:%M:%S"))

    # Functions

    def _entity_of(self, unit, function, given):
        kind = self.app.sets[function.set].kind
        key = tuple(given.get(n) for n in kind.keys)
        entity = self.app.store.get(function.set, key)
        if entity is None:
            raise Refused("not-found", segment=f"{function.set}({','.join(str(k) for k in key)})")
        return dict(entity)

    def _order_step(self, unit, function, given):
        entity = self._entity_of(unit, function, given)
        entity[ORDER_STEPS[function.name]] = "X"
        return self.app.plant.put(unit, function.set, entity)


__all__ = ["Rules"]
