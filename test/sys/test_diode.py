#!/usr/bin/python3
"""One-way links: a cell sends through a way that loses datagrams, an enterprise node receives. What the code can bear is not lost, what it cannot is known
to the number at the far end, and no packet ever goes back."""
import json
import os
import random
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from diodes import *
from links import *
from penstock import *

@timeout(30)
def test_the_example_is_right_and_a_conduit_that_is_opened_from_the_wrong_side_is_not():
    sites = os.path.join(TOP, "etc/sites/one-way")
    for name in ("below", "above"):
        done = penstock("check", os.path.join(sites, name + ".yaml"))
        assert done.returncode == 0 and "0 errors, 0 warnings" in done.stdout + done.stderr, done.stdout + done.stderr
    with open(os.path.join(sites, "below.yaml"), encoding="utf-8") as f:
        text = f.read()
    path = os.path.join(temp_dir(), "site.yaml")
    for good, bad, finding in (("initiator: from, one-way: yes", "initiator: to", "Z14"), ('to: "10.4.0.2:7434"', 'to: "relay.plant:7434"', "sink-keys"),
                               ("rate: 8 MB", "rate: 8 MB, repair-symbols: 65", "range"), 
                               ('kind: diode, zone: dmz, to: "10.4.0.2:7434", key: /etc/penstock/diode.key, rate: 8 MB', "kind: mqtt, zone: dmz, broker: 10.4.0.2", "Z14")):
        assert good in text, good
        with open(path, "w", encoding="utf-8") as f:
            f.write(text.replace(good, bad))
        done = penstock("check", path)
        assert finding in done.stdout + done.stderr, f"{bad}: {done.stdout}{done.stderr}"


@timeout(60)
def test_a_key_file_that_others_may_read_is_refused():
    folder = temp_dir()
    key = os.path.join(folder, "diode.key")
    with open(os.open(key, os.O_WRONLY | os.O_CREAT, 0o644), "w") as f:
        f.write("1 " + os.urandom(32).hex() + "\n")
    os.chmod(key, 0o644)
    sim = Sim("bottling", "--skip", "10m", "--scale", "10")
    cell = LinkNode("cell", cell_text(sim, 1).replace('kind: link, zone: dmz, to: "127.0.0.1:1", peer: relay, name: cell, timeout: 3s',
                                                      f'kind: diode, zone: dmz, to: "127.0.0.1:{PORT}", key: {key}'))
    cell.start()
    cell.run.wait_line("may be read by others than its owner", 20)


@timeout(120)
def test_5_per_cent_and_bursts_within_the_power_lose_nothing_and_nothing_goes_back():
    rnd, count = random.Random(5), [0]

    def drop(d):
        """Every 200th begins a burst of 7, with nothing else lost close to it; elsewhere 5 %, beacons too."""
        count[0] += 1
        place = count[0] % 200
        return place < 7 or (20 <= place < 180 and rnd.random() < 0.05)
    pair = OneWay(drop)
    wait_for(lambda: pair.upper.streams() and len(pair.upper.dump("line-state")) > 3000, 40, "samples above")
    pair.settle()
    equal(pair.way.beyond(), set(), "blocks beyond the power of the code, by what the way dropped")
    received, lost = pair.compare()
    equal(lost, 0, "lost")
    assert received > 3000 and pair.way.dropped() > 100, (received, pair.way.dropped())
    equal(len(pair.way.back), 0, f"packets back: {pair.way.back[:3]}")
    assert "(sent one way)" in pair.cell.cli("ledger").stdout, "below, delivered is said to be sent"
    text = pair.upper.cli("ledger", "--received").stdout
    assert "0 lost in 0 ranges, as many as were sent" in text, text


@timeout(150)
def test_what_is_lost_beyond_it_is_known_to_the_number():
    hole = [0]

    def drop(d):
        if hole[0] > 0 and not d.control:
            hole[0] -= 1
            return True
        return False
    pair = OneWay(drop)
    wait_for(lambda: pair.upper.streams() and len(pair.upper.dump("line-state")) > 500, 30, "samples above")
    for _ in range(4):
        hole[0] = 40
        time.sleep(1.5)
    pair.settle()
    assert pair.way.beyond(), "the way dropped nothing that matters"
    received, lost = pair.compare()
    assert lost > 0, "nothing was lost, though blocks were beyond the power of the code"
    # Each loss stands in the far ledger and with the tags.
    account = json.loads(pair.upper.cli("ledger", "--json").stdout)["streams"][0]
    equal(account["lost_before_admission"], lost, "lost by the far ledger")
    marks = [s for s in pair.upper.dump("line-state") if "DataLost" in str(s["status"])]
    ranges = len(pair.received()["losses"])
    equal(len(marks), ranges * 20, "each of the 20 tags says so once a range")
    equal(pair.upper.cli("ledger", "--verify").returncode, 0, "proof of the far ledger")
    equal(len(pair.way.back), 0, f"packets back: {pair.way.back[:3]}")


@timeout(180)
def test_the_account_holds_whatever_dies():
    pair = OneWay(at_random(0.02, 3))
    wait_for(lambda: pair.upper.streams() and len(pair.upper.dump("line-state")) > 300, 30, "samples above")
    for node, process in ((pair.cell, "office"), (pair.upper, "field:dmz"), (pair.upper, "gate"), (pair.cell, "gate"), (pair.upper, "field:dmz"),
                          (pair.upper, "office")):
        node.kill(process)
        time.sleep(1)
    for node in (pair.upper, pair.cell):
        node.kill_all()
        node.start()
        time.sleep(1)
    before = pair.received()["last"]
    wait_for(lambda: pair.received()["last"] > before + 300, 30, "life after it")
    pair.settle()
    received, _ = pair.compare()
    assert received > 1000, received
    equal(len(pair.way.back), 0, f"packets back: {pair.way.back[:3]}")


main()
