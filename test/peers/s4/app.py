"""The simulated system: takes each request through maintenance, faults, log-on, token and service, and spoils the answer if asked."""
import glob
import os
import threading
import time
import traceback

import control
import edm
from faults import FAULTS, Plan
from messages import HTML, Refused
from odata import Service
from plant import MATERIALS, Plant
from rules import Rules
from session import Sessions
from store import Store
from web import Answer

# What is certain neither from published metadata nor from measurement is a setting; POST /sim/settings changes them while running.
SETTINGS = {
    "duplicates": "allow",          # a second confirmation with the same ExternalSystemConfirmation: allow | reject
    "read-only": "refuse",          # a property that cannot be set, given nevertheless: refuse | ignore
    "alpha": "padded",              # numbers of orders and the like in answers: padded | stripped
    "drop-zeros": False,            # decimals in answers without trailing zeros
    "double-as-text": True,         # Edm.Double of V2 as text, as ABAP writes it
    "csrf": True,                   # tokens are given and demanded
    "secure-cookies": False,        # cookies of a session only over TLS
    "session-s": 1800.0, "token-s": 3600.0,
    "if-match": True,               # updates without If-Match: 428
    "open-from": "2026-01",         # first open posting period
    "posting-ms": 0.0,              # how long a posting has its order open
    "goods-delay-ms": 0.0,          # how much later goods movements appear
    "slow-ms": 500.0, "huge-mb": 64.0, "retry-after-s": 1,
    "maintenance": False,           # 503 to everything
    "throttle-per-s": 0.0,          # more requests a second: 429; 0: no limit
    "page": 0,                      # server-side paging: rows a page
    "batch-stop": True,             # reads after a failed change set are skipped
    "clients": ["100"], "notification-types": ["M1", "M2", "M3"],
    "metadata": "good",             # or a name of HOSTILE
}
BOMB = ('<?xml version="1.0"?><!DOCTYPE m [<!ENTITY a "aaaaaaaaaa">'
        + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi")) + "]><m>&i;</m>")
HOSTILE = {
    "bomb": lambda text: BOMB,
    "entity": lambda text: '<?xml version="1.0"?><!DOCTYPE m [<!ENTITY x SYSTEM "file:///etc/passwd">]><m>&x;</m>',
    "deep": lambda text: "<a>" * 100_000 + "</a>" * 100_000,
    "huge": lambda text: text.replace("<Property ", '<Property Name="P" Type="Edm.String"/>' * 100_000 + "<Property ", 1),
    "cut": lambda text: text[:len(text) // 2],
    "html": lambda text: HTML.format(title="Logon", text="Please log on"),
    "empty": lambda text: "",
    "binary": lambda text: "\0\1\2\3" * 1000,
    "other": lambda text: '<?xml version="1.0"?><edmx:Edmx Version="1.0" xmlns:edmx="http://schemas.microsoft.com/ado/2007/06/edmx"/>',
}
OAUTH_PATH = "/sap/bc/sec/oauth2/token"
PAGES = {"unavailable": (503, "Service Unavailable", "The application server is not available"),
         "bad-gateway": (502, "Bad Gateway", "The proxy got no answer"), "gateway-timeout": (504, "Gateway Timeout", "The proxy gave up"),
         "filtered": (403, "Forbidden", "The answer was withheld"), "redirected": (302, "Found", "The page has moved")}


class Locks:
    """Objects that a posting has open; a second one at the same time is refused, not queued, as with enqueue locks."""

    def __init__(self, app):
        self.app, self.lock, self.open = app, threading.Lock(), set()

    def hold(self, names):
        return _Hold(self, set(names))


class _Hold:
    def __init__(self, locks, names):
        self.locks, self.names = locks, names

    def __enter__(self):
        with self.locks.lock:
            busy = next((n for n in self.names if n in self.locks.open), None)
            if busy is not None:
                raise Refused("locked", "OrderID", value=busy.rpartition(" ")[2], user="OPERATOR1")
            self.locks.open |= self.names

    def __exit__(self, *_):
        with self.locks.lock:
            self.locks.open -= self.names


class App:
    def __init__(self, folder, settings, users, oauth, subjects, faults, tls, materials=()):
        self.settings, self.tls = {**SETTINGS, **settings}, tls
        self.lock, self.serial, self.counts = threading.Lock(), 0, {}
        self.recent, self.second = [], (0, 0)
        self.store, self.plan, self.locks = Store(folder), Plan(faults), Locks(self)
        self.sessions = Sessions(self.settings, users, oauth, subjects)
        self.materials = set(MATERIALS) | set(materials)
        self.models, self.sets = {}, {}
        for path in sorted(glob.glob(os.path.join(os.path.dirname(os.path.abspath(__file__)), "metadata/*.xml"))):
            name = os.path.basename(path)[:-len(".xml")]
            with open(path, encoding="utf-8") as f:
                self.models[name.lower()] = edm.Model(name, f.read())
            self.sets.update(self.models[name.lower()].sets)
        self.plant, self.rules = Plant(self), Rules(self)
        self.plant.seed()

    # For the parts

    def next_number(self):
        with self.lock:
            self.serial += 1
            return self.serial

    def count(self, name):
        with self.lock:
            self.counts[name] = self.counts.get(name, 0) + 1

    @staticmethod
    def pause(seconds):
        if seconds > 0:
            time.sleep(seconds)

    @staticmethod
    def later(milliseconds):
        return time.time() + milliseconds / 1000 if milliseconds else 0

    @staticmethod
    def visible(entity):
        return entity.get("_visible", 0) <= time.time() if entity.get("_visible") else True

    def metadata(self, model):
        return HOSTILE.get(self.settings["metadata"], lambda text: text)(model.text)

    # A request's way

    def handle(self, request):
        if request.path.startswith("/sim"):
            return control.handle(self, request)
        self.count(f"{request.method} {request.path.rpartition('/')[2].partition('(')[0]}")
        self._remember(request)
        if self.settings["maintenance"]:
            return self._page("unavailable")
        fault = self.plan.pick(request.headers.get("x-http-method", request.method), request.target)
        try:
            answer = self._before(fault, request) or self._serve(request)
        except Exception:                       # a mistake of the simulator's own: said aloud, and tests fail by it
            traceback.print_exc()
            return self._page("bad-gateway")
        self._after(fault, answer)
        return answer

    def _remember(self, request):
        kept = {n: v if n not in ("authorization", "cookie") else "..." for n, v in request.headers.items()}
        with self.lock:
            self.recent.append({"method": request.method, "target": request.target, "headers": kept, "bytes": len(request.body),
                                "body": request.body[:2000].decode("utf-8", "replace")})
            del self.recent[:-200]

    def _throttled(self):
        limit = self.settings["throttle-per-s"]
        if not limit:
            return False
        now = int(time.monotonic())
        with self.lock:
            second, n = self.second
            self.second = (now, n + 1 if second == now else 1)
            return self.second[1] > limit

    def _page(self, name):
        status, title, text = PAGES[name]
        headers = [("Retry-After", str(self.settings["retry-after-s"]))] if status == 503 else []
        return Answer(status, HTML.format(title=title, text=text), "text/html;charset=utf-8", headers)

    def _before(self, fault, request):
        """What a fault does before anything is done; None lets the request through."""
        if fault == "throttle" or self._throttled():
            return Answer(429, '{"error":{"code":"429","message":{"lang":"en","value":"Too many requests"}}}',
                          headers=[("Retry-After", str(self.settings["retry-after-s"]))])
        if FAULTS.get(fault) == "delay":
            self.pause(self.settings["slow-ms"] / 1000)
        if FAULTS.get(fault) != "before":
            return None
        if fault == "stale":
            self.sessions.forget(request)       # the request goes on and meets 403, if it changes anything
            return None
        if fault == "cut-before":
            answer = Answer(200)
            answer.cut = "before"
            return answer
        if fault == "unauthorized":
            return self.sessions.unauthorized()
        if fault == "login-page":
            return Answer(200, HTML.format(title="Logon", text="Please log on"), "text/html;charset=utf-8")
        if fault in PAGES:
            return self._page(fault)
        service = self._service(request)
        refused = Refused("locked", "OrderID", value="", user="OPERATOR1") if fault == "locked" else Refused(fault)
        return service.refusal(refused, request) if service else self._page("bad-gateway")

    def _after(self, fault, answer):
        """What a fault does to the answer of a request that had its effect."""
        if FAULTS.get(fault) != "after":
            return
        if fault in ("lost-answer", "cut-within", "cut-after"):
            answer.cut = {"lost-answer": "before", "cut-within": "within", "cut-after": "after"}[fault]
        elif fault == "slow":
            answer.delay_s = self.settings["slow-ms"] / 1000
        elif fault in ("gateway-timeout", "filtered", "redirected"):
            page = self._page(fault)
            answer.status, answer.kind, answer.body, answer.headers = page.status, page.kind, page.body, page.headers
        elif fault == "bad-json":
            answer.body = answer.body[:len(answer.body) // 2] + b'"\\x'
        elif fault == "bad-xml":
            answer.kind, answer.body = "application/xml;charset=utf-8", b'<?xml version="1.0"?><entry><content><m:properties>'
        elif fault == "empty":
            answer.body = b""
        elif fault == "huge":
            answer.body = b'{"d":{"results":[' + b'"xxxxxxxxxxxxxxxx",' * int(self.settings["huge-mb"] * 1024 * 1024 / 19) + b'""]}}'

    def _service(self, request):
        """The service that a path leads to; its version suffix is part of the segment."""
        parts = request.path.split("/")
        if request.path.startswith("/sap/opu/odata/sap/") and len(parts) > 5:
            model, depth = self.models.get(parts[5].partition(";")[0].lower()), 6
        elif request.path.startswith("/sap/opu/odata4/sap/") and len(parts) > 9 and parts[6] == "srvd_a2x":
            model, depth = self.models.get(parts[5].lower()), 10
        else:
            return None
        return Service(self, model, "/".join(parts[:depth])) if model else None

    def _serve(self, request):
        if request.path == OAUTH_PATH and request.method == "POST":
            return self.sessions.token_endpoint(request)
        request.user = self.sessions.user(request)
        if request.user is None:
            return self.sessions.unauthorized()
        service = self._service(request)
        if service is None:
            return Answer(404, HTML.format(title="Not found", text="No service at this path"), "text/html;charset=utf-8")
        client = request.query.get("sap-client") or request.headers.get("sap-client")
        if client and client not in self.settings["clients"]:
            return service.refusal(Refused("client", value=client), request)
        if request.method not in ("GET", "HEAD"):
            refused = self.sessions.refused(request)
            if refused:
                self.count("refused csrf")
                return refused
        answer = service.handle(request)
        answer.headers += self.sessions.fetch(request) if request.method in ("GET", "HEAD") else []
        answer.headers.append(("DataServiceVersion" if service.model.version == 2 else "OData-Version",
                               "2.0" if service.model.version == 2 else "4.0"))
        return answer


__all__ = ["App", "HOSTILE", "SETTINGS"]
