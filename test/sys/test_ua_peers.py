#!/usr/bin/python3
"""The foreign OPC UA peers do what the other tests rely on: each is tried with another one, none with our own code."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from penstock import *
from ua_peers import *


def test_open62541_server_changes_its_bulk_and_the_bare_client_counts_it():
    server = UaServer(variables=2000, change_ms=400)
    seen = bare_client(server.url, browse=True, items=2000, sampling=100, publishing=100, queue=10, warm_up=1, seconds=2)
    assert seen["browse_nodes"] > 2000 + 20, f"the walk found {seen['browse_nodes']} nodes"
    equal(seen["bad"], 0, "bad values")
    assert seen["values"] >= 2000, f"{seen['values']} values in 2 s of 2000 variables that change every 0.4 s"
    equal(server.stats()["items_ever"], 2000, "items that the server was asked for")


def test_open62541_server_obeys():
    server = UaServer(variables=10, history=1)
    equal(server.get("t.Int64")["Value"], {"Type": 8, "Body": "-9007199254740993"}, "t.Int64")
    server.set("t.Int32", 77)
    equal(server.get("t.Int32")["Value"], {"Type": 6, "Body": 77}, "t.Int32, set")
    server.status("v3", 0x80310000)
    equal(server.get("v3")["Status"], 0x80310000, "v3's status")
    server.ask("clear", "v3")
    assert "Status" not in server.get("v3"), "v3 is good again"
    server.ask("level", 100)
    equal(server.get("i=2267")["Value"]["Body"], 100, "the service level")
    server.ask("fill", "h0", 1_700_000_000_000, 1000, 100, 0)
    server.ask("remove", "q0")
    equal(server.get("q0"), {"Status": 0x80340000}, "q0 after its removal")


def test_open62541_server_moves_its_namespace():
    server = UaServer(variables=10)
    equal(server.get("i=2255")["Value"]["Body"][2], PLANT_URI, "namespace 2")
    server.restart(namespaces="urn:somebody:else," + PLANT_URI)
    equal(server.get("i=2255")["Value"]["Body"][2:], ["urn:somebody:else", PLANT_URI], "namespaces from 2 on")
    equal(server.get("ns=3;s=v1")["Value"]["Type"], 11, "v1's type")


if __name__ == "__main__":
    main()
