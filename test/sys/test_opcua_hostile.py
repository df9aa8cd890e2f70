#!/usr/bin/python3
"""Servers that mean ill: the driver neither ends nor grows, says what is wrong, and its other sources do not notice."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from penstock import *
from ua_hostile import Hostile
from ua_peers import *
from ua_site import *

KEYS = "security: [none], timeout: 1 s, retry-max: 1 s, watch: 500 ms, memory: 16 MiB"
# After these a session stands; what comes next is for the data half.
HARMLESS = ("clock_far_off", "no_nonce", "abort_chunks", "zero_lifetime", "ack_huge", "flood", "bad_utf8", "endless_hello")


def test_hostile_servers_are_met_calmly():
    good = UaServer(variables=10, change_ms=100)
    servers = {h: Hostile(h) for h in Hostile.HABITS}
    sources = {"good": (good.url, f"security: [none], timeout: 5 s")}
    sources.update({h.replace("_", "-"): (s.url, KEYS) for h, s in servers.items()})
    g = UaGateway({"good": sources["good"]}, start=False)
    g.start()
    g.up("good")
    pid = g.field_pid()
    before = memory_kb(pid)
    g.write(sources)
    done = g.cli("apply", g.site)
    equal(done.returncode, 0, done.stderr)
    wait_for(lambda: all(s.connections >= 3 for h, s in servers.items() if h not in HARMLESS), 30, "three attempts everywhere", 0.2)
    equal(g.field_pid(), pid, "the process that speaks to the servers")
    w = g.why("good")
    equal((w["link_state"], w["status"]), ("up", "Good"), "the honest server's source")
    for habit in Hostile.HABITS:
        cause = g.cause(habit.replace("_", "-"))
        assert cause or habit in (*HARMLESS, "forgets_session"), f"{habit}: no cause is told"
    assert any("to tell its state (BadSessionNotActivated)" in line for line in list(g.run.err)), "why a forgotten session is left"
    # A thread and a few buffers for each source, and what malloc keeps of messages of 16 MiB.
    bound = before + 1024 * len(servers) + 48 * 1024
    if SCALE == 1:      # address sanitizers keep freed memory aside
        assert memory_kb(pid) < bound, f"{memory_kb(pid)} KiB, before {before}"
    peaks = {h: g.why(h.replace("_", "-"))["detail"]["library_bytes_peak"] for h in ("endless_chunks", "many_endpoints", "many_namespaces")}
    assert all(int(p) <= 16 << 20 for p in peaks.values()), peaks
    equal(threads(pid), 2 + len(servers), "threads")


def test_a_clock_far_off_is_told_and_times_are_left_alone():
    server = Hostile("clock_far_off")
    g = UaGateway({"press": (server.url, KEYS)})
    wait_for(lambda: any("event=opcua_clock" in line for line in list(g.run.err)), 15, "the warning of the clock", 0.1)


if __name__ == "__main__":
    main()
