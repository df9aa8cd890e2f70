"""Mosquitto with a configuration of its own, and certificates for it. RecordingBroker is in recorder.py."""
import os
import shutil
import signal

from cases import skip
from procs import Proc, free_port, run, temp_dir


class Certificates:
    """A throw-away authority with a certificate for the server (localhost, 127.0.0.1) and one for a client."""

    def __init__(self, client_name="penstock-test"):
        self.folder = temp_dir()
        self.ca, self.ca_key = self._path("ca.crt"), self._path("ca.key")
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                      "-subj", "/CN=penstock test authority", "-keyout", self.ca_key, "-out", self.ca,
                      "-addext", "basicConstraints=critical,CA:TRUE",
                      "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        self.server, self.server_key = self._issue("server", "localhost", "subjectAltName=DNS:localhost,IP:127.0.0.1")
        self.client, self.client_key = self._issue("client", client_name, "extendedKeyUsage=clientAuth")

    def _path(self, name):
        return os.path.join(self.folder, name)

    @staticmethod
    def _openssl(*words):
        done = run("openssl", *words)
        if done.returncode:
            raise AssertionError(f"openssl {words[0]}: {done.stderr}")

    def _issue(self, name, subject, extension):
        key, request, cert = self._path(name + ".key"), self._path(name + ".csr"), self._path(name + ".crt")
        extensions = self._path(name + ".ext")
        with open(extensions, "w", encoding="ascii") as f:
            f.write(extension + "\n")
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                      "-subj", f"/CN={subject}", "-keyout", key, "-out", request)
        self._openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self.ca_key, "-CAcreateserial", "-days",
                      "2", "-extfile", extensions, "-out", cert)
        return cert, key


class Mosquitto:
    """A mosquitto on a free loopback port.

    tls          a Certificates: the listener speaks TLS; with mutual=True it wants the client's certificate too
    max_inflight QoS 1 messages that one client may have open
    refuse       connects are refused as not authorised
    persist      keeps sessions and retained messages over a restart
    """

    def __init__(self, tls=None, mutual=False, max_inflight=None, refuse=False, persist=False, extra=()):
        self.path = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
        if self.path is None:
            skip("mosquitto is not installed")
        self.host, self.port = "127.0.0.1", free_port()
        self.folder = temp_dir()
        self.proc = None
        lines = [f"listener {self.port} 127.0.0.1", f"allow_anonymous {'false' if refuse else 'true'}",
                 "log_dest stderr", "log_type all", "connection_messages true"]
        if os.getuid() == 0:
            lines.append("user root")           # or it could not read what this test wrote
        if tls is not None:
            lines += [f"cafile {tls.ca}", f"certfile {tls.server}", f"keyfile {tls.server_key}",
                      f"require_certificate {'true' if mutual else 'false'}"]
        if max_inflight is not None:
            lines.append(f"max_inflight_messages {max_inflight}")
        if persist:
            lines += ["persistence true", f"persistence_location {self.folder}/"]
        self.config = os.path.join(self.folder, "mosquitto.conf")
        with open(self.config, "w", encoding="ascii") as f:
            f.write("\n".join(lines + list(extra)) + "\n")
        self.start()

    def start(self):
        self.proc = Proc([self.path, "-c", self.config], name="mosquitto")
        self.proc.wait_line(r"mosquitto version \S+ running")

    def stop(self):
        self.proc.stop()

    def kill(self):
        """As a power cut would end it."""
        self.proc.kill()

    def hang(self):
        """It answers nothing, its connections stay."""
        self.proc.send_signal(signal.SIGSTOP)

    def resume(self):
        self.proc.send_signal(signal.SIGCONT)

    def publish(self, topic, payload, *options):
        done = run("mosquitto_pub", "-h", self.host, "-p", self.port, "-t", topic, "-m", payload, *options)
        if done.returncode:
            raise AssertionError(f"mosquitto_pub: {done.stderr}")

    def retained(self, topic, count):
        """Payloads of so many retained messages at a topic filter, as text, by topic."""
        done = run("mosquitto_sub", "-h", self.host, "-p", self.port, "-t", topic, "-F", "%t\t%p", "--retained-only", "-C", count, "-W", 60,
                   limit_s=90)
        return dict(line.split("\t", 1) for line in done.stdout.splitlines())


__all__ = ["Certificates", "Mosquitto"]
