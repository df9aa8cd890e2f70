#!/usr/bin/python3
"""Connections of the opcua driver to a foreign server: every policy and mode, every kind of user, certificates that are wrong in each way, restarts, a set of
servers."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from penstock import *
from ua_peers import *
from ua_site import *

KEYS = {"Basic256Sha256": "basic256sha256", "Aes128_Sha256_RsaOaep": "aes128-sha256-rsaoaep",
        "Aes256_Sha256_RsaPss": "aes256-sha256-rsapss"}
QUICK = "timeout: 3 s, retry-max: 1 s"


def prepared(sources, *certs):
    """A gateway that has its own certificate and trusts these, not yet started."""
    g = UaGateway(sources, start=False)
    g.own()
    g.trust(*certs)
    return g


def test_every_policy_and_mode_and_the_strongest_of_all():
    pki = UaPki()
    cert = pki.application("press")
    server = UaServer(cert=cert, variables=10, change_ms=100, policy=["None", *POLICIES])
    sources = {f"{key[:6]}-{mode}": (server.url, f"security: [{key}], mode: [{mode}], {QUICK}")
               for key in KEYS.values() for mode in ("sign", "sign-and-encrypt")}
    sources["none"] = (server.url, f"security: [none], {QUICK}")
    sources["best"] = (server.url, f"security: [none, basic256sha256, aes128-sha256-rsaoaep, aes256-sha256-rsapss], {QUICK}")
    sources["default"] = (server.url, QUICK)
    g = prepared(sources, cert)
    g.start()
    for name, key in KEYS.items():
        for mode, shown in (("sign", "Sign"), ("sign-and-encrypt", "SignAndEncrypt")):
            text = g.up(f"{key[:6]}-{mode}")["detail"]["connection"]
            assert f"with {name}/{shown} as anonymous" in text, text
    assert "with None/None" in g.up("none")["detail"]["connection"]
    for source in ("best", "default"):
        assert "with Aes256_Sha256_RsaPss/SignAndEncrypt" in g.up(source)["detail"]["connection"]


def test_a_second_stack_with_every_policy_mode_and_a_user():
    pki = UaPki()
    cert = pki.application("press")
    server = UaNodeServer(cert=cert, variables=10, policy=list(POLICIES), user=["maria:s3cret"])
    g = prepared({}, cert)
    good, bad = g.file("good", "s3cret"), g.file("bad", "guess")
    sources = {f"{key[:6]}-{mode}": (server.url, f"security: [{key}], mode: [{mode}], {QUICK}")
               for key in KEYS.values() for mode in ("sign", "sign-and-encrypt")}
    g.write({**sources, "maria": (server.url, f"user: maria, password: {good}, {QUICK}"),
             "wrong": (server.url, f"user: maria, password: {bad}, {QUICK}")})
    g.start()
    for source in sources:
        g.up(source)
    assert "Aes256_Sha256_RsaPss/SignAndEncrypt as maria" in g.up("maria")["detail"]["connection"]
    g.refused("wrong", "opening the session", "refuses this user", "password is wrong")


def test_without_a_policy_in_common_both_lists_are_told():
    pki = UaPki()
    cert = pki.application("press")
    plain, safe = UaServer(cert=cert, variables=10), UaServer(cert=cert, variables=10, policy=["Basic256Sha256"], no_sign=True)
    g = prepared({"plain": (plain.url, QUICK), "safe": (safe.url, f"security: [aes256-sha256-rsapss], mode: [sign], {QUICK}")}, cert)
    g.start()
    g.refused("plain", "offers None/None", "admits aes256-sha256-rsapss, basic256sha256, aes128-sha256-rsaoaep")
    g.refused("safe", "offers Basic256Sha256/SignAndEncrypt", "admits aes256-sha256-rsapss, only sign")


def test_users_by_name_and_by_certificate_and_those_that_are_refused():
    pki = UaPki()
    cert, anna, other = pki.application("press"), pki.user("anna"), pki.user("other")
    server = UaServer(cert=cert, variables=10, change_ms=100, policy=["Basic256Sha256"], user=["maria:s3cret"], no_anonymous=True,
                      user_trust=[anna.der])
    g = prepared({}, cert)
    good, bad = g.file("good", "s3cret\n"), g.file("bad", "guess")
    g.write({"maria": (server.url, f"user: maria, password: {good}, {QUICK}"),
             "signed": (server.url, f"mode: [sign], user: maria, password: {good}, {QUICK}"),
             "wrong": (server.url, f"user: maria, password: {bad}, {QUICK}"),
             "lost": (server.url, f"user: maria, password: {g.folder}/nowhere, {QUICK}"),
             "anna": (server.url, f"user-certificate: {anna.der}, user-key: {anna.key}, {QUICK}"),
             "other": (server.url, f"user-certificate: {other.pem}, user-key: {other.key}, {QUICK}"),
             "nobody": (server.url, QUICK)})
    g.start()
    assert "as maria" in g.up("maria")["detail"]["connection"]
    assert "Sign as maria" in g.up("signed")["detail"]["connection"]
    assert "a user with a certificate" in g.up("anna")["detail"]["connection"]
    g.refused("wrong", "refuses this user", "password")
    g.refused("lost", "password", "cannot be read from", "nowhere")
    g.refused("other", "opening the session", "refuse")
    g.refused("nobody", "asks for an anonymous session", "user name on SignAndEncrypt")
    assert "s3cret" not in "".join(g.run.err), "the password stands in the log"


def test_a_password_is_not_sent_in_the_clear():
    server = UaServer(variables=10, user=["maria:s3cret"], plain_passwords=True)
    g = UaGateway({}, start=False)
    secret = g.file("secret", "s3cret")
    g.write({"press": (server.url, f"security: [none], user: maria, password: {secret}, {QUICK}")})
    g.start()
    g.refused("press", "never sent in the clear", "user name on None (protected by None)")


class Downgrader:
    """A man in the middle: passes all on, but what goes unprotected and offers SignAndEncrypt offers Sign instead (OPC 10000-4, 7.14: the mode
    stands before the policy's URI)."""

    def __init__(self, port, active=True):
        import socket
        self.altered, self.there = 0, port
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.active = active
        defer(self.listener.close)
        self._thread(self._accept)

    @staticmethod
    def _thread(what, *args):
        import threading
        threading.Thread(target=what, args=args, daemon=True).start()

    def _accept(self):
        import socket
        try:
            while True:
                near, _ = self.listener.accept()
                far = socket.create_connection(("127.0.0.1", self.there))
                self._thread(self._pass, near, far, False)
                self._thread(self._pass, far, near, True)
        except OSError:
            pass

    def _pass(self, source, target, alter):
        import re
        import socket
        mode = re.compile(rb"\x03\0\0\0(.\0\0\0http://opcfoundation\.org/UA/SecurityPolicy#)", re.DOTALL)
        try:
            while True:
                head = source.recv(8, socket.MSG_WAITALL)
                if len(head) < 8:
                    break
                body = source.recv(int.from_bytes(head[4:], "little") - 8, socket.MSG_WAITALL)
                if head[:3] == b"OPN":
                    alter = alter and b"#None" in body
                if alter and self.active and head[:3] == b"MSG":
                    body, n = mode.subn(lambda m: b"\x02\0\0\0" + m[1], body)
                    self.altered += n
                target.sendall(head + body)
        except OSError:
            pass
        for s in (source, target):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def test_a_man_in_the_middle_cannot_have_a_weaker_endpoint_chosen():
    pki = UaPki()
    cert = pki.application("press")
    server = UaServer(cert=cert, variables=10, change_ms=100, policy=["Basic256Sha256"])
    middle, honest = Downgrader(server.port), Downgrader(server.port, active=False)
    g = prepared({"press": (f"opc.tcp://127.0.0.1:{middle.port}", QUICK), "other": (f"opc.tcp://127.0.0.1:{honest.port}", QUICK)}, cert)
    g.start()
    g.refused("press", "Basic256Sha256/Sign ", "leads to: Basic256Sha256/SignAndEncrypt", "alters messages")
    assert middle.altered > 0, "nothing was altered"
    assert "with Basic256Sha256/SignAndEncrypt" in g.up("other")["detail"]["connection"]
    middle.active = False
    assert "with Basic256Sha256/SignAndEncrypt" in g.up("press")["detail"]["connection"]


def test_certificates_that_are_wrong_are_told_apart():
    pki = UaPki()
    certs = {"stranger": pki.application("stranger"), "expired": pki.application("expired", days=1, began_days_ago=3),
             "future": pki.application("future", began_days_ago=-2), "moved": pki.application("moved", hosts=("DNS:elsewhere.example",)),
             "liar": pki.application("liar", uri="urn:penstock:test:honest")}
    servers = {}
    for name, cert in certs.items():
        options = {"uri": "urn:penstock:test:another"} if name == "liar" else {}
        servers[name] = UaServer(cert=cert, variables=10, change_ms=100, policy=["Basic256Sha256"], **options)
    sources = {name: (s.url, QUICK) for name, s in servers.items()}
    sources["lenient"] = (servers["moved"].url, f"host-check: no, {QUICK}")
    sources["exact"] = (servers["moved"].url, f"host-check: no, server-uri: 'urn:penstock:test:someone', {QUICK}")
    g = prepared(sources, *(c for n, c in certs.items() if n != "stranger"))
    g.start()
    g.refused("stranger", "BadCertificateUntrusted", "CN=stranger", "trusted/certs", "penstock cert trust")
    g.refused("expired", "BadCertificateTimeInvalid", "CN=expired")
    g.refused("future", "BadCertificateTimeInvalid", "CN=future")
    g.refused("moved", "BadCertificateHostNameInvalid", "127.0.0.1", "elsewhere.example")
    g.refused("liar", "BadCertificateUriInvalid", "urn:penstock:test:honest", "urn:penstock:test:another")
    g.refused("exact", "calls itself urn:penstock:test:moved", "wants urn:penstock:test:someone")
    assert "with Basic256Sha256" in g.up("lenient")["detail"]["connection"]
    # A person looks at the thumbprint and trusts it: nothing is restarted.
    words = g.cause("stranger").split("penstock cert trust ")[1].split()
    done = g.cli("cert", "trust", words[0], "--side", "ot")
    equal(done.returncode, 0, done.stderr)
    g.up("stranger")


def test_a_server_that_does_not_trust_us_is_told_so_with_the_remedy():
    pki = UaPki()
    cert, somebody = pki.application("press"), pki.application("somebody")
    server = UaServer(cert=cert, trust=[somebody], variables=10, policy=["Basic256Sha256"])
    g = prepared({"press": (server.url, QUICK)}, cert)
    g.start()
    g.refused("press", "our certificate", "trust")


def test_what_does_not_answer_or_is_no_server_is_told_apart():
    port = free_port()
    mute = SilentServer()
    g = UaGateway({"closed": (f"opc.tcp://127.0.0.1:{port}", f"security: [none], {QUICK}"),
                   "mute": (f"opc.tcp://127.0.0.1:{mute.port}", "security: [none], timeout: 500 ms, retry-max: 1 s"),
                   "nameless": ("opc.tcp://no-such-host.invalid:4840", f"security: [none], {QUICK}")})
    g.refused("closed", f"127.0.0.1:{port}", "nothing listens on this port")
    g.refused("mute", "does not answer")
    g.refused("nameless", "no-such-host.invalid", "cannot be looked up")
    equal(g.status("closed"), "BadServerNotConnected", "status of a tag that was never reached")


class SilentServer:
    """Accepts connections and says nothing."""

    def __init__(self):
        import socket
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.socket.getsockname()[1]
        defer(self.socket.close)


def test_thirty_restarts_leave_nothing_behind():
    server = UaServer(variables=10, change_ms=50)
    g = UaGateway({"press": (server.url, "security: [none], timeout: 2 s, retry-max: 1 s, watch: 500 ms")})
    g.up("press")
    pid = g.field_pid()
    for i in range(6):
        server.restart()
        g.up("press")
    kb, fds = memory_kb(pid), descriptors(pid)
    for i in range(24):
        server.proc.stop()
        wait_for(lambda: g.why("press")["link_state"] != "up", 10, "the loss to be noticed", 0.02)
        server.restart()
        g.up("press")
    equal(g.field_pid(), pid, "the process that speaks to the server")
    assert descriptors(pid) <= fds + 1, (descriptors(pid), fds)
    if SCALE == 1:      # address sanitizers keep freed memory aside
        assert memory_kb(pid) <= kb + 1024, (memory_kb(pid), kb)
    equal(threads(pid), 2, "threads: the loop and one agent")


def test_the_better_server_of_a_set_is_used_without_a_gap():
    first, second = (UaServer(variables=10, change_ms=50, uri=f"urn:penstock:test:{n}") for n in ("first", "second"))
    g = UaGateway({"press": (first.url, f'security: [none], also: ["{second.url}"], watch: 300 ms, {QUICK}')})
    equal(g.up("press")["detail"]["server"], first.url, "the server in use")
    first.ask("level", 150)
    second.ask("level", 240)
    wait_for(lambda: g.why("press")["detail"].get("server") == second.url, 15, "the move to the better server", 0.1)
    g.up("press")
    equal(g.why("press")["detail"]["failovers"], "1" if isinstance(g.why("press")["detail"]["failovers"], str) else 1, "moves")
    second.proc.stop()
    wait_for(lambda: g.why("press")["detail"].get("server") == first.url and g.status("press") == "Good", 20,
             "the way back to the only one that is left", 0.1)


def test_a_renewed_certificate_is_shown_without_a_break():
    pki = UaPki()
    cert = pki.application("press")
    server = UaServer(cert=cert, variables=10, change_ms=100, policy=["Basic256Sha256"])
    g = prepared({"press": (server.url, QUICK)}, cert)
    g.start()
    before = g.up("press")
    for words in (("--stage",), ("--activate",)):
        done = g.cli("cert", "renew", *words, "--side", "ot", limit_s=40)
        equal(done.returncode, 0, done.stderr)
    wait_for(lambda: any("event=opcua_renewal" in line for line in list(g.run.err)), 20, "the move to the new certificate", 0.1)
    g.up("press")
    assert not any("event=link_lost" in line for line in list(g.run.err)), "the source was lost for a moment"
    equal(before["link_state"], "up")


def test_a_stop_closes_the_session():
    server = UaServer(variables=10, change_ms=100)
    g = UaGateway({"press": (server.url, "security: [none]")})
    g.up("press")
    equal(server.stats()["sessions"], 1, "sessions while it runs")
    g.stop()
    wait_for(lambda: server.stats()["sessions"] == 0, 5, "the session to be closed by us")


if __name__ == "__main__":
    main()
