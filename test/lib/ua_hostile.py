"""An OPC UA server that means ill: a few lines of OPC UA Binary (Part 6, 5.2 and 6.7) over TCP without security, and a bad habit.

    server = Hostile("endless_chunks")      # .url, .connections: how often somebody came; habits: Hostile.HABITS

Up to its habit it behaves, so that each step of a client's way is met by something. Written from the standard.
"""
import os
import socket
import struct
import threading

from cases import defer

OPN, ENDPOINTS, CREATE, ACTIVATE, READ, CLOSE = 446, 428, 461, 467, 631, 473
NONE = "http://opcfoundation.org/UA/SecurityPolicy#None"
EPOCH = 116444736000000000          # 1970 in 100 ns since 1601


def u32(n):
    return struct.pack("<I", n & 0xFFFFFFFF)


def text(s):
    return u32(-1) if s is None else u32(len(s)) + (s if isinstance(s, bytes) else s.encode())


def array(items):
    return u32(len(items)) + b"".join(items)


def type_id(n):
    return b"\x01\x00" + struct.pack("<H", n)


def take_node(b, at):
    """Past a NodeId."""
    kind = b[at] & 0x3F
    if kind in (3, 5):
        n = struct.unpack_from("<i", b, at + 3)[0]
        return at + 7 + max(n, 0)
    return at + {0: 2, 1: 4, 2: 7, 4: 19}[kind]


class Hostile:
    HABITS = ("garbage", "silent", "ack_zero", "ack_huge", "size_max", "size_tiny", "close_in_ack", "endless_chunks", "endless_hello",
              "huge_array", "huge_text", "many_endpoints", "deep_diagnostics", "bad_type_id", "wrong_type", "wrong_request_id",
              "wrong_sequence", "half_message", "abort_chunks", "silent_opn", "silent_create", "silent_read", "fault_create", "no_nonce",
              "short_read", "many_namespaces", "nested_variants", "bad_utf8", "clock_far_off", "flood", "renamed_chunks", "zero_lifetime", "forgets_session")

    def __init__(self, habit=None):
        self.habit = habit
        self.connections = 0
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.socket.getsockname()[1]
        self.url = f"opc.tcp://127.0.0.1:{self.port}"
        self.over = False
        defer(self.close)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.over = True
        self.socket.close()

    def _accept(self):
        while not self.over:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    # ---- one connection ----

    def _serve(self, peer):
        peer.settimeout(20)
        state = {"seq": 1}
        try:
            if self.habit == "garbage":
                peer.sendall(os.urandom(4096))
            while not self.over:
                head = self._exactly(peer, 8)
                body = self._exactly(peer, struct.unpack_from("<I", head, 4)[0] - 8)
                if not self._answer(peer, head[:3], body, state):
                    break
            peer.close()
        except (OSError, EOFError, struct.error, KeyError, IndexError):
            peer.close()

    @staticmethod
    def _exactly(peer, n):
        got = b""
        while len(got) < n:
            more = peer.recv(n - len(got))
            if not more:
                raise EOFError
            got += more
        return got

    def _wait(self, peer):
        """Says nothing until the client goes."""
        while peer.recv(4096):
            pass
        return False

    def _answer(self, peer, kind, body, state):
        if kind == b"HEL":
            return self._hello(peer)
        if kind == b"CLO":
            return False
        at = 4
        if kind == b"OPN":
            for _ in range(3):
                at += 4 + max(struct.unpack_from("<i", body, at)[0], 0)
        else:
            at += 4
        _, request = struct.unpack_from("<II", body, at)
        at += 8
        service = struct.unpack_from("<H", body, at + 2)[0]
        at = take_node(body, take_node(body, at)) + 8
        handle = struct.unpack_from("<I", body, at)[0]
        return self._service(peer, service, handle, request, state, body[at:])

    def _hello(self, peer):
        ack = struct.pack("<IIIII", 0, 65536, 65536, 0, 0)
        if self.habit == "silent":
            return self._wait(peer)
        if self.habit == "endless_hello":
            for _ in range(20000):
                peer.sendall(b"RHEF" + u32(16 + 21) + u32(-1) + text("opc.tcp://10.0.0.1:484"[:21]))
        if self.habit == "ack_zero":
            ack = bytes(20)
        if self.habit == "ack_huge":
            ack = struct.pack("<IIIII", 9, *[0xFFFFFFFF] * 4)
        if self.habit == "size_max":
            ack += b""
            peer.sendall(b"ACKF" + u32(0xFFFFFFFF) + bytes(65536))
            return self._wait(peer)
        if self.habit == "size_tiny":
            peer.sendall(b"ACKF" + u32(3) + ack)
            return self._wait(peer)
        if self.habit == "close_in_ack":
            peer.sendall(b"ACKF" + u32(28) + ack[:7])
            return False
        peer.sendall(b"ACKF" + u32(8 + len(ack)) + ack)
        return True

    def _send(self, peer, request, state, body, kind=b"MSGF"):
        if self.habit == "wrong_sequence" and state["seq"] > 2:
            state["seq"] = 77
        sequence = u32(state["seq"]) + u32(request + 5 if self.habit == "wrong_request_id" and state["seq"] > 1 else request)
        state["seq"] += 1
        if kind[:3] == b"OPN":
            body = u32(7) + text(NONE) + text(None) + text(None) + sequence + body
        else:
            body = u32(7) + u32(1) + sequence + body
        if self.habit == "renamed_chunks" and kind[:3] == b"MSG":
            kind = b"XYZF"
        peer.sendall(kind + u32(8 + len(body)) + body)

    def _now(self):
        import time
        return EPOCH + int(time.time() * 1e7) + (2000 * 365 * 864000000000 if self.habit == "clock_far_off" else 0)

    def _head(self, kind, handle, result=0, diagnostics=b"\x00"):
        return type_id(kind) + struct.pack("<q", self._now()) + u32(handle) + u32(result) + diagnostics + u32(-1) + b"\x00\x00\x00"

    def _service(self, peer, service, handle, request, state, body):
        name = {OPN: "opn", ENDPOINTS: "endpoints", CREATE: "create", ACTIVATE: "activate", READ: "read"}.get(service)
        if self.habit == f"silent_{name}":
            return self._wait(peer)
        if service == OPN:
            lifetime = 1 if self.habit == "zero_lifetime" else 3600000
            self._send(peer, request, state, self._head(449, handle) + u32(0) + u32(7) + u32(1) + struct.pack("<q", self._now()) +
                       u32(lifetime) + text(None), b"OPNF")
        elif service == ENDPOINTS:
            return self._endpoints(peer, handle, request, state)
        elif service == CREATE:
            if self.habit == "fault_create":
                self._send(peer, request, state, self._head(397, handle, 0x80560000))
                return True
            nonce = None if self.habit == "no_nonce" else os.urandom(32)
            self._send(peer, request, state, self._head(464, handle) + b"\x00\x01" + b"\x00\x02" + struct.pack("<d", 60000) + text(nonce) +
                       text(None) + u32(-1) + u32(-1) + text(None) + text(None) + u32(0))
        elif service == ACTIVATE:
            self._send(peer, request, state, self._head(470, handle) + text(os.urandom(32)) + u32(-1) + u32(-1))
        elif service == READ and self.habit == "forgets_session" and state.setdefault("reads", 0) == 4:
            self._send(peer, request, state, self._head(397, handle, 0x80270000))       # BadSessionNotActivated
        elif service == READ:
            state["reads"] = state.get("reads", 0) + 1
            return self._read(peer, handle, request, state)
        elif service == CLOSE:
            self._send(peer, request, state, self._head(476, handle))
        else:
            self._send(peer, request, state, self._head(397, handle, 0x800B0000))       # BadServiceUnsupported
        return True

    # ---- GetEndpoints ----

    def _endpoint(self):
        return (text(self.url) + text("urn:hostile") + text("urn:x") + b"\x00" + u32(0) + text(None) + text(None) + array([text(self.url)]) +
                text(None) + u32(1) + text(NONE) + array([text("anonymous") + u32(0) + text(None) + text(None) + text(None)]) +
                text("http://opcfoundation.org/UA-Profile/Transport/uatcp-uasc-uabinary") + b"\x00")

    def _endpoints(self, peer, handle, request, state):
        head = self._head(431, handle)
        good = head + array([self._endpoint()])
        if self.habit == "endless_chunks":
            while not self.over:
                self._send(peer, request, state, bytes(60000), b"MSGC")
        if self.habit == "abort_chunks":
            for _ in range(3000):
                self._send(peer, request, state, bytes(60000), b"MSGC")
                self._send(peer, request, state, u32(0x80010000) + text("no"), b"MSGA")
        if self.habit == "flood":
            for _ in range(20000):
                self._send(peer, 4711, state, good)
        if self.habit == "half_message":
            peer.sendall(b"MSGF" + u32(8 + 16 + len(good)) + u32(7) + u32(1))
            return False
        good = {"huge_array": head + u32(0x7FFFFFFF) + bytes(60000),
                "huge_text": head + u32(1) + u32(0x7FFFFFF0) + bytes(60000),
                "deep_diagnostics": self._head(431, handle, 0, b"\x40" * 60000),
                "bad_type_id": b"\x3f" + good[1:], "wrong_type": type_id(634) + good[4:],
                "bad_utf8": head + array([text(b"\xff\xfe\x00\x01" * 50) + self._endpoint()[4 + len(self.url):]])}.get(self.habit, good)
        if self.habit == "many_endpoints":
            return self._in_chunks(peer, request, state, head + array([self._endpoint()] * 60000))
        self._send(peer, request, state, good)
        return True

    def _in_chunks(self, peer, request, state, body):
        for at in range(0, len(body), 60000):
            last = at + 60000 >= len(body)
            self._send(peer, request, state, body[at:at + 60000], b"MSGF" if last else b"MSGC")
        return True

    # ---- Read: what a client wants to know of a session ----

    def _read(self, peer, handle, request, state):
        head = self._head(634, handle)
        if self.habit == "short_read":
            self._send(peer, request, state, head + u32(-1) + u32(-1))
        elif self.habit == "many_namespaces":
            names = b"\x01\x8c" + array([text("urn:" + "n" * 200)] * 60000)
            return self._in_chunks(peer, request, state, head + array([names] + [b"\x00"] * 5) + u32(-1))
        elif self.habit == "nested_variants":
            self._send(peer, request, state, head + u32(6) + b"\x01" + b"\x98\x01\x00\x00\x00" * 9000)
        else:
            names = b"\x01\x8c" + array([text("http://opcfoundation.org/UA/"), text("urn:hostile")])
            uris = b"\x01\x8c" + array([text("urn:hostile")])
            times = b"\x01\x0d" + struct.pack("<q", self._now())
            self._send(peer, request, state, head + array([names, uris, times, times, b"\x01\x06" + u32(0), b"\x01\x03\xff"]) + u32(-1))
        return True


__all__ = ["Hostile"]
