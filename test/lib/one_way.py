"""A one-way link in network namespaces of its own: sender | way | receiver. The way is a program of ours between two cables; it drops as it is told,
keeps the header of every datagram, and counts what comes from the wrong side. Takes root."""
import collections
import ctypes
import os
import select
import socket
import struct
import subprocess
import threading

from cases import defer, skip

CLONE_NEWNET = 0x40000000
MACS = {"s": "02:00:00:00:00:01", "r": "02:00:00:00:00:02"}
ADDRESS = {"s": "10.77.0.1", "r": "10.77.0.2"}

Datagram = collections.namedtuple("Datagram", "session serial stream block symbol used p control dropped")


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(words)}: {done.stderr}")


def parse(payload, dropped):
    """The header, by src/proto/diode/diode_wire.h."""
    if len(payload) < 64 or payload[:4] != b"PNSD":
        return None
    _, flags, _, session, serial, stream, block, symbol, _, _, p, _, used, _, _ = struct.unpack("<BBHQQIQHHBBBBHH", payload[4:48])
    return Datagram(session, serial, stream, block, symbol, used, p, bool(flags & 1), dropped)


class Way:
    """Namespaces NAME-s, NAME-w, NAME-r. drop(datagram) decides in the middle, called in order for each."""

    def __init__(self, name, drop=lambda d: False):
        self.names = {k: f"{name}-{k}" for k in "swr"}
        self.drop, self.seen, self.back = drop, [], []
        self.ended = False
        for n in self.names.values():
            if subprocess.run(["ip", "netns", "add", n], capture_output=True).returncode != 0:
                skip("no network namespaces may be made here (ip netns add)")
            defer(subprocess.run, ["ip", "netns", "del", n])
            if subprocess.run(["ip", "-n", n, "link"], capture_output=True).returncode != 0:
                skip("this machine enters no network namespaces (ip -n)")
        for end in "sr":
            run("ip", "link", "add", "eth0", "netns", self.names[end], "type", "veth", "peer", "name", "to-" + end, "netns", self.names["w"])
        self._quiet("w", "to-s", "to-r")
        for end, other in (("s", "r"), ("r", "s")):
            self._quiet(end, "eth0")
            inside = ("ip", "-n", self.names[end])
            run(*inside, "link", "set", "eth0", "address", MACS[end])
            run(*inside, "addr", "add", ADDRESS[end] + "/24", "dev", "eth0")
            # The way in the middle wants frames as they are on a cable, so the sending kernel is to cut them itself.
            run(*inside, "link", "set", "eth0", "gso_max_segs", "1")
            run(*inside, "link", "set", "eth0", "arp", "off", "up")
            run(*inside, "link", "set", "lo", "up")
            run(*inside, "neigh", "replace", ADDRESS[other], "lladdr", MACS[other], "dev", "eth0", "nud", "permanent")
        for end in "sr":
            run("ip", "-n", self.names["w"], "link", "set", "to-" + end, "arp", "off", "up")
        ready = threading.Event()
        self._error = None
        self.thread = threading.Thread(target=self._carry, args=(ready,), daemon=True)
        self.thread.start()
        ready.wait(10)
        if self._error:
            raise AssertionError(self._error)
        defer(self.end)

    def _quiet(self, end, *devices):
        """No neighbour discovery, no router solicitation: what the kernel would say by itself is no packet of ours, and is switched off as in real life."""
        keys = " ".join(f"net.ipv6.conf.{d}.disable_ipv6=1" for d in devices)
        subprocess.run(["ip", "netns", "exec", self.names[end], "sysctl", "-qw", *keys.split()], capture_output=True)

    def _carry(self, ready):
        try:
            fd = os.open(f"/run/netns/{self.names['w']}", os.O_RDONLY)
            if ctypes.CDLL(None, use_errno=True).setns(fd, CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
            os.close(fd)
            socks = {}
            for end in "sr":
                socks[end] = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
                socks[end].setsockopt(socket.SOL_SOCKET, 33, 64 << 20)      # SO_RCVBUFFORCE
                socks[end].bind(("to-" + end, 0))
        except OSError as e:
            self._error = str(e)
            ready.set()
            return
        ready.set()
        while not self.ended:
            for s in select.select(list(socks.values()), [], [], 0.1)[0]:
                frame, where = s.recvfrom(65536)
                if where[2] == 4:                       # PACKET_OUTGOING: what we sent ourselves
                    continue
                if s is socks["r"]:
                    self.back.append(frame)
                else:
                    self._forward(frame, socks["r"])

    def _forward(self, frame, out):
        if frame[12:14] != b"\x08\x00" or frame[23] != 17:
            return
        udp = 14 + 4 * (frame[14] & 15)
        d = parse(frame[udp + 8:], False)
        if d is not None and self.drop(d):
            self.seen.append(d._replace(dropped=True))
            return
        if d is not None:
            self.seen.append(d)
        # The sending kernel leaves the checksum to its card; there is none: "none was computed" (RFC 768).
        out.send(frame[:udp + 6] + b"\0\0" + frame[udp + 8:])

    def beyond(self):
        """Blocks that lost more datagrams than they have repair symbols."""
        lost = collections.Counter()
        for d in list(self.seen):
            if not d.control:
                lost[(d.session, d.stream, d.block)] += d.dropped
        p = max((d.p for d in self.seen), default=0)
        return {b for b, n in lost.items() if n > p}

    def dropped(self):
        return sum(d.dropped for d in self.seen)

    def firewall(self, end, rules):
        """Load nftables rules at one end."""
        done = subprocess.run(["ip", "netns", "exec", self.names[end], "nft", "-f", "-"], input=rules, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr + rules

    def end(self):
        self.ended = True
        self.thread.join(5)


__all__ = ["ADDRESS", "Way"]
