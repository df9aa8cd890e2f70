"""The truth: entities in memory, and a journal of every effect in the order in which they happened.

A unit of work (LUW) is all or nothing; its line in the journal is written before the answer is. A journal that is there at the start is
played again, so that the simulator can be ended with kill -9 and started anew.
"""
import datetime
import json
import os
import threading
from decimal import Decimal

# Properties by which lists are asked for often.
INDEXED = {"ExternalSystemConfirmation", "OrderID", "ManufacturingOrder", "MaintNotifExtReferenceNumber", "ReferenceDocument",
           "InspectionLot", "ConfirmationGroup", "MaterialDocument", "MeasuringPoint", "Equipment", "MeasurementDocumentText"}
IDENTITIES = ("ExternalSystemConfirmation", "MaintNotifExtReferenceNumber", "ReferenceDocument", "InspectionResultOriginalValue",
              "MeasurementDocumentText")


def now_text():
    return datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


class Store:
    def __init__(self, folder):
        os.makedirs(folder, exist_ok=True)
        self.lock = threading.RLock()
        self.sets, self.index, self.numbers = {}, {}, {}
        self.documents, self.late = [], []      # created roots; goods movements that failed later
        self.units = 0                          # of work
        path = os.path.join(folder, "journal.jsonl")
        if os.path.exists(path):
            self._replay(path)
        self.file = open(path, "ab", buffering=0)

    def _replay(self, path):
        whole = 0
        with open(path, "rb") as f:
            for line in f:
                try:
                    unit = json.loads(line)
                except ValueError:
                    break                       # the end of a line that was being written when the simulator died
                whole += len(line)
                self.units = unit["unit"]
                self.numbers.update(unit["numbers"])
                self.late += unit["late"]
                for set_name, key, entity, root in unit["rows"]:
                    self._apply(set_name, tuple(key), entity, root)
        os.truncate(path, whole)

    def _apply(self, set_name, key, entity, root):
        rows = self.sets.setdefault(set_name, {})
        before = rows.get(key)
        rows[key] = entity
        for name in INDEXED:
            if entity.get(name) and (before is None or before.get(name) != entity[name]):
                self.index.setdefault((set_name, name, entity[name]), {})[key] = True
        if root and before is None:
            self.documents.append((set_name, key))

    def _unapply(self, set_name, key, before, root):
        entity = self.sets[set_name][key]
        if before is None:
            del self.sets[set_name][key]
            for name in INDEXED:
                self.index.get((set_name, name, entity.get(name)), {}).pop(key, None)
            if root:
                self.documents.remove((set_name, key))
        else:
            self.sets[set_name][key] = before

    def get(self, set_name, key):
        return self.sets.get(set_name, {}).get(tuple(key))

    def find(self, set_name, **equal):
        """Entities whose properties equal the values, by an index where there is one."""
        with self.lock:
            rows = self.sets.get(set_name, {})
            name = next((n for n in equal if n in INDEXED and equal[n]), None)
            keys = list(self.index.get((set_name, name, equal[name]), ())) if name else list(rows)
            return [e for k in keys if (e := rows.get(k)) is not None and all(e.get(n) == v for n, v in equal.items())]

    def unit(self, user=""):
        return Unit(self, user)

    def totals(self):
        """What was posted, by order, and how often each identity occurs more than once."""
        with self.lock:
            orders, seen, counts = {}, {}, {}
            for set_name, key in self.documents:
                entity = self.sets[set_name][key]
                counts[set_name] = counts.get(set_name, 0) + 1
                identity = next((entity[n] for n in IDENTITIES if entity.get(n)), None)
                if identity:
                    seen[(set_name, identity)] = seen.get((set_name, identity), 0) + 1
                if set_name in ("ProdnOrdConf2", "ProcOrdConf2") and not entity.get("IsReversed") and not entity.get("IsReversal"):
                    o = orders.setdefault(entity["OrderID"], {"confirmations": 0, "yield": Decimal(0), "scrap": Decimal(0)})
                    o["confirmations"] += 1
                    o["yield"] += Decimal(entity["_yield"])
                    o["scrap"] += Decimal(entity["_scrap"])
            return {"documents": counts, "identities": len(seen), "duplicates": {i: n for (_, i), n in seen.items() if n > 1},
                    "orders": {o: {n: str(v) if isinstance(v, Decimal) else v for n, v in t.items()} for o, t in orders.items()},
                    "late-failures": len(self.late), "units-of-work": self.units}


class Unit:
    """One unit of work: `with store.unit(user) as u: u.put(...)`; an exception undoes all of it."""

    def __init__(self, store, user):
        self.store, self.user = store, user

    def __enter__(self):
        self.store.lock.acquire()
        self.rows, self.numbers, self.late, self.undo = [], {}, [], []
        return self

    def number(self, name, width, first=1):
        """The next of a number range; what is undone leaves a gap, as it does at SAP."""
        n = self.store.numbers.get(name, first - 1) + 1
        self.store.numbers[name] = self.numbers[name] = n
        return str(n).zfill(width)

    def put(self, set_name, kind, entity, root=False):
        """Creates or changes an entity; entity["_v"] counts its changes. kind names its keys."""
        key = tuple(entity[name] for name in kind.keys)
        before = self.store.get(set_name, key)
        entity["_v"] = (before or {}).get("_v", 0) + 1
        self.store._apply(set_name, key, entity, root)
        self.undo.append((set_name, key, before, root))
        self.rows.append([set_name, key, entity, root])
        return entity

    def fail_later(self, what):
        self.late.append(what)

    def __exit__(self, kind, value, trace):
        store = self.store
        try:
            if kind is not None:
                for step in reversed(self.undo):
                    store._unapply(*step)
                return
            if not self.rows and not self.late:
                return
            store.units += 1
            store.late += self.late
            line = {"unit": store.units, "time": now_text(), "user": self.user, "numbers": self.numbers, "late": self.late,
                    "rows": self.rows}
            store.file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
        finally:
            store.lock.release()


__all__ = ["IDENTITIES", "Store", "Unit", "now_text"]
