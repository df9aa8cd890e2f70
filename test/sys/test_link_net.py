#!/usr/bin/python3
"""Links over a network that is spoilt: three nodes in namespaces of their own, cables cut, connections killed and half-open, packets reordered.

The short form of `make soak-link`. A hundred batches a second pass, more than once fitted into what a receiver lets stand unanswered in the second
that gate takes to make them durable: the top fell behind for ever.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from cases import main, timeout
from link_runs import NetChain, campaign, lag_s, prove


@timeout(110)
def test_nothing_is_lost_over_cut_killed_half_open_and_reordering_cables():
    c = NetChain(devices=10, registers=50)
    done = campaign(c, 14, calm_s=1)
    assert len(done) >= 4, done
    lag_s(c, 20)
    c.settle()
    n = prove(c)
    counts = [cable.counts() for cable in c.cables]
    assert n > 10_000 and sum(k["late"] for k in counts) > 0 and sum(k["lost"] for k in counts) > 0, (n, counts)


main()
