#!/usr/bin/python3
"""Requests through the whole program: command line, gate, field, a libmodbus server that notes each write, the audit log."""
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from penstock import *
from request_runs import BY, Plant, control

ALL = f"""  sp: {{ what: Line/Oven/setpoint, from: cli, limits: [10, 600], {BY} }}
  scaled: {{ what: Line/Oven/scaled, from: cli, {BY} }}
  rest: {{ what: [Line/Oven/float, Line/Oven/mode], from: cli, {BY} }}
  bits: {{ what: [Line/Oven/bit, Line/Oven/coil], from: cli, values: [yes, no], {BY} }}
"""


def pdus(plant):
    return [pdu.hex(" ") for _, pdu in plant.writes()]


def test_each_kind_of_value_reaches_its_place_and_is_read_back():
    p = Plant(ALL)
    for tag, value, readback in (("setpoint", 42, 42), ("scaled", -12.5, -12.5), ("float", 1.5, 1.5), ("mode", "clean", 2),
                                 ("bit", "true", True), ("coil", "false", False)):
        a = p.set(tag, value)
        equal((a["state"], a.get("readback")), ("applied", readback), f"{tag}: {a}")
    # Modbus Application Protocol V1.1b3: 6.6, 6.6, 6.12, 6.6, 6.16, 6.5; holding 105.3 was 105 = 0x0069
    equal(pdus(p), ["06 00 64 00 2a", "06 00 65 ff 83", "10 00 66 00 02 04 3f c0 00 00", "06 00 68 00 02", "16 00 69 ff f7 00 08",
                    "05 00 07 00 00"], "what the device got")


def test_nothing_is_written_that_no_entry_admits():
    p = Plant("  sp: { what: Line/Oven/setpoint, from: cli, limits: [10, 600], role: nobody-has-this, " + BY + " }\n")
    equal(p.set("other", 5)["reason"], "no-entry")
    equal(p.set("setpoint", 50)["reason"], "role")
    equal(p.request("call", "plc", "start")["reason"], "no-entry")
    equal(p.cli("request", "write", "Line/Oven/other", "5", "--wait").returncode, 1, "exit status of a refusal")
    equal(p.writes(), [], "writes")
    q = Plant(ALL)
    for tag, value, reason in (("setpoint", 601, "limit"), ("setpoint", 9, "limit"), ("setpoint", "nan", "type"), ("setpoint", 50.5, "type"),
                               ("scaled", 12.55, "device"), ("mode", 7, "value"), ("bit", 3, "type"), ("actual", 1, "no-entry")):
        a = q.set(tag, value)
        equal((a["state"], a["reason"]), ("refused", reason), f"{tag} {value}")
    equal(q.writes(), [], "writes")


def test_a_time_to_live_that_is_over_or_too_long_refuses():
    p = Plant(f"  sp: {{ what: Line/Oven/setpoint, from: cli, ttl: 2 s, {BY} }}\n")
    equal(p.set("setpoint", 50, "--ttl", "3s")["reason"], "ttl")
    boot = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    answer = control(p.state, "request", f"deadline={boot - 1}", "wait", "write", "Line/Oven/setpoint", "50")[-1]
    equal(answer["state"], "expired", "a deadline that is over")
    equal(p.set("setpoint", 50, "--ttl", "2s")["state"], "applied")
    equal(len(p.writes()), 1, "writes")


def test_the_same_key_writes_once_also_after_a_restart():
    p = Plant(ALL)
    first = p.set("setpoint", 42, "--key", "order-7")
    equal(first["state"], "applied")
    equal(p.set("setpoint", 42, "--key", "order-7")["id"], first["id"], "the same request")
    equal(p.set("setpoint", 43, "--key", "order-7")["reason"], "key")
    p.run.kill()
    p.run.wait(10)
    p.start()
    again = p.set("setpoint", 42, "--key", "order-7")
    equal((again["state"], again["id"]), ("applied", first["id"]), "the known outcome")
    equal(len(p.writes()), 1, "writes")


def test_an_interlock_holds_writes_back_until_it_is_known_to_be_true():
    p = Plant(f"  sp: {{ what: Line/Oven/setpoint, from: cli, interlock: ready and actual < 500, {BY} }}\n"
              f"  coil: {{ what: [Line/Oven/coil, Line/Oven/other], from: cli, {BY} }}\n")
    # At the server's start coil 8 is off, holding 110 is 110.
    a = wait_for(lambda: [a for a in [p.set("setpoint", 50)] if "has come yet" not in a["why"]], 10)[0]
    equal(a["reason"], "interlock", f"a refusal: {a}")
    p.server.stop()
    time.sleep(0.5)
    a = p.set("setpoint", 50)
    equal(a["reason"], "interlock", f"a refusal: {a}")
    assert "not good" in a["why"] or "does not hold" in a["why"], a
    equal(p.writes(), [], "writes")


def test_a_second_person_is_another_one():
    if os.getuid() != 0:
        skip("it takes root to be two persons")
    p = Plant(f"  sp: {{ what: Line/Oven/setpoint, from: cli, second-person: yes, ttl: 20 s, {BY} }}\n")
    a = p.set("setpoint", 50, wait=False)
    equal(a["state"], "pending")
    mine = p.cli("request", "confirm", str(a["id"]))
    equal(mine.returncode, 1, "exit status of confirming one's own")
    assert "another" in mine.stderr, mine.stderr
    equal(p.writes(), [], "writes")
    os.chmod(p.folder, 0o755)
    os.chmod(p.state, 0o755)
    os.chmod(os.path.join(p.state, "control.sock"), 0o666)
    other = subprocess.run([program_for_others(), "request", "confirm", str(a["id"]), "--wait", "--state", p.state], user="nobody", group="nogroup",
                           extra_groups=[], capture_output=True, text=True, timeout=120, check=False)
    equal(other.returncode, 0, f"exit status of the other: {other.stdout}{other.stderr}")
    equal(len(p.writes()), 1, "writes")
    entries = p.audit("--id", str(a["id"]))
    equal([e["kind"] for e in entries], ["request", "confirm", "confirm", "sent", "outcome"], "the log")
    equal(entries[2]["entry"]["user"], "nobody")
    b = p.set("setpoint", 60, "--ttl", "300ms")
    equal(b["state"], "expired", f"one that nobody confirms: {b}")
    c = p.set("setpoint", 60, wait=False)
    equal(p.request("cancel", str(c["id"]), wait=False)["reason"], "cancelled")
    equal(len(p.writes()), 1, "writes")


def test_what_the_device_refuses_or_never_answers_is_said_so():
    p = Plant(f"  a: {{ what: 'Line/Oven/{{setpoint}}', from: cli, {BY} }}\n".replace("{setpoint}", "setpoint"), start=False)
    p.server.stop()
    p.server = ModbusServer(log_writes=p.log, illegal="holding:100")
    p.port = p.server.port
    p.write(f"  a: {{ what: [Line/Oven/setpoint, Line/Oven/other], from: cli, {BY} }}\n")
    p.start()
    a = p.set("setpoint", 50)
    equal((a["state"], a["reason"]), ("refused", "device"), f"{a}")
    assert "illegal data address" in a["why"], a
    p.server.stop()
    time.sleep(0.3)
    a = p.set("other", 50)
    equal((a["state"], a["reason"]), ("refused", "device"), f"{a}")
    equal(p.writes(), [], "writes")


def test_a_gate_that_dies_leaves_the_outcome_unknown_and_sends_nothing_again():
    proxies = []

    def through(port):
        proxies.append(Proxy(port))
        return proxies[0].port

    p = Plant(f"  a: {{ what: Line/Oven/setpoint, from: cli, {BY} }}\n", via=through, timeout="5 s")
    proxies[0].delay_s = 2.0
    a = p.set("setpoint", 50, wait=False)
    equal(a["state"], "sent")
    pid = p.processes()["gate"]["pid"]
    os.kill(pid, 9)
    wait_for(lambda: p.processes()["gate"].get("pid") not in (None, 0, pid), 20, "a new gate")
    wait_for(lambda: [e for e in p.audit() if e["kind"] == "outcome" and e["id"] == a["id"]], 10, "its outcome")
    entries = p.audit("--id", str(a["id"]))
    equal([e["kind"] for e in entries], ["request", "sent", "outcome"], "the log")
    equal(entries[2]["entry"]["state"], "unknown")
    proxies[0].delay_s = 0.0
    time.sleep(2.5)
    equal(len(p.writes()), 1, "writes")


def test_the_log_says_who_changed_it():
    p = Plant(ALL)
    for value in (20, 30, 40):
        p.set("setpoint", value)
    status, verdict = p.verify()
    equal((status, verdict["findings"]), (0, []), "an untouched log")
    folder = os.path.join(p.state, "audit")
    name = os.path.join(folder, sorted(os.listdir(folder))[0])
    with open(name, "rb") as f:
        lines = f.read().splitlines(keepends=True)

    def with_lines(changed):
        with open(name, "wb") as out:
            out.writelines(changed)
        return p.verify("--anchor", verdict["anchor"])

    at = next(i for i, line in enumerate(lines) if b'"value":30' in line)
    status, found = with_lines([line.replace(b'"value":30', b'"value":31') for line in lines])
    equal(status, 1, "exit status for a changed log")
    assert f"entry {at + 1} " in found["findings"][0], found
    status, found = with_lines(lines[:at] + lines[at + 1:])
    assert status == 1 and f"entry {at + 1} is missing" in found["findings"][0], found
    status, found = with_lines(lines[:-2])
    assert status == 1 and "cut off" in found["findings"][0], found
    equal(with_lines(lines)[0], 0, "the log put back")


def test_a_new_plan_is_entered_and_takes_its_entries_away():
    p = Plant(ALL)
    equal(p.set("setpoint", 50)["state"], "applied")
    p.write("  {}\n")
    with open(p.site, encoding="utf-8") as f:
        text = f.read()
    with open(p.site, "w", encoding="utf-8") as f:
        f.write(text[:text.index("requests:")])
    plan = p.cli("plan", p.site)
    done = p.cli("apply", p.site)
    equal(done.returncode, 0, f"exit status of apply: {done.stdout}{done.stderr}")
    assert "- request sp" in done.stdout, done.stdout + plan.stdout
    equal(p.set("setpoint", 60)["reason"], "no-entry")
    equal(len(p.writes()), 1, "writes")
    equal([e["kind"] for e in p.audit()].count("plan"), 2, "plans in the log")


if __name__ == "__main__":
    main()
