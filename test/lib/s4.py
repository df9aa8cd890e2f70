"""The simulated S/4HANA, started for one test, and a plain client of it. Imported by itself: from s4 import *

    s4 = S4()                                   # http, anybody may log on
    s4 = S4(tls=Certificates(), user="MES")     # https and basic; .password, .password_file
    s4.totals(), s4.documents(identity=I), s4.settings(maintenance=True), s4.orders({"id": 1000500, "status": "closed"})
    s4.rates("seed=3,lost-answer=0.1"), s4.fault("lost-answer", method="POST", path="ProdnOrdConf2"), s4.calm()
    s4.stop(), s4.kill(), s4.start()            # the journal stays, sessions do not

    client = s4.client()                        # Python's own HTTP client: a second opinion on the simulator itself
    client.get("ProdnOrdConf2?$top=1"), client.post("ProdnOrdConf2", {...}), client.batch([...])
"""
import http.client
import json
import os
import ssl
import urllib.error
import urllib.request

from cases import defer
from procs import TOP, Proc, free_port, temp_dir

CONFIRMATION = "/sap/opu/odata/sap/API_PROD_ORDER_CONFIRMATION_2_SRV"
ODATA = "/sap/opu/odata/sap/"
MEASUREMENT = "/sap/opu/odata4/sap/api_measurementdocument/srvd_a2x/sap/measurementdocument/0001"


class S4:
    """test/peers/s4_server.py. words go to its command line as they are."""

    def __init__(self, tls=None, user=None, oauth=None, subject=None, faults="", words=(), client_ca=False):
        self.folder = temp_dir()
        self.port, self.control = free_port(), free_port()
        self.tls, self.user, self.oauth = tls, user, oauth
        self.password, self.secret = "Einstieg-7 äß", "geheim/+=7"
        self.password_file, self.secret_file = os.path.join(self.folder, "password"), os.path.join(self.folder, "secret")
        for path, text in ((self.password_file, self.password), (self.secret_file, self.secret)):
            with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="utf-8") as f:
                f.write(text)
        self.words = ["--port", self.port, "--control-port", self.control, "--state", os.path.join(self.folder, "state")]
        self.words += ["--tls", tls.server, tls.server_key] if tls else []
        self.words += ["--client-ca", tls.ca] if tls and (subject or client_ca) else []
        self.words += ["--subject", subject] if subject else []
        self.words += ["--user", user, "--password-file", self.password_file] if user else []
        self.words += ["--oauth", oauth, "--oauth-secret-file", self.secret_file] if oauth else []
        self.words += ["--faults", faults] if faults else []
        self.words += list(words)
        self.proc = None
        self.start()
        defer(lambda: self.proc.running() and self.stop())

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://{self.address}"

    def start(self):
        self.proc = Proc(["/usr/bin/python3", os.path.join(TOP, "test/peers/s4_server.py"), *self.words], name="s4")
        self.proc.wait_line("^ready", 20)

    def stop(self):
        status = self.proc.stop()
        if any(line.startswith("Traceback") for line in self.proc.err):
            raise AssertionError("the simulator has a mistake of its own, see its output")
        return status

    def kill(self):
        return self.proc.kill()

    def ask(self, name, data=None):
        """One question on /sim/, a POST when data is given."""
        body = None if data is None else json.dumps(data).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.control}/sim/{name}", data=body)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as problem:
            raise AssertionError(f"the simulator, asked {name}, says: {problem.read().decode()}") from None

    def totals(self):
        return self.ask("totals")

    def documents(self, **query):
        return self.ask("documents?" + "&".join(f"{n}={v}" for n, v in query.items()))

    def settings(self, **given):
        return self.ask("settings", {name.replace("_", "-"): value for name, value in given.items()})

    def orders(self, *specs):
        return self.ask("orders", list(specs))

    def rates(self, text):
        return self.ask("faults", {"rates": text})

    def fault(self, name, **rule):
        return self.ask("faults", {"rules": [{"fault": name, **rule}]})

    def calm(self):
        return self.ask("faults", {"clear": True})

    def client(self, service=CONFIRMATION, **options):
        return Client(self, service, **options)


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def error(self):
        """Code, text and target of a refusal."""
        error = self.json()["error"]
        inner = error.get("innererror", {}).get("errordetails") or error.get("details") or [{}]
        message = error["message"]
        return error["code"], message["value"] if isinstance(message, dict) else message, inner[0].get("target", "")


class Client:
    """A connection to one service, with token and cookies as the reference says."""

    def __init__(self, s4, service=CONFIRMATION, headers=None, context=None):
        self.s4, self.root, self.extra = s4, service, headers or {}
        if s4.tls:
            context = context or ssl.create_default_context(cafile=s4.tls.ca)
            self.connection = http.client.HTTPSConnection("127.0.0.1", s4.port, timeout=60, context=context)
        else:
            self.connection = http.client.HTTPConnection("127.0.0.1", s4.port, timeout=60)
        self.token, self.cookies = None, {}

    def ask(self, method, path, body=None, **headers):
        sent = {"Accept": "application/json", **self.extra, **{n.replace("_", "-"): v for n, v in headers.items()}}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{n}={v}" for n, v in self.cookies.items())
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            sent.setdefault("Content-Type", "application/json")
        target = path if path.startswith("/") else f"{self.root}/{path}"
        try:
            self.connection.request(method, target.replace(" ", "%20"), body=body, headers=sent)
            answer = self.connection.getresponse()
            reply = Reply(answer.status, answer.headers, answer.read())
        except (OSError, http.client.HTTPException):
            self.connection.close()             # the next one opens it anew
            raise
        for cookie in reply.headers.get_all("Set-Cookie") or []:
            name, _, rest = cookie.partition("=")
            self.cookies[name] = rest.partition(";")[0]
        return reply

    def get(self, path, **headers):
        return self.ask("GET", path, **headers)

    def fetch(self):
        reply = self.ask("HEAD", "", x_csrf_token="Fetch")
        self.token = reply.headers.get("x-csrf-token")
        return reply

    def post(self, path, body=None, method="POST", **headers):
        if self.token is None:
            self.fetch()
        token = {"x_csrf_token": self.token} if self.token else {}
        return self.ask(method, path, body, **{**token, **headers})

    def batch(self, *changes, reads=()):
        """One $batch: each change set a list of (path, body); then reads. Returns (status, parts as text)."""
        lines = []
        for n, change in enumerate(changes):
            lines += ["--b", f"Content-Type: multipart/mixed; boundary=c{n}", ""]
            for i, (path, body) in enumerate(change):
                text = json.dumps(body)
                lines += [f"--c{n}", "Content-Type: application/http", "Content-Transfer-Encoding: binary", f"Content-ID: {n}{i}", "",
                          f"POST {path} HTTP/1.1", "Content-Type: application/json", "Accept: application/json",
                          f"Content-Length: {len(text)}", "", text]
            lines += [f"--c{n}--", ""]
        for path in reads:
            lines += ["--b", "Content-Type: application/http", "Content-Transfer-Encoding: binary", "", f"GET {path} HTTP/1.1",
                      "Accept: application/json", "", ""]
        body = "\r\n".join(lines + ["--b--", ""])
        reply = self.post("$batch", body, Content_Type="multipart/mixed; boundary=b")
        return reply.status, reply.body.decode()


def confirmation(order="1000123", amount="1", identity=None, **more):
    """The smallest confirmation that is taken."""
    body = {"OrderID": order, "OrderOperation": "0010", "Sequence": "0", "ConfirmationUnit": "PC", "ConfirmationYieldQuantity": amount}
    if identity:
        body["ExternalSystemConfirmation"] = identity
    return {**body, **more}


__all__ = ["CONFIRMATION", "Client", "MEASUREMENT", "ODATA", "Reply", "S4", "confirmation"]
