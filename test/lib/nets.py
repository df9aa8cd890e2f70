"""Network namespaces of a test's own, and cables between them that can be cut and spoilt (cable.py)."""
import os
import shutil
import subprocess
import sys

from cases import defer, skip
from procs import Proc

HERE = os.path.dirname(os.path.abspath(__file__))


def _try(*words):
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


class Net:
    """A namespace; `within` goes before a command that is to run in it. It ends with the test."""

    def __init__(self, name):
        if os.geteuid() != 0:
            skip("network namespaces take root")
        for tool in ("ip", "ss"):
            if shutil.which(tool) is None:
                skip(f"{tool} is not installed")
        self.name = f"pn{os.getpid()}-{name}"
        self.within = ("ip", "netns", "exec", self.name)
        if not _try("ip", "netns", "add", self.name):
            skip("this machine makes no network namespaces")
        defer(_try, "ip", "netns", "del", self.name)
        if not _try("ip", "-n", self.name, "link", "set", "lo", "up"):
            skip("this machine enters no network namespaces")

    def ip(self, *words):
        subprocess.run(["ip", "-n", self.name, *words], check=True, capture_output=True)

    def kill_connections(self, port):
        """Ends what is connected from or to this port, on this side, as a firewall that loses its table does to both. Returns how many."""
        done = subprocess.run([*self.within, "ss", "-K", "-H", "-t", "-n", "state", "established", f"( dport = :{port} or sport = :{port} )"],
                              capture_output=True, text=True, check=False)
        return len(done.stdout.splitlines())


class Cable:
    """Joins end `a` and end `b`: pairs of a Net and an address of the same /24."""

    def __init__(self, name, a, b):
        self.ends = a[0], b[0]
        self.device = name
        for net, address in (a, b):
            if not os.path.exists("/dev/net/tun") or not _try("ip", "-n", net.name, "tuntap", "add", "dev", name, "mode", "tun"):
                skip("this machine has no tun devices")
            net.ip("addr", "add", f"{address}/24", "dev", name)
            net.ip("link", "set", name, "mtu", "1500", "up")
        self.proc = Proc([sys.executable, os.path.join(HERE, "cable.py"), a[0].name, name, b[0].name, name], name="cable", stdin=subprocess.PIPE)
        self.proc.wait_line("^ready$")

    def say(self, *words):
        self.proc.proc.stdin.write((" ".join(map(str, words)) + "\n").encode())
        self.proc.proc.stdin.flush()

    def lose(self, end, part=1):
        """What this end sends is lost, silently; the other direction goes on."""
        self.say("lose", end, part)

    def reorder(self, part=0.05, ms=20):
        for end in "ab":
            self.say("late", end, part, ms)

    def heal(self):
        self.say("heal")

    def cut(self):
        """Both interfaces go down, as with a pulled plug."""
        for net in self.ends:
            net.ip("link", "set", self.device, "down")

    def mend(self):
        for net in self.ends:
            net.ip("link", "set", self.device, "up")

    def counts(self):
        since = len(self.proc.out)
        self.say("counts")
        found = self.proc.wait_line(r"^counts passed=(\d+) lost=(\d+) late=(\d+)", since=since)
        return dict(zip(("passed", "lost", "late"), map(int, found.groups())))


__all__ = ["Cable", "Net"]
