#!/usr/bin/python3
"""penstock cert, with the openssl program as the plant's CA, as the devices, and as the second opinion on what we make and believe."""
import json
import os
import re
import stat
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from penstock import *


def openssl(*words, check=True):
    done = subprocess.run(["openssl", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60 * SCALE, check=False)
    assert not check or done.returncode == 0, done.stderr.decode()
    return done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")


class Plant:
    """A state directory, a CA and devices beside it."""

    def __init__(self):
        self.dir = temp_dir()
        self.state = os.path.join(self.dir, "state")
        os.mkdir(self.state)

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def store(self, *names, side="ot"):
        return os.path.join(self.state, "pki", side, *names)

    def cert(self, *words, side="ot", status=0):
        done = penstock("cert", *words, "--state", self.state, *(["--side", side] if side else []))
        equal(done.returncode, status, f"{words}: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def items(self, side="ot"):
        done = penstock("cert", "list", "--json", "--state", self.state, *(["--side", side] if side else []))
        return [json.loads(line) for line in done.stdout.splitlines()]

    def places(self, side="ot"):
        return sorted(i["place"] for i in self.items(side))

    def ca(self, name):
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self.path(f"{name}.key"), "-out", self.path(f"{name}.pem"),
                "-subj", f"/CN={name}", "-days", "400", "-addext", "basicConstraints=critical,CA:TRUE",
                "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        with open(self.path(f"{name}.cnf"), "w", encoding="utf-8") as f:
            f.write(f"[ca]\ndefault_ca=d\n[d]\ndatabase={self.path(name)}.index\ndefault_md=sha256\ncrlnumber={self.path(name)}.number\n"
                    f"default_crl_days=10\ncertificate={self.path(name)}.pem\nprivate_key={self.path(name)}.key\n")
        open(self.path(f"{name}.index"), "w", encoding="utf-8").close()
        with open(self.path(f"{name}.number"), "w", encoding="utf-8") as f:
            f.write("01\n")

    def crl(self, name):
        openssl("ca", "-gencrl", "-config", self.path(f"{name}.cnf"), "-out", self.path(f"{name}.crl"))
        return self.path(f"{name}.crl")

    def device(self, name, days="300"):
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self.path(f"{name}.key"), "-out", self.path(f"{name}.der"),
                "-outform", "DER", "-subj", f"/CN={name}", "-days", days, "-addext", f"subjectAltName=URI:urn:{name}:plc,DNS:{name}",
                "-addext", "basicConstraints=critical,CA:FALSE")
        return self.path(f"{name}.der")


def sha1(path):
    out = openssl("x509", "-in", path, "-noout", "-fingerprint", "-sha1")
    return re.search("=([0-9A-F:]+)", out).group(1)


def test_a_new_certificate_is_what_openssl_too_reads_in_it():
    p = Plant()
    equal(p.cert("list"), "there is no certificate yet; make one: penstock cert new --side ot --site NAME\n", "an empty list")
    out = p.cert("new", "--site", "Dresden Süd", "--host", "edge-1", "--ip", "10.3.1.2", "--bits", "2048", "--days", "500")
    assert "urn:edge-1:penstock:Dresden%20S%C3%BCd:ot" in out and "give them " + p.store("own/cert.der") in out, out
    text = openssl("x509", "-in", p.store("own/cert.der"), "-noout", "-text")
    for part in ("Public-Key: (2048 bit)", "sha256WithRSAEncryption", "CA:FALSE", "DNS:edge-1, IP Address:10.3.1.2", "Version: 3",
                 "URI:urn:edge-1:penstock:Dresden%20S%C3%BCd:ot", "TLS Web Client Authentication"):
        assert part in text, (part, text)
    equal(stat.S_IMODE(os.stat(p.store("own/key.pem")).st_mode), 0o600, "rights of the key")
    openssl("pkey", "-in", p.store("own/key.pem"), "-check", "-noout")
    pair = [openssl("x509", "-in", p.store("own/cert.der"), "-noout", "-pubkey"), openssl("pkey", "-in", p.store("own/key.pem"), "-pubout")]
    equal(pair[0], pair[1], "the pair")
    openssl("x509", "-in", p.store("own/cert.der"), "-out", p.path("own.pem"))
    openssl("verify", "-CAfile", p.path("own.pem"), p.store("own/cert.der"))
    item = p.items()[0]
    equal((item["place"], item["days-left"], item["state"]), ("own", 499 if item["days-left"] == 499 else 500, "ok"), "the row")
    assert "there is a certificate already" in p.cert("new", "--site", "x", status=1)
    assert "say which side" in penstock("cert", "new", "--site", "x", "--state", p.state).stderr
    assert "--site NAME" in p.cert("new", side="it", status=2)


def test_a_key_that_others_may_read_is_said_and_not_used():
    p = Plant()
    p.cert("new", "--site", "x", "--bits", "2048")
    os.chmod(p.store("own/key.pem"), 0o644)
    out = p.cert("list", status=1)
    assert "can be read or changed by others" in out and p.store("own/key.pem") in out, out
    assert "can be read or changed by others" in p.cert("renew", "--stage", status=1)


def test_trust_and_reject_move_what_they_name():
    p = Plant()
    der = p.device("filler")
    print_ = sha1(der)
    out = p.cert("trust", der)
    assert out.startswith("trusted: CN=filler [" + print_.replace(":", "") + "]"), out
    equal(p.places(), ["trusted/certs"], "after trust")
    name = f"filler [{print_.replace(':', '')}].der"
    equal(os.listdir(p.store("trusted/certs")), [name], "its name")
    with open(der, "rb") as a, open(p.store("trusted/certs", name), "rb") as b:
        equal(a.read(), b.read(), "its bytes")
    assert "it is trusted already" in p.cert("trust", print_, status=1)
    out = p.cert("reject", print_[:14].lower())
    assert "no longer trusted: CN=filler" in out, out
    equal(p.places(), ["rejected"], "after reject")
    assert "trust was withdrawn by" in p.items()[0]["why"]
    p.cert("trust", print_.replace(":", "")[:8])
    equal(p.places(), ["trusted/certs"], "trusted again")
    equal(os.listdir(p.store("rejected")), [], "nothing is left")
    for word, text in (("12345678", "no certificate in"), ("1234", "neither a file nor a thumbprint"), (p.path("none.der"), "no such thing")):
        out = p.cert("trust", word, status=1 if word == "12345678" else 2)
        assert text in out, out
    with open(p.store("changes.log"), encoding="utf-8") as f:
        actions = [line.split()[1] for line in f]
    equal(actions, ["trusted", "rejected", "trusted"], "changes.log")


def test_what_is_damaged_ended_or_ends_soon_is_marked():
    p = Plant()
    p.cert("trust", p.device("soon", days="29"))
    p.cert("trust", p.device("later", days="31"))
    equal(sorted((i["subject"], i["state"]) for i in p.items()), [("CN=later", "ok"), ("CN=soon", "SOON")], "states")
    out = p.cert("list", status=1)
    assert re.search(r"ot +trusted/certs +SOON +2[89] ", out), out
    with open(p.store("trusted/certs/bad.der"), "wb") as f:
        f.write(b"no certificate")
    assert re.search("DAMAGED.*bad.der", p.cert("list", status=1))
    # By hand, as PEM, under any name: it counts.
    openssl("x509", "-in", p.device("copied"), "-inform", "DER", "-out", p.store("trusted/certs/whatever.pem"))
    assert "CN=copied" in p.cert("list", status=1)
    out = p.cert("show", sha1(p.path("copied.der")))
    for part in ("URI urn:copied:plc", "DNS copied", "itself (self-signed)", "RSA 2048 bits", "days left",
                 openssl("x509", "-in", p.path("copied.der"), "-noout", "-fingerprint", "-sha256").split("=")[1].strip().replace(":", "")):
        assert part in out, (part, out)
    equal(p.cert("show", p.path("copied.der")).splitlines(), out.splitlines()[2:], "a file and the store")
    assert "'1234' is none of" in p.cert("show", "1234", status=2)


def test_a_running_gateway_warns_of_what_ends_soon():
    p = Plant()
    p.cert("trust", p.device("soon", days="29"))
    p.cert("trust", p.device("broker", days="3"), side="it")
    p.cert("trust", p.device("later", days="31"))
    g = Gateway(free_port(), folder=p.dir)
    wait_for(lambda: sum("event=certificate_ends" in l for l in g.run.err) >= 2, 10, "the warnings")
    said = [l for l in g.run.err if "event=certificate_ends" in l]
    equal(sorted((l.split("proc=")[1].split()[0], "CN=soon" in l, "CN=broker" in l) for l in said),
          [("field:line-3", True, False), ("office", False, True)], "who warns of what")


def test_a_ca_signs_for_us_and_a_renewal_is_staged():
    p = Plant()
    p.ca("Plant CA")
    out = p.cert("new", "--csr", "--site", "Dresden", "--host", "edge-1", "--bits", "2048")
    assert "own/next.csr.pem" in out, out
    openssl("req", "-in", p.store("own/next.csr.pem"), "-noout", "-verify")

    def sign(target, *more):
        openssl("x509", "-req", "-in", p.store("own/next.csr.pem"), "-CA", p.path("Plant CA.pem"), "-CAkey", p.path("Plant CA.key"),
                "-CAcreateserial", "-days", "200", "-out", p.path(target), *more)
    sign("bare.pem")
    assert "has left the ApplicationURI out" in p.cert("import", p.path("bare.pem"), status=1)
    sign("ours.pem", "-copy_extensions", "copy")
    assert "in force" in p.cert("import", p.path("ours.pem"), p.path("Plant CA.pem"))
    equal(p.places(), ["issuers/certs", "own"], "own, and its CA, not trusted")
    openssl("verify", "-CAfile", p.path("Plant CA.pem"), p.store("own/cert.der"))
    assert "must sign the next one too" in p.cert("renew", "--stage", status=1)
    p.cert("new", "--csr")
    sign("next.pem", "-copy_extensions", "copy")
    assert "staged" in p.cert("import", p.path("next.pem"))
    before = sha1(p.store("own/cert.der"))
    p.cert("renew", "--activate")
    after = sha1(p.store("own/cert.der"))
    assert before != after
    equal(sha1(p.store("own/previous.cert.der")), before, "the previous one is kept")
    p.cert("renew", "--back")
    equal(sha1(p.store("own/cert.der")), before, "back")


def test_renewal_of_a_self_signed_one_is_shown_first_and_used_later():
    p = Plant()
    p.cert("new", "--site", "x", "--host", "edge-1", "--bits", "2048", "--days", "20")
    was = sha1(p.store("own/cert.der"))
    assert "staged the next" in p.cert("renew", "--auto", "--before", "30", "--overlap", "7")
    assert "nothing is due" in p.cert("renew", "--auto", "--before", "30", "--overlap", "7")
    equal(sha1(p.store("own/cert.der")), was, "still in force")
    new = sha1(p.store("own/next.cert.der"))
    assert "activated" in p.cert("renew", "--auto", "--before", "30", "--overlap", "25")
    equal(sha1(p.store("own/cert.der")), new, "in force")
    uris = [openssl("x509", "-in", p.store("own", n), "-noout", "-ext", "subjectAltName") for n in ("cert.der", "previous.cert.der")]
    equal(uris[0], uris[1], "the names are kept")
    assert "nothing is staged" in p.cert("renew", "--activate", status=1)
    assert "say one of" in p.cert("renew", status=2)


def test_revocation_lists_find_their_ca_and_never_go_back():
    p = Plant()
    p.ca("A")
    p.ca("B")
    old = p.crl("A")
    with open(old, "rb") as f:
        old_bytes = f.read()
    assert "not by any CA that is known here" in p.cert("import", old, status=1)
    out = p.cert("trust", p.path("A.pem"))
    assert "all that this CA signs" in out, out
    p.cert("import", p.path("B.pem"), p.crl("B"))
    p.cert("import", old)
    equal(p.places(), ["issuers/certs", "issuers/crl", "trusted/certs", "trusted/crl"], "each list beside its CA")
    subprocess.run(["sleep", "1.1"], check=True)	# thisUpdate has whole seconds
    p.cert("import", p.crl("A"))
    with open(p.path("old.crl"), "wb") as f:
        f.write(old_bytes)
    assert "get the newest" in p.cert("import", p.path("old.crl"), status=1)
    out = p.cert("import", p.path("A.key"), status=2)
    assert "neither a certificate nor a revocation list" in out, out


def test_the_two_sides_know_nothing_of_each_other():
    p = Plant()
    p.cert("trust", p.device("scada"), side="it")
    equal((p.places("ot"), p.places("it")), ([], ["trusted/certs"]), "places")
    equal(p.places(None), ["trusted/certs"], "both")


def test_root_acts_as_the_owner_of_the_state_directory():
    if os.geteuid() != 0:
        skip("only root can be tried")
    p = Plant()
    der = p.device("filler")
    os.chmod(der, 0o600)  # root's own: read before the rights are given up
    os.chmod(p.dir, 0o700)  # as /var/lib/private, where systemd keeps what a DynamicUser owns
    os.chown(p.state, 65534, 65534)
    p.cert("new", "--site", "x", "--bits", "2048")
    p.cert("trust", der)
    owners = {os.stat(os.path.join(folder, n)).st_uid for folder, dirs, files in os.walk(p.state) for n in dirs + files}
    equal(owners, {65534}, "owners")
    with open(p.store("changes.log"), encoding="utf-8") as f:
        assert 'by="nobody"' not in f.read(), "who gave the command"


def test_two_at_once_lose_nothing():
    p = Plant()
    ders = [p.device(f"d{i}") for i in range(6)]
    running = [subprocess.Popen([program(), "cert", "trust", d, "--side", "ot", "--state", p.state], stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE) for d in ders]
    for r in running:
        _, err = r.communicate(timeout=60 * SCALE)
        equal((r.returncode, err), (0, b""), "trust")
    equal(p.places(), ["trusted/certs"] * 6, "all six")
    with open(p.store("changes.log"), encoding="utf-8") as f:
        equal(len(f.readlines()), 6, "changes.log")


if __name__ == "__main__":
    main()
