"""Entities as OData answers: JSON of V2 and V4, with $select, $expand, paging and ETags."""
import json
import urllib.parse

import query
import values
from messages import Refused
from web import Answer


def etag(entity):
    return f"W/\"'{entity['_v']:06d}'\""


def key_text(kind, entity):
    def one(name):
        prop, value = kind.properties[name], entity[name]
        if prop.type == "Edm.DateTime":
            return f"datetime'{value}'"
        return "'" + str(value).replace("'", "''") + "'" if prop.type == "Edm.String" else str(value)
    if len(kind.keys) == 1:
        return f"({one(kind.keys[0])})"
    return "(" + ",".join(f"{name}={one(name)}" for name in kind.keys) + ")"


def related(app, kind, nav, entity):
    """What a navigation leads to: entities of its target that share the key of this one."""
    model_set = app.sets[nav.target]
    shared = [name for name in kind.keys if name in model_set.kind.properties and entity.get(name) is not None]
    if not shared:
        return []
    rows = app.store.find(nav.target, **{name: entity[name] for name in shared})
    return [row for row in rows if app.visible(row)]


def _tree(text):
    """$expand or $select as a tree of names."""
    tree = {}
    for path in filter(None, (p.strip() for p in (text or "").split(","))):
        at = tree
        for name in path.split("/"):
            at = at.setdefault(name, {})
    return tree


class Writer:
    """Writes entities of one request: its version, its host, what it selects and expands."""

    def __init__(self, app, service, request):
        self.app, self.service, self.request = app, service, request
        self.version = service.model.version
        scheme = "https" if app.tls else "http"
        self.base = f"{scheme}://{request.headers.get('host', 'localhost')}{service.root}"
        self.select = _tree(request.query.get("$select"))
        self.expand = _tree(request.query.get("$expand"))

    def entity(self, entity_set, entity, select=None, expand=None):
        select = self.select if select is None else select
        expand = self.expand if expand is None else expand
        kind = entity_set.kind
        for name in list(select) + list(expand):
            if name != "*" and name not in kind.properties and name not in kind.navigations:
                raise Refused("query", name, why=f"'{name}' is not part of '{kind.name}'")
        for name in expand:
            if name not in kind.navigations:
                raise Refused("query", name, why=f"'{name}' is no navigation of '{kind.name}'")
        uri = f"{self.base}/{entity_set.name}{urllib.parse.quote(key_text(kind, entity), safe=chr(39) + '(),=')}"
        out = {}
        if self.version == 2:
            out["__metadata"] = {"id": uri, "uri": uri, "type": f"{self.service.model.name}.{kind.name}", "etag": etag(entity)}
        else:
            out["@odata.etag"] = etag(entity)
        for name, prop in kind.properties.items():
            if not select or "*" in select or name in select:
                value = entity[name] if name in entity else values.initial(prop)
                out[name] = values.write(prop, value, self.version, self.app.settings)
        for name, nav in kind.navigations.items():
            if name in expand:
                out[name] = self._expanded(entity_set, nav, entity, select.get(name, {}), expand[name])
            elif self.version == 2 and (not select or name in select):
                out[name] = {"__deferred": {"uri": f"{uri}/{name}"}}
        return out

    def _expanded(self, entity_set, nav, entity, select, expand):
        target = self.app.sets.get(nav.target)
        rows = related(self.app, entity_set.kind, nav, entity) if target else []
        shown = [self.entity(target, row, select, expand) for row in rows]
        if not nav.many:
            return shown[0] if shown else None
        return {"results": shown} if self.version == 2 else shown

    def one(self, entity_set, entity, status=200, created=False):
        shown = self.entity(entity_set, entity)
        headers = [("ETag", etag(entity))]
        if created:
            uri = f"{self.base}/{entity_set.name}{key_text(entity_set.kind, entity)}"
            headers.append(("Location", urllib.parse.quote(uri, safe=":/'(),=;")))
        if self.version == 2:
            body = {"d": shown}
        else:
            body = {"@odata.context": f"$metadata#{entity_set.name}/$entity", **shown}
        return Answer(status, json.dumps(body, ensure_ascii=False), self.kind(), headers)

    def kind(self):
        if self.version == 2:
            return "application/json;charset=utf-8"
        return "application/json;odata.metadata=minimal;charset=utf-8"

    def many(self, entity_set, rows):
        """A list, after $filter, $orderby, $skip and $top; in pages if the settings say so."""
        q, kind = self.request.query, entity_set.kind
        if q.get("$orderby"):
            rows = query.order_by(rows, q["$orderby"], kind)
        total = len(rows)
        skip, top = query.count(q, "$skip", 0), query.count(q, "$top", None)
        token = query.count(q, "$skiptoken", 0)
        rows = rows[skip + token:]
        if top is not None:
            rows = rows[:max(0, top - token)]
        page, more = self.app.settings["page"], None
        if page and len(rows) > page:
            rows = rows[:page]
            following = {**{k: v for k, v in q.items() if k != "$skiptoken"}, "$skiptoken": str(token + page)}
            more = f"{self.base}/{entity_set.name}?{urllib.parse.urlencode(following, safe='$')}"
        shown = [self.entity(entity_set, row) for row in rows]
        if self.version == 2:
            d = {"results": shown}
            if q.get("$inlinecount") == "allpages":
                d["__count"] = str(total)
            if more:
                d["__next"] = more
            return Answer(200, json.dumps({"d": d}, ensure_ascii=False), self.kind())
        body = {"@odata.context": f"$metadata#{entity_set.name}", "value": shown}
        if q.get("$count") == "true":
            body["@odata.count"] = total
        if more:
            body["@odata.nextLink"] = more
        return Answer(200, json.dumps(body, ensure_ascii=False), self.kind())


__all__ = ["Writer", "etag", "related"]
