#!/usr/bin/python3
"""penstock firewall: what nft says of the rules, and what they let through between two namespaces."""
import contextlib
import csv
import io
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from penstock import *

SITE = """
site: { enterprise: Acme, name: Test }
zones:
  cell: { level: 2, networks: [10.211.1.0/24] }
  dmz:  { level: 3.5, networks: [10.211.2.0/24] }
conduits: { up: { from: cell, to: dmz } }
sources:
  plc: { driver: modbus-tcp, zone: cell, endpoint: "10.211.1.7:1502", unit: 1 }
  six: { driver: modbus-tcp, zone: cell, endpoint: "[fd00:211::7]", unit: 1 }
sinks:
  broker: { kind: mqtt, zone: dmz, broker: 10.211.2.9, tls: yes }
equipment:
  Hall/Line/Press: { source: plc, tags: { x: { at: holding 1 uint16 } } }
  Hall/Line/Oven: { source: six, tags: { x: { at: holding 1 uint16 } } }
flows: { all: { what: "**", to: broker, why: test, owner: test } }
nodes:
  edge: { zone: dmz, interfaces: [veth-a 10.211.1.2/24, veth-b 10.211.2.2/24] }
  half: { zone: dmz, interfaces: [veth-b 10.211.2.2/24] }
""".replace("[veth-a 10", "[veth-a cell 10").replace("veth-b 10", "veth-b dmz 10")


def site(text=SITE):
    path = os.path.join(temp_dir(), "site.yaml")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def test_the_rules_name_what_the_plan_names_and_nft_accepts_them():
    if os.geteuid() != 0:
        skip("nft takes root")
    done = penstock("firewall", site(), "edge", "--management", "eth9 10.0.5.0/24 22")
    equal(done.returncode, 0, done.stderr)
    for part in ('oifname "veth-a" ip daddr 10.211.1.7 tcp dport 1502', 'ip6 daddr fd00:211::7 tcp dport 502',
                 'oifname "veth-b" ip daddr 10.211.2.9 tcp dport 8883', 'comment "source plc: all"', 'iifname "eth9"', "policy drop"):
        assert part in done.stdout, (part, done.stdout)
    equal(done.stdout.count("policy drop"), 3, "chains that deny")
    equal(penstock("firewall", site(), "edge", "--check").returncode, 0, "what nft says")


def test_a_node_gets_the_rules_of_its_own_zones_only():
    done = penstock("firewall", site(), "half")
    assert "1502" not in done.stdout and "8883" in done.stdout, done.stdout
    rows = list(csv.DictReader(io.StringIO(penstock("firewall", site(), "edge", "--csv").stdout)))
    equal([(r["interface"], r["port"], r["encrypted"], r["flows"]) for r in rows],
          [("veth-a", "1502", "no", "all"), ("veth-a", "502", "no", "all"), ("veth-b", "8883", "yes", "all")], "rows")
    done = penstock("firewall", site(), "egde")
    assert done.returncode == 2 and "edge" in done.stderr, done.stderr
    done = penstock("firewall", site(SITE.replace("broker: 10.211.2.9", "broker: no-such-host.invalid")), "edge")
    assert done.returncode == 2 and "cannot be resolved" in done.stderr, done.stderr


def test_a_link_is_let_in_or_out_as_its_role_says():
    """The sink that connects goes out; where the other end opens the session, the same port is let in, and nothing goes out."""
    link = SITE.replace("kind: mqtt, zone: dmz, broker: 10.211.2.9, tls: yes", 'kind: link, zone: dmz, to: "10.211.2.2:7433", peer: relay')
    link = link.replace("level: 2,", "level: 3.5,")
    out = penstock("firewall", site(link), "edge")
    equal(out.returncode, 0, out.stderr)
    assert 'oifname "veth-b" ip daddr 10.211.2.2 tcp dport 7433' in out.stdout, out.stdout
    assert not any("iifname" in line and "7433" in line for line in out.stdout.splitlines()), out.stdout
    back = penstock("firewall", site(link.replace("to: dmz }", "to: dmz, initiator: to }")), "edge")
    equal(back.returncode, 0, back.stderr)
    assert 'oifname "veth-b" ip daddr 10.211.2.2 tcp dport 7433' not in back.stdout, back.stdout
    assert any('iifname "veth-b"' in line and "tcp dport 7433" in line for line in back.stdout.splitlines()), back.stdout


def test_services_have_rules_of_their_own():
    text = SITE + ("services:\n  clock: { kind: time, zone: dmz, endpoint: \"10.211.2.4:123\", transport: udp, owner: o }\n"
                   "  fetch: { kind: backup, zone: dmz, endpoint: \"10.211.2.8:22\", session: server, nodes: [edge], owner: o }\n")
    done = penstock("firewall", site(text), "edge")
    equal(done.returncode, 0, done.stderr)
    for part in ('oifname "veth-b" ip daddr 10.211.2.4 udp dport 123 ct state new counter accept comment "service clock"',
                 'iifname "veth-b" ip saddr 10.211.2.8 tcp dport 22 ct state new'):
        assert part in done.stdout, (part, done.stdout)
    half = penstock("firewall", site(text), "half", "--csv").stdout
    equal([(r["protocol"], r["port"], r["direction"]) for r in csv.DictReader(io.StringIO(half)) if r["what"].startswith("service")],
          [("udp", "123", "out")], "what a node uses that is not named in fetch")
    if os.geteuid() == 0:
        equal(penstock("firewall", site(text), "edge", "--check").returncode, 0, "what nft says")


@contextlib.contextmanager
def namespaces():
    """The node's namespace, and one far end behind each of its interfaces."""
    base = f"pfw{os.getpid()}"
    names = [base + c for c in "nab"]
    made = []
    try:
        for n in names:
            if subprocess.run(["ip", "netns", "add", n], capture_output=True).returncode != 0:
                skip("this machine makes no network namespaces")
            made.append(n)
            # Within a chroot `ip -n` cannot make its mounts.
            if subprocess.run(["ip", "-n", n, "link", "set", "lo", "up"], capture_output=True).returncode != 0:
                skip("this machine enters no network namespaces")
        for far, name, net, host in (("a", "veth-a", "10.211.1", 7), ("b", "veth-b", "10.211.2", 9)):
            ip("link", "add", name, "netns", base + "n", "type", "veth", "peer", "name", "eth0", "netns", base + far)
            ip("-n", base + "n", "addr", "add", f"{net}.2/24", "dev", name)
            ip("-n", base + "n", "link", "set", name, "up")
            ip("-n", base + far, "addr", "add", f"{net}.{host}/24", "dev", "eth0")
            ip("-n", base + far, "link", "set", "eth0", "up")
        yield names
    finally:
        for n in made:
            subprocess.run(["ip", "netns", "del", n], check=False)


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True)


SERVER = """
import socket, sys
for port in sys.argv[2:]:
    s = socket.create_server((sys.argv[1], int(port)))
    globals()[port] = s
print("up", flush=True)
sys.stdin.read()
"""


def serve(name, address, *ports):
    p = subprocess.Popen(["ip", "netns", "exec", name, "/usr/bin/python3", "-c", SERVER, address, *map(str, ports)], stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, text=True)
    equal(p.stdout.readline(), "up\n", "the server")
    return p


def reaches(name, address, port, limit_s):
    code = f"import socket; socket.create_connection(({address!r}, {port}), {limit_s})"
    return subprocess.run(["ip", "netns", "exec", name, "/usr/bin/python3", "-c", code], capture_output=True, timeout=120).returncode == 0


def open_ways(ways, want):
    """Which of the ways are open; those that should be are waited for longer."""
    return [reaches(*way, 30 if expected else 0.5) for way, expected in zip(ways, want)]


def test_the_rules_let_through_what_the_plan_needs_and_nothing_else():
    if os.geteuid() != 0:
        skip("namespaces take root")
    with namespaces() as (node, a, b):
        servers = [serve(a, "10.211.1.7", 1502, 23), serve(b, "10.211.2.9", 8883, 443), serve(node, "0.0.0.0", 22, 502)]
        try:
            ways = [(node, "10.211.1.7", 1502), (node, "10.211.1.7", 23), (node, "10.211.2.9", 8883), (node, "10.211.2.9", 443),
                    (a, "10.211.1.2", 22), (b, "10.211.2.2", 22), (a, "10.211.1.2", 502)]
            equal(open_ways(ways, [True] * 7), [True] * 7, "without rules every way is open")
            path = site()
            diff = ("ip", "netns", "exec", node, program(), "firewall", path, "edge", "--management", "veth-b 10.211.2.0/24 22", "--diff")
            equal(subprocess.run(diff, capture_output=True).returncode, 1, "--diff before anything is loaded")
            rules = penstock("firewall", path, "edge", "--management", "veth-b 10.211.2.0/24 22").stdout
            subprocess.run(["ip", "netns", "exec", node, "nft", "-f", "-"], input=rules, text=True, check=True)
            needed = [True, False, True, False, False, True, False]
            equal(open_ways(ways, needed), needed, "ways with the rules")
            done = subprocess.run(diff, capture_output=True, text=True)
            equal((done.returncode, done.stdout), (0, "what is loaded is what the plan needs\n"), "--diff")
            subprocess.run(["ip", "netns", "exec", node, "nft", "add", "rule", "inet", "penstock", "input", "tcp", "dport", "23", "accept"], check=True)
            done = subprocess.run(diff, capture_output=True, text=True)
            assert done.returncode == 1 and "too much:" in done.stdout and "dport 23 accept" in done.stdout, done.stdout
        finally:
            for p in servers:
                p.stdin.close()
                p.wait(60)


if __name__ == "__main__":
    main()
