"""One OData service: paths, reads, and changes as units of work with locks, alone or as change sets of a $batch."""
import json
import re

import batch
import query
import values
from messages import Refused, body_json, body_xml
from render import Writer, etag, related
from web import Answer

SEGMENT = re.compile(r"(\w+)(?:\((.*)\))?", re.S)
DEPTH_MAX = 4


class Node:
    """An entity of a deep insert as it came: its set, its values as held, its children by navigation."""

    def __init__(self, entity_set, given):
        self.set, self.values, self.children = entity_set, given, {}


class Change:
    """A change that was read and judged by the metadata, not done yet. locks: what must not be open elsewhere."""

    def __init__(self, locks, apply):
        self.locks, self.apply = locks, apply


class Service:
    def __init__(self, app, model, root):
        self.app, self.model, self.root = app, model, root

    # Paths

    def _segments(self, path):
        rest = path[len(self.root):].strip("/")
        return [part for part in re.split(r"/(?![^(]*\))", rest) if part] if rest else []

    def _set(self, segment):
        found = SEGMENT.fullmatch(segment)
        entity_set = self.model.sets.get(found.group(1)) if found else None
        if entity_set is None:
            raise Refused("segment-unknown", segment=segment[:60])
        return entity_set, found.group(2)

    def _entity(self, segment):
        entity_set, raw = self._set(segment)
        if raw is None:
            return entity_set, None
        entity = self.app.store.get(entity_set.name, query.key(raw, entity_set.kind))
        if entity is None or not self.app.visible(entity):
            raise Refused("not-found", segment=segment[:80])
        return entity_set, entity

    # Entry

    def handle(self, request):
        """The answer to one request that may be asked; errors become answers."""
        try:
            segments = self._segments(request.path)
            if request.method in ("GET", "HEAD"):
                return self._read(request, segments)
            if segments == ["$batch"] and request.method == "POST":
                return self._batch(request)
            return self._commit([(request, None)], request.user)[0][0]
        except Refused as refused:
            return self.refusal(refused, request)

    def refusal(self, refused, request):
        language = request.query.get("sap-language") or request.headers.get("sap-language") \
            or request.headers.get("accept-language", "EN")[:2]
        self.app.count(f"refused {refused.name}")
        headers = [("Retry-After", str(self.app.settings["retry-after-s"]))] if refused.status in (429, 503) else []
        if self.model.version == 4 or request.json_wanted() and request.headers.get("accept", "*/*") != "*/*" \
                or request.query.get("$format") == "json":
            return Answer(refused.status, body_json(refused, self.model.version, language, self.app.next_number()), headers=headers)
        return Answer(refused.status, body_xml(refused, language), "application/xml;charset=utf-8", headers)

    # Reads

    def _read(self, request, segments):
        if not segments:
            names = sorted(self.model.sets)
            body = {"d": {"EntitySets": names}} if self.model.version == 2 else \
                {"@odata.context": "$metadata", "value": [{"name": n, "url": n} for n in names]}
            return Answer(200, json.dumps(body))
        if segments == ["$metadata"]:
            return Answer(200, self.app.metadata(self.model), "application/xml;charset=utf-8")
        with self.app.store.lock:
            return self._read_entities(request, segments)

    def _read_entities(self, request, segments):
        count = segments[-1] == "$count"
        segments = segments[:-1] if count else segments
        entity_set, entity = self._entity(segments[0]) if segments else (None, None)
        if entity_set is None or len(segments) > 3 or entity is None and len(segments) > 1:
            raise Refused("segment-unknown", segment=segments[-1] if segments else "$count")
        rows = None
        for name in segments[1:]:
            nav = entity_set.kind.navigations.get(SEGMENT.fullmatch(name).group(1)) if SEGMENT.fullmatch(name) else None
            if nav is None or nav.target is None or entity is None:
                raise Refused("segment-unknown", segment=name[:60])
            rows = related(self.app, entity_set.kind, nav, entity)
            entity_set, entity = self.app.sets[nav.target], None
            if not nav.many:
                if not rows:
                    raise Refused("not-found", segment=name)
                entity, rows = rows[0], None
        writer = Writer(self.app, self, request)
        if entity is not None:
            if request.headers.get("if-none-match") == etag(entity):
                return Answer(304)
            return writer.one(entity_set, entity)
        rows = self._filtered(request, entity_set, rows)
        if count:
            return Answer(200, str(len(rows)), "text/plain;charset=utf-8")
        return writer.many(entity_set, rows)

    def _filtered(self, request, entity_set, rows):
        text = request.query.get("$filter")
        wanted = query.Filter(text, entity_set.kind) if text else None
        if rows is None:
            equal = {}
            if wanted:
                equal = {n: v for n, v in wanted.equal.items() if isinstance(v, str)}
            rows = self.app.store.find(entity_set.name, **equal)
        return [row for row in rows if self.app.visible(row) and (wanted is None or wanted.matches(row))]

    # Changes

    def _commit(self, requests, user):
        """Does all of the changes as one unit of work, or none; returns their answers."""
        prepared = [(self._prepare(request), ident) for request, ident in requests]
        names = {name for change, _ in prepared for name in change.locks}
        with self.app.locks.hold(names):
            self.app.pause(self.app.settings["posting-ms"] / 1000)
            with self.app.store.unit(user) as unit:
                return [(change.apply(unit), ident) for change, ident in prepared]

    def _prepare(self, request):
        segments = self._segments(request.path)
        method = request.headers.get("x-http-method", request.method).upper() if request.method == "POST" else request.method
        if not segments:
            raise Refused("method", method=method, segment="/")
        name = segments[0].partition("(")[0]
        if name in self.model.functions:
            return self._call(request, self.model.functions[name], method)
        if method == "POST" and len(segments) == 2:
            return self._create_below(request, segments)
        entity_set, raw = self._set(segments[0])
        if method == "POST" and raw is None and len(segments) == 1 and entity_set.creatable:
            return self._create(request, entity_set, {})
        if method in ("PATCH", "MERGE", "PUT") and raw is not None and len(segments) == 1 and entity_set.updatable:
            return self._update(request, segments[0])
        raise Refused("method", method=method, segment=segments[-1][:60])

    def _create_below(self, request, segments):
        """POST to a navigation of an entity: its key goes into the new one."""
        entity_set, entity = self._entity(segments[0])
        nav = entity_set.kind.navigations.get(segments[1])
        if entity is None or nav is None or nav.target is None:
            raise Refused("segment-unknown", segment=segments[1][:60])
        target = self.app.sets[nav.target]
        return self._create(request, target, {n: entity[n] for n in entity_set.kind.keys if n in target.kind.properties})

    def _body(self, request):
        if "json" not in request.headers.get("content-type", "application/json"):
            raise Refused("body", why="its Content-Type is not application/json")
        try:
            body = json.loads(request.body)
        except (ValueError, RecursionError):
            raise Refused("body", why="it is no JSON") from None
        if not isinstance(body, dict):
            raise Refused("body", why="it is no JSON object")
        return body.get("d", body) if self.model.version == 2 and isinstance(body.get("d", body), dict) else body

    def _given(self, kind, body, create):
        """Property values of a body, checked by the metadata."""
        given = {}
        for name, value in body.items():
            if name.startswith("__") or "@" in name or name in kind.navigations:
                continue
            prop = kind.properties.get(name)
            if prop is None:
                raise Refused("property-unknown", name, type=kind.name)
            if not (prop.creatable if create else prop.updatable):
                if value not in (None, "") and self.app.settings["read-only"] == "refuse":
                    raise Refused("property-read-only", name)
                continue
            given[name] = values.read(prop, value, self.model.version)
        return given

    def _node(self, entity_set, body, depth=0):
        node = Node(entity_set, self._given(entity_set.kind, body, True))
        for name, nav in entity_set.kind.navigations.items():
            inner = body.get(name)
            if inner is None or isinstance(inner, dict) and "__deferred" in inner:
                continue
            rows = inner.get("results", [inner]) if isinstance(inner, dict) else inner
            if depth >= DEPTH_MAX or not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
                raise Refused("body", name, why=f"'{name}' is no list of entities")
            node.children[name] = [self._node(self.app.sets[nav.target], row, depth + 1) for row in rows]
        return node

    def _create(self, request, entity_set, inherited):
        node = self._node(entity_set, self._body(request))
        node.values.update(inherited)
        rules = self.app.rules

        def apply(unit):
            entity = rules.create(unit, node)
            writer = Writer(self.app, self, request)
            writer.expand = {name: {} for name in node.children}         # what came along is shown with it
            answer = writer.one(entity_set, entity, 201, True)
            warning = entity.get("_warning")
            if warning:
                answer.headers.append(("sap-message", json.dumps({"code": warning[0], "message": warning[1], "severity": "warning",
                                                                  "target": "", "details": []})))
            return answer
        return Change(rules.locks(node), apply)

    def _update(self, request, segment):
        entity_set, entity = self._entity(segment)
        given = self._given(entity_set.kind, self._body(request), False)

        def apply(unit):
            now = self._entity(segment)[1]
            match = request.headers.get("if-match")
            if match is None and self.app.settings["if-match"]:
                raise Refused("precondition")
            if match not in (None, "*", etag(now)):
                raise Refused("changed")
            changed = self.app.rules.update(unit, entity_set, dict(now), given)
            return Answer(204, headers=[("ETag", etag(changed))])
        return Change([f"{entity_set.name} {segment}"], apply)

    def _call(self, request, function, method):
        if method != function.method:
            raise Refused("method", method=method, segment=function.name)
        given = {}
        for name, raw in request.query.items():
            if name.startswith(("$", "sap-")):
                continue
            prop = function.parameters.get(name)
            if prop is None:
                raise Refused("property-unknown", name, type=function.name)
            parsed = query.tokens(raw)
            if len(parsed) != 1:
                raise Refused("query", name, why=f"{raw[:40]} is no literal")
            given[name] = query.literal(prop, *parsed[0])

        def apply(unit):
            rows = self.app.rules.call(unit, function, given)
            entity_set = self.model.sets[function.set]
            writer = Writer(self.app, self, request)
            if isinstance(rows, list):
                shown = {"results": [writer.entity(entity_set, row) for row in rows]}
            else:
                shown = {function.name: writer.entity(entity_set, rows)}     # wrapped once more in its own name
            return Answer(200, json.dumps({"d": shown}, ensure_ascii=False))
        return Change(self.app.rules.call_locks(function, given), apply)

    # $batch

    def _batch(self, request):
        results, failed = [], False
        for shape, what in batch.read(request, self.root):
            if shape == "get":
                if failed and self.app.settings["batch-stop"]:
                    continue                    # what follows a failed change set may be skipped
                inner, ident = what
                if inner.method not in ("GET", "HEAD"):
                    raise Refused("batch", why="a changing request stands outside a change set")
                results.append(("one", (self.handle(inner), ident)))
                continue
            try:
                results.append(("many", self._commit(what, request.user)))
            except Refused as refused:
                failed = True
                results.append(("one", (self.refusal(refused, what[0][0] if what else request), None)))
        body, kind = batch.write(results, self.app.next_number())
        return Answer(202, body, kind)


__all__ = ["Change", "Node", "Service"]
