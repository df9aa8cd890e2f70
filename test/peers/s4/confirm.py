"""Confirmations of production and process orders: what is checked, what they change, goods movements, reversal."""
import datetime
from decimal import Decimal

import plant
from messages import Refused

# Set of confirmations: orders, operations, goods movements, navigation to these.
SETS = {"ProdnOrdConf2": ("A_ProductionOrder_2", "A_ProductionOrderOperation_2", "ProdnOrdConfMatlDocItm", "to_ProdnOrdConfMatlDocItm"),
        "ProcOrdConf2": ("A_ProcessOrder_2", "A_ProcessOrderOperation_2", "ProcOrdConfMatlDocItm", "to_ProcOrdConfMatlDocItm")}
CANCEL = {"CancelProdnOrdConf": "ProdnOrdConf2", "CancelProcOrdConf": "ProcOrdConf2"}
REFUSING = (("OrderIsMarkedForDeletion", "order-deleted"), ("OrderIsClosed", "order-closed"),
            ("OrderIsTechnicallyCompleted", "order-completed"), ("OrderIsLocked", "order-blocked"))


def quantity(entity, name):
    amount = Decimal(entity.get(name) or 0)
    if amount < 0:
        raise Refused("negative", name)
    return amount


def unit_of(entity, name, fallback):
    """The internal code of a unit that came as internal, SAP or ISO code."""
    for suffix in ("", "SAPCode"):
        code = entity.get(name + suffix)
        if code:
            if code not in plant.UNITS:
                raise Refused("unit-unknown", name + suffix, value=code)
            return code
    iso = entity.get(name + "ISOCode")
    if iso and iso not in plant.ISO:
        raise Refused("unit-unknown", name + "ISOCode", value=iso)
    return plant.ISO.get(iso) or fallback


def posting_date(app, entity, name="PostingDate"):
    """The day of a posting, in an open period and not in the future."""
    text = entity.get(name) or plant.day(plant.today())
    date = datetime.date.fromisoformat(text[:10])
    if text[:7] < app.settings["open-from"]:
        raise Refused("period", name, open=app.settings["open-from"].replace("-", "/"))
    if date > plant.today() + datetime.timedelta(days=1):
        raise Refused("future", name, value=date.isoformat())
    return text


class Confirmations:
    def __init__(self, app):
        self.app = app

    def _target(self, set_name, given):
        """Order and operation that are confirmed: by their numbers, or by the group alone."""
        orders, operations, _, _ = SETS[set_name]
        order_id, group = given.get("OrderID"), given.get("ConfirmationGroup")
        if not order_id and group:
            found = [op for op in self.app.store.sets.get(operations, {}).values() if op["_group"] == group]
            if not found:
                raise Refused("confirmation-unknown", "ConfirmationGroup", value=group)
            return self.app.store.get(orders, (found[0]["ManufacturingOrder"],)), found[0]
        if not order_id:
            raise Refused("missing", "OrderID")
        order = self.app.store.get(orders, (order_id,))
        if order is None:
            raise Refused("order-unknown", "OrderID", value=order_id.lstrip("0"))
        of_order = sorted(self.app.store.find(operations, ManufacturingOrder=order_id), key=lambda op: op["OrderIntBillOfOperationsItem"])
        name = given.get("OrderOperation")
        if not name:
            return order, of_order[-1]          # a confirmation of the order as a whole
        found = [op for op in of_order if op["ManufacturingOrderOperation"] == name]
        if not found:
            raise Refused("operation-unknown", "OrderOperation", operation=name, value=order_id.lstrip("0"))
        return order, found[0]

    def locks(self, node):
        """A confirmation has its order open: a second one at the same time meets 423."""
        order = node.values.get("OrderID")
        return [f"order {order.lstrip('0')}"] if order else []

    def create(self, unit, node):
        set_name, given = node.set.name, node.values
        order, operation = self._target(set_name, given)
        self._order_open(order)
        amounts = self._amounts(given, order)
        date = posting_date(self.app, given)
        identity = given.get("ExternalSystemConfirmation")
        if identity and self.app.settings["duplicates"] == "reject" and \
                self.app.store.find(set_name, ExternalSystemConfirmation=identity):
            raise Refused("duplicate", "ExternalSystemConfirmation", value=identity)
        group = operation["_group"]
        count = unit.number(f"count {group}", 8)
        entity = self.app.plant.fill(set_name, **{
            **given, "ConfirmationGroup": group, "ConfirmationCount": count, "OrderID": order["ManufacturingOrder"],
            "OrderOperation": operation["ManufacturingOrderOperation"], "Material": order["Material"], "PostingDate": date,
            "ConfirmationUnit": amounts["unit"], "OrderPlannedTotalQty": order["TotalQuantity"], "ProductionUnit": order["ProductionUnit"],
            "EnteredByUser": unit.user[:12], "OrderType": order["ManufacturingOrderType"], "Plant": given.get("Plant") or "1010",
            "ConfirmationUnitISOCode": plant.UNITS[amounts["unit"]][0], "ConfirmationUnitSAPCode": amounts["unit"],
            "ConfirmationEntryDate": plant.day(plant.today()), "LastChangeDate": plant.day(plant.today()),
            "ConfirmationEntryTime": datetime.datetime.now(datetime.timezone.utc).strftime("%H:%M:%S"),
            "_yield": str(amounts["yield"]), "_scrap": str(amounts["scrap"])})
        if amounts.get("warning"):
            entity["_warning"] = amounts["warning"]
        self.app.plant.put(unit, set_name, entity, root=True)
        self._movements(unit, node, entity, order, operation, amounts)
        self._count(unit, set_name, order, operation, amounts["yield"], given)
        return entity

    def _order_open(self, order):
        shown = order["ManufacturingOrder"].lstrip("0")
        for flag, name in REFUSING:
            if order.get(flag) == "X":
                raise Refused(name, "OrderID", value=shown)
        if order.get("OrderIsReleased") != "X":
            raise Refused("order-not-released", "OrderID", value=shown)

    def _amounts(self, given, order):
        """Yield and scrap in the order's unit."""
        base = order["ProductionUnit"]
        code = unit_of(given, "ConfirmationUnit", base)
        found = {"unit": code}
        for name, prop in (("yield", "ConfirmationYieldQuantity"), ("scrap", "ConfirmationScrapQuantity"),
                           ("rework", "ConfirmationReworkQuantity")):
            amount = plant.convert(quantity(given, prop), code, base)
            if amount is None:
                raise Refused("unit-other", "ConfirmationUnit", value=code, unit=base)
            found[name] = amount
        for n in range(1, 7):
            if given.get(f"OpConfirmedWorkQuantity{n}"):
                quantity(given, f"OpConfirmedWorkQuantity{n}")
                unit_of({f"U{s}": given.get(k) for s, k in (("", f"OpWorkQuantityUnit{n}"), ("ISOCode", f"WorkQuantityUnit{n}ISOCode"),
                                                             ("SAPCode", f"WorkQuantityUnit{n}SAPCode"))}, "U", "H")
        total = Decimal(order["MfgOrderConfirmedYieldQty"]) + found["yield"]
        if total > Decimal(order["TotalQuantity"]):
            if order["_rules"].get("overdelivery", True) is False:
                raise Refused("overdelivery", "ConfirmationYieldQuantity", value=total, limit=order["TotalQuantity"])
            found["warning"] = ("RU/467", f"The total {total} exceeds the order quantity {order['TotalQuantity']}")
        return found

    def _movements(self, unit, node, entity, order, operation, amounts):
        """Goods movements that came along, else those that the order's master data say."""
        _, _, items, nav = SETS[node.set.name]
        given = node.children.get(nav)
        rows = []
        if given:
            rows = [(child.values, child.children) for child in given]
        elif not entity.get("APIConfHasNoGoodsMovements") and amounts["yield"]:
            rules = order["_rules"]
            rows = [({"Material": c["material"], "GoodsMovementType": "261", "EntryUnit": c.get("unit", "PC"),
                      "QuantityInEntryUnit": str(Decimal(c["quantity"]) * amounts["yield"])}, {}) for c in rules.get("backflush", [])]
            if rules.get("receipt"):
                rows.append(({"Material": order["Material"], "GoodsMovementType": "101", "EntryUnit": order["ProductionUnit"],
                              "QuantityInEntryUnit": str(amounts["yield"])}, {}))
        visible = self.app.later(self.app.settings["goods-delay-ms"])
        document = unit.number("MaterialDocument", 10, 4900000001) if rows else ""
        for at, (values, children) in enumerate(rows):
            item = self.app.rules.goods_item(values, order)
            full = self.app.plant.fill(items, **{**item, "ConfirmationGroup": entity["ConfirmationGroup"], "MaterialDocument": document,
                                                 "ConfirmationCount": entity["ConfirmationCount"], "OrderID": order["ManufacturingOrder"],
                                                 "MaterialDocumentItem": str(at + 1).zfill(4), "MaterialDocumentYear": str(plant.today().year),
                                                 "_visible": visible})
            if self.app.plan.late_failure(node.set.name):
                unit.fail_later({"ConfirmationGroup": entity["ConfirmationGroup"], "ConfirmationCount": entity["ConfirmationCount"],
                                 "Material": item["Material"], "GoodsMovementType": item["GoodsMovementType"], "code": "M7/021",
                                 "identity": entity.get("ExternalSystemConfirmation"),
                                 "text": f"Deficit of SL unrestricted-use {item['QuantityInEntryUnit']} {item['EntryUnit']}"})
                continue
            self.app.plant.put(unit, items, full)
            for child_nav, nodes in children.items():
                target = self.app.sets[items].kind.navigations[child_nav].target
                for n in nodes:
                    self.app.plant.put(unit, target, self.app.plant.fill(target, **{**full, **n.values}))

    def _count(self, unit, set_name, order, operation, amount, given):
        """Totals and status of order and operation after a confirmation, or its reversal (a negative amount)."""
        orders, operations, _, _ = SETS[set_name]
        operation, order = dict(operation), dict(order)
        operation["OpTotalConfirmedYieldQty"] = str(Decimal(operation["OpTotalConfirmedYieldQty"]) + amount)
        order["MfgOrderConfirmedYieldQty"] = str(Decimal(order["MfgOrderConfirmedYieldQty"]) + amount)
        order["OrderIsPartiallyConfirmed"] = "X"
        if given.get("IsFinalConfirmation") or given.get("FinalConfirmationType") == "X":
            order["OrderIsConfirmed"] = "X"
        order["LastChangeDateTime"] = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%d%H%M%S")
        self.app.plant.put(unit, operations, operation)
        self.app.plant.put(unit, orders, order)

    def cancel(self, unit, function, given):
        """CancelProdnOrdConf: a reversal of its own, counted next in the group."""
        set_name = CANCEL[function.name]
        key = tuple(given.get(name) or "" for name in ("ConfirmationGroup", "ConfirmationCount"))
        entity = self.app.store.get(set_name, key)
        if entity is None:
            raise Refused("confirmation-unknown", "ConfirmationCount", value=f"{key[0]}/{key[1]}")
        if entity.get("IsReversed") or entity.get("IsReversal"):
            raise Refused("reversed", "ConfirmationCount", value=f"{key[0]}/{key[1]}")
        date = posting_date(self.app, given)
        self.app.plant.put(unit, set_name, {**entity, "IsReversed": True})
        reversal = {**entity, "ConfirmationCount": unit.number(f"count {key[0]}", 8), "IsReversal": True, "PostingDate": date,
                    "ExternalSystemConfirmation": given.get("ExternalSystemConfirmation"),
                    "ConfirmationText": given.get("ConfirmationText") or ""}
        self.app.plant.put(unit, set_name, reversal, root=True)
        order, operation = self._target(set_name, {"ConfirmationGroup": key[0]})
        self._count(unit, set_name, order, operation, -Decimal(entity["_yield"]), {})
        return reversal

    def proposal(self, unit, function, given):
        """GetConfProposal: what is still open of the operation."""
        set_name = function.set
        order, operation = self._target(set_name, given)
        still = max(Decimal(0), Decimal(operation["OpPlannedTotalQuantity"]) - Decimal(operation["OpTotalConfirmedYieldQty"]))
        return self.app.plant.fill(set_name, ConfirmationGroup=operation["_group"], ConfirmationCount="", OrderID=order["ManufacturingOrder"],
                                   OrderOperation=operation["ManufacturingOrderOperation"], ConfirmationUnit=order["ProductionUnit"],
                                   ConfirmationYieldQuantity=given.get("ConfirmationYieldQuantity") or str(still), _v=1)


__all__ = ["CANCEL", "Confirmations", "SETS", "posting_date", "quantity", "unit_of"]
