#!/usr/bin/python3
"""20,000 samples a second over two links for a minute: three nodes in namespaces of their own, cables cut, connections killed and made half-open,
packets reordered, processes killed.

    test/link_soak.py [--seconds 60] [--calm]

What the three nodes hold in the end is the same, sample for sample, each node's books balance, and each can prove what it got. Takes root. The
cables are the test's own (test/lib/cable.py), since not every kernel can reorder by itself.
"""
import argparse
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from cases import main, timeout
from link_runs import FAULTS, NetChain, campaign, lag_s, prove

ARGS = argparse.ArgumentParser()
ARGS.add_argument("--seconds", type=int, default=60)
ARGS.add_argument("--calm", action="store_true", help="nothing is killed or cut")
OPTIONS = ARGS.parse_args()
sys.argv[1:] = []


@timeout(OPTIONS.seconds * 3 + 240)
def test_a_minute_of_twenty_thousand_a_second():
    c = NetChain(devices=10, registers=200)
    first, begin = c.admitted(c.cell), time.monotonic()
    done = campaign(c, OPTIONS.seconds, () if OPTIONS.calm else FAULTS)
    rate = (c.admitted(c.cell) - first) / (time.monotonic() - begin)
    lag = lag_s(c)
    print(f"  processor time, s: {c.processor_s()}")
    c.settle(90)
    n = prove(c)
    late = [cable.counts() for cable in c.cables]
    print(f"{n} samples, {rate:.0f} a second for {OPTIONS.seconds} s, {len(done)} faults; the top was {lag:.1f} s behind at the end of it; packets "
          f"reordered {sum(k['late'] for k in late)}, lost {sum(k['lost'] for k in late)} of {sum(k['passed'] + k['lost'] for k in late)}")


main()
