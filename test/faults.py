#!/usr/bin/python3
"""Faults at random moments, and after each of them the account: every admitted sample arrives at least once and in order, a repeat
carries the same key and the same bytes, the ledger balances, nothing was lost before the gate; at the end the history holds all too.

    test/faults.py [--trials 300] [--seed N] [--only KIND]

A simulated line, a gateway on the demo's site file, and a broker that records and misbehaves (test/lib/recorder.py). What is done to
them is in `FAULTS` below. The seed is printed; the same seed does the same in the same order (the moments still differ a little).
"""
import argparse
import hashlib
import json
import mmap
import os
import random
import re
import signal
import sqlite3
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import cases
from penstock import *

SETTLE_EVERY = 20           # trials; then all that is admitted must arrive
SETTLE_S = 90               # within this long
HOUR_NS = 3600 * 10**9
SHIM_FORMAT = "=qII16s"
WRITE_EIO, WRITE_FULL, WRITE_HALF, WRITE_HALF_KILL, SYNC_EIO = 1, 2, 3, 4, 5


class Shim:
    """Orders to test/faults/shim.c: failing disk calls, a wall clock that jumps."""

    def __init__(self, folder):
        self.library = os.path.join(folder, "shim.so")
        subprocess.run(["cc", "-std=c17", "-D_GNU_SOURCE", "-O2", "-fPIC", "-shared", "-o", self.library,
                        os.path.join(TOP, "test/faults/shim.c"), "-ldl"], check=True)
        self.path = os.path.join(folder, "orders")
        with open(self.path, "wb") as f:
            f.write(bytes(struct.calcsize(SHIM_FORMAT)))
        with open(self.path, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), 0)
        self.step_ns = 0
        self.order(0, 0, "")

    def env(self):
        return {"LD_PRELOAD": self.library, "PENSTOCK_SHIM": self.path}

    def order(self, armed, how, role):
        self.map[:] = struct.pack(SHIM_FORMAT, self.step_ns, armed, how, role.encode())

    def step(self, ns):
        self.step_ns += ns
        self.order(0, 0, "")


class Arrived:
    """What the far end has seen: by stream, the messages by their first sample number."""

    KEY = re.compile(rb'"key":"([^"@]+@[0-9a-f]{8})/(\d+)-[0-9a-f]{8}"')

    def __init__(self, broker):
        self.broker = broker
        self.digests = {}           # (stream, first) -> digest of the message
        self.counts = {}            # stream -> {first: samples}
        self.newest = {}            # stream -> the largest first number so far
        self.whole = {}             # stream -> first number that has not arrived, as far as looked
        self.messages = self.repeats = 0
        self.problems = []

    def take(self):
        """Look at what came since the last call, and forget the packets."""
        with self.broker._news:
            packets, self.broker.packets = self.broker.packets, []
        for p in packets:
            if p.sent or p.name != "PUBLISH":
                continue
            found = self.KEY.search(p.payload)
            if not found:
                self.problems.append(f"a message without a key: {p.payload[:80]}")
                continue
            stream, first = found.group(1).decode(), int(found.group(2))
            digest = hashlib.sha256(p.payload).digest()
            self.messages += 1
            if (stream, first) in self.digests:
                self.repeats += 1
                if self.digests[stream, first] != digest:
                    self.problems.append(f"a repeat of {stream}/{first} differs from what came first")
                continue
            self.digests[stream, first] = digest
            if first < self.newest.get(stream, 0):
                self.problems.append(f"{stream}/{first} came for the first time after {self.newest[stream]}")
            self.newest[stream] = max(first, self.newest.get(stream, 0))
            self.counts.setdefault(stream, {})[first] = p.payload.count(b'"n":"')

    def missing(self, stream, upto):
        """The first number of 1..upto that has not arrived, None if all have."""
        at = self.whole.get(stream, 1)
        counts = self.counts.get(stream, {})
        while at <= upto and at in counts:
            at += counts[at]
        self.whole[stream] = at
        return at if at <= upto else None


class Trials:
    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.folder = temp_dir()
        self.shim = Shim(self.folder)
        self.broker = RecordingBroker()
        self.arrived = Arrived(self.broker)
        self.g = Gateway(self.broker.port, folder=self.folder, env=self.shim.env(),
                         sim_options=("--seed", "3", "--skip", "2m", "--scale", "5"))

    # ---- helpers of the faults ----

    def pause(self, low, high):
        time.sleep(self.rng.uniform(low, high))

    def kill(self, name, number=signal.SIGKILL):
        try:
            os.kill(self.g.pids()[name], number)
        except (KeyError, ProcessLookupError):
            pass                    # it is down at this moment: the fault before this one still works

    # ---- the account ----

    def account(self):
        """Compares the ledger with what arrived. Returns {stream: (admitted, delivered, pending)}."""
        done = self.g.cli("ledger", "--json", limit_s=60)
        self.arrived.take()
        assert done.returncode == 0, f"penstock ledger: exit {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        book = json.loads(done.stdout)
        assert book["balance"] == 0, f"the ledger is off by {book['balance']}"
        found = {}
        for stream in book["streams"]:
            for sink in stream["sinks"]:
                total = sink["delivered"] + sink["pending"] + sink["quarantined"] + sink["dropped"] + sink.get("damaged", 0)
                assert sink["admitted"] == total, f"{stream['stream']} {sink['sink']}: {sink}"
                if sink["sink"] != "plant-broker":
                    continue
                assert sink["quarantined"] == 0 and sink["dropped"] == 0, f"{stream['stream']}: {sink}"
                lost = self.arrived.missing(stream["stream"], sink["delivered"])
                assert lost is None, f"{stream['stream']}: {sink['delivered']} delivered by the ledger, number {lost} never arrived"
                found[stream["stream"]] = (stream["admitted"], sink["delivered"], sink["pending"])
        lost = [line for line in list(self.g.run.err) if "event=samples_lost" in line]
        assert not lost, f"lost between field and gate: {lost[0]}"
        if self.arrived.problems:
            raise AssertionError("; ".join(self.arrived.problems[:3]))
        return found

    def history(self):
        """The history, once all has stopped, holds what the ledger says it was given. Returns how many samples."""
        book = json.loads(self.g.cli("ledger", "--json", limit_s=60).stdout)
        given = sum(sink["delivered"] for stream in book["streams"] for sink in stream["sinks"] if sink["sink"] == "local-history")
        with sqlite3.connect(os.path.join(self.g.state, "office/local-history/history.db")) as db:
            held = db.execute("select coalesce(sum(n), 0) from raw").fetchone()[0]
        assert held >= given > 0, f"the history holds {held} samples, the ledger says {given} were delivered to it"
        return held

    def settle(self):
        """All that is admitted by now must arrive, and be entered as delivered."""
        goal = {stream: admitted for stream, (admitted, _, _) in self.account().items()}
        end = time.monotonic() + SETTLE_S * cases.SCALE
        while True:
            now = self.account()
            if all(now[s][1] >= goal[s] for s in goal):
                return
            if time.monotonic() > end:
                raise AssertionError(f"not delivered after {SETTLE_S} s: wanted {goal}, the ledger has {now}\n{self.g.cli('status').stdout}")
            time.sleep(0.2)


def kill_one(name):
    def fault(t):
        t.kill(name)
    return fault


def kill_gate_and_office(t):
    t.kill("gate")
    t.kill("office")


def kill_supervisor(t):
    t.g.run.kill()
    t.pause(0, 0.3)
    t.g.start()


def hang(name):
    def fault(t):
        t.kill(name, signal.SIGSTOP)
        t.pause(0.05, 0.5)
        t.kill(name, signal.SIGCONT)
    return fault


def broker_dies(t):
    t.broker.shut()
    t.broker.drop(reset=t.rng.random() < 0.5)
    t.pause(0.05, 0.8)
    t.broker.open()


def broker_behaves(**how):
    def fault(t):
        for key, value in how.items():
            setattr(t.broker.behave, key, value)
        t.pause(0.1, 0.8)
        t.broker.behave = Behaviour()
        t.broker.drop()
    return fault


def broker_closes_mid_packet(t):
    t.broker.close_mid_packet()


def broker_closes_unacknowledged(t):
    t.broker.behave.close_after = t.rng.randint(1, 4)
    t.pause(0.2, 0.6)
    t.broker.behave = Behaviour()


def device_away(t):
    t.g.sim.ask(f"fault {t.rng.choice(['filler', 'capper', 'labeller', 'packer'])} silence 500ms")


def disk(role, how):
    def fault(t):
        t.shim.order(t.rng.randint(1, 3), how, role)
        t.pause(0.1, 1.0)
        t.shim.order(0, 0, "")
    return fault


def clock(ns):
    def fault(t):
        t.shim.step(ns if abs(t.shim.step_ns + ns) <= 2 * HOUR_NS else -ns)
    return fault


EDITS = (
    lambda text: text,
    lambda text: text.replace(', "Packaging/**/blocked"', ""),                      # a flow of other tags: a new stream
    lambda text: text.replace("at: holding 100 float32, unit: /min, scan: 100ms", "at: holding 100 float32, unit: /min, scan: 200ms"),
    lambda text: text.replace("on-change: 0.5 %, at-least-every: 10 s", "window: 1 s, functions: [mean, max]"),
    lambda text: text.replace("  Packaging/Line 3/Packer:   { type: packaging-machine, source: packer-plc }\n", ""),
)


def plan_changes(t):
    t.g.write(t.rng.choice(EDITS))
    done = t.g.cli("apply", t.g.site, limit_s=60)
    assert done.returncode == 0, f"apply: {done.stdout}{done.stderr}"


def plan_changes_while_gate_dies(t):
    t.kill("gate")
    plan_changes(t)


def plan_goes_back(t):
    t.g.cli("apply", "--back", limit_s=60)      # refused where there is none yet


FAULTS = {
    "field killed": kill_one("field:line-3"),
    "insight killed": kill_one("insight"),
    "gate killed": kill_one("gate"),
    "office killed": kill_one("office"),
    "gate and office killed": kill_gate_and_office,
    "supervisor killed": kill_supervisor,
    "gate hangs": hang("gate"),
    "office hangs": hang("office"),
    "broker dies": broker_dies,
    "broker hangs": broker_behaves(ack="none", read=False, pingresp=False),
    "broker keeps its acknowledgements": broker_behaves(ack="none"),
    "broker refuses": broker_behaves(refuse=0x88),
    "broker acknowledges what was never sent": broker_behaves(ack="wrong-id"),
    "broker acknowledges twice": broker_behaves(ack="twice"),
    "broker is slow": broker_behaves(ack_delay_s=0.3),
    "broker closes in the middle of a packet": broker_closes_mid_packet,
    "broker closes instead of acknowledging": broker_closes_unacknowledged,
    "device away": device_away,
    "plan changes": plan_changes,
    "plan changes while gate dies": plan_changes_while_gate_dies,
    "plan goes back": plan_goes_back,
    "gate: write fails": disk("gate", WRITE_EIO),
    "gate: disk full": disk("gate", WRITE_FULL),
    "gate: half a write": disk("gate", WRITE_HALF),
    "gate: killed in the middle of a write": disk("gate", WRITE_HALF_KILL),
    "gate: sync fails": disk("gate", SYNC_EIO),
    "office: write fails": disk("office", WRITE_EIO),
    "office: killed in the middle of a write": disk("office", WRITE_HALF_KILL),
    "clock an hour ahead": clock(HOUR_NS),
    "clock an hour back": clock(-HOUR_NS),
}


def main_trials():
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=300)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--only", help="only faults whose name holds this text")
    options = parser.parse_args()
    kinds = [k for k in FAULTS if options.only is None or options.only in k]
    print(f"seed {options.seed}, {options.trials} trials of {len(kinds)} kinds", flush=True)
    t = Trials(options.seed)
    passed, failed, counts = 0, 0, dict.fromkeys(kinds, 0)
    order = []
    for number in range(1, options.trials + 1):
        if not order:               # every kind as often as every other, in a new order each time
            order = t.rng.sample(kinds, len(kinds))
        kind = order.pop()
        try:
            t.pause(0, 0.25)
            FAULTS[kind](t)
            t.pause(0, 0.2)
            t.account()
            if number % SETTLE_EVERY == 0 or number == options.trials:
                t.settle()
            passed += 1
            counts[kind] += 1
        except Exception as e:      # the trial is named, and the campaign ends: what follows would only repeat it
            failed += 1
            print(f"FAIL {kind}: trial {number}, seed {options.seed}: {type(e).__name__}: {e}", flush=True)
            print(t.g.run.tail(60), flush=True)
            break
    if failed == 0:
        if t.g.stop() != 0:
            failed += 1
            print("FAIL the gateway did not end well")
        done = t.g.cli("ledger", "--verify", limit_s=120)
        if done.returncode != 0:
            failed += 1
            print(f"FAIL the proof over everything: {done.stdout}{done.stderr}")
        else:
            passed += 1
        try:
            print(f"{t.history()} samples in the history")
            passed += 1
        except AssertionError as e:
            failed += 1
            print(f"FAIL the history: {e}")
    for kind, n in counts.items():
        print(f"ok {kind}: {n} trials")
    a = t.arrived
    print(f"{a.messages} messages arrived, {a.repeats} of them repeats; {sum(sum(c.values()) for c in a.counts.values())} samples, each at least once")
    print(f"{passed} passed, {failed} failed, 0 skipped", flush=True)
    cases._undo_all([])
    return failed != 0


if __name__ == "__main__":
    sys.exit(main_trials())
