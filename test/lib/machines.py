"""Machines whose truth is known: Modbus TCP devices of the test's own that count pieces and report portions. Imported by itself.

Each machine makes portions. It counts good and bad pieces while it makes one, lets them be read, then raises its request and waits: for the acknowledge (a
handshake) to come and go, or, without handshake, for a moment. Only then does it go on, so what it counted is what must be confirmed.

    coils     0 request, 1 acknowledge (written by the gateway)
    holding   0..1 good pieces (uint32, high word first), 2 bad pieces (uint16, rolls over), 3 portions (uint16), 4..5 order (uint32)
"""
import asyncio
import random
import struct
import threading

from cases import defer
from proxy import end_tasks

REGISTERS = 16


class Machine:
    def __init__(self, number, order, portions, handshake, rng):
        self.number, self.order, self.handshake, self.rng = number, order, handshake, rng
        self.left, self.done = portions, 0
        self.good = self.bad = 0
        self.base_good = rng.randrange(0, 2**20)        # where its counters stand when the test begins
        self.base_bad = rng.randrange(65000, 65536)
        self.request = self.acknowledged = False
        self.port = self.acks = self.reads = 0

    def registers(self):
        good, bad = (self.base_good + self.good) % 2**32, (self.base_bad + self.bad) % 2**16
        return struct.pack(">IHHI", good, bad, self.done % 2**16, self.order).ljust(2 * REGISTERS, b"\0")

    async def run(self, pause_s):
        """Its life: pieces, then a report of them; until its portions are made."""
        while self.left:
            for _ in range(3):
                self.good += self.rng.randrange(0, 40)
                self.bad += self.rng.randrange(0, 3)
                await asyncio.sleep(pause_s / 3)
            self.left -= 1
            self.done += 1
            if not self.handshake:
                continue
            # As a controller must: first what is counted stands there to be read, then it is asked to be taken.
            seen = self.reads
            while self.reads < seen + 2:
                await asyncio.sleep(0.01)
            self.request = True
            while not self.acknowledged:
                await asyncio.sleep(0.01)
            self.request = False
            while self.acknowledged:
                await asyncio.sleep(0.01)

    def answer(self, pdu):
        """The PDU that answers one (Modbus Application Protocol 1.1b3, 6.1 to 6.12)."""
        function = pdu[0]
        first, count = struct.unpack(">HH", pdu[1:5])
        if function in (1, 2) and first + count <= 16:
            bits = (self.request | self.acknowledged << 1) >> first & (1 << count) - 1
            return bytes([function, (count + 7) // 8]) + bits.to_bytes((count + 7) // 8, "little")
        if function in (3, 4) and first + count <= REGISTERS:
            self.reads += 1
            return bytes([function, 2 * count]) + self.registers()[2 * first:2 * (first + count)]
        if function == 5 and first == 1:
            self.acknowledged = count == 0xFF00
            self.acks += self.acknowledged
            return pdu[:5]
        if function == 15 and first == 1:
            self.acknowledged = bool(pdu[6] & 1)
            return pdu[:5]
        return bytes([function | 0x80, 2])


class Machines:
    """n machines on ports of their own; they begin with go(). Each confirms its own order, orders[i]."""

    def __init__(self, orders, portions, handshakes=None, pause_s=0.15, seed=1):
        rng = random.Random(seed)
        share, rest = divmod(portions, len(orders))
        handshakes = len(orders) if handshakes is None else handshakes
        self.all = [Machine(i, int(order), share + (i < rest), i < handshakes, random.Random(rng.random())) for i, order in enumerate(orders)]
        self.pause_s = pause_s
        self.loop = asyncio.new_event_loop()
        self.writers, self.tasks = set(), []
        threading.Thread(target=self.loop.run_forever, daemon=True, name="machines").start()
        self._call(self._listen())
        defer(self.stop)

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(60)

    async def _listen(self):
        for machine in self.all:
            server = await asyncio.start_server(lambda r, w, m=machine: self._serve(m, r, w), "127.0.0.1", 0)
            machine.port = server.sockets[0].getsockname()[1]

    async def _serve(self, machine, reader, writer):
        self.writers.add(writer)
        try:
            while True:
                head = await reader.readexactly(7)
                tid, _, length, unit = struct.unpack(">HHHB", head)
                pdu = machine.answer(await reader.readexactly(length - 1))
                writer.write(struct.pack(">HHHB", tid, 0, len(pdu) + 1, unit) + pdu)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            self.writers.discard(writer)
            writer.close()

    def go(self):
        async def begin():
            self.tasks = [asyncio.ensure_future(m.run(self.pause_s)) for m in self.all]
        self._call(begin())

    def watched(self):
        """Each is read regularly: from now on no piece escapes the gateway, which counts from the first value that it sees."""
        return all(m.reads >= 30 for m in self.all)

    def busy(self):
        return sum(m.left + m.request + m.acknowledged for m in self.all)

    def made(self):
        return sum(m.done for m in self.all)

    def stop(self):
        if self.loop.is_closed():
            return
        self._call(end_tasks(lambda: list(self.writers)))
        self.loop.call_soon_threadsafe(self.loop.stop)


__all__ = ["Machine", "Machines"]
