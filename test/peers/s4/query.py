"""Keys and system query options of OData URLs: parsed, and applied to held entities."""
import re
from decimal import Decimal

import values
from messages import Refused

TOKEN = re.compile(r"""\s*(?:
    (?P<typed>(?:datetimeoffset|datetime|guid|time|duration|binary)'[^']*')
  | (?P<text>'(?:[^']|'')*')
  | (?P<guid>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})
  | (?P<date>\d{4}-\d\d-\d\d(?:T[\d:.]+Z?)?)
  | (?P<clock>\d\d:\d\d:\d\d(?:\.\d+)?)
  | (?P<number>-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?[MmDdFfLl]?)
  | (?P<name>[A-Za-z_][\w/]*)
  | (?P<mark>[(),=])
)""", re.X)
COMPARE = {"eq": lambda a, b: a == b, "ne": lambda a, b: a != b, "gt": lambda a, b: a > b, "ge": lambda a, b: a >= b,
           "lt": lambda a, b: a < b, "le": lambda a, b: a <= b}
DEPTH_MAX = 50


def _refuse(why):
    return Refused("query", "", why=why)


def literal(prop, kind, raw):
    """The value of a literal of kind `kind` (a group of TOKEN), as the property holds it."""
    if kind == "name" and raw in ("true", "false"):
        raw = raw == "true"
    elif kind == "name" and raw == "null":
        return None
    elif kind == "typed":
        raw = raw.partition("'")[2][:-1]
    elif kind == "text":
        raw = raw[1:-1].replace("''", "'")
    elif kind == "number":
        raw = raw.rstrip("MmDdFfLl")
    held = values.read(prop, raw, 4) if prop.type != "Edm.Boolean" or isinstance(raw, bool) else None
    if held is None and raw is not None:
        raise _refuse(f"{raw} is no literal of {prop.type}")
    return held


def comparable(prop, value):
    if value is None:
        return None
    if prop.type == "Edm.Decimal":
        return Decimal(value)
    return value


def tokens(text):
    at, found = 0, []
    text = text.rstrip()
    while at < len(text):
        match = TOKEN.match(text, at)
        if not match or match.end() == at:
            raise _refuse(f"unexpected '{text[at:at + 20]}'")
        found.append((match.lastgroup, match.group(match.lastgroup)))
        at = match.end()
    return found


class Filter:
    """A $filter: matches(entity) after it was parsed for an entity type."""

    FUNCTIONS = {"substringof": lambda a, b: a in b, "contains": lambda a, b: b in a, "startswith": lambda a, b: a.startswith(b),
                 "endswith": lambda a, b: a.endswith(b)}

    def __init__(self, text, kind):
        self.kind, self.list, self.at, self.depth = kind, tokens(text), 0, 0
        self.equal = {}                         # properties that must equal a value: for the index
        self.matches = self._or()
        if self.at < len(self.list):
            raise _refuse(f"'{self.list[self.at][1]}' is not expected here")

    def _peek(self):
        return self.list[self.at] if self.at < len(self.list) else (None, None)

    def _next(self):
        token = self._peek()
        self.at += 1
        return token

    def _take(self, word):
        if self._peek()[1] != word:
            return False
        self.at += 1
        return True

    def _or(self):
        self.depth += 1
        if self.depth > DEPTH_MAX:
            raise _refuse("nested too deeply")
        before = dict(self.equal)
        terms = [self._and()]
        while self._take("or"):
            terms.append(self._and())
        self.depth -= 1
        if len(terms) == 1:
            return terms[0]
        self.equal = before
        return lambda e: any(t(e) for t in terms)

    def _and(self):
        terms = [self._term()]
        while self._take("and"):
            terms.append(self._term())
        return terms[0] if len(terms) == 1 else lambda e: all(t(e) for t in terms)

    def _term(self):
        if self._take("not"):
            before = dict(self.equal)
            inner = self._term()
            self.equal = before
            return lambda e: not inner(e)
        if self._take("("):
            inner = self._or()
            if not self._take(")"):
                raise _refuse("a ) is missing")
            return inner
        kind, word = self._next()
        if kind == "name" and word in self.FUNCTIONS:
            return self._call(word)
        return self._comparison(kind, word)

    def _property(self, kind, word):
        prop = self.kind.properties.get(word) if kind == "name" else None
        if prop is None:
            raise _refuse(f"'{word}' is no property of {self.kind.name}")
        if not prop.filterable:
            raise _refuse(f"'{word}' cannot be filtered by")
        return prop

    def _comparison(self, kind, word):
        prop = self._property(kind, word)
        operator = self._next()[1]
        if operator not in COMPARE:
            raise _refuse(f"'{operator}' is no operator")
        kind, raw = self._next()
        if kind is None:
            raise _refuse("it ends early")
        want = comparable(prop, literal(prop, kind, raw))
        compare, name = COMPARE[operator], prop.name
        if operator == "eq":
            self.equal[name] = want

        def holds(entity):
            have = comparable(prop, entity.get(name))
            if have is None or want is None:
                return operator == "eq" and have is want or operator == "ne" and have is not want
            return compare(have, want)
        return holds

    def _call(self, function):
        def argument():
            kind, word = self._next()
            if kind == "text":
                text = word[1:-1].replace("''", "'")
                return lambda e: text
            name = self._property(kind, word).name
            return lambda e: e.get(name) or ""
        if not self._take("("):
            raise _refuse("a ( is missing")
        first = argument()
        if not self._take(","):
            raise _refuse("a , is missing")
        second = argument()
        if not self._take(")"):
            raise _refuse("a ) is missing")
        test = self.FUNCTIONS[function]
        if self._take("eq"):
            wanted = self._next()[1] == "true"
            return lambda e: test(first(e), second(e)) == wanted
        return lambda e: test(first(e), second(e))


def key(text, kind):
    """The key tuple of a predicate such as ('1') or (A='1',B='2')."""
    found = tokens(text)
    parts, at = {}, 0
    if not kind.keys:
        raise _refuse(f"{kind.name} has no key")
    while at < len(found):
        name = kind.keys[0] if len(kind.keys) == 1 else None
        if found[at][0] == "name" and found[at][1] in kind.properties:
            name = found[at][1]
            at += 1
            if at < len(found) and found[at][1] == "=":
                at += 1
        if name is None or name not in kind.keys or at >= len(found):
            raise _refuse(f"({text}) is no key of {kind.name}")
        parts[name] = literal(kind.properties[name], *found[at])
        at += 1
        if at < len(found) and found[at][1] == ",":
            at += 1
    if set(parts) != set(kind.keys):
        raise _refuse(f"({text}) lacks a part of the key of {kind.name}")
    return tuple(parts[name] for name in kind.keys)


def order_by(rows, text, kind):
    for part in reversed(text.split(",")):
        name, _, direction = part.strip().partition(" ")
        prop = kind.properties.get(name)
        if prop is None:
            raise _refuse(f"'{name}' is no property of {kind.name}")
        rows = sorted(rows, key=lambda e: (e.get(name) is not None, comparable(prop, e.get(name)) or ""),
                      reverse=direction.strip() == "desc")
    return rows


def count(query, name, default):
    raw = query.get(name)
    if raw is None:
        return default
    if not raw.isdigit():
        raise _refuse(f"{name} is no number")
    return int(raw)


__all__ = ["Filter", "count", "key", "literal", "order_by"]
