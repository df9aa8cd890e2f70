"""Master data of the simulated system: units, materials, orders with their operations, lots, equipment, measuring points."""
import datetime
from decimal import ROUND_HALF_UP, Decimal

import values

# Internal code: ISO code, what is measured, factor to the base of that. Internal and ISO codes differ, as they do at SAP.
UNITS = {"PC": ("PCE", "count", "1"), "ST": ("PCE", "count", "1"), "EA": ("EA", "count", "1"), "CAR": ("CT", "count", "24"),
         "KG": ("KGM", "mass", "1"), "G": ("GRM", "mass", "0.001"), "TO": ("TNE", "mass", "1000"), "L": ("LTR", "volume", "1"),
         "ML": ("MLT", "volume", "0.001"), "HL": ("HLT", "volume", "100"), "M": ("MTR", "length", "1"), "MM": ("MMT", "length", "0.001"),
         "H": ("HUR", "time", "3600"), "MIN": ("MIN", "time", "60"), "S": ("SEC", "time", "1"), "KWH": ("KWH", "energy", "1"),
         "CEL": ("CEL", "temperature", "1"), "BAR": ("BAR", "pressure", "1"), "MMS": ("C16", "speed", "1"), "%": ("P1", "share", "1")}
ISO = {iso: code for code, (iso, _, _) in reversed(list(UNITS.items()))}
MATERIALS = {"BOTTLE-05", "BOTTLE-10", "CAP-28", "LABEL-A", "SYRUP", "WATER", "SLEEVE", "PALLET"}
MOVEMENTS = {"101", "102", "131", "261", "262", "311", "501", "531", "532", "551", "561", "601"}
STATUS = {"released": "OrderIsReleased", "locked": "OrderIsLocked", "closed": "OrderIsClosed",
          "completed": "OrderIsTechnicallyCompleted", "deleted": "OrderIsMarkedForDeletion"}
KINDS = {"production": ("A_ProductionOrder_2", "A_ProductionOrderOperation_2", "A_ProductionOrderItem_2"),
         "process": ("A_ProcessOrder_2", "A_ProcessOrderOperation_2", "A_ProcessOrderItem_2")}


def today():
    """The plant's day; the simulator's plant lies in UTC."""
    return datetime.datetime.now(datetime.timezone.utc).date()


def day(date):
    return f"{date.isoformat()}T00:00:00"


def convert(amount, unit, to):
    """A Decimal in another unit of the same dimension; None if there is none."""
    if unit == to:
        return amount.quantize(Decimal("0.001"), ROUND_HALF_UP)
    have, want = UNITS.get(unit), UNITS.get(to)
    if not have or not want or have[1] != want[1]:
        return None
    return (amount * Decimal(have[2]) / Decimal(want[2])).quantize(Decimal("0.001"), ROUND_HALF_UP)


class Plant:
    """Creates master data; app gives the entity types and the store."""

    def __init__(self, app):
        self.app = app

    def fill(self, set_name, **given):
        """An entity of a set: the given values as far as its type has them, the rest initial. Names with _ are the simulator's own."""
        kind = self.app.sets[set_name].kind
        entity = {name: values.initial(prop) for name, prop in kind.properties.items()}
        entity.update({n: v for n, v in given.items() if n in kind.properties or n.startswith("_")})
        return entity

    def put(self, unit, set_name, entity, root=False):
        return unit.put(set_name, self.app.sets[set_name].kind, entity, root)

    def order(self, unit, spec):
        """spec: id, kind (production), status (released), material, quantity, unit, operations ["0010"], overdelivery (true),
        backflush [{"material", "quantity" a piece, "unit"}], receipt (false: the last operation posts a goods receipt)."""
        kind = spec.get("kind", "production")
        head, operation, item = KINDS[kind]
        number = str(spec["id"]).zfill(12)
        changed = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%d%H%M%S")
        states = spec.get("status", "released").split("+")
        if "closed" in states or "completed" in states:
            states.append("released")
        quantity = str(Decimal(str(spec.get("quantity", "1000000"))).quantize(Decimal("0.001")))
        common = {"ManufacturingOrder": number, "Material": spec.get("material", "BOTTLE-05"), "ProductionPlant": "1010",
                  "ProductionUnit": spec.get("unit", "PC")}
        before = self.app.store.get(head, (number,)) or {}
        entity = self.fill(head, **common, ManufacturingOrderType="YBM1" if kind == "production" else "YBM2", MRPController="001",
                           ProductionSupervisor="001", TotalQuantity=quantity, LastChangeDateTime=changed,
                           MfgOrderConfirmedYieldQty=before.get("MfgOrderConfirmedYieldQty", "0.000"),
                           MfgOrderPlannedStartDate=day(today()), MfgOrderPlannedStartTime="06:00:00",
                           MfgOrderPlannedEndDate=day(today()), MfgOrderPlannedEndTime="22:00:00",
                           MfgOrderScheduledStartDate=day(today()), MfgOrderScheduledStartTime="06:00:00",
                           MfgOrderScheduledEndDate=day(today()), MfgOrderScheduledEndTime="22:00:00",
                           **{STATUS[s]: "X" for s in states if s in STATUS})
        entity["_rules"] = {n: spec[n] for n in ("backflush", "receipt", "overdelivery", "milestones") if n in spec}
        self.put(unit, head, entity)
        self.put(unit, item, self.fill(item, **common, ManufacturingOrderItem="0001", MfgOrderItemPlannedTotalQty=quantity,
                                       StorageLocation="101A"))
        if before:
            return entity
        for at, name in enumerate(spec.get("operations", ["0010", "0020"])):
            group = unit.number("ConfirmationGroup", 10, 100001)
            self.put(unit, operation, self.fill(operation, ManufacturingOrder=number, ManufacturingOrderSequence="0",
                                                ManufacturingOrderOperation=name, OrderInternalBillOfOperations=group,
                                                OrderIntBillOfOperationsItem=str(at + 1).zfill(8), WorkCenter="FILL-3", Plant="1010",
                                                ProductionPlant="1010", OperationControlProfile="YBP1", OpPlannedTotalQuantity=quantity,
                                                OperationUnit=common["ProductionUnit"], MfgOrderOperationText=f"Operation {name}",
                                                OpErlstSchedldExecStrtDte=day(today()), OpErlstSchedldExecStrtTme="06:00:00",
                                                OpErlstSchedldExecEndDte=day(today()), OpErlstSchedldExecEndTme="22:00:00",
                                                MfgOrderConfirmationGroup=group, _group=group))
        return entity

    def lot(self, unit, spec):
        """spec: id, order, material, characteristics [{"no", "unit", "target", "low", "high", "decimals", "quantitative"}]."""
        number = str(spec["id"]).zfill(12)
        operation = spec.get("operation", "0010")
        self.put(unit, "A_InspectionLot", self.fill("A_InspectionLot", InspectionLot=number, Plant="1010", InspectionLotType="03",
                                                    Material=spec.get("material", "BOTTLE-05"), InspectionLotOrigin="03",
                                                    ManufacturingOrder=str(spec.get("order", "")).zfill(12),
                                                    InspectionLotQuantity="1000.000", InspectionLotQuantityUnit="PC",
                                                    InspectionLotText="Simulated lot"))
        place = {"InspectionLot": number, "InspPlanOperationInternalID": spec.get("internal", "00000001")}
        self.put(unit, "A_InspectionOperation", self.fill("A_InspectionOperation", **place, InspectionOperation=operation,
                                                          OperationText="In-process check", WorkCenter="FILL-3"))
        for c in spec.get("characteristics", [{"no": "0010", "unit": "ML", "target": 500, "low": 495, "high": 505}]):
            has = {f"InspSpec{n}": float(c[k]) for n, k in (("TargetValue", "target"), ("UpperLimit", "high"), ("LowerLimit", "low")) if k in c}
            self.put(unit, "A_InspectionCharacteristic", self.fill(
                "A_InspectionCharacteristic", **place, InspectionCharacteristic=c["no"], InspectionSpecificationUnit=c.get("unit", ""),
                InspSpecDecimalPlaces=c.get("decimals", 1), InspSpecIsQuantitative=c.get("quantitative", True),
                InspCharacteristicSampleSize=c.get("sample", 5), InspectionCharacteristicStatus="2", **has,
                **{n.replace("InspSpec", "InspSpecHas"): "X" for n in has}))

    def equipment(self, unit, ident, name):
        self.put(unit, "Equipment", self.fill("Equipment", Equipment=ident.zfill(18) if ident.isdigit() else ident,
                                              ValidityEndDate="9999-12-31T00:00:00", ValidityStartDate="2020-01-01T00:00:00",
                                              EquipmentName=name, EquipmentCategory="M", MaintenancePlant="1010"))

    def point(self, unit, ident, equipment, unit_code, counter=False):
        self.put(unit, "MeasuringPoint", self.fill("MeasuringPoint", MeasuringPoint=ident.zfill(12), Equipment=equipment.zfill(18),
                                                   MeasuringPointIsCounter=counter, CharcValueUnit=unit_code,
                                                   MeasuringPointDescription=f"Point {ident}"))

    def seed(self):
        """What is there at the first start."""
        if self.app.store.get("A_ProductionOrder_2", ("1000123".zfill(12),)):
            return
        with self.app.store.unit("SETUP") as unit:
            for number in range(1000123, 1000133):
                self.order(unit, {"id": number})
            for number, status in ((1000900, "created"), (1000901, "closed"), (1000902, "completed"), (1000903, "released+locked"),
                                   (1000904, "released+deleted")):
                self.order(unit, {"id": number, "status": status})
            self.order(unit, {"id": 1000905, "quantity": 100, "overdelivery": False})
            self.order(unit, {"id": 1000906, "unit": "KG", "material": "SYRUP"})
            self.order(unit, {"id": 1000907, "receipt": True, "backflush": [{"material": "CAP-28", "quantity": "1", "unit": "PC"}]})
            for number in range(2000123, 2000126):
                self.order(unit, {"id": number, "kind": "process", "unit": "HL", "material": "SYRUP"})
            self.lot(unit, {"id": 30000001, "order": 1000123})
            self.lot(unit, {"id": 30000002, "order": 1000124, "characteristics": [
                {"no": "0010", "unit": "ML", "target": 500, "low": 495, "high": 505}, {"no": "0020", "unit": "CEL", "high": 8},
                {"no": "0030", "quantitative": False}]})
            for ident, name in (("10000301", "Filler line 3"), ("10000302", "Capper line 3"), ("PUMP-7", "Syrup pump 7")):
                self.equipment(unit, ident, name)
            self.point(unit, "501", "10000301", "H", True)
            self.point(unit, "502", "10000301", "MMS")


__all__ = ["ISO", "KINDS", "MATERIALS", "MOVEMENTS", "Plant", "UNITS", "convert", "day", "today"]
