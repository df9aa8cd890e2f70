"""Who asks: basic, OAuth 2.0 bearer, client certificate; and the session with its CSRF token and cookies."""
import base64
import json
import secrets
import threading
import time
import urllib.parse

from web import Answer

SESSIONS_MAX = 10_000


class Sessions:
    """Log-ons and HTTP sessions. users: {name: password}; oauth: {client id: secret}; subjects: common names of certificates."""

    def __init__(self, settings, users, oauth, subjects, client="100"):
        self.settings, self.users, self.oauth, self.subjects = settings, users, oauth, subjects
        self.cookie = f"SAP_SESSIONID_S4H_{client}"
        self.twin = f"sap-XSRF_S4H_{client}"
        self.context = f"sap-client={client}"
        self.lock = threading.Lock()
        self.sessions, self.bearers = {}, {}
        self.fetched = self.tokens_given = 0

    def user(self, request):
        """The name of who asks; None if nobody that is known."""
        if not self.users and not self.oauth and not self.subjects:
            return "ANONYMOUS"
        kind, _, rest = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "basic":
            try:
                name, _, password = base64.b64decode(rest, validate=True).decode().partition(":")
            except ValueError:
                return None
            return name if self.users.get(name) == password and password else None
        if kind.lower() == "bearer":
            with self.lock:
                name, until = self.bearers.get(rest.strip(), (None, 0))
            return name if time.monotonic() < until else None
        return request.subject if request.subject in self.subjects else None

    def token_endpoint(self, request):
        """OAuth 2.0 client credentials (RFC 6749, 4.4): basic or in the body."""
        form = dict(urllib.parse.parse_qsl(request.body.decode("utf-8", "replace")))
        name, secret = form.get("client_id"), form.get("client_secret")
        kind, _, rest = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "basic":
            try:
                name, _, secret = base64.b64decode(rest).decode().partition(":")
            except ValueError:
                name = None
            name, secret = urllib.parse.unquote(name or ""), urllib.parse.unquote(secret or "")
        if form.get("grant_type") != "client_credentials":
            return Answer(400, json.dumps({"error": "unsupported_grant_type"}), "application/json")
        if not secret or self.oauth.get(name) != secret:
            return Answer(401, json.dumps({"error": "invalid_client", "error_description": "Bad credentials"}), "application/json")
        token = secrets.token_urlsafe(32)
        life = self.settings["token-s"]
        with self.lock:
            self.tokens_given += 1
            self.bearers[token] = (name, time.monotonic() + life)
        return Answer(200, json.dumps({"access_token": token, "token_type": "Bearer", "expires_in": int(life), "scope": "API"}),
                      "application/json", [("Cache-Control", "no-store")])

    def revoke(self):
        """All sessions and bearer tokens are forgotten, as after a restart of the system."""
        with self.lock:
            self.sessions.clear()
            self.bearers.clear()

    def _session(self, request):
        ident = request.cookies().get(self.cookie)
        with self.lock:
            session = self.sessions.get(ident)
        if session is None or session["user"] != request.user or time.monotonic() > session["until"]:
            return None, None
        return ident, session

    def forget(self, request):
        with self.lock:
            self.sessions.pop(request.cookies().get(self.cookie), None)

    def fetch(self, request):
        """Headers of an answer to x-csrf-token: Fetch; none where the service gives no tokens."""
        if request.headers.get("x-csrf-token", "").lower() != "fetch" or not self.settings["csrf"]:
            return []
        ident, session = self._session(request)
        headers = []
        if session is None:
            ident = secrets.token_urlsafe(24)
            session = {"token": secrets.token_urlsafe(16) + "==", "twin": secrets.token_urlsafe(12), "user": request.user,
                       "until": time.monotonic() + self.settings["session-s"]}
            with self.lock:
                if len(self.sessions) >= SESSIONS_MAX:
                    self.sessions.pop(next(iter(self.sessions)))
                self.sessions[ident] = session
            secure = "; secure" if self.settings["secure-cookies"] else ""
            headers = [("Set-Cookie", f"sap-usercontext={self.context}; path=/"),
                       ("Set-Cookie", f"{self.cookie}={ident}; path=/{secure}; HttpOnly"),
                       ("Set-Cookie", f"{self.twin}={session['twin']}; path=/{secure}; HttpOnly")]
        self.fetched += 1
        return headers + [("x-csrf-token", session["token"])]

    def refused(self, request):
        """The 403 of a changing request without a valid token and all cookies of its session; None if it has them."""
        if not self.settings["csrf"]:
            return None
        _, session = self._session(request)
        token = request.headers.get("x-csrf-token", "")
        if session is not None and token == session["token"] and request.cookies().get(self.twin) == session["twin"]:
            session["until"] = time.monotonic() + self.settings["session-s"]
            return None
        return Answer(403, "CSRF token validation failed", "text/plain;charset=utf-8", [("x-csrf-token", "Required")])

    def unauthorized(self):
        challenge = [("WWW-Authenticate", 'Basic realm="SAP NetWeaver Application Server [S4H/100][simulated]"')] if self.users else []
        return Answer(401, "<html><head><title>Logon Error Message</title></head><body>Anmeldung fehlgeschlagen / "
                      "Logon failed</body></html>", "text/html;charset=utf-8", challenge)


__all__ = ["Sessions"]
