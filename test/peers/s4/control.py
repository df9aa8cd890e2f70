"""/sim/: what tests ask of the simulator and tell it. Not part of what is simulated; needs no log-on.

GET  /sim/documents?set=S&identity=I&order=O   created documents, in their order
GET  /sim/totals         documents a set, quantities an order, identities that occur twice, late failures
GET  /sim/late           goods movements that failed later, as COGI would list them
GET  /sim/entity?set=S   all entities of a set
GET  /sim/requests       counts of requests and refusals, faults that happened, the last requests
POST /sim/faults         {"rates": "seed=1,lost-answer=0.1"} and/or {"rules": [{...}]}; {"clear": true} first, if given
POST /sim/settings       {name: value}, see SETTINGS in app.py; GET shows them
POST /sim/orders         one order or a list, see Plant.order(); also /sim/lots and /sim/materials (a list of names)
POST /sim/revoke         all sessions and bearer tokens are forgotten
"""
import json

from store import IDENTITIES
from web import Answer


def _documents(app, query):
    found = []
    with app.store.lock:
        for set_name, key in app.store.documents:
            entity = app.store.sets[set_name][key]
            if query.get("set") not in (None, set_name):
                continue
            identity = next((entity[n] for n in IDENTITIES if entity.get(n)), None)
            if query.get("identity") not in (None, identity):
                continue
            if "order" in query and str(entity.get("OrderID", "")).lstrip("0") != query["order"].lstrip("0"):
                continue
            found.append({"set": set_name, "key": list(key), "identity": identity, **{n: v for n, v in entity.items() if v not in ("", None)}})
    return found


def _faults(app, asked):
    if asked.get("clear"):
        app.plan.clear()
    if "rates" in asked:
        app.plan.set(asked["rates"])
    for rule in asked.get("rules", []):
        app.plan.add(rule)
    return {"rates": app.plan.rates, "rules": app.plan.rules}


def _settings(app, asked):
    for name, value in asked.items():
        if name not in app.settings:
            raise ValueError(f"'{name}' is no setting; there are: {', '.join(app.settings)}")
        was = app.settings[name]
        if isinstance(was, float) and isinstance(value, int):
            value = float(value)
        if type(was) is not type(value):
            raise ValueError(f"{name} is {type(was).__name__}, not {type(value).__name__}")
        app.settings[name] = value
    return app.settings


def _orders(app, asked):
    specs = asked if isinstance(asked, list) else [asked]
    with app.store.unit("SETUP") as unit:
        for spec in specs:
            app.plant.order(unit, spec)
    return {"orders": len(specs)}


def _lots(app, asked):
    specs = asked if isinstance(asked, list) else [asked]
    with app.store.unit("SETUP") as unit:
        for spec in specs:
            app.plant.lot(unit, spec)
    return {"lots": len(specs)}


def _materials(app, asked):
    app.materials |= set(asked)
    return sorted(app.materials)


def _revoke(app, _):
    app.sessions.revoke()
    return {}


def _entities(app, query):
    with app.store.lock:
        return list(app.store.sets.get(query.get("set", ""), {}).values())


def _requests(app, _):
    with app.lock:
        return {"counts": dict(app.counts), "faults": dict(app.plan.happened), "tokens": app.sessions.tokens_given,
                "fetched": app.sessions.fetched, "recent": list(app.recent)}


GET = {"documents": _documents, "totals": lambda app, q: app.store.totals(), "late": lambda app, q: app.store.late, "entity": _entities,
       "requests": _requests, "settings": lambda app, q: app.settings}
POST = {"faults": _faults, "settings": _settings, "orders": _orders, "lots": _lots, "materials": _materials, "revoke": _revoke}


def handle(app, request):
    name = request.path[len("/sim/"):].strip("/")
    try:
        if request.method == "GET" and name in GET:
            result = GET[name](app, request.query)
        elif request.method == "POST" and name in POST:
            result = POST[name](app, json.loads(request.body or b"{}"))
        else:
            return Answer(404, __doc__, "text/plain;charset=utf-8")
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        return Answer(400, f"{type(problem).__name__}: {problem}\n", "text/plain;charset=utf-8")
    return Answer(200, json.dumps(result, ensure_ascii=False))


__all__ = ["handle"]
