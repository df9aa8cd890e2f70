#!/usr/bin/python3
"""A cable between two network namespaces, in user space, that can be spoilt: what a kernel without netem cannot do for us.

    cable.py NAMESPACE DEVICE NAMESPACE DEVICE

Both devices are of kind tun and there already. Commands come on standard input, a line each; the first end is "a":

    lose a|b 0..1           so much of what this end sends is lost; 1: all of it, which makes connections half-open
    late a|b 0..1 MS        so much of what this end sends comes up to MS later than what was sent behind it: reordered
    heal                    as new
    counts                  prints "counts passed=N lost=N late=N"
"""
import ctypes
import fcntl
import heapq
import os
import random
import select
import struct
import sys
import time

CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000


def tun(namespace, device):
    """The descriptor of a device; the kernel looks for it in the namespace of who opens it."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open(f"/run/netns/{namespace}", "rb") as ns:
        if libc.setns(ns.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"cannot enter namespace {namespace}")
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", device.encode(), IFF_TUN | IFF_NO_PI))
    return fd


class Cable:
    def __init__(self, ends):
        self.ends = ends
        self.counts = {"passed": 0, "lost": 0, "late": 0}
        self.rnd = random.Random(1)
        self.waiting = []               # (when, number, end, packet)
        self.number = 0
        self.heal()

    def heal(self):
        self.lose = [0.0, 0.0]
        self.late = [(0.0, 0.0), (0.0, 0.0)]

    def put(self, end, packet):
        try:
            os.write(self.ends[end], packet)
            self.counts["passed"] += 1
        except OSError:                 # that end is down
            self.counts["lost"] += 1

    def take(self, end):
        for _ in range(64):
            try:
                packet = os.read(self.ends[end], 65536)
            except OSError:             # nothing more, or this end is down
                return
            part, ms = self.late[end]
            if self.rnd.random() < self.lose[end]:
                self.counts["lost"] += 1
            elif self.rnd.random() < part:
                self.counts["late"] += 1
                self.number += 1
                heapq.heappush(self.waiting, (time.monotonic() + self.rnd.random() * ms / 1000, self.number, 1 - end, packet))
            else:
                self.put(1 - end, packet)

    def command(self, words):
        if words[0] == "lose":
            self.lose["ab".index(words[1])] = float(words[2])
        elif words[0] == "late":
            self.late["ab".index(words[1])] = float(words[2]), float(words[3])
        elif words[0] == "heal":
            self.heal()
        elif words[0] == "counts":
            print("counts", *(f"{k}={v}" for k, v in self.counts.items()), flush=True)

    def run(self):
        poll = select.poll()
        for fd in (*self.ends, sys.stdin.fileno()):
            poll.register(fd, select.POLLIN)
        print("ready", flush=True)
        text = b""
        while True:
            wait = max(0, self.waiting[0][0] - time.monotonic()) * 1000 if self.waiting else 1000
            ready = dict(poll.poll(wait))
            if sys.stdin.fileno() in ready:
                said = os.read(sys.stdin.fileno(), 4096)
                if not said:
                    return
                *lines, text = (text + said).split(b"\n")
                for line in lines:
                    self.command(line.decode().split())
            for end, fd in enumerate(self.ends):
                if fd in ready:
                    self.take(end)
                    if ready[fd] & select.POLLERR:      # taken down: it stays readable
                        time.sleep(0.01)
            while self.waiting and self.waiting[0][0] <= time.monotonic():
                _, _, end, packet = heapq.heappop(self.waiting)
                self.put(end, packet)


if __name__ == "__main__":
    Cable([tun(*sys.argv[1:3]), tun(*sys.argv[3:5])]).run()
