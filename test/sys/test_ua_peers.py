#!/usr/bin/python3
"""The foreign OPC UA peers do what the other tests rely on: each is tried with another one, none with our own code."""
import os
import sys
import time

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


@timeout(120)
def test_both_servers_hold_the_same_values():
    for server in UaServer(variables=10, history=1), UaNodeServer(variables=10, history=1):
        client = UaClient(server.url)
        equal(client.refused, None, "the refusal")
        names = "t.Boolean t.Int64 t.UInt64 t.Float t.Double t.String t.Guid t.ByteString t.Mode t.Batch a.Int32".split()
        equal([v["value"] for v in client.read(*names)],
              [True, "-9007199254740993", "18446744073709551615", 1.5, -0.1, "Füller €",
               "72962B91-FA75-4AE6-8D28-B404DC7DAF63", "AP8Q", 2, {"id": -7, "weight": 998.5}, [-1, 0, 1]],
              f"what {server.name} holds")
        eu = client.value("q0.EngineeringUnits" if server.name == "ua_server" else
                          next(r["node"] for r in client.ask("browse", "q0")["references"] if "Units" in r["name"]))
        equal((eu["unitId"], eu["displayName"]["text"]), (4408652, "°C"), "q0's unit")
        equal(client.write("w.clamp", "Double", 500), 0, "the status of a write")
        equal(client.value("w.clamp"), 100, "w.clamp, read back")
        equal(client.write("w.ignore", "Double", 500), 0, "the status of a write that is ignored")
        equal(client.value("w.ignore"), 1, "w.ignore, read back")
        equal(client.write("w.refuse", "Double", 1), 0x801F0000, "the status of a write that is refused")
        equal(client.ask("call", "Machine", "Add", "Double", 1, "Double", 2.5)["outputs"], [3.5], "1 + 2.5")
        equal(client.ask("call", "Machine", "Fail")["status"], 0x80AF0000, "the status of Fail")
        wait_for(lambda: len(server.writes()) >= 2, what="the server's word of the writes")
        server.ask("fill", "h0", 1_700_000_000_000, 1000, 1500, 1)      # more than one answer holds
        past = client.ask("history", "h0", 1_700_000_000_000, 1_700_001_500_000)["values"]
        equal([v["value"] for v in past], list(range(1, 1501)), f"the history of {server.name}")
        client.ask("events", "i=2253")
        server.ask("event", 700, "the tank is empty")
        told = wait_for(lambda: [e["fields"] for e in client.events("ua-event") if e["fields"]["Severity"] == 700],
                        what="the event")
        equal(told[0]["Message"]["text"], "the tank is empty", "the event's message")
        client.stop()
        server.stop()


@timeout(150)
def test_every_policy_mode_and_user():
    pki = UaPki()
    authority = pki.authority()
    own, theirs, alice = pki.application("server"), pki.application("client", signer=authority), pki.user("alice", authority)
    stranger, old = pki.application("stranger"), pki.application("old", signer=authority, days=1, began_days_ago=3)
    common = dict(cert=own, trust=[theirs, old, authority], policy=["None", *POLICIES], user="bob:secret",
                  issuer=authority.der, crl=pki.crl(authority), user_trust=[alice.der], user_issuer=authority.der,
                  user_crl=pki.crl(authority))
    logins = UaLogins()
    for server in (UaServer(**common), UaNodeServer(**common)):
        ask = lambda cert=theirs, **kind: logins.refused(server.url, cert=cert, trust=[own], **kind)
        for kind in [dict(policy=policy, mode=mode) for policy in POLICIES for mode in ("Sign", "SignAndEncrypt")]:
            equal(ask(**kind), None, f"the refusal by {server.name} of {kind}")
        equal(ask(user="bob:secret", policy=POLICIES[0]), None, f"the refusal by {server.name} of a user")
        equal(ask(user_cert=alice, policy=POLICIES[2]), None, f"the refusal by {server.name} of a user's certificate")
        assert ask(user="bob:wrong", policy=POLICIES[0]), f"{server.name} took a wrong password"
        assert ask(cert=stranger, policy=POLICIES[0]), f"{server.name} took a stranger"
        assert ask(cert=old, policy=POLICIES[0]), f"{server.name} took an expired certificate"


@timeout(120)
def test_node_server_has_alarms_history_and_a_mute_button():
    server = UaNodeServer(variables=20, history=1, change_ms=100)
    client = UaClient(server.url)
    server.ask("fill", "h0", 1_700_000_000_000, 1000, 10, 1)
    mean = client.ask("processed", "h0", 1_700_000_000_000, 1_700_000_010_000, 5000, "Average")["values"]
    equal([v["value"] for v in mean], [3, 8], "averages")

    client.ask("events", "i=2253")
    client.write("Tank.level", "Double", 93)
    alarms = lambda: [e["fields"] for e in client.events("ua-event") if e["fields"]["ConditionName"] == "LevelAlarm"]
    first = wait_for(lambda: next((a for a in alarms() if a["ActiveState.Id"]), None), what="the alarm")
    equal((first["AckedState.Id"], first["Retain"]), (False, True), "its state")
    equal(client.ask("acknowledge", first["ConditionId"], first["EventId"], "seen")["status"], 0, "the acknowledgement")
    wait_for(lambda: any(a["AckedState.Id"] for a in alarms()), what="the acknowledged alarm")

    client.ask("subscribe", "v", 0, 20, 100, 10)
    wait_for(lambda: client.ask("counts")["values"] > 40, what="values")
    server.ask("mute")
    before = wait_for(lambda: quiet(client), what="silence")
    server.ask("unmute")
    wait_for(lambda: client.ask("counts")["values"] > before, what="values again")


@timeout(120)
def test_node_server_moves_its_namespace_and_names_its_redundant_set():
    server = UaNodeServer(variables=10, uri="urn:penstock:test:one", peer_uri="urn:penstock:test:two", redundancy=2)
    equal(server.get("i=3709")["value"], 2, "RedundancySupport")
    server.ask("level", 200)
    server.restart(namespaces="urn:somebody:else," + PLANT_URI)
    client = UaClient(server.url)
    equal(client.value("i=2255")[2:], ["urn:somebody:else", PLANT_URI], "namespaces from 2 on")
    equal(client.value("i=11314"), ["urn:penstock:test:one", "urn:penstock:test:two"], "ServerUriArray")
    equal(client.value("i=2267"), 255, "the service level, after the restart")
    equal(client.read("ns=3;s=v1")[0]["type"], "Double", "v1's type")
    equal(server.ask("close-sessions")["closed"], 1, "sessions that were closed")


def quiet(client):
    """The count of values, if it stands still for half a second."""
    before = client.ask("counts")["values"]
    time.sleep(0.5)
    return before if client.ask("counts")["values"] == before else None


if __name__ == "__main__":
    main()
