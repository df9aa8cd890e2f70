"""Foreign peers of OData, started for one test. Imported by itself: from odata_peers import *

OdataMock   test/peers/odata_mock.js: SAP's mock server for OData V2 and V4, on the metadata that we wrote
OdataV4     test/peers/odata_v4.js: a generic OData V4 server, no SAP Gateway
SapClient   test/peers/sap_client.js: the HTTP client of SAP's Cloud SDK
"""
import json
import subprocess

from cases import wait_for
from peers import node
from procs import free_port, temp_dir


class _Server:
    """A server that prints a JSON line a request: seen() are these."""

    def __init__(self, script, *words):
        self.port = free_port()
        self.proc = node(script, "--port", str(self.port), *words)
        self.proc.wait_line("^ready", 30)
        self.address = f"127.0.0.1:{self.port}"

    def seen(self, method=None, part=""):
        lines = [json.loads(line) for line in list(self.proc.out) if line.startswith("{")]
        return [line for line in lines if method in (None, line["method"]) and part in line["url"]]


class OdataMock(_Server):
    def __init__(self, *services):
        words = ["--data", temp_dir()]
        for service in services:
            words += ["--service", service]
        super().__init__("odata_mock.js", *words)


class OdataV4(_Server):
    def __init__(self):
        super().__init__("odata_v4.js")


class SapClient:
    """ask() sends one request and returns (status, headers, body)."""

    def __init__(self, url, user=None, password_file=None, ca=None):
        words = ["--url", url]
        words += ["--user", user, "--password-file", password_file] if user else []
        words += ["--ca", ca] if ca else []
        self.proc = node("sap_client.js", *words, stdin=subprocess.PIPE)
        self.proc.wait_line("^ready", 30)

    def ask(self, method, path, body=None, **headers):
        before = len(self.answers())
        request = {"method": method, "path": path, "body": body, "headers": {n.replace("_", "-"): v for n, v in headers.items()}}
        self.proc.proc.stdin.write(json.dumps(request).encode() + b"\n")
        self.proc.proc.stdin.flush()
        answer = json.loads(wait_for(lambda: self.answers()[before:], 20, "an answer of the SDK's client")[0])
        assert "error" not in answer, answer["error"]
        return answer["status"], answer["headers"], answer.get("body")

    def answers(self):
        return [line for line in list(self.proc.out) if line.startswith("{")]


__all__ = ["OdataMock", "OdataV4", "SapClient"]
