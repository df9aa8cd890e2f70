#!/usr/bin/python3
"""The command line as an engineer in trouble and an auditor in doubt use it: what it says is true, and it says when it cannot."""
import json
import os
import re
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from penstock import *

NEED_RUNNING = [["status"], ["stop"], ["read", "a"], ["tail"], ["why", "a"], ["trace", "a"], ["apply", "--back"], ["quarantine", "retry", "1"]]


def to(path, *words, state="/nonexistent"):
    """Runs a command with its output going to a file; returns exit status and error text."""
    with open(path, "wb") as out:
        done = subprocess.run([program(), *words], stdout=out, stderr=subprocess.PIPE, timeout=20 * SCALE, check=False,
                              env={**os.environ, "PENSTOCK_STATE": state})
    return done.returncode, done.stderr.decode()


def test_every_command_has_help_and_refuses_what_it_does_not_know():
    commands = re.findall(r"^  penstock ([a-z]+)", penstock("help").stdout, re.M)
    assert "check" in commands and "firewall" in commands, commands
    for name in commands:
        done = penstock(name, "--help")
        equal((done.returncode, done.stderr), (0, ""), f"{name} --help")
        assert done.stdout.startswith(f"usage: penstock {name}"), done.stdout
        done = penstock(name, "--no-such-option")
        equal((done.returncode, done.stdout), (2, ""), f"{name} --no-such-option")
        assert "usage: penstock" in done.stderr, done.stderr
    done = penstock("statsu")
    equal(done.returncode, 2, "exit status")
    assert "did you mean 'status'" in done.stderr, done.stderr


def test_without_a_running_penstock_they_say_so():
    folder = temp_dir()
    for words in NEED_RUNNING:
        done = penstock(*words, "--state", folder)
        equal(done.returncode, 2, words)
        assert f"no penstock is running with the state directory {folder}" in done.stderr, done.stderr
    done = penstock("run", "--state", folder)
    equal(done.returncode, 2, "run")
    assert "keeps no plan yet; give a SITE file" in done.stderr, done.stderr
    done = penstock("ledger", "--state", os.path.join(folder, "nothing"))
    equal(done.returncode, 2, "ledger")


def test_output_that_cannot_be_written_is_no_success():
    for words in (["help"], ["keys"], ["schema"], ["check", "--help"], ["plan", os.path.join(TOP, "etc/demo/site.yaml")],
                  ["check", "--json", os.path.join(TOP, "etc/demo/site.yaml")]):
        status, err = to("/dev/full", *words)
        equal(status, 2, words)
        assert "could not be written" in err, err


def test_the_verdict_of_a_check_comes_after_its_findings():
    path = os.path.join(temp_dir(), "site.yaml")
    with open(path, "w", encoding="utf-8") as f:
        f.write("site: { enterprise: A, name: B }\nzones: { z: { level: 9 } }\n")
    both = subprocess.run([program(), "check", path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20 * SCALE, check=False)
    equal(both.returncode, 1, "exit status")
    assert b": 1 errors" in both.stdout.splitlines()[-1], both.stdout.decode()


def test_a_reader_that_leaves_early_is_no_trouble():
    for words in (["keys"], ["schema"], ["help"]):
        first = subprocess.Popen([program(), *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, restore_signals=False)
        first.stdout.close()
        err = first.stderr.read()
        first.wait(20)
        equal(err, b"", words)


def test_what_runs_is_shown_as_it_is():
    g = Gateway(free_port(), lambda t: t.replace("plant-broker", "Foerderband-Uebergabe-Sued-zur-Leitwarte"))
    wait_for(lambda: len(s := g.objects("source")) == 4 and all(o["samples"] > 0 for o in s.values()), 15, "samples")
    said = wait_for(lambda: [s for s in g.status()["sinks"] if not s["connected"] and "refused" in s["state"]], 10, "the reason of the broker")
    equal(said[0]["sink"], "Foerderband-Uebergabe-Sued-zur-Leitwarte", "name of the sink")
    lines = g.cli("status").stdout.split("\n")
    row = next(i for i, l in enumerate(lines) if l.startswith("Foerderband"))
    equal(lines[row].split()[1], "away", "state of the sink")
    assert "Connection refused" in lines[row + 1] and "since 2" in lines[row + 1], lines[row + 1]
    head = next(l for l in lines if l.startswith("SINK"))
    equal(lines[row].index(" away") + 1, head.index("STATE"), "column of the state")
    equal(to("/dev/full", "status", state=g.state)[0], 2, "status to a full disk")
    equal(to("/dev/full", "trace", "filler-plc", state=g.state)[0], 2, "trace to a full disk")

    done = g.cli("tail", "Nowhere/**")
    equal((done.returncode, done.stdout), (1, ""), "tail of no tag")
    assert "no tag of the running plan" in done.stderr, done.stderr
    equal(g.cli("tail", "--count", "x").returncode, 2, "tail --count x")
    done = g.cli("tail", "**/Filler/speed", "--count", "2", "--json")
    equal([json.loads(l)["tag"] for l in done.stdout.splitlines()], ["Packaging/Line 3/Filler/speed"] * 2, "tail --json")

    done = g.cli("read", "**/Filler/motor-*")
    equal(done.returncode, 0, done.stderr)
    for line in done.stdout.splitlines():
        assert len(line.split("  ")[1].split()[0]) <= 6, f"a tenth of a degree in more digits than it has: {line}"

    hung = g.pids()["office"]
    os.kill(hung, signal.SIGSTOP)
    defer(lambda: alive(hung) and os.kill(hung, signal.SIGCONT))
    done = g.cli("status")
    os.kill(hung, signal.SIGCONT)
    equal(done.returncode, 0, "status beside an office that hangs")
    assert "Packaging" not in done.stderr and "filler-plc" in done.stdout


def test_a_fault_of_a_device_is_told_truly():
    g = Gateway(free_port())
    tag = "Packaging/Line 3/Capper/speed"
    wait_for(lambda: g.cli("why", tag).returncode == 0, 10, "a good value")
    g.sim.ask("fault capper exception=2")
    wait_for(lambda: g.objects("source")["capper-plc"]["isolated"] > 0, 10, "the refusal")
    done = g.cli("why", tag)
    equal(done.returncode, 1, "why of a bad tag")
    assert "illegal data address" in done.stdout.splitlines()[0] and "BadConfigurationError" in done.stdout, done.stdout
    g.sim.ask("fault labeller refuse")
    wait_for(lambda: not g.objects("source")["labeller-plc"]["connected"], 10, "the loss")
    rows = {l.split()[0]: l.split() for l in g.cli("status").stdout.splitlines() if "-plc" in l}
    equal((rows["labeller-plc"][1], rows["filler-plc"][1]), ("away", "good"), "states")
    assert int(rows["capper-plc"][7]) > 0, f"no tag of {rows['capper-plc']} is shown as refused"
    assert "not known without a connection" in g.cli("why", "Packaging/Line 3/Labeller/speed").stdout


def test_the_control_socket_is_for_the_service_and_its_group():
    g = Gateway(free_port())
    equal(os.stat(os.path.join(g.state, "control.sock")).st_mode & 0o777, 0o660, "mode of the socket")
    equal(os.stat(g.state).st_mode & 0o007, 0, "what others may do in the state directory")


def test_a_hang_up_stops_in_good_order():
    g = Gateway(free_port())
    wait_for(lambda: any(o["admitted"] for o in g.objects("flow").values()), 10, "samples")
    g.run.send_signal(signal.SIGHUP)
    equal(g.run.wait(15), 0, "exit status")
    assert any("event=stopped" in l for l in g.run.err)
    equal(g.ledger()["balance"], 0, "balance")


def test_damaged_state_is_said_and_loses_nothing_that_waits():
    g = Gateway(free_port())
    wait_for(lambda: sum(s["pending"] for st in g.ledger()["streams"] for s in st["sinks"] if s["sink"] == "plant-broker") > 50, 20, "backlog")
    equal(g.stop(), 0, "exit status")
    before = {st["stream"]: st["admitted"] for st in g.ledger()["streams"]}
    for st in before:
        with open(os.path.join(g.state, "spool", st, "ledger"), "wb"):
            pass
    with open(os.path.join(g.state, "plans/current"), "wb") as f:
        f.write(os.urandom(3000))
    done = penstock("run", "--state", g.state)
    equal(done.returncode, 2, "run without a plan that can be read")
    assert "plans/current cannot be used" in done.stderr, done.stderr
    g.start()
    now = {st["stream"]: {s["sink"]: s for s in st["sinks"]} for st in g.ledger()["streams"]}
    for st, admitted in before.items():
        owed = now[st]["plant-broker"]
        assert owed["pending"] >= admitted, f"{st}: {admitted} samples waited for the broker, now {owed}"
    assert any("event=sink_owed_again" in l for l in g.run.err)
    equal(g.ledger()["balance"], 0, "balance")


def test_what_cannot_run_says_so_and_the_rest_goes_on():
    g = Gateway(free_port())
    with open(os.path.join(g.state, "plans/previous"), "wb") as f:
        f.write(os.urandom(300))
    done = g.cli("apply", "--back")
    equal(done.returncode, 1, "apply --back")
    assert "plans/previous" in done.stderr and "damaged" in done.stderr, done.stderr
    for i in range(7):
        pid = wait_for(lambda: g.pids().get("insight"), 10, "insight to be started again")
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: g.pids().get("insight") != pid, 10, "insight to end")
    g.run.wait_line("level=error .*event=process_ends_again_and_again process=insight", 10)
    if "insight" not in g.pids():
        row = next(l for l in g.cli("status").stdout.splitlines() if l.startswith("insight"))
        assert "killed by signal 9" in row and " 0 B" not in row, row
    assert all(p["restarts"] == 0 for name, p in g.processes().items() if name != "insight")


def test_nobody_who_may_not_look_is_told_that_nothing_is_there():
    if os.geteuid() != 0:
        skip("only root can become somebody else")
    g = Gateway(free_port())
    wait_for(lambda: any(o["admitted"] for o in g.objects("flow").values()), 10, "samples")
    equal(g.stop(), 0, "exit status")
    os.chmod(g.folder, 0o755)
    copy = program_for_others()
    for words in (["quarantine", "list"], ["ledger"], ["spool", "info"], ["trend", "a"], ["status"]):
        done = run(copy, *words, "--state", g.state, user=65534)
        equal((done.returncode, done.stdout), (2, ""), words)
        assert g.state in done.stderr, done.stderr


def test_a_state_directory_that_cannot_be_used_is_named():
    site = os.path.join(TOP, "etc/demo/site.yaml")
    folder = temp_dir()
    blocker = os.path.join(folder, "file")
    with open(blocker, "w", encoding="utf-8"):
        pass
    done = penstock("run", site, "--state", os.path.join(blocker, "state"))
    equal(done.returncode, 2, "exit status")
    assert blocker in done.stderr, done.stderr
    done = penstock("run", os.path.join(folder, "none.yaml"), "--state", os.path.join(folder, "s"))
    equal(done.returncode, 2, "exit status")
    assert "none.yaml" in done.stderr, done.stderr


if __name__ == "__main__":
    main()
