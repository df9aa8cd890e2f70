"""HTTP/1.1 for the simulator: a thread a connection, TLS if asked, and answers that can be cut where a fault says so."""
import socket
import ssl
import struct
import threading
import urllib.parse

HEAD_MAX = 64 * 1024
BODY_MAX = 64 * 1024 * 1024
REASONS = {100: "Continue", 200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 304: "Not Modified", 307: "Temporary Redirect",
           400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 408: "Request Timeout",
           409: "Conflict", 411: "Length Required", 412: "Precondition Failed", 413: "Payload Too Large",
           415: "Unsupported Media Type", 423: "Locked", 428: "Precondition Required", 429: "Too Many Requests", 500: "Internal Server Error",
           501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout"}


class BadRequest(Exception):
    """What came is not HTTP; the connection ends."""


class Request:
    """One request. Header names are lower case; path is percent-decoded, raw_path is not; query maps a name to its last value."""

    def __init__(self, method, target, headers, body, subject=None):
        self.method, self.target, self.headers, self.body, self.subject = method, target, headers, body, subject
        raw, _, query = target.partition("?")
        self.raw_path = raw
        self.path = urllib.parse.unquote(raw)
        self.query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        self.user = None

    def cookies(self):
        pairs = (part.strip().partition("=") for part in self.headers.get("cookie", "").split(";"))
        return {name: value for name, _, value in pairs if name}

    def json_wanted(self):
        return self.query.get("$format") == "json" or "json" in self.headers.get("accept", "*/*") \
            or self.headers.get("accept", "*/*") == "*/*"


class Answer:
    """One answer. cut: None, or where the connection ends: "before", "within" or "after" the bytes of it."""

    def __init__(self, status=200, body=b"", kind="application/json;charset=utf-8", headers=()):
        self.status, self.kind, self.headers = status, kind, list(headers)
        self.body = body.encode() if isinstance(body, str) else body
        self.cut = None
        self.delay_s = 0.0

    def bytes(self, head_only):
        lines = [f"HTTP/1.1 {self.status} {REASONS.get(self.status, 'Status')}"]
        if self.body:
            lines.append(f"Content-Type: {self.kind}")
        if self.status != 204:
            lines.append(f"Content-Length: {len(self.body)}")
        lines += [f"{name}: {value}" for name, value in self.headers]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8") + (b"" if head_only else self.body)


def _read_chunked(stream):
    parts, total = [], 0
    while True:
        size = int(stream.readline(64).split(b";")[0], 16)
        total += size
        if total > BODY_MAX:
            raise BadRequest("body too large")
        if size == 0:
            while stream.readline(HEAD_MAX) not in (b"\r\n", b"\n", b""):
                pass
            return b"".join(parts)
        parts.append(stream.read(size))
        stream.readline(8)


def _read_request(stream, conn, subject):
    """The next request of a connection; None at its end."""
    line = stream.readline(HEAD_MAX)
    if not line:
        return None
    words = line.decode("latin-1").split()
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise BadRequest("no request line")
    headers, size = {}, 0
    while True:
        line = stream.readline(HEAD_MAX)
        size += len(line)
        if size > HEAD_MAX or not line:
            raise BadRequest("headers end early or are too long")
        if line in (b"\r\n", b"\n"):
            break
        name, _, value = line.decode("utf-8", "replace").partition(":")
        headers[name.strip().lower()] = value.strip()
    if headers.get("expect", "").lower() == "100-continue":
        conn.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    if "chunked" in headers.get("transfer-encoding", "").lower():
        body = _read_chunked(stream)
    else:
        length = int(headers.get("content-length", "0"))
        if length > BODY_MAX:
            raise BadRequest("body too large")
        body = stream.read(length) if length else b""
        if len(body) < length:
            return None                         # cut off by the client within its body: nothing was asked
    return Request(words[0], words[1], headers, body, subject)


def _subject(conn):
    """Common name of the client's certificate; None without one."""
    cert = conn.getpeercert() if isinstance(conn, ssl.SSLSocket) else None
    for part in (cert or {}).get("subject", ()):
        for name, value in part:
            if name == "commonName":
                return value
    return None


class Server:
    """Listens on loopback; handler(Request) -> Answer, called in the connection's own thread."""

    def __init__(self, port, handler, tls=None, host="127.0.0.1"):
        self.handler, self.tls, self.wait = handler, tls, threading.Event()
        self.sock = socket.create_server((host, port), backlog=512)
        self.port = self.sock.getsockname()[1]

    def start(self):
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                conn, _ = self.sock.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(conn,), daemon=True).start()

    def _serve(self, conn):
        try:
            conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            conn.settimeout(300)
            if self.tls:
                conn = self.tls.wrap_socket(conn, server_side=True)
            with conn, conn.makefile("rb", 65536) as stream:
                subject = _subject(conn)
                while (request := _read_request(stream, conn, subject)) is not None:
                    if not self._answer(conn, request):
                        return
        except (OSError, ValueError, BadRequest):
            conn.close()

    def _answer(self, conn, request):
        """Answers one request; whether the connection goes on."""
        answer = self.handler(request)
        if answer.delay_s:
            self.wait.wait(answer.delay_s)
        data = answer.bytes(request.method == "HEAD")
        if answer.cut in ("before", "within"):
            if answer.cut == "within":
                conn.sendall(data[:max(1, len(data) * 2 // 3)])
            else:
                # Nothing of the answer: the client sees its connection reset.
                raw = conn.detach() if isinstance(conn, ssl.SSLSocket) else None
                sock = socket.socket(fileno=raw) if raw is not None else conn
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                sock.close()
            return False
        conn.sendall(data)
        return answer.cut is None and request.headers.get("connection", "").lower() != "close"
