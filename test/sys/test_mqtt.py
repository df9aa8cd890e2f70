#!/usr/bin/python3
"""The mqtt sink through the whole process chain: mosquitto and a recording broker at the far end, and everything they can do wrong."""
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from penstock import *

SINK = "{ kind: mqtt, zone: plant-it,"


def sink_keys(more):
    """An edit of the demo's site file: more keys for its sink."""
    return lambda text: text.replace(SINK, SINK + " " + more + ",")


def quick(text=""):
    return sink_keys("keep-alive: 5 s" + (", " + text if text else ""))


class Listener:
    """mosquitto_sub as the far end: all messages that come after the constructor, by topic."""

    def __init__(self, broker, *options):
        self.broker = broker
        self.proc = Proc(["mosquitto_sub", "-p", broker.port, "-t", "#", "-q", "1", "-v", *options], name="mosquitto_sub")
        broker.proc.wait_line("Sending SUBACK to")

    def end(self):
        """Waits for all that was published before."""
        self.broker.publish("end", "of the test", "-q", "1")
        self.proc.wait_line("^end of the test$", 20)

    def messages(self):
        found = []
        for line in list(self.proc.out):
            at = line.find(" {")
            if at > 0:
                found.append((line[:at], json.loads(line[at + 1:])))
        return found


def samples_of(messages, seen=None):
    """Numbers of samples by stream, from the keys; repeats must be the same message."""
    seen = {} if seen is None else seen
    for topic, body in messages:
        stream, first = body["key"].rsplit("/", 1)
        number = int(first.split("-")[0])
        count = sum(len(group["samples"]) for group in body["groups"]) if "groups" in body else 1
        text = json.dumps(body, sort_keys=True)
        if (stream, number) in seen:
            equal(seen[stream, number][1], text, f"the repeat of {body['key']}")
        seen[stream, number] = (count, text)
    return seen


def check_whole(seen):
    """Nothing is missing: the numbers of each stream are 1..n without a hole. Returns the last ones."""
    last = {}
    for (stream, first), (count, _) in sorted(seen.items()):
        equal(first, last.get(stream, 0) + 1, f"first number of a message of {stream}")
        last[stream] = first + count - 1
    return last


def bodies(publishes):
    return [(p.topic, json.loads(p.payload)) for p in publishes]


def wait_delivered(gateway, more=200):
    sink = lambda: gateway.objects("sink").get("plant-broker", {"delivered": 0})
    goal = sink()["delivered"] + more
    wait_for(lambda: sink()["delivered"] >= goal, 20, f"{goal} samples delivered", every_s=0.1)


def settled(gateway):
    """After a stop: the ledger adds up, and all its proofs hold."""
    done = gateway.cli("ledger", "--verify")
    equal(done.returncode, 0, done.stdout + done.stderr)


def test_every_sample_arrives_once_and_the_end_leaves_nothing_open():
    broker = RecordingBroker()
    defer(broker.stop)
    g = Gateway(broker.port)
    wait_delivered(g, 500)
    equal(g.stop(), 0, "exit status")
    seen = samples_of(bodies(broker.publishes()))
    equal(len(seen), len(broker.publishes()), "messages without a repeat")
    assert sum(check_whole(seen).values()) >= 500
    equal(broker.violations, [], "violations of MQTT")
    equal({p.qos for p in broker.publishes()}, {1}, "QoS")
    p = broker.publishes()[0]
    equal(p.props.get("user"), [("key", json.loads(p.payload)["key"])], "user property")
    settled(g)


def test_a_broker_that_dies_and_one_that_hangs_lose_nothing():
    # It has no bound of messages on their way to a listener: what waits there would die with it, and is acknowledged.
    broker = Mosquitto(max_inflight=0)
    proxy = Proxy(broker.port)
    first = Listener(broker)
    g = Gateway(proxy.port, edit=quick())
    wait_delivered(g)
    broker.kill()
    proxy.cut()             # until somebody listens: what comes before goes to nobody
    time.sleep(2)
    broker.start()
    second = Listener(broker)
    proxy.heal()
    wait_delivered(g)
    broker.hang()
    time.sleep(3)
    broker.resume()
    wait_delivered(g)
    g.stop()
    second.end()
    last = check_whole(samples_of(second.messages(), samples_of(first.messages())))
    assert sum(last.values()) >= 600, last
    settled(g)


def test_an_office_that_is_killed_goes_on_where_the_ledger_stands():
    broker = RecordingBroker()
    defer(broker.stop)
    g = Gateway(broker.port)
    for _ in range(3):
        wait_delivered(g, 150)
        g.kill("office")
    wait_delivered(g, 150)
    g.stop()
    seen = samples_of(bodies(broker.publishes()))
    check_whole(seen)
    settled(g)


def test_a_gate_that_is_killed_is_told_again_what_was_delivered():
    broker = RecordingBroker()
    defer(broker.stop)
    g = Gateway(broker.port)
    wait_delivered(g, 150)
    g.kill("gate")
    wait_delivered(g, 150)
    g.stop()
    check_whole(samples_of(bodies(broker.publishes())))
    settled(g)


def quarantined(gateway):
    done = gateway.cli("quarantine", "list", "--json")
    equal(done.returncode, 0, done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_what_the_broker_refuses_is_kept_aside_sent_again_or_dropped():
    broker = RecordingBroker()
    defer(broker.stop)
    g = Gateway(broker.port)
    wait_delivered(g, 100)
    broker.behave.ack_code = 0x99
    wait_for(lambda: len(quarantined(g)) >= 3, 10, "three items in quarantine", every_s=0.1)
    broker.behave.ack_code = 0
    wait_delivered(g, 100)
    items = quarantined(g)
    assert "payload format invalid" in items[0]["reason"], items[0]
    shown = g.cli("quarantine", "show", str(items[0]["id"]))
    equal(shown.returncode, 0, shown.stderr)
    assert f'"key":"{items[0]["stream"]}/{items[0]["first"]}-' in shown.stdout, shown.stdout
    done = g.cli("quarantine", "drop", str(items[0]["id"]))
    equal(done.returncode, 2, "a drop without a reason")
    done = g.cli("quarantine", "drop", str(items[0]["id"]), "--reason", "test says so")
    equal(done.returncode, 0, done.stdout + done.stderr)
    done = g.cli("quarantine", "retry", "all")
    equal(done.returncode, 0, done.stdout + done.stderr)
    wait_for(lambda: not quarantined(g), 10, "the quarantine to be empty", every_s=0.1)
    g.stop()
    check_whole(samples_of(bodies(broker.publishes())))
    settled(g)


@timeout(150)
def test_a_message_on_which_a_broker_hangs_up_is_found_and_set_aside():
    broker = RecordingBroker()
    defer(broker.stop)
    g = Gateway(broker.port, edit=quick("version: 3.1.1"))
    wait_delivered(g, 100)
    while not quarantined(g):       # whatever comes first in a connection is what this broker cannot bear
        broker.behave.close_after = 1
        time.sleep(0.05)
    broker.behave.close_after = 0
    items = quarantined(g)
    assert "closed the connection" in items[0]["reason"], items
    wait_delivered(g, 100)
    g.stop()
    settled(g)


def test_a_broker_that_says_not_now_is_asked_again():
    broker = RecordingBroker()
    defer(broker.stop)
    g = Gateway(broker.port)
    wait_delivered(g, 100)
    broker.behave.ack_code = 0x97
    time.sleep(1.5)
    broker.behave.ack_code = 0
    wait_delivered(g, 200)
    equal(quarantined(g), [], "the quarantine")
    g.stop()
    check_whole(samples_of(bodies(broker.publishes())))
    settled(g)


def test_a_maximum_packet_size_is_respected_and_named():
    broker = RecordingBroker()
    defer(broker.stop)
    broker.behave.connack_props = {"maximum_packet_size": 300}
    g = Gateway(broker.port)
    wait_for(lambda: quarantined(g), 10, "an item in quarantine", every_s=0.1)
    assert "Maximum Packet Size is 300" in quarantined(g)[0]["reason"], quarantined(g)[0]
    g.stop()
    assert all(len(p.raw) <= 300 for p in broker.publishes())


def apply(gateway, edit):
    gateway.write(edit)
    done = gateway.cli("apply", gateway.site)
    equal(done.returncode, 0, done.stdout + done.stderr)


def test_a_changed_sink_goes_on_where_the_old_one_stood():
    broker = RecordingBroker()
    defer(broker.stop)
    g = Gateway(broker.port)
    wait_delivered(g)
    apply(g, sink_keys("window: 7, client-id: another"))
    broker.wait(lambda: broker.live("another"), 10, "the new client")
    wait_delivered(g)
    g.stop()
    check_whole(samples_of(bodies(broker.publishes())))
    settled(g)


def streams(broker):
    return {body["key"].split("/")[0] for _, body in bodies(broker.publishes())}


def test_a_flow_that_changes_is_drained_before_the_new_version():
    broker = RecordingBroker()
    defer(broker.stop)
    g = Gateway(broker.port)
    wait_for(lambda: len(streams(broker)) == 2, 20, "messages of both flows", every_s=0.2)
    broker.shut()
    broker.drop()
    time.sleep(1)
    apply(g, lambda text: text.replace('"Packaging/**/vibration", ', "").replace('"Packaging/**/speed", ', ""))
    time.sleep(1)
    since = broker.mark()
    broker.open()
    wait_for(lambda: len(streams(broker)) == 4, 20, "messages of both flows in both versions", every_s=0.2)
    g.stop()
    messages = bodies(broker.publishes())
    seen = samples_of(messages)
    equal(len(check_whole(seen)), 4, "streams: two flows in two versions")
    order = [body["key"].split("/")[0] for _, body in bodies(broker.publishes(since=since))]
    for flow in ("line-state", "condition"):
        versions = [stream for stream in order if stream.startswith(flow + "@")]
        equal(versions, sorted(versions, key=lambda v: versions.index(v)), f"versions of {flow}, one after the other")
    settled(g)


def test_live_data_overtakes_a_backlog_where_asked():
    broker = RecordingBroker()
    defer(broker.stop)
    g = Gateway(broker.port, edit=lambda t: quick("window: 1")(t).replace("every-sample: yes", "every-sample: yes, live-first: yes"))
    wait_delivered(g)
    broker.shut()
    broker.drop()
    time.sleep(8)
    since = broker.mark()
    broker.behave.ack_delay_s = 0.02
    broker.open()
    wait_delivered(g, 1500)
    broker.behave.ack_delay_s = 0
    time.sleep(4)
    g.stop()
    check_whole(samples_of(bodies(broker.publishes())))
    numbers = [int(body["key"].rsplit("/", 1)[1].split("-")[0]) for _, body in bodies(broker.publishes(since=since))
               if body["key"].startswith("line-state@")]
    assert any(b < a for a, b in zip(numbers, numbers[1:])), "nothing overtook the backlog"
    settled(g)


def test_tls_verifies_both_sides_and_says_what_is_wrong():
    good, other = Certificates(), Certificates()
    broker = Mosquitto(tls=good, mutual=True)
    keys = f'tls: yes, ca-file: "{good.ca}", cert-file: "{good.client}", key-file: "{good.client_key}"'
    g = Gateway(broker.port, edit=sink_keys(keys))
    wait_delivered(g, 100)
    g.stop()
    for wrong in (f'tls: yes, ca-file: "{other.ca}", cert-file: "{good.client}", key-file: "{good.client_key}"',
                  f'tls: yes, ca-file: "{good.ca}"', "version: 5"):
        h = Gateway(broker.port, edit=sink_keys(wrong))
        h.run.wait_line("event=mqtt_down", 10)
        equal(h.objects("sink")["plant-broker"]["connected"], 0, f"connected with {wrong}")
        h.stop()


def test_a_unified_namespace_has_one_retained_message_a_tag():
    broker = Mosquitto()
    g = Gateway(broker.port, edit=sink_keys('payload: tag, retain: yes, topic: "uns/{site}/{path}"'))
    topic = "uns/Dresden/Packaging/Line 3/Filler/motor-temperature"
    done = run("mosquitto_sub", "-p", broker.port, "-t", topic, "-C", 1, "-W", 60, limit_s=90)
    equal(done.returncode, 0, "status of waiting for the first message")
    g.stop()
    text = broker.retained("uns/+/+/+/Filler/motor-temperature", 1)[topic]
    body = json.loads(text)
    equal((body["q"], body["u"]), ("Good", "Cel"))
    assert isinstance(body["v"], float) and body["key"].startswith("condition@") and body["ts"].endswith("Z"), body


def test_a_payload_template_is_filled_in():
    broker = RecordingBroker()
    defer(broker.stop)
    template = "{\\\"temp\\\": ${value}, \\\"when\\\": ${time-ms}, \\\"tag\\\": ${tag}, \\\"key\\\": ${key}}"
    g = Gateway(broker.port, edit=sink_keys(f'payload: tag, payload-template: "{template}"'))
    body = json.loads(broker.wait_publish("#").payload)
    equal(sorted(body), ["key", "tag", "temp", "when"])
    assert abs(body["when"] / 1000 - time.time()) < 60, body
    g.stop()


def test_the_check_finds_what_cannot_work():
    broker = RecordingBroker()
    defer(broker.stop)
    for keys, says in (('topic: "a/{pth}"', "{path}"), ("payload: tag, payload-template: \"{}\"", "${value}"),
                       ('ca-file: "x.pem"', "tls: yes"), ('version: 3.1.1, message-expiry: 1 min', "MQTT 5"),
                       ("window: 0", "window"), ("vershion: 5", "version")):
        g = Gateway(broker.port, edit=sink_keys(keys), start=False)
        done = penstock("check", g.site)
        equal(done.returncode, 1, f"exit status of check with {keys}: {done.stdout}")
        assert says in done.stdout + done.stderr, (keys, done.stdout)


main()
