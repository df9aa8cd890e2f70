#!/usr/bin/python3
"""The sandbox of the running processes: what is in force, what it costs a change of plan, namespaces of zones."""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
# A build with sanitizers has no list of calls: this is about the program as it is shipped.
os.environ["PENSTOCK"] = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../build/penstock")
from penstock import *


def cages(g):
    return {name: next(o for o in p["objects"] if o["kind"] == "cage") for name, p in g.processes().items()}


def test_every_process_lives_in_a_cage_that_holds():
    first = Gateway(free_port())
    if not all(c["privileges"] and c["calls"] and c["files"] for c in cages(first).values()):
        skip("this kernel has not all layers")
    first.stop()
    g = Gateway(free_port(), edit=lambda t: t + "\nsecurity: { sandbox: require }\n")
    for name, p in g.processes().items():
        kernel = p["kernel"]
        equal((kernel["seccomp"], kernel["no_new_privs"], kernel["capabilities"]), (2, True, 0), name)
        if os.geteuid() == 0:       # what can never be had is given away by root alone, and had by root alone
            equal(kernel["capabilities_bound"], 0, f"bound of capabilities of {name}")
    for name, cage in cages(g).items():
        assert cage["privileges"] and cage["calls"] and cage["files"] and cage["tried"] >= 20, (name, cage)
        equal(cage["worked"], 0, f"attempts that worked in {name}")
    wait_for(lambda: all(o["samples"] > 50 for o in g.objects("source").values()), 15, "samples from within the cage")
    shown = g.cli("status", "--security").stdout
    assert shown.count("filter") >= 4 and "SOME" not in shown and "NONE" not in shown, shown



def test_a_plan_that_names_a_new_file_gets_a_new_process_and_loses_nothing():
    folder = temp_dir()
    ca = os.path.join(folder, "ca.pem")
    shutil.copy("/etc/ssl/openssl.cnf", ca)     # any file
    g = Gateway(free_port(), folder=folder)
    assert "kind: mqtt" in g.text(), "the demo's site has an mqtt sink"
    before = g.pids()
    with open(g.site, "w", encoding="utf-8") as f:
        f.write(g.text().replace("kind: mqtt", f"kind: mqtt, tls: yes, ca-file: {ca}", 1))
    equal(g.cli("apply", g.site).returncode, 0, "apply")
    wait_for(lambda: g.pids().get("office") not in (None, before["office"]), 15, "another office")
    wait_for(lambda: g.processes()["office"]["state"] == "up", 15, "office to serve the plan")
    now = g.pids()
    equal({n: p for n, p in now.items() if n != "office"}, {n: p for n, p in before.items() if n != "office"}, "the others")
    # A file that is replaced, as certificate tools do it, cannot be read any more from the old cage.
    shutil.copy("/etc/ssl/openssl.cnf", ca + ".new")
    os.rename(ca + ".new", ca)
    wait_for(lambda: g.pids().get("office") not in (None, now["office"]), 20, "office to start anew after its file was replaced")
    wait_for(lambda: g.processes()["office"]["state"] == "up", 15, "office to be up")


def test_a_zone_in_a_network_namespace_is_faced_from_within_it():
    if os.geteuid() != 0:
        skip("namespaces take root")
    ns = f"penstock-t{os.getpid()}"
    if subprocess.run(["ip", "netns", "add", ns], capture_output=True).returncode != 0 or not os.path.exists(f"/run/netns/{ns}"):
        skip("this machine makes no network namespaces")
    try:
        g = Gateway(free_port(), edit=lambda t: t.replace("level: 2", f"level: 2, netns: {ns}", 1))
        field = next(p for n, p in g.processes().items() if n.startswith("field"))
        equal(field["kernel"]["netns"], os.stat(f"/run/netns/{ns}").st_ino, "namespace of field")
        others = {p["kernel"]["netns"] for n, p in g.processes().items() if not n.startswith("field")}
        assert field["kernel"]["netns"] not in others
        # The simulated machines are not in there, so nothing is reached: the way is closed, not merely unused.
        wait_for(lambda: all(not o["connected"] for o in g.objects("source").values()), 10, "sources to be out of reach")
        equal(sum(o["samples"] for o in g.objects("source").values() if o["last_good_ns"]), 0, "good samples")
        g.stop()
        g.write(lambda t: t.replace("level: 2", "level: 2, netns: penstock-no-such", 1))
        run = start_penstock("run", g.site, "--state", g.state)
        run.wait_line("event=no_network_namespace", 10)
        run.stop()
    finally:
        subprocess.run(["ip", "netns", "del", ns], check=False)


if __name__ == "__main__":
    main()
