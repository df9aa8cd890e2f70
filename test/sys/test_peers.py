#!/usr/bin/python3
"""The foreign peers do what the other tests rely on: each is tried with a second one, none with our own code."""
import json
import os
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from penstock import *


def mbpoll(server, *words, unit=1, limit_s=20):
    """One poll with mbpoll, 0-based addresses; returns what it printed."""
    return run("mbpoll", "-m", "tcp", "-a", unit, "-0", "-1", "-o", "10", "-p", server.port, *words, server.host,
               limit_s=limit_s)


def values(done):
    """[(address, text)] that mbpoll read."""
    found = []
    for line in done.stdout.splitlines():
        if line.startswith("["):
            address, _, value = line.partition(":")
            found.append((int(address.strip("[] ")), value.strip()))
    return found


def ask(server, pdu, unit=1, limit_s=30):
    """One raw request over TCP; the reply's PDU, or None when none came."""
    with socket.create_connection((server.host, server.port), limit_s) as s:
        s.settimeout(limit_s)
        s.sendall(struct.pack(">HHHB", 0x1234, 0, len(pdu) + 1, unit) + pdu)
        try:
            reply = s.recv(300)
        except TimeoutError:
            return None
    equal(reply[:4], b"\x12\x34\0\0", "transaction and protocol")
    equal(struct.unpack(">H", reply[4:6])[0], len(reply) - 6, "length")
    return reply[7:]


def test_libmodbus_server_serves_its_tables():
    server = ModbusServer(units="1,3")
    equal(values(mbpoll(server, "-r", 7, "-c", 3)), [(7, "7"), (8, "8"), (9, "9")], "holding registers")
    equal(values(mbpoll(server, "-t", "3", "-r", 7, "-c", 1, unit=3)), [(7, "10007")], "input register")
    equal(values(mbpoll(server, "-t", "0", "-r", 0, "-c", 4)), [(0, "1"), (1, "0"), (2, "0"), (3, "1")], "coils")
    equal(values(mbpoll(server, "-t", "1", "-r", 0, "-c", 3)), [(0, "1"), (1, "0"), (2, "1")], "discrete inputs")


def test_libmodbus_server_keeps_units_apart_and_counts():
    server = ModbusServer(units="1,3")
    equal(ask(server, b"\x06\x00\x05\x00\x2a"), b"\x06\x00\x05\x00\x2a", "the write's echo")
    equal(ask(server, b"\x03\x00\x05\x00\x01"), b"\x03\x02\x00\x2a", "unit 1")
    equal(ask(server, b"\x03\x00\x05\x00\x01", unit=3), b"\x03\x02\x00\x05", "unit 3")
    equal(ask(server, b"\x03\x00\x05\x00\x01", unit=9, limit_s=0.3), None, "the answer for a unit that is not there")
    stats = server.stats()
    equal({k: stats[k] for k in ("requests", "reads", "writes", "registers", "unanswered")},
          {"requests": 4, "reads": 2, "writes": 1, "registers": 3, "unanswered": 1}, "counts")


def test_libmodbus_server_refuses_what_it_is_told_to():
    server = ModbusServer(illegal="holding:100-109,input:5", max_registers=50, unknown_unit="exception")
    equal(ask(server, b"\x03\x00\x63\x00\x02"), b"\x83\x02", "a block that touches 100")
    equal(ask(server, b"\x03\x00\x6e\x00\x02"), b"\x03\x04\x00\x6e\x00\x6f", "the block after it")
    equal(ask(server, b"\x04\x00\x05\x00\x01"), b"\x84\x02", "input register 5")
    equal(ask(server, b"\x04\x00\x64\x00\x01"), b"\x04\x02\x27\x74", "input register 100")
    equal(ask(server, b"\x03\x00\x00\x00\x33"), b"\x83\x03", "51 registers")
    equal(ask(server, b"\x03\x00\x00\x00\x01", unit=2), b"\x83\x0b", "a unit behind the gateway that is not there")


def test_libmodbus_server_delays_without_blocking_others():
    server = ModbusServer(delay=2000)
    slow = [socket.create_connection((server.host, server.port)) for _ in range(5)]
    start = time.monotonic()
    for s in slow:
        s.sendall(bytes.fromhex("000100000006010300000001"))
    for s in slow:
        s.settimeout(60)
        equal(len(s.recv(100)), 11, "bytes of the reply")
        s.close()
    took = time.monotonic() - start
    assert 1.99 < took < 9.9, f"five answers that are each delayed by 2 s took {took:.2f} s together"


def test_libmodbus_server_ticks():
    server = ModbusServer(tick=20, size=100)
    first = ask(server, b"\x03\x00\x00\x00\x01")
    wait_for(lambda: ask(server, b"\x03\x00\x00\x00\x01") != first, what="another value")


def test_libmodbus_server_on_a_serial_line():
    line = SerialPair()
    server = ModbusServer(serial=line.a, units="1,3")

    def poll(unit, patience_s=10):
        return values(run("mbpoll", "-m", "rtu", "-b", 19200, "-P", "none", "-a", unit, "-0", "-1", "-o", patience_s,
                          "-r", 20, "-c", 2, line.b))
    equal(poll(1), [(20, "20"), (21, "21")], "unit 1")
    equal(poll(3), [(20, "20"), (21, "21")], "unit 3")
    equal(poll(4, 0.5), [], "unit 4, which is not there")
    equal(server.stats()["reads"], 2, "reads")


def test_pymodbus_server_serves_its_tables():
    server = PymodbusServer("1,2")
    equal(values(mbpoll(server, "-r", 7, "-c", 2, unit=2)), [(7, "7"), (8, "8")], "holding registers")
    equal(values(mbpoll(server, "-t", "3", "-r", 7, "-c", 1)), [(7, "10007")], "input register")


def test_fast_server_answers_as_the_standard_says():
    server = ModbusServer("modbus_fast_server")
    equal(ask(server, b"\x03\x00\x00\x00\x02"), b"\x03\x04\x00\x00\x00\x01", "two registers")
    equal(len(ask(server, b"\x04\x00\x00\x00\x7d")), 252, "bytes of 125 registers")
    with socket.create_connection((server.host, server.port), 60) as s:
        one = bytes.fromhex("000100000006010300000001")
        s.sendall(one * 3 + one[:5])
        time.sleep(0.1)
        s.sendall(one[5:])
        got = b""
        while len(got) < 44:
            part = s.recv(100)
            assert part, f"the connection ended after {len(got)} bytes"
            got += part
        equal(len(got), 44, "bytes of four replies")
    equal(server.stats()["requests"], 6, "requests counted")


def test_bench_clients_reach_a_rate_without_errors():
    server = ModbusServer("modbus_fast_server")
    for program in ("modbus_epoll", "modbus_poll"):
        done = run(peer(program), f"{server.host}:{server.port}", "--connections", 8, "--seconds", 1)
        equal(done.returncode, 0, f"{program}'s status")
        result = json.loads(done.stdout)
        equal(result["errors"], 0, "errors")
        assert result["requests"] > 100, f"{program} did only {result}"


def test_mosquitto_speaks_mutual_tls():
    certs = Certificates("line-3")
    broker = Mosquitto(tls=certs, mutual=True)
    refused = run("mosquitto_pub", "-h", "localhost", "-p", broker.port, "-t", "a", "-m", "x", "--cafile", certs.ca)
    assert refused.returncode != 0, "a client without certificate was let in"
    done = run("mosquitto_pub", "-h", "localhost", "-p", broker.port, "-t", "a", "-m", "x", "-q", 1, "-r", "--cafile",
               certs.ca, "--cert", certs.client, "--key", certs.client_key)
    equal(done.returncode, 0, done.stderr)


def test_mosquitto_refuses_when_asked():
    broker = Mosquitto(refuse=True)
    done = run("mosquitto_pub", "-h", broker.host, "-p", broker.port, "-t", "a", "-m", "x")
    assert "not authorised" in done.stderr.lower(), done.stderr


def test_mosquitto_keeps_retained_messages_over_a_restart():
    broker = Mosquitto(persist=True)
    broker.publish("plant/line", "on", "-r", "-q", "1")
    broker.stop()
    broker.start()
    equal(broker.retained("plant/#", 1), {"plant/line": "on"}, "retained messages")


def test_subscriber_counts_messages_values_and_keys():
    broker = Mosquitto()
    record = os.path.join(temp_dir(), "record")
    subscriber = Subscriber(broker.port, "plant/#", record=record)
    for key in ("a-1", "a-2", "a-1"):
        broker.publish("plant/x", json.dumps({"key": key, "values": [1, 2, 3]}), "-q", "1")
    broker.publish("plant/y", json.dumps({"values": {"speed": 1, "state": 2}}), "-q", "1")
    broker.publish("plant/y", "no json", "-V", "5", "-D", "publish", "user-property", "key", "a-3", "-q", "1")
    wait_for(lambda: subscriber.count() == 5, what="five messages")
    got = subscriber.summary()
    equal({k: got[k] for k in ("messages", "values", "not_json", "keys", "keys_distinct", "keys_repeated", "keyless")},
          {"messages": 5, "values": 12, "not_json": 1, "keys": 4, "keys_distinct": 3, "keys_repeated": 1, "keyless": 1},
          "the summary")
    equal(got["topics"], {"plant/x": 3, "plant/y": 2}, "topics")
    with open(record, encoding="utf-8") as lines:
        equal([json.loads(line)["topic"] for line in lines], ["plant/x"] * 3 + ["plant/y"] * 2, "the record")


# Encoded by a standard protobuf compiler from the published schema: sparkplug.md, 5.
NDEATH = "0880d095ffbc3112120a0562645365711880d095ffbc3120045800"
REBIRTH = "0880d095ffbc3112210a144e6f646520436f6e74726f6c2f526562697274681880d095ffbc31200b7001"
NDATA = "0880d095ffbc31122110071880d095ffbc314a100a075175616c6974791205080318f40350ffffffff0f18ff01"
# The same, by hand: NBIRTH, seq 0, one metric "level", alias 7, datatype Int16 (2), value 5.
NBIRTH = "0880d095ffbc3112140a056c6576656c10071880d095ffbc31200250051800"


def test_sparkplug_decoder_reads_the_published_vectors():
    broker = Mosquitto()
    decoder = SparkplugDecoder(broker.port)
    folder = temp_dir()
    for number, (topic, vector) in enumerate((("NBIRTH/e", NBIRTH), ("NDATA/e", NDATA), ("NCMD/e", REBIRTH),
                                              ("NDEATH/e", NDEATH))):
        path = os.path.join(folder, str(number))
        with open(path, "wb") as f:
            f.write(bytes.fromhex(vector))
        equal(run("mosquitto_pub", "-p", broker.port, "-t", f"spBv1.0/g/{topic}", "-f", path).returncode, 0, "status")
        decoder.wait(lambda m, want=topic: m["topic"].endswith(want))
    birth, data, command, death = decoder.messages()
    equal([birth["seq"], birth["metrics"][0]["name"], birth["metrics"][0]["value"]], [0, "level", 5], "the birth")
    metric = data["metrics"][0]
    equal([data["seq"], metric["name"], metric["named"], metric["alias"], metric["value"], metric["raw"]],
          [255, "level", False, 7, -1, 4294967295], "the data")
    equal(metric["properties"]["Quality"]["value"], 500, "Quality")
    equal([command["metrics"][0]["name"], command["metrics"][0]["value"]], ["Node Control/Rebirth", True],
          "the command")
    equal([death["seq"], death["metrics"][0]["name"], death["metrics"][0]["type"], death["metrics"][0]["value"]],
          [None, "bdSeq", "Int64", 0], "the death")


if __name__ == "__main__":
    main()
