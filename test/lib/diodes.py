"""Two nodes joined by a one-way link through a way that loses datagrams (one_way.py). Imported by itself."""
import json
import os
import random

from cases import equal, skip, wait_for
from links import LinkNode, cell_text, upper_text
from one_way import ADDRESS, Way
from peers import Sim
from procs import penstock, temp_dir

PORT = 7434


class OneWay:
    """cell -> way -> upper. Only the cell's office and the upper node's field process stand in the way's namespaces."""
    made = 0

    def __init__(self, drop=lambda d: False, keys="", upper_keys=None, durability="each"):
        if os.geteuid() != 0:
            skip("network namespaces take root")
        self.sim = Sim("bottling", "--skip", "10m", "--scale", "10")
        OneWay.made += 1
        self.way = Way(f"pd{os.getpid()}-{OneWay.made}", drop)
        key = os.path.join(temp_dir(), "diode.key")
        with open(os.open(key, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
            f.write("1 " + os.urandom(32).hex() + "\n")
        names = self.way.names
        text = cell_text(self.sim, 1, durability)
        text = text.replace('kind: link, zone: dmz, to: "127.0.0.1:1", peer: relay, name: cell, timeout: 3s',
                            f'kind: diode, zone: dmz, to: "{ADDRESS["r"]}:{PORT}", key: {key}, beacon: 300ms{keys}')
        self.cell = LinkNode("cell", text.replace("level: 3.5", f"level: 3.5, netns: {names['s']}"))
        text = upper_text("upper", "dmz", 3.5, 1, "cell", "  out: { kind: history, zone: it }\n", ("it", 4), durability)
        text = text.replace('driver: link, zone: dmz, endpoint: "127.0.0.1:1", peer: cell, name: upper, timeout: 3s',
                            f'driver: diode, zone: dmz, endpoint: "{ADDRESS["r"]}:{PORT}", key: {key}, hold: 300ms{keys if upper_keys is None else upper_keys}')
        self.upper = LinkNode("upper", text.replace("level: 3.5", f"level: 3.5, netns: {names['r']}"))
        self.firewall()
        self.upper.start()
        self.cell.start()

    def firewall(self):
        """At both ends the rules that penstock firewall makes of the site files: a kernel whose port is not bound would answer else."""
        for node, end, inside in ((self.cell, "s", "line"), (self.upper, "r", "it")):
            with open(node.site, encoding="utf-8") as f:
                text = f.read()
            site = os.path.join(node.folder, "nodes.yaml")
            with open(site, "w", encoding="utf-8") as f:
                f.write(text + f'nodes:\n  edge: {{ zone: dmz, interfaces: ["lo {inside} 127.0.0.1/8", "eth0 dmz {ADDRESS[end]}/24"] }}\n')
            done = penstock("firewall", site, "edge")
            equal(done.returncode, 0, done.stderr)
            assert "one way: nothing" in done.stdout and f"udp dport {PORT} counter accept" in done.stdout, done.stdout
            self.way.firewall(end, done.stdout)

    def received(self):
        done = self.upper.cli("ledger", "--received", "--json")
        return json.loads(done.stdout) if done.returncode == 0 and done.stdout.strip() else None

    def admitted(self):
        return json.loads(self.cell.cli("ledger", "--json").stdout)["streams"][0]["admitted"]

    def settle(self, limit_s=30):
        """Nothing more is measured, all is sent, and the far end has an account of each number."""
        self.sim.stop()
        before = [-1]

        def quiet():
            r = self.received()
            n = self.admitted()
            still, before[0] = n == before[0], n
            return still and r is not None and r["sent"] == n and r["last"] == n
        wait_for(quiet, limit_s, "sent = received + lost")

    def compare(self):
        """Every number of the cell is at the far end unchanged, or within a range that the far end calls lost; returns how many were received and lost."""
        r = self.received()
        truth = self.cell.dump("line-state")
        lost = set()
        for gap in r["losses"]:
            lost.update(range(gap["first"], gap["last"] + 1))
        want = [s for i, s in enumerate(truth, 1) if i not in lost and i >= r["first"]]
        got = [s for s in self.upper.dump("line-state") if "DataLost" not in s["status"]]
        for i, (a, b) in enumerate(zip(want, got)):
            a, b = {**a, "n": 0}, {**b, "n": 0}
            assert a == b, f"sample {i + 1} above is {b}, below {a}"
        equal(len(got), len(want), "samples above, and those below that were not lost")
        equal(r["samples"] + r["lost"], len(truth) - r["first"] + 1, "received + lost, and sent")
        equal(r["lost"], len(lost), "lost numbers and their ranges")
        return r["samples"], r["lost"]


def at_random(rate, seed):
    rnd = random.Random(seed)
    return lambda d: not d.control and rnd.random() < rate


__all__ = ["ADDRESS", "OneWay", "PORT", "at_random"]
