#!/usr/bin/python3
"""A user of its own for each kind of process: what the kernel says, whose the files are, what one user cannot do to another's."""
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
# A build with sanitizers has no list of calls: this is about the program as it is shipped.
os.environ["PENSTOCK"] = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../build/penstock")
from penstock import *

FIRST = 61480       # below the ids that systemd gives away (61184 to 65519 are for services that it makes up; none is made here)
NAMES = {"field": FIRST, "insight": FIRST + 1, "gate": FIRST + 2, "office": FIRST + 3}


def needs_root():
    if os.geteuid() != 0:
        skip("giving users takes root")


def with_users(text):
    return text + f"\nsecurity: {{ users: \"{FIRST}\" }}\n"


def role(name):
    return name.split(":")[0]


def as_user(uid, *argv):
    """The status of a command as this user, in no other group."""
    return subprocess.run(["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", *argv], capture_output=True, check=False).returncode


def gateway():
    """In a folder that lets others through, as those below /var/lib do; not started."""
    folder = temp_dir()
    os.chmod(folder, 0o755)
    return Gateway(free_port(), folder=folder, start=False)


def started():
    g = gateway()
    g.write(with_users)
    g.start()
    return g


def delivered(g):
    return g.objects("sink")["local-history"]["delivered"] > 100


def test_each_kind_of_process_is_a_user_of_its_own_and_data_flows():
    needs_root()
    g = started()
    for name, p in g.processes().items():
        equal(p["kernel"]["uid"], NAMES[role(name)], f"user of {name}")
        assert next(o for o in p["objects"] if o["kind"] == "cage")["own_user"], name
    wait_for(lambda: all(o["samples"] > 50 for o in g.objects("source").values()), 15, "samples")
    wait_for(lambda: delivered(g), 15, "deliveries to the history")
    # Whose the folders are, and what a process of another user can do there: the office reads the spool and that is all.
    for folder, owner in (("spool", "gate"), ("audit", "gate"), ("gate", "gate"), ("insight", "insight"), ("office", "office"),
                          ("pki/ot", "field"), ("pki/it", "office"), ("link", "field")):
        path = os.path.join(g.state, folder)
        equal(os.stat(path).st_uid, NAMES[owner], f"owner of {folder}")
        for other, uid in NAMES.items():
            if other == owner:
                continue
            may_read = (folder, other) == ("spool", "office")
            equal(as_user(uid, "ls", path) == 0, may_read, f"{other} reads {folder}")
            assert as_user(uid, "touch", os.path.join(path, "planted")) != 0, f"{other} writes into {folder}"
    batch = next(os.path.join(d, f) for d, _, files in os.walk(os.path.join(g.state, "spool")) for f in files)
    equal(as_user(NAMES["office"], "cat", batch), 0, "office reads a file of the spool")
    assert as_user(NAMES["office"], "sh", "-c", f"echo x >> '{batch}'") != 0, "office writes a file of the spool"
    assert as_user(NAMES["office"], "kill", "-0", str(g.pids()["gate"])) != 0, "office signals gate"
    assert as_user(NAMES["insight"], "cat", os.path.join(g.state, "plans", "current")) != 0, "insight reads the plan"


def test_a_state_directory_of_before_is_taken_over_with_all_that_it_holds():
    needs_root()
    g = gateway()
    g.start()
    wait_for(lambda: all(o["samples"] > 50 for o in g.objects("source").values()), 15, "samples")
    g.stop()
    equal(os.stat(os.path.join(g.state, "spool")).st_uid, 0, "owner of the spool before")
    g.write(with_users)
    g.start()
    strangers = [os.path.join(d, f) for d, _, files in os.walk(os.path.join(g.state, "spool")) for f in files
                 if os.stat(os.path.join(d, f)).st_uid != NAMES["gate"]]
    equal(strangers, [], "files of the spool that are not gate's")
    wait_for(lambda: delivered(g), 15, "deliveries after the take-over")


def test_what_root_puts_into_a_store_can_be_read_by_its_user():
    needs_root()
    g = started()
    done = g.cli("cert", "new", "--side", "it")
    equal(done.returncode, 0, f"the status of cert new, which said {done.stderr!r};")
    found = [os.path.join(d, f) for d, _, files in os.walk(os.path.join(g.state, "pki/it")) for f in files]
    assert any(f.endswith("key.pem") for f in found), found
    for path in found:
        equal(os.stat(path).st_uid, NAMES["office"], f"owner of {path}")


def test_links_that_were_planted_are_not_followed():
    needs_root()
    g = gateway()
    os.makedirs(os.path.join(g.state, "office"))
    secret = os.path.join(g.folder, "secret")
    other = os.path.join(g.folder, "other")
    for path in (secret, other):
        with open(path, "w", encoding="utf-8") as f:
            f.write("root's own\n")
        os.chmod(path, 0o600)
    os.symlink(secret, os.path.join(g.state, "office", "planted"))
    os.link(other, os.path.join(g.state, "office", "linked"))
    g.write(with_users)
    g.start()
    equal(os.stat(os.path.join(g.state, "office")).st_uid, NAMES["office"], "owner of the folder")
    for path in (secret, other):
        equal((os.stat(path).st_uid, os.stat(path).st_mode & 0o777), (0, 0o600), f"owner and mode of {path}")


def test_no_child_outlives_a_supervisor_that_is_killed():
    needs_root()
    g = started()
    pids = g.pids()
    os.kill(pids["office"], signal.SIGSTOP)     # so that it cannot see that its channel is closed
    g.run.kill()
    wait_for(lambda: not any(alive(pid) for pid in pids.values()), 10, "the children to end")


def test_a_user_that_is_not_there_is_named():
    needs_root()
    g = gateway()
    g.write(lambda t: t + "\nsecurity: { users: penstock-no-such }\n")
    process = start_penstock("run", g.site, "--state", g.state)
    try:
        process.wait_line("event=no_user .*penstock-no-such-field.* remedy=", 10)
    finally:
        process.stop()


if __name__ == "__main__":
    main()
