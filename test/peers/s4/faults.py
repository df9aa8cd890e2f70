"""What goes wrong, by rate and seed or by rule.

A plan is text: "seed=7,lost-answer=0.02,throttle=0.01"; numbers are probabilities a request. Rules are for single cases:
{"fault": "lost-answer", "method": "POST", "path": "ProdnOrdConf2", "times": 1, "after": 0}; path is a part of the target.
"""
import random
import threading

# Name: when it happens. before: nothing is done; after: the request has its effect; business: judged by the posting itself.
FAULTS = {
    "cut-before": "before",         # the connection is reset, nothing was done
    "slow-before": "delay",         # the request lies for slow-ms before anything is done
    "throttle": "before",           # 429 with Retry-After
    "unavailable": "before",        # 503 with Retry-After, a page of HTML
    "unauthorized": "before",       # 401
    "stale": "before",              # the session is forgotten: 403 with x-csrf-token: Required
    "locked": "before",             # 423: somebody else has the order open
    "changed": "before",            # 412: a condition that does not hold
    "precondition": "before",       # 428: the service wants an ETag
    "dump": "before",               # 500, short dump
    "bad-gateway": "before",        # 502 of a proxy, HTML
    "login-page": "before",         # 200 with a page of HTML, as a proxy that wants a log-in answers
    "lost-answer": "after",         # done, and the connection is reset before the answer
    "cut-within": "after",          # done, and the connection ends within the answer
    "cut-after": "after",           # done, answered, and the connection ends
    "slow": "after",                # done, answered slow-ms later
    "gateway-timeout": "after",     # done, and a proxy answers 504 with HTML
    "filtered": "after",            # done, and a filter on the way answers 403 with HTML
    "redirected": "after",          # done, and a filter on the way leads elsewhere: 302
    "bad-json": "after",            # done, and the answer is no JSON
    "bad-xml": "after",             # done, and the answer is XML that ends early
    "empty": "after",               # done, and the answer has no body
    "huge": "after",                # done, and the answer is of huge-mb
    "cogi": "business",             # posted, but a goods movement fails later
}


class Plan:
    """Decides, for each request, what goes wrong with it. Counted in .happened."""

    def __init__(self, text=""):
        self.lock = threading.Lock()
        self.rates, self.rules, self.happened = {}, [], {}
        self.seed = 1
        self.set(text)

    def set(self, text):
        """Replaces the rates; names and numbers are checked."""
        rates, seed = {}, self.seed
        for part in filter(None, (p.strip() for p in text.split(","))):
            name, _, number = part.partition("=")
            if name == "seed":
                seed = int(number)
            elif name not in FAULTS:
                raise ValueError(f"'{name}' is no fault; there are: seed, {', '.join(FAULTS)}")
            elif not 0 <= float(number) <= 1:
                raise ValueError(f"{name}={number} is no probability")
            else:
                rates[name] = float(number)
        if sum(rate for name, rate in rates.items() if FAULTS[name] != "business") > 1:
            raise ValueError("the probabilities sum up to more than 1")
        with self.lock:
            self.rates, self.seed, self.random = rates, seed, random.Random(seed)

    def add(self, rule):
        if rule.get("fault") not in FAULTS:
            raise ValueError(f"'{rule.get('fault')}' is no fault")
        with self.lock:
            self.rules.append({"method": "", "path": "", "times": 1, "after": 0, **rule})

    def clear(self):
        with self.lock:
            self.rates, self.rules = {}, []

    def _by_rule(self, method, target, business):
        for rule in self.rules:
            if (FAULTS[rule["fault"]] == "business") != business or rule["times"] <= 0:
                continue
            if rule["method"] not in ("", method) or rule["path"] not in target:
                continue
            if rule["after"] > 0:
                rule["after"] -= 1
                continue
            rule["times"] -= 1
            return rule["fault"]
        return None

    def _count(self, name):
        if name:
            self.happened[name] = self.happened.get(name, 0) + 1
        return name

    def pick(self, method, target):
        """The fault of this request, None for none."""
        with self.lock:
            found = self._by_rule(method, target, False)
            if found or not self.rates:
                return self._count(found)
            draw = self.random.random()
            for name, rate in self.rates.items():
                if FAULTS[name] == "business":
                    continue
                draw -= rate
                if draw < 0:
                    return self._count(name)
        return None

    def late_failure(self, target):
        """Whether a goods movement that is posted now fails later."""
        with self.lock:
            if self._by_rule("POST", target, True):
                return bool(self._count("cogi"))
            return self.random.random() < self.rates.get("cogi", 0) and bool(self._count("cogi"))


__all__ = ["FAULTS", "Plan"]
