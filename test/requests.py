#!/usr/bin/python3
"""Requests under faults: whatever is killed, held up, said again or set back, no write reaches the device that is expired, repeated or
out of limits, and the audit log accounts for each request.

    test/requests.py [--trials 100] [--seed N]

A gateway in front of a libmodbus server that notes each write, with a proxy between them that notes when it left and holds it up.
Each trial asks for a write of a value that is its own: in or out of limits, with times to live from "over" to seconds, with and
without a key, and says it again. Meanwhile processes are killed or stopped for a while, the connection is delayed or reset, the wall
clock jumps, the disk fails. At the end what arrived is held against what was asked, and against the log.
"""
import argparse
import collections
import json
import os
import random
import signal
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cases
from faults import HOUR_NS, SYNC_EIO, Shim
from penstock import *
from request_runs import control, logged

WORKERS = 8
A_SECOND = 30               # trials; gate takes 50 requests a second from the command line
FROM, TO = 1, 1_999_999     # limits of the entry; the trials' own numbers lie within
OUT = 2_000_000             # added to a trial's number: out of limits
TTL_S = 5                   # what the entry grants
# How late a byte may be seen behind its deadline, for the scheduler's sake. What is held up is held up for longer.
SLACK_NS = int(0.25 * cases.SCALE * 1e9)
HOLD_S = 1.5 * cases.SCALE

SITE = """site: {{ enterprise: Acme, name: Requests, country: DE }}
zones: {{ line: {{ level: 2, sl-t: 1 }} }}
sources:
  plc: {{ driver: modbus-tcp, zone: line, endpoint: "127.0.0.1:{port}", unit: 1, writes: yes, timeout: 300 ms }}
equipment:
  Line/Oven:
    source: plc
    tags:
{tags}
requests:
  all: {{ what: 'Line/Oven/*', from: cli, limits: [{lo}, {hi}], per-minute: 60000, ttl: {ttl} s, readback: {{ within: 1 s }},
    why: a campaign, owner: the tests }}
"""


def boot_ns():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


class Trial:
    """One request, and all that was heard of it. `asks` are the messages that were said, each (deadline, answers)."""

    def __init__(self, number, worker, rng):
        self.number, self.worker = number, worker
        self.value = number + (OUT if rng.random() < 0.15 else 0)
        self.ttl_s = rng.choice([-0.5, 0.0, 0.005, 0.05, 0.1, 0.2, 0.3, 0.3, 1.0, 4.5, 4.5, 4.5, 4.5, 20.0])
        self.key = f"trial-{number}" if rng.random() < 0.7 else None
        self.deadline = 0
        self.answers = []

    def words(self, wait=True):
        return [f"deadline={self.deadline}", *([f"key={self.key}"] if self.key else []), *(["wait"] if wait else []),
                "write", f"Line/Oven/t{self.worker}", str(self.value)]


class Campaign:
    def __init__(self, seed, trials):
        self.rng = random.Random(seed)
        self.count = trials
        self.folder = temp_dir()
        self.state = os.path.join(self.folder, "state")
        self.log = os.path.join(self.folder, "writes")
        self.shim = Shim(self.folder)
        self.server = ModbusServer(log_writes=self.log)
        self.proxy = Proxy(self.server.port)
        self.left = []              # (boot ns, value) of each write as it left the gateway
        self.proxy.tap = self.tap
        self.site = os.path.join(self.folder, "site.yaml")
        tags = "\n".join(f"      t{i}: {{ at: holding {200 + 2 * i} uint32, range: [0, 4000000000], scan: 200 ms, writable: yes }}"
                         for i in range(WORKERS))
        with open(self.site, "w", encoding="utf-8") as f:
            f.write(SITE.format(port=self.proxy.port, tags=tags, lo=FROM, hi=TO, ttl=TTL_S))
        self.trials, self.old = [], []
        self.lock = threading.Lock()
        self.next = 0
        self.begun = time.monotonic()
        self.unasked = 0
        self.faults = collections.Counter()
        self.over = threading.Event()
        self.run = None
        self.start()

    # ---- the gateway ----

    def start(self):
        self.run = start_penstock("run", self.site, "--state", self.state, env=self.shim.env())
        self.run.wait_line("event=ready", 30)

    def tap(self, data):
        """Write Multiple Registers of two registers: 7 bytes of header, then 16, address, count, 4, value."""
        now = boot_ns()
        while len(data) >= 8:
            size = 6 + struct.unpack(">H", data[4:6])[0]
            if data[7] == 16 and size == 17:
                self.left.append((now, struct.unpack(">I", data[13:17])[0]))
            data = data[size:]

    def pid(self, name):
        for pid in children(self.run.pid):
            try:
                with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as f:
                    words = f.read().split("\0")
            except OSError:
                continue
            if "--child" in words and words[words.index("--child") + 1] == name:
                return pid
        return None

    # ---- what is asked ----

    def say(self, trial, wait=True):
        """One message. False: it could not be said."""
        try:
            answer = control(self.state, "request", *trial.words(wait), limit_s=TTL_S + 10 + 4 * HOLD_S)
        except OSError:
            return False
        with self.lock:
            trial.answers += answer
        return True

    def worker(self, worker, seed):
        rng = random.Random(seed)
        while True:
            with self.lock:
                if self.next == self.count:
                    return
                self.next += 1
                number = self.next
                due = self.begun + number / A_SECOND
            time.sleep(max(0, due - time.monotonic()))
            trial = Trial(number, worker, rng)
            trial.deadline = boot_ns() + int(trial.ttl_s * 1e9)
            with self.lock:
                self.trials.append(trial)
            if not self.say(trial, wait=rng.random() < 0.9):
                with self.lock:
                    self.unasked += 1
            # Said again: at once or much later, the very same message. Without a key it may be said again only when it is over.
            if trial.key and rng.random() < 0.2:
                self.say(trial)
            old = rng.choice(self.old) if self.old and rng.random() < 0.1 else None
            if old is not None and (old.key or old.deadline < boot_ns()):
                if old.key and rng.random() < 0.5:
                    old.deadline = boot_ns() + int(4e9)
                self.say(old)
            with self.lock:
                self.old.append(trial)

    # ---- what is done to it ----

    def kill(self, name):
        pid = self.pid(name)
        if pid is not None:
            os.kill(pid, signal.SIGKILL)

    def hold(self, name):
        pid = self.pid(name)
        if pid is None:
            return
        os.kill(pid, signal.SIGSTOP)
        time.sleep(self.rng.uniform(0.6, 1.0) * HOLD_S)
        os.kill(pid, signal.SIGCONT)

    def all_anew(self):
        self.run.kill()
        self.run.wait(10)
        time.sleep(0.1)
        self.start()

    def delay(self):
        self.proxy.delay_s = self.rng.choice([0.05, 0.2, HOLD_S])
        time.sleep(self.rng.uniform(0.2, 1.5))
        self.proxy.delay_s = 0.0

    def fault(self):
        kinds = {
            "gate killed": lambda: self.kill("gate"), "field killed": lambda: self.kill("field"),
            "office killed": lambda: self.kill("office"), "insight killed": lambda: self.kill("insight"),
            "gate held": lambda: self.hold("gate"), "field held": lambda: self.hold("field"),
            "connection delayed": self.delay, "connection reset": self.proxy.reset,
            "clock ahead": lambda: self.shim.step(HOUR_NS), "clock back": lambda: self.shim.step(-HOUR_NS),
            "sync fails": lambda: self.shim.order(self.rng.randint(1, 3), SYNC_EIO, "gate"),
            "all killed": self.all_anew,
        }
        weights = [2, 2, 1, 1, 3, 3, 3, 2, 2, 2, 1, 1]
        kind = self.rng.choices(list(kinds), weights)[0]
        self.faults[kind] += 1
        kinds[kind]()

    def trouble(self):
        while not self.over.wait(self.rng.uniform(0.1, 0.9)):
            try:
                self.fault()
            except ProcessLookupError:      # it was being restarted
                pass

    def go(self):
        trouble = threading.Thread(target=self.trouble)
        workers = [threading.Thread(target=self.worker, args=(i, self.rng.random())) for i in range(WORKERS)]
        for t in [trouble, *workers]:
            t.start()
        for t in workers:
            t.join()
        self.over.set()
        trouble.join()
        # A last start, so that what died with a gate has its outcome.
        self.shim.order(0, 0, "")
        self.all_anew()
        wait_for(lambda: control(self.state, "request", "show", "999999999"), 30, "the gate", 0.5)
        self.run.send_signal(signal.SIGTERM)
        self.run.wait(30)

    # ---- the account ----

    def arrived(self):
        return [(when, struct.unpack(">I", pdu[6:10])[0]) for when, pdu in logged(self.log)]

    def audit(self):
        done = penstock("audit", "show", "--json", "--state", self.state, limit_s=60)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def account(self):
        problems = []
        by_value = {t.value: t for t in self.trials}
        seen = collections.Counter(value for _, value in self.arrived())
        for value, n in seen.items():
            trial = by_value.get(value)
            if trial is None or not FROM <= value <= TO:
                problems.append(f"{value} was written: nobody asked for it, or it is out of limits")
            if n > 1:
                problems.append(f"{value} was written {n} times")
        late = 0
        for when, value in self.left:
            trial = by_value.get(value)
            if trial is not None:
                late = max(late, when - trial.deadline)
                if when > trial.deadline + SLACK_NS:
                    problems.append(f"{value} left {(when - trial.deadline) / 1e9:.3f} s too late (time to live {trial.ttl_s} s)")
        self.late_ms = late / 1e6
        problems += self.account_log(seen)
        done = penstock("audit", "verify", "--state", self.state)
        if done.returncode != 0:
            problems.append("the log does not verify: " + done.stdout)
        return problems

    def unlogged(self, answer, outcome):
        """What the disk did not take, of a gate that was killed before it could try again: a refusal is not there, an outcome is unknown."""
        if not self.faults["sync fails"]:
            return False
        if answer["state"] in ("refused", "expired"):
            return outcome.get(answer["id"]) in (None, "unknown")
        return outcome.get(answer["id"]) == "unknown"

    def account_log(self, seen):
        asked, sent, outcome, problems = {}, set(), {}, []
        for e in self.audit():
            if e["kind"] == "request":
                if e["id"] in asked:
                    problems.append(f"request {e['id']} stands in the log twice")
                asked[e["id"]] = e["entry"]
            elif e["kind"] == "sent":
                sent.add(e["id"])
            elif e["kind"] == "outcome":
                if e["id"] in outcome:
                    problems.append(f"request {e['id']} has two outcomes")
                outcome[e["id"]] = e["entry"]["state"]
        self.outcomes = collections.Counter(outcome.values())
        self.reasons = collections.Counter(a.get("reason") for t in self.trials for a in t.answers if a.get("state") in ("refused", "unknown"))
        problems += [f"request {i} has no outcome" for i in asked if i not in outcome]
        written = collections.Counter()
        for i, entry in asked.items():
            value, state = int(entry["value"]), outcome.get(i)
            written[value] += i in sent
            if state == "applied" and not seen[value]:
                problems.append(f"request {i} of {value} is said to be applied, but it never arrived")
            if state in ("refused", "expired") and seen[value] and not any(
                    j != i and int(a["value"]) == value and outcome.get(j) in ("applied", "unknown") for j, a in asked.items()):
                problems.append(f"request {i} of {value} is said to be {state}, but it arrived")
        problems += [f"{value} arrived, but the log does not know of its sending" for value in seen if not written[value]]
        for trial in self.trials:
            for a in trial.answers:
                if a.get("state") in ("applied", "refused", "expired", "unknown") and a.get("id") and \
                        outcome.get(a["id"]) != a["state"] and not self.unlogged(a, outcome):
                    problems.append(f"request {a['id']} was answered {a['state']}, the log says {outcome.get(a['id'])}")
        return problems


def main_campaign():
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    print(f"seed {options.seed}, {options.trials} trials", flush=True)
    c = Campaign(options.seed, options.trials)
    c.go()
    problems = c.account()
    for p in problems[:40]:
        print("FAIL " + p)
    if problems:
        print(c.run.tail(30))
    said = sum(len(t.answers) for t in c.trials)
    print("faults: " + ", ".join(f"{k} {n}" for k, n in sorted(c.faults.items())))
    print("refused and unknown: " + ", ".join(f"{k} {n}" for k, n in c.reasons.most_common()))
    print(f"{len(c.trials)} trials, {c.unasked} of them could not be asked, {said} answers; {len(c.arrived())} writes arrived; "
          f"outcomes in the log: {dict(c.outcomes)}; latest byte {max(0.0, c.late_ms):.1f} ms behind its deadline")
    # A campaign in which nothing happens proves nothing.
    enough = c.outcomes["applied"] > options.trials // 10 and c.outcomes["expired"] > 0 and c.outcomes["refused"] > 0
    if not enough:
        print("FAIL too little was applied, expired or refused for this to mean anything")
    failed = len(problems) + (not enough)
    print(f"{options.trials if not failed else 0} passed, {failed} failed, 0 skipped", flush=True)
    cases._undo_all([])
    return failed != 0


if __name__ == "__main__":
    sys.exit(main_campaign())
