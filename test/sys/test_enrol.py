#!/usr/bin/python3
"""Nodes that come to know each other by a secret that works once: penstock node invite and join, and what must not get in."""
import json
import os
import random
import re
import socket
import ssl
import stat
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from links import *
from penstock import *

SECRET = re.compile(r"^    ((?:[0-9A-Z]{4}-){8}[0-9A-Z]{4})$")
WRONG = "000G-40R4-0M30-E209-185G-R38E-1W81-24GK-E19J"       # well-formed, of the bytes 0 to 19


class Invitation:
    """`penstock node invite`, running, for a state folder of its own or one that is given."""

    def __init__(self, *words, state=None, name="relay", invited="cell"):
        self.state = state or temp_dir()
        self.port = free_port()
        self.run = start_penstock("node", "invite", invited, "--listen", f"127.0.0.1:{self.port}", "--state", self.state,
                                  *(["--name", name] if name else []), *words)
        self.run.wait_line("^Waiting at 127.0.0.1", 20)
        shown = [m.group(1) for m in map(SECRET.match, self.run.out) if m]
        self.secret = shown[0] if shown else None

    def join(self, secret=None, state=None, port=None, name="cell", peer="relay", words=()):
        state = state or temp_dir()
        done = penstock("node", "join", f"127.0.0.1:{port or self.port}", "--name", name, "--peer", peer, "--state", state, *words,
                        stdin=(secret or self.secret) + "\n")
        done.state = state
        return done

    def end(self, status):
        equal(self.run.wait(20), status, "status of invite: " + self.run.tail())
        return "\n".join(self.run.out)


def trusted(state, side):
    done = penstock("cert", "list", "--json", "--side", side, "--state", state)
    return [i["subject"] for i in map(json.loads, done.stdout.splitlines()) if i["place"] == "trusted/certs"]


def changes(state, side):
    with open(os.path.join(state, "pki", side, "changes.log"), encoding="utf-8") as f:
        return f.read()


def nobody_is_trusted(*where):
    for state, side in where:
        equal(trusted(state, side), [], f"who is trusted in {state}, side {side}")


def certificate(folder, name):
    """Key and self-signed certificate of somebody else, by the openssl program."""
    key, cert = os.path.join(folder, name + ".key"), os.path.join(folder, name + ".pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-subj", f"/CN={name}", "-days", "30",
                    "-addext", f"subjectAltName=URI:urn:{name},DNS:{name}"], check=True, capture_output=True, timeout=60 * SCALE)
    return cert, key


def client_context(folder, name="mallory"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.load_cert_chain(*certificate(folder, name))
    return context


def test_both_believe_each_other_and_nothing_listens_afterwards():
    inv = Invitation()
    done = inv.join()
    equal(done.returncode, 0, done.stdout + done.stderr)
    assert "Joined: relay is trusted here" in done.stdout, done.stdout
    assert "cell has joined" in inv.end(0), inv.run.tail()
    equal((trusted(inv.state, "ot"), trusted(done.state, "it")), (["CN=cell"], ["CN=relay"]), "who is trusted")
    with socket.socket() as s:
        assert s.connect_ex(("127.0.0.1", inv.port)) != 0, "something still listens"
    for state, side, words in ((inv.state, "ot", ("invited", "trusted", "let-in")), (done.state, "it", ("trusted", "joined"))):
        log = changes(state, side)
        assert all(re.search(rf"Z {w} by=", log) for w in words), log
    for state in (inv.state, done.state):       # nothing of the secret is kept anywhere
        for folder, _, names in os.walk(state):
            for name in names:
                with open(os.path.join(folder, name), "rb") as f:
                    assert inv.secret.encode() not in f.read(), f"the secret stands in {folder}/{name}"


def test_a_wrong_secret_lets_nobody_in_and_too_many_end_the_invitation():
    inv = Invitation()
    state = temp_dir()
    done = inv.join(WRONG, state)
    equal(done.returncode, 1, done.stdout + done.stderr)
    assert "the proof does not fit" in done.stderr, done.stderr
    equal(inv.join(WRONG.replace("E19J", "E19K"), state).returncode, 2, "one that is mistyped does not even go there")
    for i in range(2, 11):
        inv.run.wait_line(f"wrong ones so far: {i - 1} of 10", 10)
        wait_for(lambda: inv.join(WRONG, state).returncode == 1, 10, "another try")
    assert "The invitation has ended: 10 proofs did not fit" in inv.end(1), inv.run.tail()
    nobody_is_trusted((inv.state, "ot"), (state, "it"))
    assert "ended-by-wrong-secrets" in changes(inv.state, "ot")


def test_a_secret_works_once():
    inv = Invitation()
    first = inv.join()
    equal(first.returncode, 0, first.stderr)
    inv.end(0)
    second = inv.join()
    equal(second.returncode, 2, second.stderr)
    assert "Does penstock node invite wait there" in second.stderr, second.stderr
    # Nor at a later invitation by the same node.
    later = Invitation(state=inv.state)
    other = later.join(inv.secret)
    equal(other.returncode, 1, other.stderr)
    nobody_is_trusted((other.state, "it"))
    equal(trusted(inv.state, "ot"), ["CN=cell"], "who is trusted still")


def test_an_invitation_ends_by_itself_and_by_a_signal():
    inv = Invitation("--valid", "10s")
    assert "The time is over, and cell did not come" in inv.end(1), inv.run.tail()
    equal(inv.join().returncode, 2, "who comes later")
    inv = Invitation()
    inv.run.send_signal(15)
    assert "Withdrawn" in inv.end(1), inv.run.tail()
    assert "withdrawn" in changes(inv.state, "ot")


def test_the_secret_stands_in_no_command_line_and_its_file_is_private():
    folder = temp_dir()
    path = os.path.join(folder, "secret")
    inv = Invitation("--file", path)
    equal(inv.secret, None, "a secret on the screen")
    equal(stat.S_IMODE(os.stat(path).st_mode), 0o600, "rights of the file")
    with open(path, encoding="utf-8") as f:
        secret = f.read().strip()
    assert not any(secret in word for word in command_line(inv.run.pid))
    done = penstock("node", "join", secret, "--name", "cell", "--peer", "relay", "--state", temp_dir())
    equal(done.returncode, 2, done.stderr)
    assert "stood in the command line" in done.stderr, done.stderr
    again = penstock("node", "invite", "cell", "--name", "relay", "--listen", f"127.0.0.1:{free_port()}", "--file", path, "--state", temp_dir())
    equal(again.returncode, 2, "a file that is there is not written to: " + again.stdout + again.stderr)
    state = temp_dir()
    done = penstock("node", "join", f"127.0.0.1:{inv.port}", "--name", "cell", "--peer", "relay", "--state", state, "--file", path)
    equal(done.returncode, 0, done.stdout + done.stderr)
    inv.end(0)


def test_other_names_and_addresses_are_said():
    inv = Invitation()
    done = inv.join(name="press")
    equal(done.returncode, 1, done.stderr)
    assert "joins as 'press' to 'relay'" in done.stderr and "'cell' was invited" in done.stderr, done.stderr
    nobody_is_trusted((inv.state, "ot"), (done.state, "it"))
    equal(inv.join().returncode, 0, "the right one afterwards")
    inv.end(0)
    for words, says in ((["--listen", "0.0.0.0"], "name one address"), (["--listen", "127.0.0.1:99999"], "is no address"), ([], "say where to wait"),
                        (["--listen", "127.0.0.1", "--valid", "1s"], "from 10 s to 24 h")):
        done = penstock("node", "invite", "cell", "--name", "relay", "--state", temp_dir(), *words)
        equal(done.returncode, 2, f"{words}: {done.stdout}{done.stderr}")
        assert says in done.stderr, (says, done.stderr)


class Relay:
    """Somebody in the middle: TLS to both with a certificate of his own, passing on what is said within."""

    def __init__(self, target):
        folder = temp_dir()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(60 * SCALE)
        self.port = self.listener.getsockname()[1]
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server.load_cert_chain(*certificate(folder, "relay"))
        self.client = client_context(folder, "cell")
        self.target = target
        self.passed = [b"", b""]
        defer(self.listener.close)
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def pump(self, a, b, n):
        try:
            while data := a.recv(65536):
                self.passed[n] += data
                b.sendall(data)
        except OSError:
            pass

    def work(self):
        conn, _ = self.listener.accept()
        with self.server.wrap_socket(conn, server_side=True) as down, \
                self.client.wrap_socket(socket.create_connection(("127.0.0.1", self.target), 60)) as up:
            down.settimeout(30 * SCALE)
            up.settimeout(30 * SCALE)
            other = threading.Thread(target=self.pump, args=(up, down, 1), daemon=True)
            other.start()
            self.pump(down, up, 0)
            other.join(60 * SCALE)


def test_who_relays_tls_with_his_own_certificate_gets_nothing():
    inv = Invitation()
    middle = Relay(inv.port)
    done = inv.join(port=middle.port)
    equal(done.returncode, 1, done.stdout + done.stderr)
    assert "the proof does not fit" in done.stderr and "stands between" in done.stderr, done.stderr
    middle.thread.join(60 * SCALE)
    assert b"PNSTKENR" in middle.passed[0] and b"relay" in middle.passed[0], f"the relay passed on {middle.passed}"
    inv.run.wait_line("the proof does not fit: another secret, or somebody stands between", 10)
    nobody_is_trusted((inv.state, "ot"), (done.state, "it"))
    equal(inv.join().returncode, 0, "the straight way afterwards")
    inv.end(0)


def hostile(port, context):
    """What strangers may throw at the port; each thrower gets a connection."""
    rnd = random.Random(4711)
    hello = bytes.fromhex("16030100")

    def raw(data):
        with socket.create_connection(("127.0.0.1", port), 60) as s:
            s.settimeout(1)
            try:
                s.sendall(data)
                s.recv(100)
            except OSError:
                pass

    def inside(data):
        try:
            with context.wrap_socket(socket.create_connection(("127.0.0.1", port), 60)) as s:
                s.settimeout(5)
                s.sendall(data)
                while s.recv(4096):
                    pass
        except OSError:
            pass
    for n in (0, 1, 5, 300):
        raw(rnd.randbytes(n))
    raw(hello + b"\xff\xff" + rnd.randbytes(400))       # a record of the longest length, cut off
    raw(b"GET / HTTP/1.1\r\n\r\n")
    for data in (b"\xff\xff\xff\x7f\x08", b"\x00\x00\x00\x00", b"\x00\x10\x00\x00\x08" + b"A" * 5000, b"\x01\x00\x00\x00\x0a",
                 b"\x36\x00\x00\x00\x08PNSTKENR\x01\x00\x04cell\x05relay" + bytes(31), b"\x21\x00\x00\x00\x09" + bytes(32),
                 b"\x24\x00\x00\x00\x08PNSTKENR\x63\x00" + bytes(25), rnd.randbytes(2000)):
        inside(data)


def test_strangers_neither_break_it_nor_keep_the_right_one_out():
    inv = Invitation()
    context = client_context(temp_dir())
    hostile(inv.port, context)
    silent = [socket.create_connection(("127.0.0.1", inv.port), 60) for _ in range(20)]
    for s in silent:
        defer(s.close)
    assert inv.run.running(), inv.run.tail()
    joined = wait_for(lambda: (done := inv.join()).returncode == 0 and done, 40, "the right one to get in", every_s=0.5)
    inv.end(0)
    equal((trusted(inv.state, "ot"), trusted(joined.state, "it")), (["CN=cell"], ["CN=relay"]), "who is trusted")


def test_a_certificate_that_has_ended_is_made_anew_by_an_enrolment():
    state = temp_dir()
    folder = os.path.join(state, "pki/it/own")
    os.makedirs(folder)
    short_lived(folder, "cell", "20240101000000Z", "20250101000000Z")
    inv = Invitation()
    done = inv.join(state=state)
    equal(done.returncode, 0, done.stdout + done.stderr)
    assert "our certificate had ended at 2025-01-01T00:00:00Z; making a new one" in done.stderr, done.stderr
    inv.end(0)


def short_lived(folder, name, begin, end):
    """An own certificate as ours are, but with these dates, by the openssl program. Times as YYYYMMDDHHMMSSZ."""
    work = temp_dir()
    key, csr, cert = (os.path.join(folder, "key.pem"), os.path.join(work, "csr.pem"), os.path.join(work, "cert.pem"))
    config = os.path.join(work, "ca.cnf")
    with open(config, "w", encoding="utf-8") as f:
        f.write(f"[ca]\ndefault_ca=d\n[d]\ndatabase={work}/index\nserial={work}/serial\nnew_certs_dir={work}\ndefault_md=sha256\npolicy=p\nunique_subject=no\n"
                "x509_extensions=x\n[p]\ncommonName=supplied\n[x]\nbasicConstraints=critical,CA:FALSE\n"
                "keyUsage=critical,digitalSignature,nonRepudiation,keyEncipherment,dataEncipherment,keyCertSign\nextendedKeyUsage=serverAuth,clientAuth\n"
                f"subjectKeyIdentifier=hash\nsubjectAltName=URI:urn:{name}:penstock:test,DNS:{name}\n")
    open(os.path.join(work, "index"), "w", encoding="utf-8").close()
    with open(os.path.join(work, "serial"), "w", encoding="utf-8") as f:
        f.write("0123456789ABCDEF\n")
    for words in (["req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", csr, "-subj", f"/CN={name}"],
                  ["ca", "-batch", "-selfsign", "-config", config, "-keyfile", key, "-in", csr, "-out", cert, "-startdate", begin, "-enddate", end, "-notext"],
                  ["x509", "-in", cert, "-outform", "DER", "-out", os.path.join(folder, "cert.der")]):
        done = subprocess.run(["openssl", *words], capture_output=True, timeout=60 * SCALE, check=False)
        assert done.returncode == 0, done.stderr.decode()
    os.chmod(key, 0o600)


def enrol(inviter, joiner):
    """As two people do it, with all names taken from the plans that run."""
    inv = Invitation(state=inviter.state, name=None, invited=joiner.name)
    done = penstock("node", "join", f"127.0.0.1:{inv.port}", "--state", joiner.state, stdin=inv.secret + "\n")
    equal(done.returncode, 0, done.stdout + done.stderr)
    inv.end(0)


def texts(sim, port, reverse):
    """Cell and relay. reverse: the node above opens the session, so the cell's sink listens, and the cell invites."""
    cell = cell_text(sim, port)
    relay = upper_text("relay", "dmz", 3.5, port, "cell", "  out: { kind: history, zone: ZONE }\n")
    if reverse:
        cell = cell.replace("level: 2", "level: 3.5").replace("initiator: from", "initiator: to")
        relay = relay.replace("name: relay, timeout", "role: connect, name: relay, timeout")
    return cell, relay


def a_link_after_an_enrolment(reverse):
    sim = Sim("bottling", "--skip", "10m", "--scale", "10")
    text = texts(sim, free_port(), reverse)
    cell, relay = LinkNode("cell", text[0]), LinkNode("relay", text[1])
    inviter, joiner = (cell, relay) if reverse else (relay, cell)
    for n in (relay, cell):
        n.start()
    time.sleep(1)
    assert not (relay.streams() and relay.dump("line-state")), "samples before anybody was let in"
    # The wrong way round there is nothing to wait at or to go to, which is said.
    wrong = penstock("node", "invite", inviter.name, "--state", joiner.state)
    equal(wrong.returncode, 2, wrong.stdout + wrong.stderr)
    assert "no link that listens" in wrong.stderr, wrong.stderr
    wrong = penstock("node", "join", "--peer", joiner.name, "--state", inviter.state)
    equal(wrong.returncode, 2, wrong.stdout + wrong.stderr)
    assert "no link that connects" in wrong.stderr, wrong.stderr
    enrol(inviter, joiner)
    wait_for(lambda: relay.streams() and len(relay.dump("line-state")) > 100, 30, "samples over the link")
    equal((trusted(relay.state, "ot"), trusted(cell.state, "it")), (["CN=cell"], ["CN=relay"]), "who is trusted")
    for node, what in ((inviter, ["invited", "let-in"]), (joiner, ["joined"])):
        entries = [json.loads(line) for line in node.cli("audit", "show", "--json").stdout.splitlines()]
        got = [e["entry"] for e in entries if e["kind"] == "node"]
        equal([e["what"] for e in got], what, f"audit log of {node.name}")
        equal(got[-1]["peer"], "relay" if node is cell else "cell", "whom it is about")
        assert re.fullmatch("[0-9A-F]{64}", got[-1]["sha256"]), got
        equal(node.cli("audit", "verify").returncode, 0, "the audit log's chain")


@timeout(90)
def test_a_link_works_after_an_enrolment_and_the_audit_log_has_it():
    a_link_after_an_enrolment(False)


@timeout(90)
def test_a_link_that_the_node_above_opens_is_enrolled_from_below():
    a_link_after_an_enrolment(True)


def certificate_entries(node):
    """What the processes of a node changed in their stores of certificates by themselves, as its audit log has it."""
    entries = [json.loads(line) for line in node.cli("audit", "show", "--json").stdout.splitlines()]
    return [e["entry"] for e in entries if e["kind"] == "cert"]


def utc(seconds):
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + seconds))


class Pair:
    """A cell and a relay whose certificates are of these dates, each trusting the other's as if it had been let in."""

    def __init__(self, begin, end, reverse=False):
        self.sim = Sim("bottling", "--skip", "10m", "--scale", "10")
        text = texts(self.sim, free_port(), reverse)
        self.cell = LinkNode("cell", text[0])
        self.relay = LinkNode("relay", text[1])
        self.nodes = self.relay, self.cell
        self.sides = {"relay": "ot", "cell": "it"}
        for n in self.nodes:
            folder = os.path.join(n.state, "pki", self.sides[n.name], "own")
            os.makedirs(folder)
            short_lived(folder, n.name, begin, end)
        self.relay.trust("ot", self.cell, "it")
        self.cell.trust("it", self.relay, "ot")
        self.first = {n.name: self.own(n) for n in self.nodes}

    def start(self):
        for n in self.nodes:
            n.start()

    def items(self, node, place):
        done = node.cli("cert", "list", "--json", "--side", self.sides[node.name])
        return [i["sha1"] for i in map(json.loads, done.stdout.splitlines()) if i["place"] == place]

    def own(self, node):
        return self.items(node, "own")[0]


def handed_over(p):
    """Each has made its next one and handed it over; each trusts only the next one when it was shown. Returns who the other one is."""
    p.start()
    wait_for(lambda: p.relay.streams() and p.relay.dump("line-state"), 20, "samples over the link")
    other = {"relay": p.cell, "cell": p.relay}
    wait_for(lambda: all(len(p.items(n, "trusted/certs")) == 1 and p.items(n, "trusted/certs") != [p.first[other[n.name].name]] for n in p.nodes), 30,
             "the first certificates to be believed no more")
    return other


def all_comes_up(p):
    """Samples come over the link, with the certificates in force now; and what is above in the end is what is below."""
    before = len(p.relay.dump("line-state"))
    wait_for(lambda: len(p.relay.dump("line-state")) > before + 100, 30, "further samples above")
    p.sim.stop()
    wait_for(lambda: len(p.relay.dump("line-state")) == len(p.cell.dump("line-state")), 30, "all samples above", every_s=0.5)
    equal(p.relay.dump("line-state"), p.cell.dump("line-state"), "what came over the link")


@timeout(90)
def test_nodes_renew_their_certificates_when_the_one_above_opens_the_session():
    p = Pair(utc(-220 * SCALE), utc(100 * SCALE), reverse=True)
    handed_over(p)
    all_comes_up(p)


@timeout(150)
def test_nodes_renew_their_certificates_by_themselves_and_lose_nothing():
    life = 25 * SCALE       # left when they start; a third of the whole
    p = Pair(utc(-2.2 * life), utc(life))
    other = handed_over(p)
    wait_for(lambda: all(p.own(n) != p.first[n.name] for n in p.nodes), 60, "the next pairs to be in force")
    for n in p.nodes:
        equal(p.items(n, "trusted/certs"), [p.own(other[n.name])], f"whom {n.name} trusts")
        log = changes(n.state, p.sides[n.name])
        at = [log.find(" " + word + " by=") for word in ("staged", "activated")]
        assert 0 < at[0] < at[1] and " renewed by=" in log and " retired by=" in log, log
        audited = wait_for(lambda node=n: (got := certificate_entries(node)) and {"staged", "activated", "renewed", "retired"} <= {e["what"] for e in got} and got,
                           10, f"the audit log of {n.name} to have it")
        process = {"relay": r"field:.*", "cell": "office"}[n.name]
        for e in audited:
            assert re.fullmatch(process, e["process"]) and e["side"] == p.sides[n.name], e
        renewed = [e for e in audited if e["what"] == "renewed"]
        assert p.own(other[n.name]) in [e["sha1"] for e in renewed], (renewed, p.own(other[n.name]))
        equal([e["what"] for e in audited], [line.split()[1] for line in log.splitlines() if re.search(" by=\"the (nodes themselves|gateway)\"", line)],
              "changes.log and the audit log, side by side")
        equal(n.cli("audit", "verify").returncode, 0, "the audit log's chain")
    # Past the end of the first ones everything connects anew, whole nodes too.
    wait_for(lambda: time.time() > os.stat(p.cell.site).st_mtime + life + 5 * SCALE, 60 * SCALE, "the end of the first certificates")
    for n in p.nodes:
        n.kill_all()
        n.start()
    all_comes_up(p)


@timeout(90)
def test_a_certificate_that_has_ended_is_said_with_the_remedy_and_an_enrolment_mends_it():
    p = Pair("20240101000000Z", "20250101000000Z")
    p.start()
    for n in p.nodes:
        line = n.run.wait_line("event=link_failed.*has ended at 2025-01-01T00:00:00Z", 20).string
        assert "penstock node invite above, penstock node join below" in line, line
    status = p.cell.cli("status").stdout + p.relay.cli("status").stdout
    assert status.count("has ended at 2025-01-01") >= 1, status
    enrol(p.relay, p.cell)
    wait_for(lambda: p.relay.streams() and len(p.relay.dump("line-state")) > 50, 30, "samples over the link")


if __name__ == "__main__":
    main()
