"""$batch of OData: multipart/mixed with change sets, taken apart and put together."""
import re

from messages import Refused
from web import REASONS, Request

PARTS_MAX = 1000


def _boundary(kind):
    found = re.search(r'boundary=(?:"([^"]{1,70})"|([^;\s]{1,70}))', kind, re.I)
    if not kind.lower().startswith("multipart/mixed") or not found:
        raise Refused("batch", why="its Content-Type is not multipart/mixed with a boundary")
    return (found.group(1) or found.group(2)).encode()


def _headers(block):
    found = {}
    for line in block.decode("utf-8", "replace").replace("\r\n", "\n").split("\n"):
        name, colon, value = line.partition(":")
        if colon:
            found[name.strip().lower()] = value.strip()
    return found


def _split(data):
    """Head and rest at the first blank line."""
    for mark in (b"\r\n\r\n", b"\n\n"):
        head, found, rest = data.partition(mark)
        if found:
            return head, rest
    return data, b""


def _parts(body, boundary):
    mark = b"--" + boundary
    body = b"\r\n" + body
    if body.find(b"\r\n" + mark) < 0:
        raise Refused("batch", why="its boundary does not occur in it")
    pieces = body.split(b"\r\n" + mark)[1:]
    closed = False
    found = []
    for piece in pieces:
        if piece.startswith(b"--"):
            closed = True
            break
        found.append(piece[2:] if piece.startswith(b"\r\n") else piece.lstrip(b" \t").partition(b"\r\n")[2])
    if not closed:
        raise Refused("batch", why="its last boundary is missing")
    if len(found) > PARTS_MAX:
        raise Refused("batch", why=f"it has more than {PARTS_MAX} parts")
    return found


def _request(part, outer, root):
    """The HTTP request inside a part, and its Content-ID."""
    mime, inner = _split(part)
    head, body = _split(inner)
    first, _, rest = head.decode("utf-8", "replace").replace("\r\n", "\n").partition("\n")
    words = first.split()
    if len(words) != 3:
        raise Refused("batch", why=f"'{first[:60]}' is no request line")
    headers = _headers(rest.encode())
    ident = _headers(mime).get("content-id") or headers.get("content-id")
    if "content-length" in headers:
        body = body[:int(headers["content-length"])]
    elif body.endswith(b"\r\n"):
        body = body[:-2]
    target = words[1]
    target = re.sub(r"^https?://[^/]+", "", target)
    if not target.startswith("/"):
        target = root + "/" + target            # paths inside are relative to the service root
    inherited = {name: outer.headers[name] for name in ("accept-language", "sap-language", "sap-client", "host") if name in outer.headers}
    request = Request(words[0], target, {"accept": "application/json", **inherited, **headers}, body, outer.subject)
    request.user = outer.user
    return request, ident


def read(request, root):
    """Items in order: ("get", (Request, id)) or ("changes", [(Request, id), ...])."""
    items = []
    for part in _parts(request.body, _boundary(request.headers.get("content-type", ""))):
        mime, inner = _split(part)
        kind = _headers(mime).get("content-type", "")
        if kind.lower().startswith("multipart/mixed"):
            items.append(("changes", [_request(p, request, root) for p in _parts(inner, _boundary(kind))]))
        else:
            items.append(("get", _request(part, request, root)))
    return items


def _part(answer, ident):
    lines = ["Content-Type: application/http", "content-transfer-encoding: binary"]
    if ident:
        lines.append(f"Content-ID: {ident}")
    inner = [f"HTTP/1.1 {answer.status} {REASONS.get(answer.status, 'Status')}"]
    if answer.body:
        inner.append(f"Content-Type: {answer.kind}")
    inner += [f"Content-Length: {len(answer.body)}"] + [f"{n}: {v}" for n, v in answer.headers]
    if ident:
        inner.append(f"Content-ID: {ident}")
    return ("\r\n".join(lines) + "\r\n\r\n" + "\r\n".join(inner) + "\r\n\r\n").encode() + answer.body + b"\r\n"


def write(results, number):
    """results as [("one", (Answer, id)) | ("many", [(Answer, id), ...])]; returns body and content type."""
    outer = f"ejjeeffe{number}"
    out = []
    for at, (shape, what) in enumerate(results):
        out.append(f"--{outer}\r\n".encode())
        if shape == "one":
            out.append(_part(*what))
            continue
        inner = f"ejjeeffe{number}_{at}"
        block = b"".join(f"--{inner}\r\n".encode() + _part(*one) for one in what) + f"--{inner}--\r\n".encode()
        out.append(f"Content-Type: multipart/mixed; boundary={inner}\r\nContent-Length: {len(block)}\r\n\r\n".encode() + block + b"\r\n")
    out.append(f"--{outer}--\r\n".encode())
    return b"".join(out), f"multipart/mixed; boundary={outer}"


__all__ = ["read", "write"]
