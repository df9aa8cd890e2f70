"""Everything a whole-system test needs, by one import:

    import os, sys
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
    from penstock import *

cases.py     tests: main(), skip(), timeout(), defer(), equal(), wait_for()
procs.py     processes: penstock(), start_penstock(), run(), Proc, free_port(), temp_dir(), children(), alive()
brokers.py   Mosquitto, Certificates
recorder.py  RecordingBroker, which records every packet and misbehaves on command
proxy.py     Proxy, which spoils a TCP connection on command
site_runs.py Gateway: the demo site with a simulated line, running
ua_peers.py  OPC UA peers and certificates; imported by itself: from ua_peers import *
peers.py     Sim, ModbusServer, PymodbusServer, SerialPair, Subscriber, SparkplugDecoder, node()

Only Python's own library is used. All of it listens on loopback, on free ports, and ends with the test.
"""
from brokers import Certificates, Mosquitto
from cases import SCALE, Skip, defer, equal, main, skip, timeout, wait_for
from mqtt_wire import matches
from peers import Endpoint, ModbusServer, PymodbusServer, SerialPair, Sim, SparkplugDecoder, Subscriber, node
from procs import (TOP, Proc, alive, children, command_line, free_port, peer, penstock, program, program_for_others, run,
                   start_penstock, start_tail, temp_dir)
from proxy import Proxy
from recorder import Behaviour, Packet, RecordingBroker
from site_runs import Gateway

__all__ = ["Behaviour", "Certificates", "Endpoint", "Gateway", "ModbusServer", "Mosquitto", "Packet", "Proc", "Proxy",
           "PymodbusServer", "RecordingBroker", "SCALE", "SerialPair", "Sim", "Skip", "SparkplugDecoder", "Subscriber",
           "TOP", "alive", "children", "command_line", "defer", "equal", "free_port", "main", "matches", "node", "peer",
           "penstock", "program", "program_for_others", "run", "skip", "start_penstock", "start_tail", "temp_dir", "timeout",
           "wait_for"]
