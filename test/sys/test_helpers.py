#!/usr/bin/python3
"""The helpers in test/lib, tried with programs that are not ours and with bytes by hand."""
import os
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from penstock import *

CONNECT_311 = bytes.fromhex("100d00044d5154540402003c000161")         # client id "a", clean session, keep alive 60 s
CONNECT_5 = bytes.fromhex("100e00044d5154540502003c00000161")
LIB = os.path.join(TOP, "test/lib")


def recording_broker(**options):
    broker = RecordingBroker(**options)
    defer(broker.stop)
    return broker


def pub(broker, *words, limit_s=10):
    return run("mosquitto_pub", "-p", broker.port, *words, limit_s=limit_s)


def sub(broker, *words):
    since = broker.mark()
    proc = Proc(["mosquitto_sub", "-p", broker.port, *words], name="mosquitto_sub")
    broker.wait(lambda: any(p.name == "SUBACK" for p in broker.packets[since:]), what="SUBACK")
    return proc


def raw(broker, data=b""):
    s = socket.create_connection(("127.0.0.1", broker.port), 60)
    defer(s.close)
    s.sendall(data)
    return s


def exactly(s, count):
    got = b""
    while len(got) < count:
        part = s.recv(count - len(got))
        assert part, f"the connection ended after {got.hex()}"
        got += part
    return got


def ended(s):
    """Reads to the end of the connection; returns what came."""
    s.settimeout(60)
    got = b""
    try:
        while part := s.recv(1000):
            got += part
    except ConnectionResetError:
        pass
    return got


# RecordingBroker

def test_broker_records_what_mosquitto_pub_sends():
    broker = recording_broker()
    for version, level in (("311", 4), ("5", 5)):
        for qos in (0, 1):
            since = broker.mark()
            done = pub(broker, "-V", version, "-i", f"c{version}{qos}", "-q", qos, "-t", "plant/x", "-m", "hello",
                       "-k", 30)
            equal(done.returncode, 0, done.stderr)
            connect = broker.wait_packet("CONNECT", since=since)
            equal([connect.version, connect.client_id, connect.clean, connect.keepalive_s],
                  [level, f"c{version}{qos}", True, 30], "CONNECT")
            p = broker.wait_publish("plant/+", since=since)
            equal([p.topic, p.payload, p.qos, p.retain, p.dup], ["plant/x", b"hello", qos, False, False], "PUBLISH")
            broker.wait_packet("DISCONNECT", since=since)
    equal(broker.violations, [], "violations")


def test_broker_parses_mqtt_5_properties_and_wills():
    broker = recording_broker()
    pub(broker, "-V", "5", "-q", 1, "-t", "a", "-m", "b", "-D", "publish", "message-expiry-interval", 60,
        "-D", "publish", "user-property", "key", "k-1", "-D", "publish", "content-type", "application/json",
        "-D", "connect", "session-expiry-interval", 7, "--will-topic", "gone", "--will-payload", "x",
        "--will-qos", 1, "--will-retain", "-u", "me", "-P", "secret")
    connect, p = broker.wait_packet("CONNECT"), broker.wait_publish("a")
    equal(p.props, {"message_expiry_s": 60, "user": [("key", "k-1")], "content_type": "application/json"}, "properties")
    equal(connect.props["session_expiry_s"], 7, "session expiry")
    will = connect.will
    equal([will["topic"], will["payload"], will["qos"], will["retain"]], ["gone", b"x", 1, True], "the will")
    equal([connect.username, connect.password], ["me", b"secret"], "user and password")


def test_broker_routes_to_subscribers():
    broker = recording_broker()
    listener = sub(broker, "-q", 1, "-t", "plant/+/speed", "-t", "site/#", "-v")
    pub(broker, "-q", 1, "-t", "plant/filler/speed", "-m", "41")
    pub(broker, "-q", 0, "-t", "site/a/b", "-m", "42")
    pub(broker, "-q", 0, "-t", "plant/filler/state", "-m", "43")
    broker.publish("site", "44", qos=1)
    listener.wait_line("^site 44")
    got = [line for line in listener.out if line.startswith(("plant", "site"))]
    equal(got, ["plant/filler/speed 41", "site/a/b 42", "site 44"], "what the subscriber got")
    broker.wait_packet("PUBACK", count=2)
    equal(broker.violations, [], "violations")


def test_broker_keeps_retained_messages():
    broker = recording_broker()
    pub(broker, "-r", "-q", 1, "-t", "a/b", "-m", "kept")
    listener = sub(broker, "-q", 1, "-t", "a/#", "-F", "%r %t %p")
    listener.wait_line("^1 a/b kept")
    pub(broker, "-r", "-q", 1, "-t", "a/b", "-n")
    equal(broker.retained, {}, "retained messages")


def test_broker_publishes_the_will_unless_it_is_taken_back():
    broker = recording_broker()
    listener = sub(broker, "-t", "gone/#", "-v")
    clean = sub(broker, "-i", "clean", "-C", 1, "-t", "x", "--will-topic", "gone/clean", "--will-payload", "w")
    broker.publish("x", "the one message that it waits for")
    clean.wait()
    killed = sub(broker, "-i", "killed", "-t", "x", "--will-topic", "gone/killed", "--will-payload", "w")
    killed.kill()
    listener.wait_line("^gone/killed w")
    assert "gone/clean w" not in listener.out, "the will of a client that said good-bye was published"
    # MQTT 5, DISCONNECT with will: reason 0x04.
    s = raw(broker, bytes.fromhex("101a" "00044d515454" "05" "06" "003c" "00" "0001" "62" "00" "0006" "676f6e652f35"
                                  "0001" "77"))
    equal(exactly(s, 7)[:4], bytes.fromhex("20050000"), "CONNACK")
    s.sendall(bytes.fromhex("e00104"))
    listener.wait_line("^gone/5 w")


def test_broker_takes_a_client_over():
    broker = recording_broker()
    first = raw(broker, CONNECT_5)
    exactly(first, 7)
    second = raw(broker, CONNECT_5)
    exactly(second, 7)
    equal(ended(first), bytes.fromhex("e0018e"), "what the first client was told")
    equal(len(broker.live("a")), 1, "live connections of the client")


def test_broker_keeps_sessions():
    broker = recording_broker()
    listener = sub(broker, "-c", "-i", "stay", "-C", 1, "-q", 1, "-t", "a")
    broker.publish("a", "the one message that it waits for", qos=1)
    listener.wait()
    pub(broker, "-q", 1, "-t", "a", "-m", "while you were away")
    again = Proc(["mosquitto_sub", "-p", str(broker.port), "-c", "-i", "stay", "-q", "1", "-t", "a"])
    again.wait_line("while you were away")


def test_broker_speaks_with_npm_mqtt():
    broker = recording_broker()
    for version in (4, 5):
        subscriber = Subscriber(broker.port, "a/#", version=version)
        for _ in range(3):
            broker.publish("a/b", '{"key": "k", "values": [1, 2]}', qos=1)
        wait_for(lambda: subscriber.count() == 3, what="three messages")
        equal(subscriber.summary()["values"], 6, "values")
    equal(broker.violations, [], "violations")


def test_broker_speaks_tls():
    import ssl
    certs = Certificates()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certs.server, certs.server_key)
    context.load_verify_locations(certs.ca)
    context.verify_mode = ssl.CERT_REQUIRED
    broker = recording_broker(tls=context)
    done = run("mosquitto_pub", "-h", "localhost", "-p", broker.port, "-q", 1, "-t", "a", "-m", "x",
               "--cafile", certs.ca, "--cert", certs.client, "--key", certs.client_key)
    equal(done.returncode, 0, done.stderr)
    broker.wait_publish("a")


def test_broker_refuses_with_a_reason():
    broker = recording_broker()
    broker.behave.refuse = 5
    assert "not authorised" in pub(broker, "-t", "a", "-m", "b").stderr.lower()
    broker.behave.refuse = 0x88
    s = raw(broker, CONNECT_5)
    equal(ended(s), bytes.fromhex("2003008800"), "CONNACK: server unavailable")
    broker.behave.refuse = 0
    equal(pub(broker, "-t", "a", "-m", "b").returncode, 0, "status once it is let in")


def test_broker_withholds_and_delays_acknowledgements():
    broker = recording_broker()
    broker.behave.ack_delay_s = 0.4
    start = time.monotonic()
    equal(pub(broker, "-q", 1, "-t", "a", "-m", "b").returncode, 0, "status")
    assert time.monotonic() - start > 0.39, "PUBACK came at once"
    broker.behave.ack = "none"
    waiting = Proc(["mosquitto_pub", "-p", str(broker.port), "-q", "1", "-t", "b", "-m", "b"])
    broker.wait_publish("b")
    time.sleep(0.3)
    assert waiting.running(), "mosquitto_pub ended without its PUBACK"
    waiting.kill()


def test_broker_lies_about_packet_ids():
    broker = recording_broker()
    s = raw(broker, CONNECT_311)
    exactly(s, 4)
    publish = bytes.fromhex("3206" "0001" "61" "0007" "78")
    for ack, want in (("wrong-id", "4002" "7538"), ("twice", "40020007" "40020007"), ("yes", "40020007")):
        broker.behave.ack = ack
        s.sendall(publish)
        equal(exactly(s, len(want) // 2).hex(), want, ack)


def test_broker_answers_with_mqtt_5_reasons():
    broker = recording_broker()
    broker.behave.ack_code = 0x97
    broker.behave.connack_props = {"receive_maximum": 2, "server_keep_alive_s": 9, "user": [("a", "b")]}
    s = raw(broker, CONNECT_5)
    equal(exactly(s, 20).hex(), "2012" "0000" "0f" "210002" "130009" "26000161000162" "2401", "CONNACK")
    s.sendall(bytes.fromhex("3207" "0001" "61" "0007" "00" "78"))
    equal(exactly(s, 5).hex(), "4003" "0007" "97", "PUBACK: quota exceeded")
    broker.disconnect(0x8B)
    equal(ended(s), bytes.fromhex("e0018b"), "DISCONNECT: server shutting down")


def test_broker_lies_in_connack():
    broker = recording_broker()
    broker.behave.session_present = True
    equal(exactly(raw(broker, CONNECT_311), 4).hex(), "20020100", "CONNACK with a session that never was")
    broker.behave.connack_raw = b"\x20\x7f\x00"
    equal(exactly(raw(broker, CONNECT_311), 3).hex(), "207f00", "what stands in for CONNACK")
    broker.behave.connack = False
    s = raw(broker, CONNECT_311)
    broker.wait_packet("CONNECT", count=3)
    s.settimeout(0.2)
    try:
        raise AssertionError(f"CONNECT was answered with {s.recv(9).hex()}")
    except TimeoutError:
        pass


def test_broker_ends_connections_in_bad_ways():
    broker = recording_broker()
    s = raw(broker, CONNECT_311)
    exactly(s, 4)
    broker.send_raw(b"\xff\xff\xff\xff\xff")
    equal(exactly(s, 5), b"\xff" * 5, "garbage")
    broker.close_mid_packet()
    rest = ended(s)
    assert len(rest) == 20 and rest[0] == 0x30 and rest[1] > 18, f"half a packet is {rest.hex()}"
    s = raw(broker, CONNECT_311)
    exactly(s, 4)
    broker.drop(reset=True)
    try:
        s.recv(1)
        raise AssertionError("the connection ended without RST")
    except ConnectionResetError:
        pass
    broker.behave.close_after = 2
    s = raw(broker, CONNECT_311)
    exactly(s, 4)
    s.sendall(bytes.fromhex("3206" "0001" "61" "0007" "78" "3206" "0001" "61" "0008" "78"))
    equal(ended(s).hex(), "40020007", "what came before the close")
    broker.shut()
    try:
        raw(broker)
        raise AssertionError("it still listens")
    except ConnectionRefusedError:
        pass
    broker.open()
    equal(pub(broker, "-t", "a", "-m", "b").returncode, 0, "status on the same port")


def test_broker_stalls():
    broker = recording_broker()
    s = raw(broker, CONNECT_311)
    exactly(s, 4)
    broker.behave.read = False
    s.settimeout(0.5)
    try:
        for _ in range(1000):
            s.sendall(b"\x30\xff\x7f" + b"\0\1a" + b"x" * 16380)
        raise AssertionError("16 MB went into a broker that does not read")
    except TimeoutError:
        pass


def test_broker_notices_what_clients_do_wrong():
    for data, why in ((bytes.fromhex("3005000161" "7879"), "before CONNECT"),
                      (CONNECT_311 + CONNECT_311, "CONNECT twice"),
                      (CONNECT_311 + bytes.fromhex("3405" "0001" "61" "0007"), "QoS 2"),
                      (CONNECT_311 + bytes.fromhex("3605" "0001" "61" "0007"), "QoS 3"),
                      (CONNECT_311 + bytes.fromhex("3205" "0001" "61" "0000"), "identifier 0"),
                      (CONNECT_311 + bytes.fromhex("3003" "0001" "2b"), "wildcard"),
                      (CONNECT_311 + bytes.fromhex("3003" "0001" "ff"), "UTF-8"),
                      (CONNECT_311 + bytes.fromhex("3002" "0005"), "bytes wanted"),
                      (CONNECT_311 + bytes.fromhex("30ffffffff01"), "remaining length"),
                      (CONNECT_311 + bytes.fromhex("80060001" "0001" "61" "00"), "flags"),
                      (CONNECT_311 + bytes.fromhex("40020009"), "not open"),
                      (CONNECT_311 + bytes.fromhex("c00100"), "too many"),
                      (CONNECT_311 + bytes.fromhex("f000"), "AUTH"),
                      (CONNECT_5 + bytes.fromhex("3007" "0001" "61" "02" "0101" "78"), None),
                      (CONNECT_5 + bytes.fromhex("3008" "0001" "61" "04" "0101" "0101"), "twice"),
                      (CONNECT_5 + bytes.fromhex("3007" "0001" "61" "03" "230001"), "alias"),
                      (CONNECT_5 + bytes.fromhex("3006" "0001" "61" "02" "7701"), "does not exist")):
        broker = recording_broker()
        s = raw(broker, data + bytes.fromhex("c000"))
        if why is None:
            broker.wait_packet("PINGREQ")
            equal(broker.violations, [], "violations")
        else:
            broker.wait(lambda: broker.violations, 5, why)
            assert why in broker.violations[0], f"{broker.violations} do not speak of {why}"
        s.close()
        broker.stop()


def test_broker_notices_reused_ids_and_too_many_open_messages():
    broker = recording_broker()
    broker.behave.ack = "none"
    broker.behave.connack_props = {"receive_maximum": 2}
    s = raw(broker, CONNECT_5)
    s.sendall(bytes.fromhex("3207" "0001" "61" "0007" "00" "78") * 2)
    broker.wait(lambda: broker.violations, 5, "a violation")
    assert "still in use" in broker.violations[0], broker.violations
    s.sendall(bytes.fromhex("3207" "0001" "61" "0008" "00" "78" "3207" "0001" "61" "0009" "00" "78"))
    broker.wait(lambda: len(broker.violations) == 2, 5, "a second one")
    assert "2 were allowed" in broker.violations[1], broker.violations


def test_broker_enforces_keep_alive():
    broker = recording_broker()
    s = raw(broker, CONNECT_311.replace(b"\x00\x3c", b"\x00\x01"))
    exactly(s, 4)
    start = time.monotonic()
    ended(s)
    assert time.monotonic() - start > 1.2, "the end came before 1.5 s were over"
    assert "keep alives" in broker.violations[0], broker.violations


# Proxy

def echo_server():
    """A TCP server that sends back what it gets. Returns its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    defer(listener.close)

    def serve(s):
        try:
            while data := s.recv(65536):
                s.sendall(data)
        except OSError:
            pass
        s.close()

    def accept():
        while True:
            try:
                s, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(s,), daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


def through(proxy):
    s = socket.create_connection(("127.0.0.1", proxy.port), 60)
    defer(s.close)
    return s


def test_proxy_passes_bytes_and_counts_them():
    proxy = Proxy(echo_server())
    s = through(proxy)
    data = os.urandom(300_000)
    threading.Thread(target=s.sendall, args=(data,), daemon=True).start()
    assert exactly(s, len(data)) == data, "other bytes came back"
    wait_for(lambda: proxy.bytes_down == len(data), what="the count")
    equal([proxy.accepted, proxy.connections(), proxy.bytes_up], [1, 1, len(data)], "counts")


def test_proxy_delays_each_way_without_lowering_the_rate():
    proxy = Proxy(echo_server())
    s = through(proxy)
    proxy.delay_s = 0.5
    start = time.monotonic()
    for _ in range(20):
        s.sendall(b"x")
        time.sleep(0.01)
    exactly(s, 20)
    took = time.monotonic() - start
    assert 1 <= took < 15, f"twenty bytes took {took:.2f} s there and back, each alone would take 1 s"


def test_proxy_half_opens():
    proxy = Proxy(echo_server())
    s = through(proxy)
    s.sendall(b"a")
    exactly(s, 1)
    proxy.half_open()
    late = through(proxy)
    for one in (s, late):
        one.sendall(b"b")
        one.settimeout(0.3)
        try:
            one.recv(1)
            raise AssertionError("something passed, or ended")
        except TimeoutError:
            pass
    proxy.heal()
    for one in (s, late):
        one.settimeout(60)
        equal(exactly(one, 1), b"b", "what was held back")


def test_proxy_cuts_and_heals():
    proxy = Proxy(echo_server())
    s = through(proxy)
    s.sendall(b"a")
    exactly(s, 1)
    proxy.cut()
    equal(ended(s), b"", "what came before the end")
    try:
        through(proxy)
        raise AssertionError("it still listens")
    except ConnectionRefusedError:
        pass
    proxy.heal()
    s = through(proxy)
    s.sendall(b"b")
    equal(exactly(s, 1), b"b", "the echo")


def test_proxy_resets():
    proxy = Proxy(echo_server())
    s = through(proxy)
    s.sendall(b"a")
    exactly(s, 1)
    proxy.reset()
    try:
        s.recv(1)
        raise AssertionError("the connection ended without RST")
    except ConnectionResetError:
        pass
    through(proxy).sendall(b"a")


def test_proxy_throttles_and_cuts_in_the_middle():
    proxy = Proxy(echo_server())
    s = through(proxy)
    proxy.bytes_per_s = 2000
    start = time.monotonic()
    s.sendall(b"x" * 1000)
    exactly(s, 1000)
    took = time.monotonic() - start
    assert took > 0.45, f"1,000 bytes at 2,000/s took {took:.2f} s"
    proxy.bytes_per_s = 0
    proxy.cut_after(7)
    s.sendall(b"y" * 20)
    equal(ended(s), b"y" * 7, "what came before the cut")


# Processes and the runner

def test_processes_end_with_the_test_and_sanitizers_are_heard():
    proc = Proc(["sh", "-c", "echo one; echo two >&2; sleep 60"])
    proc.wait_line("^one")
    proc.wait_line("^two")
    sleeper = wait_for(lambda: [pid for pid in children(proc.pid) if command_line(pid) == ["sleep", "60"]],
                       what="the child")[0]
    proc.stop()
    wait_for(lambda: not alive(sleeper), what="the child's end")
    noisy = Proc(["sh", "-c", "echo '==1==ERROR: AddressSanitizer: heap-use-after-free' >&2"])
    noisy.wait()
    try:
        noisy.stop()
    except AssertionError as why:
        assert "sanitizer" in str(why), why
    else:
        raise AssertionError("a sanitizer's report went unheard")


def test_the_simulator_is_understood():
    folder, port = temp_dir(), echo_server()
    path = os.path.join(folder, "penstock")
    with open(path, "w", encoding="ascii") as f:
        f.write(f"""#!/bin/sh
echo endpoint filler 127.0.0.1:502 unit=1
echo endpoint line 127.0.0.1:503 unit=1-4
echo endpoint bus7 /dev/pts/9 unit=7
echo control 127.0.0.1:{port}
echo ready
exec sleep 60
""")
    os.chmod(path, 0o755)
    before = os.environ.get("PENSTOCK")
    os.environ["PENSTOCK"] = path
    try:
        sim = Sim("bottling")
    finally:
        os.environ.pop("PENSTOCK")
        if before is not None:
            os.environ["PENSTOCK"] = before
    equal([(e.name, e.address, e.unit, e.last_unit) for e in sim.endpoints.values()],
          [("filler", "127.0.0.1:502", 1, 1), ("line", "127.0.0.1:503", 1, 4), ("bus7", "/dev/pts/9", 7, 7)], "endpoints")
    equal(sim.ask("ok fault set"), "fault set", "the answer")       # the control line is an echo here
    equal(sim.ask('{"a": 1}'), '{"a": 1}', "an answer in JSON")
    try:
        sim.ask("error no such machine")
    except AssertionError as why:
        assert "no such machine" in str(why), why
    else:
        raise AssertionError("an error went unheard")


def test_a_script_reports_each_test():
    path = os.path.join(temp_dir(), "test_x.py")
    with open(path, "w", encoding="utf-8") as f:
        f.write(f"""import sys, time
sys.path.insert(0, {LIB!r})
from cases import *
def test_good(): defer(print, "undone")
def test_bad(): equal(1, 2, "one")
def test_absent(): skip("no such thing here")
@timeout(0.1)
def test_slow(): time.sleep(60)
def test_not_undone(): defer(int, "x")
main()
""")
    done = subprocess.run(["/usr/bin/python3", path], capture_output=True, text=True, check=False,
                          env={**os.environ, "PENSTOCK": ""})
    equal(done.returncode, 1, "status")
    equal(done.stdout.splitlines(), [
        "undone", "ok good", "FAIL bad: test_x.py:5: AssertionError: one is 1, want 2",
        "skip absent: no such thing here", "FAIL slow: test_x.py:8: did not end within 0 s",
        "FAIL not_undone: while ending: invalid literal for int() with base 10: 'x'",
        "1 passed, 3 failed, 1 skipped"], "the report")
    done = subprocess.run(["/usr/bin/python3", path, "no_such_test"], capture_output=True, text=True, check=False)
    equal([done.returncode, done.stdout], [1, "0 passed, 0 failed, 0 skipped\n"], "a run of nothing")


def test_runner_counts_crashes_silence_and_lies_as_failures():
    cases = {                                           # script -> passed, failed, skipped
        "echo ok a; echo '2 passed, 0 failed, 1 skipped'": (2, 0, 1),
        "echo '2 passed, 1 failed, 0 skipped'; exit 1": (2, 1, 0),
        "echo '2 passed, 1 failed, 0 skipped'": (2, 1, 0),
        "echo '2 passed, 0 failed'; exit 3": (2, 1, 0),
        "echo '0 passed, 0 failed, 0 skipped'": (0, 1, 0),
        "echo ok a": (0, 1, 0),
        "echo ok a; kill -SEGV $$": (0, 1, 0),
        "echo 'x.c:1: runtime error: overflow'; echo '2 passed, 0 failed, 0 skipped'": (2, 1, 0),
        "sleep 60": (0, 1, 0),
    }
    folder = temp_dir()
    for number, (script, want) in enumerate(cases.items()):
        path, total = os.path.join(folder, f"{number}.sh"), os.path.join(folder, f"{number}.total")
        with open(path, "w", encoding="ascii") as f:
            f.write(script + "\n")
        done = subprocess.run(["/usr/bin/python3", os.path.join(LIB, "runner.py"), "--timeout", "1" if "sleep" in script else "60", "--total",
                               total], input=f"sh {path}\n", capture_output=True, text=True, check=False)
        with open(total, encoding="ascii") as f:
            equal(tuple(int(n) for n in f.read().split()), want, script)
        equal(done.returncode, 1 if want[1] else 0, f"status for {script}")


if __name__ == "__main__":
    main()
