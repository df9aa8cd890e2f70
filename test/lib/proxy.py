"""A TCP proxy that spoils a connection on command: what a bad cable, a switch or a firewall does to it.

    proxy = Proxy(broker.port)                  # connect to 127.0.0.1, proxy.port
    proxy.delay_s = 0.2                         # each way, from now on
    proxy.bytes_per_s = 1000                    # throttled, each way
    proxy.half_open()                           # nothing passes, nothing ends, new connections are taken and ignored
    proxy.cut()                                 # connections end, new ones are refused
    proxy.reset()                               # connections end with RST; new ones pass
    proxy.cut_after(500)                        # ends connections after so many more bytes to the client, mid-frame
    proxy.tap = function(bytes)                 # sees what clients send as it comes, before any delay
    proxy.heal()                                # all is well again; what was held back by half_open() flows

It runs in a thread of its own and ends with the test.
"""
import asyncio
import socket
import struct
import threading
import weakref

from cases import defer
from procs import free_port

CHUNK = 65536


async def end_tasks(writers):
    """Ends what else runs on this loop, so that it can be closed: connections at once, tasks once they noticed.

    writers() lists the connections; it is called once those that were just accepted are in place.
    """
    await asyncio.sleep(0.01)
    for writer in writers():
        try:
            writer.transport.abort()
        except AttributeError:          # a TLS transport that has ended already
            pass
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0.01)           # transports that were closed let go of their sockets in the loop's next turn


class Proxy:
    def __init__(self, target_port, target_host="127.0.0.1", port=0):
        self.target = (target_host, target_port)
        self.port = port or free_port()     # kept while it does not listen
        self.delay_s = 0.0
        self.bytes_per_s = 0            # 0: as fast as it goes
        self.tap = None
        self.accepted = 0
        self.bytes_up = 0               # client to target
        self.bytes_down = 0
        self._budget = None             # bytes to clients until the cut of cut_after()
        self._pairs = set()             # (client writer, target writer)
        self._writers = weakref.WeakSet()
        self._server = None
        self._loop = asyncio.new_event_loop()
        self._flowing = None
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name="proxy")
        self._thread.start()
        self._call(self._start())
        defer(self.stop)

    def half_open(self):
        self._call(self._flow(False))

    def cut(self):
        self._call(self._cut(listen=False, reset=False))

    def reset(self):
        self._call(self._cut(listen=True, reset=True))

    def drop(self):
        """Ends connections in good order; new ones pass."""
        self._call(self._cut(listen=True, reset=False))

    def cut_after(self, count):
        self._budget = count

    def heal(self):
        self.delay_s = 0.0
        self.bytes_per_s = 0
        self._budget = None
        self._call(self._flow(True))
        self._call(self._listen())

    def connections(self):
        return len(self._pairs)

    def stop(self):
        if self._loop.is_closed():
            return
        self._call(asyncio.sleep(0.02))         # closing a server in the middle of an accept confuses asyncio
        self._call(self._cut(listen=False, reset=False))
        self._call(end_tasks(lambda: list(self._writers)))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(60)

    async def _start(self):
        self._flowing = asyncio.Event()
        self._flowing.set()
        await self._listen()

    async def _listen(self):
        if self._server is None:
            self._server = await asyncio.start_server(self._client, "127.0.0.1", self.port, backlog=512)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _flow(self, on):
        (self._flowing.set if on else self._flowing.clear)()

    async def _cut(self, listen, reset):
        if not listen and self._server is not None:
            self._server.close()
            self._server = None
        for pair in list(self._pairs):
            self._end(pair, reset)

    def _end(self, pair, reset=False):
        self._pairs.discard(pair)
        for writer in pair:
            if reset:
                sock = writer.get_extra_info("socket")
                if sock is not None and sock.fileno() >= 0:     # it may have ended by itself just now
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
            else:
                writer.close()

    async def _client(self, reader, writer):
        self.accepted += 1
        self._writers.add(writer)
        try:
            await self._flowing.wait()
            far_reader, far_writer = await asyncio.open_connection(*self.target)
        except (OSError, asyncio.CancelledError):
            writer.close()
            return
        self._writers.add(far_writer)
        pair = (writer, far_writer)
        self._pairs.add(pair)
        await asyncio.gather(self._carry(pair, reader, far_writer, True), self._carry(pair, far_reader, writer, False))

    async def _carry(self, pair, reader, writer, up):
        """Carries one direction. Reading and sending are apart, so that a delay does not lower the throughput."""
        queue = asyncio.Queue(256)
        sender = asyncio.ensure_future(self._send(pair, queue, writer, up))
        try:
            while True:
                data = await reader.read(CHUNK)
                if up and self.tap is not None:
                    self.tap(data)
                await queue.put((self._loop.time() + self.delay_s, data))
                if not data:
                    break
        except OSError:
            await queue.put((0, b""))
        await sender

    async def _send(self, pair, queue, writer, up):
        try:
            while True:
                due, data = await queue.get()
                await asyncio.sleep(max(0, due - self._loop.time()))
                await self._flowing.wait()
                if not data:
                    break
                if not await self._pass_on(data, writer, up):
                    break
        except OSError:
            pass
        self._end(pair)

    async def _pass_on(self, data, writer, up):
        """Sends the bytes at the speed allowed; False when the connection is to be cut here."""
        while data:
            rate = self.bytes_per_s
            part = data[:max(1, rate // 20)] if rate else data
            cut = not up and self._budget is not None and self._budget <= len(part)
            if cut:
                part = part[:self._budget]
                self._budget = None
            elif not up and self._budget is not None:
                self._budget -= len(part)
            if rate:
                await asyncio.sleep(len(part) / rate)
            writer.write(part)
            await writer.drain()
            data = data[len(part):]
            if up:
                self.bytes_up += len(part)
            else:
                self.bytes_down += len(part)
            if cut:
                return False
        return True
