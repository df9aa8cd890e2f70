#!/usr/bin/python3
"""A one-way link for a long time: losses at random, bursts within and beyond the power of the code, and processes of both nodes killed all the while.

    test/diode_soak.py [--seconds 300] [--calm]

In the end each number of the sender is at the far end, unchanged and once, or within a range that the far end calls lost; and no packet has gone back. With
--calm nothing is lost on the way and nothing is killed: then nothing may be lost at all. Takes root.
"""
import argparse
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from cases import equal, main, timeout, wait_for
from diodes import OneWay

ARGS = argparse.ArgumentParser()
ARGS.add_argument("--seconds", type=int, default=300)
ARGS.add_argument("--calm", action="store_true", help="nothing is lost on the way, nothing is killed")
OPTIONS = ARGS.parse_args()
sys.argv[1:] = []
VICTIMS = (("cell", "office"), ("cell", "gate"), ("upper", "field:dmz"), ("upper", "gate"), ("upper", "office"))


class Losses:
    """1 % at random; about every 500th datagram begins a burst of up to 60."""

    def __init__(self, rnd):
        self.rnd, self.left = rnd, 0

    def __call__(self, datagram):
        if self.left == 0 and self.rnd.random() < 1 / 500:
            self.left = self.rnd.randrange(1, 60)
        if self.left > 0:
            self.left -= 1
            return True
        return self.rnd.random() < 0.01


@timeout(OPTIONS.seconds * 2 + 240)
def test_the_account_holds_for_as_long_as_it_takes():
    rnd = random.Random(1)
    pair = OneWay((lambda d: False) if OPTIONS.calm else Losses(rnd))
    wait_for(lambda: pair.upper.streams() and pair.upper.dump("line-state"), 30, "samples above")
    end, kills = time.monotonic() + OPTIONS.seconds, 0
    while time.monotonic() < end:
        time.sleep(rnd.uniform(1, 8))
        if not OPTIONS.calm:
            node, process = rnd.choice(VICTIMS)
            getattr(pair, node).kill(process)
            kills += 1
    pair.settle(60)
    received, lost = pair.compare()
    for node in (pair.cell, pair.upper):
        equal(node.cli("ledger", "--verify", limit_s=60).returncode, 0, "proof of " + node.name)
    equal(len(pair.way.back), 0, f"packets back: {pair.way.back[:3]}")
    if OPTIONS.calm:
        equal(lost, 0, "lost on a way that loses nothing")
    print(f"{received} samples received, {lost} declared lost in {len(pair.received()['losses'])} ranges; {pair.way.dropped()} of {len(pair.way.seen)} datagrams "
          f"dropped, {len(pair.way.beyond())} blocks beyond the code, {kills} processes killed, 0 packets back")


main()
