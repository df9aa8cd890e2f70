"""Foreign peers and the simulated plant, started for one test."""
import collections
import json
import os
import shutil
import signal
import socket

from cases import SCALE, skip, wait_for
from procs import TOP, Proc, free_port, peer, program, temp_dir


class Endpoint(collections.namedtuple("Endpoint", "name host port unit last_unit")):
    """Where a simulated machine is. On a serial line host is the device and port is 0."""

    @property
    def address(self):
        """As a site file names it: HOST:PORT, or the device."""
        return f"{self.host}:{self.port}" if self.port else self.host


class Sim:
    """`penstock sim ...`: .endpoints maps a machine's name to its Endpoint; ask() speaks on its control line."""

    def __init__(self, *words, env=None, within=()):
        """within: words before the command, such as those of a namespace (nets.py)."""
        self.proc = Proc([*within, program(), "sim", *words], name="penstock sim", env=env)
        self.proc.wait_line(r"^ready\b", 15)
        self.endpoints = {}
        self.control = None
        for line in list(self.proc.out):
            said = line.split()
            if len(said) >= 3 and said[0] == "endpoint":
                self._add(said)
            elif len(said) == 2 and said[0] == "control":
                host, _, port = said[1].rpartition(":")
                self.control = (host, int(port))

    def _add(self, said):
        options = dict(word.split("=", 1) for word in said[3:] if "=" in word)
        first, _, last = options.get("unit", "1").partition("-")
        host, colon, port = said[2].rpartition(":")
        if not colon or not port.isdigit():
            host, port = said[2], 0
        self.endpoints[said[1]] = Endpoint(said[1], host, int(port), int(first), int(last or first))

    def ask(self, command):
        """One command on the control line, such as "fault filler silence"; returns the answer without its "ok"."""
        with socket.create_connection(self.control, 5 * SCALE) as s:
            s.sendall(command.encode() + b"\n")
            with s.makefile(encoding="utf-8") as lines:
                answer = lines.readline().rstrip("\n")
        if answer.startswith("error"):
            raise AssertionError(f"the simulator, asked \"{command}\", says: {answer}")
        return answer[2:].strip() if answer.startswith("ok") else answer

    def stop(self):
        return self.proc.stop()


class ModbusServer:
    """test/peers/modbus_server, on libmodbus. Options as its own, e.g. units="1,3", illegal="holding:100-109"."""

    def __init__(self, program_name="modbus_server", **options):
        words = []
        for key, value in options.items():
            words += ["--" + key.replace("_", "-"), str(value)]
        self.proc = Proc([peer(program_name), *words], name=program_name)
        self.proc.wait_line(r"^ready")
        where = self.proc.wait_line(r"^listening (\S+)").group(1)
        self.host, _, port = where.rpartition(":")
        self.port = int(port) if self.host else 0

    def stats(self):
        """Counts so far: accepted, open, requests, reads, writes, registers, exceptions, unanswered."""
        before = sum(line.startswith("stats") for line in self.proc.out)
        self.proc.send_signal(signal.SIGUSR1)
        wait_for(lambda: sum(line.startswith("stats") for line in self.proc.out) > before, what="statistics")
        return json.loads([line for line in self.proc.out if line.startswith("stats")][-1][len("stats "):])

    def stop(self):
        return self.proc.stop()


class PymodbusServer:
    """A second foreign server, in Python: holding register i holds i, input register i holds i + 10000."""

    def __init__(self, units="1"):
        self.host, self.port = "127.0.0.1", free_port()
        self.proc = Proc(["/usr/bin/python3", os.path.join(TOP, "test/peers/pymodbus_server.py"), self.port, units],
                         name="pymodbus")
        wait_for(self._answers, 15, "pymodbus listening")

    def _answers(self):
        if not self.proc.running():
            raise AssertionError(self.proc.tail())
        with open("/proc/net/tcp", encoding="ascii") as f:
            return any(f":{self.port:04X} " in line and " 0A " in line for line in f)


class SerialPair:
    """Two serial devices joined by a null-modem cable: .a and .b are paths."""

    def __init__(self):
        folder = temp_dir()
        self.a, self.b = os.path.join(folder, "a"), os.path.join(folder, "b")
        if shutil.which("socat") is None:
            skip("socat is not installed")
        self.proc = Proc(["socat", f"pty,raw,echo=0,link={self.a}", f"pty,raw,echo=0,link={self.b}"], name="socat")
        wait_for(lambda: os.path.exists(self.a) and os.path.exists(self.b), what="the pair of serial lines")


def node(script, *words, **options):
    """Starts a script of test/peers with node; options are those of Proc."""
    if shutil.which("node") is None:
        skip("node is not installed")
    if not os.path.exists(os.path.join(TOP, "test/peers/node_modules/mqtt")):
        skip("npm's peers are not here; run make node-peers")
    return Proc(["node", os.path.join(TOP, "test/peers", script), *words], name=script, **options)


class Subscriber:
    """npm's mqtt: counts messages and values, keeps their keys. Subscribed when the constructor returns."""

    def __init__(self, port, *topics, **options):
        words = ["--port", str(port)]
        for topic in topics or ("#",):
            words += ["--topic", topic]
        for key, value in options.items():
            words += ["--" + key.replace("_", "-"), str(value)]
        self.proc = node("subscribe.js", *words)
        self.proc.wait_line(r"^ready", 15)

    def count(self):
        """Messages so far."""
        before = sum(line.startswith("count") for line in self.proc.out)
        self.proc.send_signal(signal.SIGUSR2)
        wait_for(lambda: sum(line.startswith("count") for line in self.proc.out) > before, what="a count")
        return json.loads([line for line in self.proc.out if line.startswith("count")][-1][len("count "):])["messages"]

    def summary(self):
        """Ends it; returns what it counted, see subscribe.js."""
        self.proc.stop()
        return json.loads([line for line in self.proc.out if line.startswith("summary")][-1][len("summary "):])


class SparkplugDecoder:
    """npm's sparkplug-payload: every Sparkplug message that the broker carries, decoded. See sparkplug_decode.js."""

    def __init__(self, port, topic="spBv1.0/#"):
        self.proc = node("sparkplug_decode.js", "--port", str(port), "--topic", topic)
        self.proc.wait_line(r"^ready", 15)

    def messages(self):
        return [json.loads(line) for line in list(self.proc.out) if line.startswith("{")]

    def wait(self, found, limit_s=10):
        """The first message for which found(message) is true."""
        return wait_for(lambda: next((m for m in self.messages() if found(m)), None), limit_s, "a Sparkplug message")


__all__ = ["Endpoint", "ModbusServer", "PymodbusServer", "SerialPair", "Sim", "SparkplugDecoder", "Subscriber", "node"]
