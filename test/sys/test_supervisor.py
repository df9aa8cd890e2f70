#!/usr/bin/python3
"""The supervisor: start, restart, reload, stop, and who may run with a state directory."""
import os
import signal
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from penstock import *


def gateway(**options):
    return Gateway(free_port(), **options)


def test_all_processes_come_up_and_sources_are_scanned_at_their_rate():
    g = gateway()
    equal(sorted(g.processes()), ["field:line-3", "gate", "insight", "office"], "processes")
    wait_for(lambda: len(s := g.objects("source")) == 4 and all(o["samples"] > 100 for o in s.values()), 15, "samples")
    wait_for(lambda: all(o["rate_mhz"] > 0.8 * o["target_mhz"] for o in g.objects("source").values()), 20, "the rate that is asked for")


def test_any_child_may_be_killed_and_the_others_go_on():
    g = gateway()
    before = g.pids()
    for name in sorted(before):
        others = {n: p for n, p in g.pids().items() if n != name}
        g.kill(name)
        now = g.pids()
        assert now[name] not in before.values(), name
        equal({n: now[n] for n in others}, others, f"the others after {name} was killed")


def test_no_child_outlives_a_killed_supervisor():
    g = gateway()
    pids = list(g.pids().values())
    g.run.kill()
    wait_for(lambda: not any(alive(p) for p in pids), 5, "the children to end")
    g.start()
    assert all(p["state"] == "up" for p in g.processes().values())


def test_it_stops_in_good_order_on_sigterm_and_on_command():
    for how in ("signal", "hangup", "command"):
        g = gateway()
        if how == "signal":
            equal(g.stop(), 0, "exit status")
        elif how == "hangup":       # the terminal it was started from is gone
            os.kill(g.status()["pid"], signal.SIGHUP)
            equal(g.run.wait(15), 0, "exit status")
        else:
            equal(g.cli("stop").returncode, 0, "exit status of penstock stop")
            equal(g.run.wait(15), 0, "exit status")
        ended = [l.split("process=")[1].split()[0] for l in g.run.err if "event=process_ended" in l]
        equal(ended, ["field:line-3", "insight", "office", "gate"], "order of the ends")
        assert not any("event=process_killed" in l for l in g.run.err)


def test_a_second_one_with_the_same_state_directory_is_refused():
    g = gateway()
    second = g.cli("run", g.site)
    equal(second.returncode, 2, "exit status")
    assert "another penstock runs with it" in second.stderr, second.stderr
    assert g.run.running() and all(p["restarts"] == 0 for p in g.processes().values())


def test_a_bad_file_changes_nothing():
    g = gateway()
    before = g.pids()
    g.write(lambda t: t.replace("scan: 100ms", "scn: 100ms", 1))
    done = g.cli("apply", g.site)
    equal(done.returncode, 1, "exit status")
    assert "site.yaml:" in done.stdout and "scan" in done.stdout, done.stdout
    assert "nothing was changed" in done.stderr, done.stderr
    equal(g.status()["plan"]["number"], 1, "plan")
    equal(g.pids(), before, "processes")


def test_a_bad_file_at_the_start_leaves_the_last_plan_running():
    g = gateway()
    equal(g.stop(), 0, "exit status")
    g.write(lambda t: "zones: [")
    g.start()
    assert any("event=site_refused" in l for l in g.run.err)
    equal(g.status()["plan"]["tags"], 56, "tags")


def test_a_source_that_a_change_does_not_touch_misses_no_scan():
    g = gateway()
    wait_for(lambda: len(s := g.objects("source")) == 4 and all(o["scans"] > 20 for o in s.values()), 15, "scans")
    untouched, first = ("filler-plc", "capper-plc", "labeller-plc"), g.objects("source")

    def change(i):
        """Only the packer's own tags change: a type of its own. Returns how many scans the others missed meanwhile."""
        before = g.objects("source")
        g.write(lambda t: t.replace("type: packaging-machine, source: packer-plc",
                                    "source: packer-plc, tags: { speed: { at: holding 100 float32, unit: /min, scan: %dms } }" % (100 + 100 * (i % 2))))
        done = g.cli("apply", g.site)
        equal(done.returncode, 0, done.stderr)
        after = g.objects("source")
        for name in untouched:
            equal(after[name]["reconnects"], first[name]["reconnects"], f"connections of {name}")
            assert after[name]["scans"] >= before[name]["scans"], (name, before[name], after[name])
        return sum(after[name]["skipped"] - before[name]["skipped"] for name in untouched)
    # A busy machine costs a scan now and then; what a change costs, each would.
    missed = [change(i) for i in range(6)]
    assert missed.count(0) >= 2, f"scans missed at each change: {missed}"
    equal(g.status()["plan"]["tags"], 43, "tags")


def test_apply_back_returns_to_the_plan_before():
    g = gateway()
    assert g.cli("apply", "--back").returncode == 1
    g.write(lambda t: t.replace("  Packaging/Line 3/Packer:   { type: packaging-machine, source: packer-plc }\n", ""))
    equal(g.cli("apply", g.site).returncode, 0, "apply")
    equal(g.status()["plan"]["tags"], 42, "tags")
    equal(g.cli("apply", "--back").returncode, 0, "apply --back")
    equal(g.status()["plan"]["tags"], 56, "tags")


def test_plan_says_what_would_change_and_changes_nothing():
    g = gateway()
    g.write(lambda t: t.replace("  Packaging/Line 3/Packer:   { type: packaging-machine, source: packer-plc }\n", ""))
    done = g.cli("plan", g.site)
    equal(done.returncode, 0, done.stderr)
    assert "packer" in done.stdout, done.stdout
    equal(g.status()["plan"]["number"], 1, "plan")


def test_the_service_manager_is_told():
    folder = temp_dir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(os.path.join(folder, "notify"))
        s.settimeout(10 * SCALE)
        g = gateway(env={"NOTIFY_SOCKET": os.path.join(folder, "notify")})
        equal(s.recv(256), b"READY=1", "first word")
        g.stop()
        equal(s.recv(256), b"STOPPING=1", "last word")


def test_garbage_on_the_control_socket_harms_nobody():
    g = gateway()
    path = os.path.join(g.state, "control.sock")
    for raw in (b"\xff" * 100, b"\0\0\0\0", b"\x05\0\0\0\xff\xff\xff\xff\xff", b"\x03\0\0\0\x02st", b"\x02\0\0\0\x01\0", b"x"):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(path)
            s.sendall(raw)
            s.shutdown(socket.SHUT_WR)
            s.settimeout(5 * SCALE)
            while s.recv(4096):
                pass
    assert all(p["state"] == "up" and p["restarts"] == 0 for p in g.processes().values())


def test_a_process_that_hangs_can_be_looked_at_and_does_not_hold_up_the_stop():
    g = gateway()
    pid = g.pids()["insight"]
    os.kill(pid, signal.SIGSTOP)
    assert "insight" in g.processes()
    equal(g.stop(), 0, "exit status")
    assert any("event=process_killed" in l and "insight" in l for l in g.run.err)


def test_a_hanging_process_whose_zone_left_the_plan_is_ended():
    g = gateway()
    pid = g.pids()["field:line-3"]
    os.kill(pid, signal.SIGSTOP)
    g.write(lambda t: t.replace("line-3", "line-4"))
    equal(g.cli("apply", g.site).returncode, 0, "apply")
    wait_for(lambda: not alive(pid), 10, "the hanging process to end")
    wait_for(lambda: g.processes()["field:line-4"]["state"] == "up", 10, "the new zone's process")


def test_clients_that_never_read_cost_nobody_anything():
    g = gateway()
    pid = g.status()["pid"]
    fds = lambda: len(os.listdir(f"/proc/{pid}/fd"))
    before = fds()
    request = b"\x07\0\0\0\x06status"
    hung = []
    for i in range(200):            # more than are served at a time
        s = socket.socket(socket.AF_UNIX)
        s.connect(os.path.join(g.state, "control.sock"))
        s.sendall(request if i % 2 else request[:5])
        hung.append(s)
        if i % 40 == 39:
            equal(g.cli("status").returncode, 0, "exit status")
    for s in hung:
        s.close()
    wait_for(lambda: fds() <= before, 10, "their descriptors to be closed")
    assert all(p["state"] == "up" and p["restarts"] == 0 for p in g.processes().values())


def test_children_get_no_descriptor_of_whoever_started_it():
    folder = temp_dir()
    with open(os.path.join(folder, "secret"), "w") as f:
        g = gateway(start=False)
        g.run = start_penstock("run", g.site, "--state", g.state, pass_fds=(f.fileno(),))
        g.run.wait_line("event=ready", 20)
        for name, pid in g.pids().items():
            held = [os.readlink(f"/proc/{pid}/fd/{n}") for n in os.listdir(f"/proc/{pid}/fd")]
            assert f.name not in held, (name, held)


if __name__ == "__main__":
    main()
