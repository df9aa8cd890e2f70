#!/usr/bin/python3
"""Many restarts of an OPC UA server under a running gateway: memory, descriptors and threads of the process that speaks to it stay flat.

    test/opcua_flap.py [--cycles 1000]

Half of the losses are a server that ends, the other half connections that are cut. Prints a line each 50 cycles, and fails when memory grows by
more than 2 MiB between the first tenth (when all has been used once) and the end.
"""
import argparse
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from penstock import *
from ua_peers import *
from ua_site import *

ARGS = argparse.ArgumentParser()
ARGS.add_argument("--cycles", type=int, default=1000)
CYCLES = ARGS.parse_args().cycles
sys.argv[1:] = []


@timeout(4 * CYCLES + 60)
def test_flapping_leaves_nothing_behind():
    server = UaServer(variables=200, change_ms=50)
    proxy = Proxy(server.port)
    g = UaGateway({"press": (f"opc.tcp://127.0.0.1:{proxy.port}", "security: [none], timeout: 2 s, retry-max: 1 s, watch: 500 ms")},
                  tags={f"v{i}": f"{PLANT}v{i}" for i in range(100)})
    g.up("press")
    pid, begin, first = g.field_pid(), time.monotonic(), None
    for i in range(CYCLES):
        connects = g.why("press")["detail"]["connects"]
        if i % 2:
            proxy.reset()
        else:
            server.restart()
        wait_for(lambda: g.why("press")["detail"].get("connects", 0) != connects, 20, "a new session", 0.05)
        g.up("press", 20)
        if i == CYCLES // 10:
            first = (memory_kb(pid), descriptors(pid), threads(pid))
        if i % 50 == 49 or i == CYCLES - 1:
            print(f"cycle {i + 1}: {memory_kb(pid)} KiB, {descriptors(pid)} descriptors, {threads(pid)} threads, "
                  f"{(time.monotonic() - begin) / (i + 1):.2f} s a cycle", flush=True)
    equal(g.field_pid(), pid, "the process that speaks to the server")
    assert memory_kb(pid) < first[0] + 2048, (memory_kb(pid), first)
    assert descriptors(pid) <= first[1] + 1 and threads(pid) == first[2], first


if __name__ == "__main__":
    main()
