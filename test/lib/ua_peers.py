"""Foreign OPC UA peers, and certificates for them and for us.

UaServer      test/peers/ua_server, on open62541; its address space is told at the top of ua_server.c
UaNodeServer  test/peers/ua_server.js, on node-opcua: the same address space, with alarms; slower to start (2 s) and to serve
UaClient      test/peers/ua_client.js, on node-opcua, for judging servers; UaLogins tries who may log in
bare_client() test/peers/ua_bare_client, which counts what a server sends
UaPki         authorities and application certificates, good and bad ones
"""
import itertools
import json
import os
import shutil
import subprocess
import time

from cases import skip, wait_for
from procs import TOP, Proc, free_port, peer, run, temp_dir

PLANT_URI = "urn:penstock:test:plant"
POLICIES = ("Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss")


class UaCert:
    """Paths of one certificate: .der, .pem, .key (PEM), and .uri, the ApplicationURI in it (None for an authority)."""

    def __init__(self, folder, name, uri):
        self.name, self.uri = name, uri
        self.der, self.pem, self.key = (os.path.join(folder, f"{name}.{kind}") for kind in ("der", "pem", "key"))


class UaPki:
    """Makes certificates with the openssl program. Names are unique within one UaPki; all of it goes with the test."""

    def __init__(self):
        self.folder = temp_dir()
        self._serials = itertools.count(0x1001)

    def _openssl(self, *words):
        done = run("openssl", *words, limit_s=30)
        if done.returncode:
            raise AssertionError(f"openssl {words[0]}: {done.stderr}")

    def _make(self, name, uri, extensions, signer, days, began_days_ago, bits, digest):
        cert = UaCert(self.folder, name, uri)
        base = os.path.join(self.folder, name)
        lines = ["[ca]", "default_ca=own", "[own]", f"new_certs_dir={base}.issued", f"database={base}.index",
                 f"serial={base}.serial", f"default_md={digest}", "policy=any", "unique_subject=no", "x509_extensions=ext",
                 "default_crl_days=30", "[any]", "commonName=supplied", "organizationName=optional", "[req]",
                 "distinguished_name=dn", "prompt=no", "[dn]", f"CN={name}", "O=Penstock tests", "[ext]", *extensions]
        with open(base + ".cnf", "w", encoding="utf-8") as f:
            f.write("\n".join(lines) + "\n")
        os.makedirs(base + ".issued")
        open(base + ".index", "w", encoding="ascii").close()
        with open(base + ".serial", "w", encoding="ascii") as f:
            f.write(f"{next(self._serials):04X}\n")

        self._openssl("req", "-new", "-newkey", f"rsa:{bits}", "-nodes", f"-{digest}", "-config", base + ".cnf",
                      "-keyout", cert.key, "-out", base + ".csr")
        begin = time.time() - began_days_ago * 86400
        # The signer's database, but this certificate's extensions.
        by = os.path.join(self.folder, signer.name) if signer else base
        with open(by + ".serial", "w", encoding="ascii") as f:
            f.write(f"{next(self._serials):04X}\n")
        who = ["-cert", signer.pem, "-keyfile", signer.key] if signer else ["-selfsign", "-keyfile", cert.key]
        self._openssl("ca", "-batch", "-notext", "-config", by + ".cnf", "-extfile", base + ".cnf", "-extensions", "ext",
                      "-md", digest, "-startdate", time.strftime("%Y%m%d%H%M%SZ", time.gmtime(begin)),
                      "-enddate", time.strftime("%Y%m%d%H%M%SZ", time.gmtime(begin + days * 86400)),
                      *who, "-in", base + ".csr", "-out", cert.pem)
        self._openssl("x509", "-in", cert.pem, "-outform", "DER", "-out", cert.der)
        return cert

    def authority(self, name="authority", signer=None):
        """A certificate that signs others; crl() makes its list."""
        return self._make(name, None, ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign",
                                       "subjectKeyIdentifier=hash"], signer, 30, 1, 2048, "sha256")

    def application(self, name, uri=None, signer=None, days=30, began_days_ago=1, bits=2048, digest="sha256",
                    hosts=("DNS:localhost", "IP:127.0.0.1"), usage=None):
        """An application instance certificate (Part 6, 6.2.2), its own signer unless an authority is given.

        uri             the ApplicationURI, by default urn:penstock:test:NAME
        days, began_days_ago   its life; days=1, began_days_ago=3 is one that has expired, -2 one not valid yet
        """
        uri = uri or f"urn:penstock:test:{name}"
        usage = usage or ("digitalSignature,nonRepudiation,keyEncipherment,dataEncipherment" +
                          ("" if signer else ",keyCertSign"))
        return self._make(name, uri, ["basicConstraints=CA:FALSE", f"keyUsage=critical,{usage}",
                                      "extendedKeyUsage=serverAuth,clientAuth", "subjectKeyIdentifier=hash",
                                      "subjectAltName=" + ",".join([f"URI:{uri}", *hosts])],
                          signer, days, began_days_ago, bits, digest)

    def user(self, name, signer=None):
        """A certificate that a person logs in with."""
        return self._make(name, None, ["basicConstraints=CA:FALSE",
                                       "keyUsage=critical,digitalSignature,nonRepudiation,keyEncipherment,dataEncipherment",
                                       "extendedKeyUsage=clientAuth", "subjectKeyIdentifier=hash"],
                          signer, 30, 1, 2048, "sha256")

    def crl(self, authority, revoked=()):
        """Path of the authority's revocation list, DER, with these certificates on it."""
        base = os.path.join(self.folder, authority.name)
        own = ["-config", base + ".cnf", "-cert", authority.pem, "-keyfile", authority.key]
        with open(base + ".crlnumber", "w", encoding="ascii") as f:
            f.write(f"{next(self._serials):04X}\n")
        for cert in revoked:
            self._openssl("ca", *own, "-revoke", cert.pem)
        self._openssl("ca", *own, "-gencrl", "-md", "sha256", "-out", base + ".crl.pem")
        self._openssl("crl", "-in", base + ".crl.pem", "-outform", "DER", "-out", base + ".crl")
        return base + ".crl"


class Commanded:
    """A peer that takes commands on its standard input and answers each with one JSON line."""

    def __init__(self, proc):
        self.proc = proc
        self._ids = itertools.count(1)

    def ask(self, *words, limit_s=10):
        """Sends a command; returns its answer. Fails if the peer says that it could not."""
        number = next(self._ids)
        self.proc.proc.stdin.write((f"#{number} " + " ".join(str(w) for w in words) + "\n").encode())
        self.proc.proc.stdin.flush()
        mark = f'"id":{number},', f'"id":{number}' + "}"
        line = wait_for(lambda: next((text for text in reversed(list(self.proc.out)) if text.startswith('{"ok":') and
                                      (mark[0] in text or mark[1] in text)), None), limit_s,
                        f"{self.proc.name}'s answer to {words[0]!r}")
        answer = json.loads(line)
        if not answer["ok"]:
            raise AssertionError(f"{self.proc.name}, asked {' '.join(str(w) for w in words)!r}, says: {answer['error']}")
        return answer

    def events(self, kind):
        """What it told of itself so far, as dictionaries: every {"event": kind, ...}."""
        return [e for e in (json.loads(text) for text in list(self.proc.out) if text.startswith('{"event":'))
                if e["event"] == kind]

    def writes(self, node=None):
        """Writes by clients, {"node", "value"}; of one node where it is named."""
        return [e for e in self.events("write") if node is None or e["node"].endswith(f";s={node}")]

    def stats(self):
        return self.ask("stats")


def words_of(options):
    """Options of a peer: a=1 gives --a 1, a=True gives --a, a=[1, 2] gives it twice; None and False are left out."""
    words = []
    for key, value in options.items():
        for one in value if isinstance(value, (list, tuple)) else [value]:
            if one is not None and one is not False:
                words += ["--" + key.replace("_", "-")] + ([] if one is True else [str(one)])
    return words


def path_of(cert):
    """The DER file of a UaCert, or the path itself."""
    return getattr(cert, "der", cert)


class Server(Commanded):
    """What the two servers have in common. .url is the endpoint; every command of theirs goes by ask()."""

    def __init__(self, port, options):
        self.port = port or free_port()
        self.url = f"opc.tcp://127.0.0.1:{self.port}"
        self._options = options
        super().__init__(self._start())

    def _start(self):
        proc = Proc([*self.command(), "--port", self.port, *words_of(self._options)], name=self.name, stdin=subprocess.PIPE)
        proc.wait_line(r"^ready", 30)
        return proc

    def get(self, node):
        """What the node holds, as the server's command `get` has it."""
        return self.ask("get", node)["value"]

    def set(self, node, value):
        """Sets a scalar; the value is JSON, as the server's command `set` has it."""
        self.ask("set", node, json.dumps(value))

    def status(self, node, code):
        """From now on the node has this status code."""
        self.ask("status", node, hex(code))

    def stop(self):
        return self.proc.stop()

    def restart(self, **changed):
        """Ends it and starts it anew on the same port, for instance with namespaces="urn:other,urn:penstock:test:plant"."""
        self.proc.stop()
        self._options.update(changed)
        self.proc = self._start()


class UaServer(Server):
    """test/peers/ua_server. Options as its own: variables=1000, change_ms=100, policy=["Basic256Sha256"], no_sign=True.

    cert    a UaCert: its certificate, key and ApplicationURI
    trust   [UaCert or a path]: the client certificates that it takes; none given, it takes any
    port    where it listens; by default a free port

    get() gives {"Value": {"Type", "Body"}, "Status", "SourceTimestamp"}, OPC UA's own JSON encoding.
    """

    name = "ua_server"

    def __init__(self, cert=None, trust=(), port=None, **options):
        if cert is not None:
            options = {"uri": cert.uri, "cert": cert.der, "key": cert.key, **options}
        super().__init__(port, {**options, "trust": [path_of(t) for t in trust]})

    @staticmethod
    def command():
        return [peer("ua_server")]


def node_peer(script):
    """The start of a command line; skips the test where node or npm's packages are not here."""
    if shutil.which("node") is None:
        skip("node is not installed")
    if not os.path.exists(os.path.join(TOP, "test/peers/node_modules/node-opcua")):
        skip("npm's peers are not here; run make node-peers")
    return ["node", os.path.join(TOP, "test/peers", script)]


class UaNodeServer(Server):
    """test/peers/ua_server.js; arguments as UaServer's. get() gives {"type", "value", "status", "source"}."""

    name = "ua_server.js"

    def __init__(self, cert=None, trust=(), port=None, **options):
        if cert is not None:
            options = {"uri": cert.uri, "cert": cert.pem, "key": cert.key, **options}
        super().__init__(port, {**options, "pki": temp_dir(), "trust": [path_of(t) for t in trust]})

    def command(self):
        return node_peer("ua_server.js")


def client_options(cert, trust, user_cert, options):
    """Options of ua_client.js from the arguments of UaClient."""
    if cert is not None:
        options = {"uri": cert.uri, "cert": cert.pem, "key": cert.key, **options}
    if user_cert is not None:
        options = {"user_cert": user_cert.der, "user_key": user_cert.key, **options}
    return {**options, "trust": [path_of(t) for t in trust]}


class UaLogins(Commanded):
    """test/peers/ua_client.js for trying many log-ins, one after the other; starting node takes seconds, this does not."""

    def __init__(self):
        super().__init__(Proc([*node_peer("ua_client.js"), "--pki", temp_dir()], name="ua_client.js", stdin=subprocess.PIPE))
        self.proc.wait_line(r'^{"event":"ready"', 30)

    def refused(self, url, cert=None, trust=(), user_cert=None, **options):
        """None, or why the connection came to nothing. Arguments as UaClient's."""
        options = client_options(cert, trust, user_cert, {"url": url, **options})
        camel = {"user_cert": "userCert", "user_key": "userKey"}
        return self.ask("try", json.dumps({camel.get(k, k): v for k, v in options.items()}), limit_s=20)["refused"]


class UaClient(Commanded):
    """test/peers/ua_client.js, connected when the constructor returns; .refused is its error if the server did not let it in.

    cert, trust as UaServer's; user="name:password", or user_cert=a UaCert; policy, mode, namespace as its own options.
    Queries go by ask(), see test/peers/ua_node/queries.js.
    """

    def __init__(self, url, cert=None, trust=(), user_cert=None, **options):
        words = words_of(client_options(cert, trust, user_cert, {"pki": temp_dir(), **options}))
        super().__init__(Proc([*node_peer("ua_client.js"), "--url", url, *words], name="ua_client.js",
                              stdin=subprocess.PIPE))
        said = json.loads(self.proc.wait_line(r'^({"event":"(connected|failed)".*)', 30).group(1))
        self.refused = said.get("error")

    def read(self, *nodes):
        """[{"type", "value", "status", "source", "server"}]"""
        return self.ask("read", *nodes)["values"]

    def value(self, node):
        return self.read(node)[0]["value"]

    def write(self, node, kind, value):
        """Returns the status code."""
        return self.ask("write", node, kind, json.dumps(value))["status"]

    def stop(self):
        return self.proc.stop()


def bare_client(url, *, limit_s=120, **options):
    """Runs test/peers/ua_bare_client to its end; returns its JSON lines joined into one dictionary."""
    done = run(peer("ua_bare_client"), "--url", url, *words_of(options), limit_s=limit_s)
    if done.returncode:
        raise AssertionError(f"ua_bare_client: {done.stderr.strip()}")
    return {k: v for line in done.stdout.splitlines() for k, v in json.loads(line).items()}


__all__ = ["PLANT_URI", "POLICIES", "UaCert", "UaClient", "UaLogins", "UaNodeServer", "UaPki", "UaServer", "bare_client"]
