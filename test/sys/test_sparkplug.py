#!/usr/bin/python3
"""The sparkplug sink as an edge node: one test for each testable requirement of Sparkplug 3.0.0 that concerns one.

A test's name is its requirement id without `tck-id-`, with _ for -. Most of them read the sessions that sparkplug_runs.py
records once; payloads are read by sparkplug_wire.py from the field numbers, and once more by npm's decoder at the end.

Requirements without a test, and why:
  intro-sparkplug-host-state, components-ph-state, host-topic-*, message-flow-phid-*, message-flow-hid-*, payloads-state-*,
  operational-behavior-host-*, operational-behavior-edge-node-termination-host-action-*, conformance-primary-host,
  operational-behavior-primary-application-state-with-multiple-servers-state:
      what a host application does.
  topics-ncmd-*, topics-dcmd-*, payloads-ncmd-*, payloads-dcmd-*, payloads-name-cmd-requirement,
  operational-behavior-data-commands-ncmd-*, operational-behavior-data-commands-dcmd-*:
      commands are written by hosts; how this edge node takes them stands under operational-behavior-data-commands-rebirth-*
      and in the last tests.
  conformance-mqtt-*:
      what an MQTT server does.
  payloads-template-*, topics-nbirth-templates, payloads-dataset-*:
      this edge node sends no templates and no data sets; test_no_templates_and_no_data_sets_are_sent holds it to that.
  intro-edge-node-id-uniqueness, topic-structure-namespace-unique-edge-node-descriptor, payloads-nbirth-edge-node-descriptor:
      an order to whoever names the edge nodes of a plant; the help of `group` and `node` passes it on. One run can at least
      keep to one name: test_an_edge_node_has_one_name.
"""
import calendar
import collections
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import sparkplug_wire as wire
from penstock import *
from sparkplug_runs import MORE_FLOWS, TYPES, Gateway, edited, five, hosts, three, waiting

BASIC_DATATYPES = set(range(1, 16)) | {17, 18} | set(range(22, 35))


# What several requirements ask alike.

def recorded():
    return [five(), three()]


def every(*types):
    """(run, session, message) of all recorded sessions; there must be some."""
    found = [(r, s, m) for r in recorded() for s in r.sessions() for m in s.of(*types or TYPES)]
    assert found, f"no {types} was recorded"
    return found


def unretained_at_most_once(kind):
    for _, _, m in every(kind):
        equal((m.packet.qos, m.packet.retain), (0, False), f"QoS and retain of {m.topic}")


def topic_has_form(kind, device):
    for _, s, m in every(kind):
        want = f"spBv1.0/Plant A/{kind}/{'edge-5' if s.connect.version == 5 else 'edge-3'}"
        equal(m.topic, f"{want}/{m.device}" if device else want)
        assert not device or m.device, m.topic


def timestamp_is_of_sending(*types):
    for r, _, m in every(*types):
        assert r.began_ms - 1000 <= m.timestamp <= r.ended_ms + 1000, (m.topic, m.timestamp, r.began_ms)


def sequence_counts_on(*types):
    """Over all messages of a session, NDEATH aside; each of these kinds takes part."""
    for run in recorded():
        for s in run.sessions():
            before = None
            for m in s.of(*(t for t in TYPES if t != "NDEATH")):
                if m.type == "NBIRTH":
                    equal(m.seq, 0, "seq of NBIRTH")
                else:
                    equal(m.seq, (before + 1) % 256, f"seq of {m.topic} after {before}")
                before = m.seq
    for kind in types:
        assert every(kind)


def births_are_complete():
    for run in recorded():
        for s in run.sessions():
            known = {}
            for m in s.messages:
                if m.type == "NBIRTH":
                    known = {}
                if m.type in ("NBIRTH", "DBIRTH"):
                    known.update({x.alias: m.device for x in m.metrics if x.alias is not None})
                for x in m.metrics if m.type in ("NDATA", "DDATA") else ():
                    equal(known.get(x.alias, "nowhere"), m.device, f"device of alias {x.alias} in the births before {m.topic}")


def births_say_name_type_and_value(kind):
    for _, _, m in every(kind):
        for x in m.metrics:
            assert x.name and x.datatype in BASIC_DATATYPES and x.is_null == (x.field is None), (m.topic, x)
            x.typed()


def birth_has_present_values(kind):
    seen = collections.Counter()
    for _, _, m in every(kind):
        for x in m.metrics:
            equal(x.is_null, x.field is None, f"is_null of {x.name}")
            seen[x.is_null] += 1
    assert seen[False], f"no value in any {kind}: {seen}"
    if kind == "DBIRTH":
        assert seen[True], "no null in any DBIRTH"


def rebirths_repeat_what_was_sent():
    """Births in the middle of a session tell the last value of each metric."""
    compared = 0
    for run in recorded():
        for s in run.sessions():
            last = {}
            deaths = [(m.device, m.number) for m in s.of("DDEATH")]
            for m, x, birth in s.known():
                name = (m.device, birth.name)
                if m.type in ("NDATA", "DDATA"):
                    last[name] = (x, m.number)
                elif name in last and not last[name][0].is_historical:
                    was, number = last[name]
                    if any(d == m.device and number < n < m.number for d, n in deaths):
                        continue        # what a dead device's values were is told by its DDEATH
                    equal((x.timestamp, x.value, x.quality()), (was.timestamp, was.value, was.quality()), f"{name} in {m.topic}")
                    compared += 1
    assert compared > 50, compared


def data_only_on_change(run):
    """Current values of flows on change differ from what was known before, or their status does."""
    changes = 0
    for s in run.sessions():
        last = {}
        for m in s.of("NBIRTH", "DBIRTH", "NDATA", "DDATA"):
            for x in m.metrics:
                said = (x.value, x.is_null, str(x.properties.get("StatusCode")))
                if m.type in ("NDATA", "DDATA") and not x.is_historical:
                    assert last.get(x.alias) != said, (m.topic, x, "has not changed")
                    changes += 1
                if not x.is_historical:
                    last[x.alias] = said
    assert changes > 5, changes


def in_order_of_time(*types):
    for _, _, m in every(*types):
        if m.type in ("NBIRTH", "DBIRTH"):
            continue                    # one value a metric: there is no order to keep
        times = [x.timestamp for x in m.metrics if not x.is_historical]
        equal(times, sorted(times), f"times in {m.topic}")


def refused_id(keys, key):
    """`penstock check` refuses a site with this sink; says so at the key."""
    folder = temp_dir()
    site = os.path.join(folder, "site.yaml")
    with open(os.path.join(TOP, "etc/demo/site.yaml"), encoding="utf-8") as f:
        text = edited(keys)(f.read())
    with open(site, "w", encoding="utf-8") as f:
        f.write(text)
    done = penstock("check", site, "--json")
    equal(done.returncode, 1, f"exit status of check for {keys}: {done.stdout}{done.stderr}")
    assert "an id is a part of topics" in done.stdout, done.stdout


def metrics_of(*types):
    return [(m, x) for _, _, m in every(*types) for x in m.metrics]


def wills():
    found = [s.connect.will for r in recorded() for s in r.sessions()]
    assert len(found) >= 4 and all(found), found
    return found


def bdseq(payload):
    return payload.metric("bdSeq").value


# Introduction, principles, topics.

@timeout(200)
def test_intro_group_id_string():
    for _, _, m in every():
        equal(m.group, "Plant A")


def test_intro_group_id_chars():
    for bad in ("a+b", "a/b", "a#b"):
        refused_id(f'group: "{bad}"', "group")


@timeout(120)
def test_intro_edge_node_id_string():
    equal({m.node for _, _, m in every()}, {"edge-5", "edge-3"})


def test_intro_edge_node_id_chars():
    for bad in ("a+b", "a/b", "a#b"):
        refused_id(f'node: "{bad}"', "node")


def test_intro_device_id_string():
    equal({m.device for m in five().messages("DBIRTH")}, {"filler-plc", "capper-plc", "labeller-plc", "packer-plc"})


@timeout(90)
def test_intro_device_id_chars():
    devices = {m.device for m in waiting().messages("DBIRTH")}
    equal(devices, {f"Packaging.Line 3.{name}" for name in ("Filler", "Capper", "Labeller", "Packer")})
    assert all(not set("+/#") & set(d) for d in devices), devices


def test_principles_rbe_recommended():
    data_only_on_change(three())


@timeout(90)
def test_principles_birth_certificates_order():
    for run in recorded() + [waiting()]:
        for s in run.sessions():
            equal(s.publishes[0].topic.split("/")[2], "NBIRTH", "the first message published")


def test_principles_persistence_clean_session_311():
    for s in three().sessions():
        equal((s.connect.version, s.connect.clean), (4, True))


def test_principles_persistence_clean_session_50():
    for s in five().sessions():
        equal((s.connect.version, s.connect.clean), (5, True))
        equal(s.connect.props.get("session_expiry_s", 0), 0, "session expiry")


def test_topic_structure():
    for _, _, m in every():
        assert m.parts in (4, 5) and m.type in TYPES, m.topic


def test_topic_structure_namespace_a():
    for _, _, m in every():
        equal(m.namespace, "spBv1.0")


def test_topic_structure_namespace_valid_group_id():
    refused_id('group: "plant\\u0001"', "group")
    test_intro_group_id_string()


def test_topic_structure_namespace_valid_edge_node_id():
    refused_id('node: "edge\\u0001"', "node")
    test_intro_edge_node_id_string()


def test_topic_structure_namespace_valid_device_id():
    for run in (five(), waiting()):
        for m in run.messages("DBIRTH", "DDATA", "DDEATH"):
            assert m.device and not set("+/#") & set(m.device), m.topic


def test_topic_structure_namespace_unique_device_id():
    """Metrics of two sources or two equipment paths never share a device."""
    for run in (five(), waiting()):
        homes = {}
        for m in run.messages("DBIRTH"):
            for x in m.metrics:
                equal(homes.setdefault((run.sessions()[0].conn, x.name, m.device), m.device), m.device)
                if run is five():
                    machine = x.name.split("/")[2].lower()
                    equal(m.device, f"{machine}-plc", f"device of {x.name}")


@timeout(90)
def test_topic_structure_namespace_duplicate_device_id_across_edge_node():
    ids = [{m.device for m in run.messages("DBIRTH")} for run in (five(), hosts())]
    equal(ids[0], ids[1], "devices of two edge nodes")
    assert {m.node for m in five().messages()} != {m.node for m in hosts().messages()}


def test_topic_structure_namespace_device_id_associated_message_types():
    for _, _, m in every("DBIRTH", "DDATA", "DDEATH"):
        equal(m.parts, 5, f"levels of {m.topic}")


def test_topic_structure_namespace_device_id_non_associated_message_types():
    for _, _, m in every("NBIRTH", "NDATA", "NDEATH"):
        equal(m.parts, 4, f"levels of {m.topic}")


def test_an_edge_node_has_one_name():
    for run in recorded():
        equal(len({(m.group, m.node) for m in run.messages()}), 1)


# NBIRTH.

def test_topics_nbirth_topic():
    topic_has_form("NBIRTH", False)


def test_topics_nbirth_mqtt():
    unretained_at_most_once("NBIRTH")


def test_topics_nbirth_seq_num():
    for _, _, m in every("NBIRTH"):
        equal(m.seq, 0)


def test_topics_nbirth_timestamp():
    timestamp_is_of_sending("NBIRTH")


def test_topics_nbirth_metric_reqs():
    births_are_complete()


def test_topics_nbirth_metrics():
    births_say_name_type_and_value("NBIRTH")


def test_topics_nbirth_bdseq_included():
    for _, _, m in every("NBIRTH"):
        equal(m.payload.metric("bdSeq").datatype, 4, "datatype of bdSeq")


def test_topics_nbirth_bdseq_matching():
    for _, s, m in every("NBIRTH"):
        equal(bdseq(m.payload), bdseq(s.will), "bdSeq")


def test_topics_nbirth_bdseq_increment():
    """Over reconnects, connects that were refused (a hole) and a restart: from 0, one more each CONNECT."""
    for run in (five(), hosts()):
        numbers = [bdseq(s.will) for s in run.sessions()]
        equal(numbers[0], 0, "the first bdSeq")
        equal(numbers, sorted(set(numbers)), "bdSeq of one CONNECT after the other")
    equal([bdseq(s.will) for s in hosts().sessions()], [0, 1, 2], "bdSeq over two brokers")
    numbers = [bdseq(s.will) for s in five().sessions()]
    equal(numbers[-1], numbers[-2] + 1, "bdSeq after a restart")


def test_topics_nbirth_rebirth_metric():
    for _, _, m in every("NBIRTH"):
        x = m.payload.metric("Node Control/Rebirth")
        equal((x.datatype, x.value), (11, False))


# NDATA, NDEATH.

def test_topics_ndata_topic():
    topic_has_form("NDATA", False)


def test_topics_ndata_mqtt():
    unretained_at_most_once("NDATA")


def test_topics_ndata_seq_num():
    sequence_counts_on("NDATA")


def test_topics_ndata_timestamp():
    timestamp_is_of_sending("NDATA")


def test_topics_ndata_payload():
    data_only_on_change(three())
    births_are_complete()


def test_topics_ndeath_topic():
    topic_has_form("NDEATH", False)
    for run in recorded():
        for s in run.sessions():
            equal(s.connect.will["topic"], s.of("NBIRTH")[0].topic.replace("NBIRTH", "NDEATH"), "topic of the will")


def test_topics_ndeath_payload():
    payloads = [m.payload for _, _, m in every("NDEATH")] + [wire.decode(w["payload"]) for w in wills()]
    for p in payloads:
        equal([x.name for x in p.metrics], ["bdSeq"])


def test_topics_ndeath_seq():
    for _, s, m in every("NDEATH"):
        equal((m.seq, s.will.seq), (None, None))


# DBIRTH, DDATA, DDEATH.

def test_topics_dbirth_topic():
    topic_has_form("DBIRTH", True)


def test_topics_dbirth_mqtt():
    unretained_at_most_once("DBIRTH")


def test_topics_dbirth_seq():
    sequence_counts_on("DBIRTH")


def test_topics_dbirth_timestamp():
    timestamp_is_of_sending("DBIRTH")


def test_topics_dbirth_metric_reqs():
    births_are_complete()
    for device in ("filler-plc", "capper-plc", "packer-plc"):
        last = [m for m in five().messages("DBIRTH") if m.device == device][-1]
        names = {x.name.rsplit("/", 1)[1] for x in last.metrics}
        assert {"speed", "good-count", "state", "batch", "broken", "motor-current", "energy"} <= names, names


def test_topics_dbirth_metrics():
    births_say_name_type_and_value("DBIRTH")


def test_topics_ddata_topic():
    topic_has_form("DDATA", True)


def test_topics_ddata_mqtt():
    unretained_at_most_once("DDATA")


def test_topics_ddata_seq_num():
    sequence_counts_on("DDATA")


def test_topics_ddata_timestamp():
    timestamp_is_of_sending("DDATA")


def test_topics_ddata_payload():
    """What changes at the machines arrives: their counters go up, and never down."""
    rose = 0
    for machine in ("Capper", "Labeller", "Packer"):
        counts = [x.value for _, x in five().sessions()[0].data(machine + "/infeed-count") if not x.is_null]
        assert len(counts) > 20 and counts == sorted(counts), counts
        rose += counts[-1] > counts[0]
    assert rose, "no counter went up"


def test_topics_ddeath_topic():
    topic_has_form("DDEATH", True)


def test_topics_ddeath_mqtt():
    unretained_at_most_once("DDEATH")


def test_topics_ddeath_seq_num():
    sequence_counts_on("DDEATH")


def test_case_sensitivity_sparkplug_ids():
    for run in recorded():
        ids = {m.device for m in run.messages("DBIRTH")}
        equal(len({i.lower() for i in ids}), len(ids))


@timeout(90)
def test_case_sensitivity_metric_names():
    for _, _, m in every("NBIRTH", "DBIRTH"):
        names = [x.name.lower() for x in m.metrics]
        equal(len(set(names)), len(names), f"names in lower case of {m.topic}")
    # The owners of a plant may name tags as they like; then they are told.
    with RecordingBroker() as broker:
        gateway = Gateway(broker.port, edited("group: G", ("      guard-closed:", "      Speed: { at: holding 100 float32, scan: 1s }\n      guard-closed:"),
                                              ("Packaging/**/speed", "Packaging/**/?peed")))
        gateway.run.wait_line("event=sparkplug_names_alike", 20)
        gateway.stop()


# The session.

def test_message_flow_edge_node_ncmd_subscribe():
    for run in recorded():
        for s in run.sessions():
            node = s.of("NBIRTH")[0].node
            assert (f"spBv1.0/Plant A/NCMD/{node}", 1) in [(f, o & 3) for f, o in s.filters], s.filters


def test_message_flow_edge_node_birth_publish_connect():
    for run in recorded():
        for s in run.sessions():
            connack = next(p.number for p in run.packets if p.conn is s.conn and p.name == "CONNACK")
            assert s.of("NBIRTH")[0].number > connack


def test_message_flow_edge_node_birth_publish_will_message():
    wills()


def test_message_flow_edge_node_birth_publish_will_message_topic():
    equal({w["topic"] for w in wills()}, {"spBv1.0/Plant A/NDEATH/edge-5", "spBv1.0/Plant A/NDEATH/edge-3"})


def test_message_flow_edge_node_birth_publish_will_message_payload():
    for w in wills():
        assert wire.decode(w["payload"]).timestamp, "no timestamp in the will"


def test_message_flow_edge_node_birth_publish_will_message_payload_bdSeq():
    for w in wills():
        x = wire.decode(w["payload"]).metric("bdSeq")
        equal((x.datatype, x.field), (4, "long"))
        assert 0 <= x.value <= 255, x
    test_topics_nbirth_bdseq_increment()


def test_message_flow_edge_node_birth_publish_will_message_qos():
    equal({w["qos"] for w in wills()}, {1})


def test_message_flow_edge_node_birth_publish_will_message_will_retained():
    equal({w["retain"] for w in wills()}, {False})


def between(broker, first, last):
    """Sparkplug messages at a broker between two marks."""
    return [p for p in broker.packets[first:last] if not p.sent and p.name == "PUBLISH" and p.topic.startswith("spBv1.0")]


@timeout(90)
def test_message_flow_edge_node_birth_publish_phid_wait():
    run = hosts()
    equal(between(run.one, 0, run.marks["nobody"]), [], "messages without any STATE")
    assert between(run.one, run.marks["other"], run.marks["online"]), "no births after STATE"


def test_message_flow_edge_node_birth_publish_phid_wait_id():
    run = hosts()
    equal(between(run.one, run.marks["nobody"], run.marks["other"]), [], "messages after the STATE of another host")
    equal([f for f, _ in run.sessions()[0].filters if "STATE" in f], ["spBv1.0/STATE/scada"])


@timeout(90)
def test_message_flow_edge_node_birth_publish_phid_wait_online():
    run = waiting()
    equal(between(run.brokers[0], 0, run.marks["offline"]), [], "messages after online: false")


def test_message_flow_edge_node_birth_publish_phid_wait_timestamp():
    run = waiting()
    equal(between(run.brokers[0], run.marks["offline"], run.marks["older"]), [], "messages after an older online: true")
    equal(between(run.brokers[0], run.marks["older"], run.marks["garbage"]), [], "messages after garbage")
    assert between(run.brokers[0], run.marks["garbage"], None), "no births after online: true with the same timestamp"


def test_message_flow_edge_node_birth_publish_nbirth_topic():
    topic_has_form("NBIRTH", False)


def test_message_flow_edge_node_birth_publish_nbirth_payload():
    for _, _, m in every("NBIRTH"):
        assert m.timestamp and len(m.metrics) >= 2, m.payload


def test_message_flow_edge_node_birth_publish_nbirth_payload_bdSeq():
    test_topics_nbirth_bdseq_included()
    test_topics_nbirth_bdseq_matching()


def test_message_flow_edge_node_birth_publish_nbirth_qos():
    unretained_at_most_once("NBIRTH")


def test_message_flow_edge_node_birth_publish_nbirth_retained():
    unretained_at_most_once("NBIRTH")


def test_message_flow_edge_node_birth_publish_nbirth_payload_seq():
    for _, _, m in every("NBIRTH"):
        assert 0 <= m.seq <= 255, m.seq


def test_message_flow_edge_node_birth_publish_phid_offline():
    """Online T, offline T: NDEATH, then DISCONNECT, and nothing behind them."""
    first = hosts().sessions()[0]
    equal(first.publishes[-1].topic, "spBv1.0/G/NDEATH/edge-h", "the last message")
    assert first.disconnect is not None and first.disconnect.number > first.publishes[-1].number


def test_operational_behavior_edge_node_intentional_disconnect_ndeath():
    for run in (five(), three(), hosts(), waiting()):
        for s in run.sessions():
            if s.disconnect is not None:
                equal(s.messages[-1].type, "NDEATH", "the last message before DISCONNECT")


def test_operational_behavior_edge_node_intentional_disconnect_packet():
    for run in (five(), three()):
        equal(run.sessions()[-1].packets[-1].name, "DISCONNECT", "the last packet")


def test_operational_behavior_edge_node_termination_host_offline():
    test_message_flow_edge_node_birth_publish_phid_offline()


def test_operational_behavior_edge_node_termination_host_offline_reconnect():
    equal([s.conn.broker for s in hosts().sessions()], [hosts().one, hosts().two, hosts().one], "brokers")


def test_operational_behavior_edge_node_termination_host_offline_timestamp():
    run = hosts()
    between_marks = between(run.one, run.marks["online"], run.marks["offline"])
    assert len(between_marks) >= 20, "no data after an older offline"
    equal([p for p in run.one.packets[run.marks["online"]:run.marks["offline"]] if p.name in ("DISCONNECT", "CONNECT")], [])


def test_message_flow_device_dcmd_subscribe():
    for s in five().sessions():
        for device in {m.device for m in s.of("DBIRTH")}:
            topic = f"spBv1.0/Plant A/DCMD/edge-5/{device}"
            assert any(matches(f, topic) and o & 3 == 1 for f, o in s.filters), s.filters


def test_message_flow_device_birth_publish_nbirth_wait():
    for _, s, m in every("DBIRTH"):
        assert m.number > s.of("NBIRTH")[0].number, m.topic


def test_message_flow_device_birth_publish_dbirth_topic():
    topic_has_form("DBIRTH", True)


def test_message_flow_device_birth_publish_dbirth_match_edge_node_topic():
    for _, s, m in every("DBIRTH"):
        nbirth = [n for n in s.of("NBIRTH") if n.number < m.number][-1]
        equal((m.group, m.node), (nbirth.group, nbirth.node))


def test_message_flow_device_birth_publish_dbirth_payload():
    for _, _, m in every("DBIRTH"):
        assert m.timestamp and m.metrics, m.topic


def test_message_flow_device_birth_publish_dbirth_qos():
    unretained_at_most_once("DBIRTH")


def test_message_flow_device_birth_publish_dbirth_retained():
    unretained_at_most_once("DBIRTH")


def test_message_flow_device_birth_publish_dbirth_payload_seq():
    sequence_counts_on("DBIRTH")


def test_operational_behavior_device_ddeath():
    """The filler stops answering: what led to it is sent, then DDEATH; it answers again: DBIRTH, then data."""
    run = five()
    story = [m.type for m in run.sessions()[0].messages if m.device == "filler-plc" and m.number >= run.marks["silence"]]
    death = story.index("DDEATH")
    assert "DDATA" in story[:death] and story[death + 1] == "DBIRTH" and "DDATA" in story[death:], story
    equal({m.device for m in run.messages("DDEATH")}, {"filler-plc"}, "devices that died")
    dying = [m for m in run.sessions()[0].of("DDATA") if m.device == "filler-plc" and m.number >= run.marks["silence"]]
    assert any(x.quality() == 500 for m in dying for x in m.metrics), "nothing was stale before DDEATH"


def test_operational_behavior_primary_application_state_with_multiple_servers_state_subs():
    for s in hosts().sessions():
        assert ("spBv1.0/STATE/scada", 1) in [(f, o & 3) for f, o in s.filters], s.filters


def test_operational_behavior_primary_application_state_with_multiple_servers_single_server():
    sessions = hosts().sessions()
    for earlier, later in zip(sessions, sessions[1:]):
        assert earlier.disconnect.at < later.connect.at, "two connections at one time"


def test_operational_behavior_primary_application_state_with_multiple_servers_walk():
    second = hosts().sessions()[1]
    equal([m.type for m in second.messages if m.type != "NDEATH"], [], "messages where the host is offline")
    assert second.disconnect is not None


def test_operational_behavior_edge_node_birth_sequence_wait():
    test_message_flow_edge_node_birth_publish_phid_wait()
    run = hosts()
    late = [p for p in between(run.one, run.marks["offline"], run.marks["again"]) if "NDEATH" not in p.topic and "DDATA" not in p.topic]
    equal(late, [], "births before the host is online again")


# Data and commands.

def test_operational_behavior_data_publish_nbirth():
    births_are_complete()


def test_operational_behavior_data_publish_nbirth_values():
    birth_has_present_values("NBIRTH")


def test_operational_behavior_data_publish_nbirth_change():
    data_only_on_change(three())


def test_operational_behavior_data_publish_nbirth_order():
    in_order_of_time("NBIRTH", "NDATA")


def test_operational_behavior_data_publish_dbirth():
    births_are_complete()


def test_operational_behavior_data_publish_dbirth_values():
    birth_has_present_values("DBIRTH")
    rebirths_repeat_what_was_sent()


def test_operational_behavior_data_publish_dbirth_change():
    """The flow `texts` is on change: its values are not repeated, though the demo's other flows send every sample."""
    for ending in ("/batch", "/broken"):
        live = [(m, x) for m, x in five().sessions()[0].data(ending) if not x.is_historical]
        said = collections.Counter((m.device, str(x.value)) for m, x in live)
        assert all(n <= 2 for n in said.values()), said     # the filler's go stale and come back


def test_operational_behavior_data_publish_dbirth_order():
    in_order_of_time("DBIRTH", "DDATA")


def test_operational_behavior_data_commands_rebirth_name():
    for _, _, m in every("NBIRTH"):
        m.payload.metric("Node Control/Rebirth")


def test_operational_behavior_data_commands_rebirth_name_aliases():
    for _, _, m in every("NBIRTH"):
        equal(m.payload.metric("Node Control/Rebirth").alias, None)


def test_operational_behavior_data_commands_rebirth_datatype():
    equal({m.payload.metric("Node Control/Rebirth").datatype for _, _, m in every("NBIRTH")}, {11})


def test_operational_behavior_data_commands_rebirth_value():
    equal({m.payload.metric("Node Control/Rebirth").value for _, _, m in every("NBIRTH")}, {False})


def after_rebirth():
    run = five()
    return [m for m in run.sessions()[0].messages if run.marks["rebirth"] <= m.number]


def test_operational_behavior_data_commands_rebirth_action_1():
    """No data between NBIRTH and the last DBIRTH, and the births come before the data of a further scan of all machines."""
    types = [m.type for m in after_rebirth()]
    nbirth = types.index("NBIRTH")
    equal(types[nbirth:nbirth + 5], ["NBIRTH"] + ["DBIRTH"] * 4)
    assert nbirth < 40, f"{nbirth} messages between the request and NBIRTH"


def test_operational_behavior_data_commands_rebirth_action_2():
    births = [m for m in after_rebirth() if m.type.endswith("BIRTH")][:5]
    equal({m.device for m in births}, {None, "filler-plc", "capper-plc", "labeller-plc", "packer-plc"})
    equal(births[0].seq, 0, "seq of the NBIRTH")


def test_operational_behavior_data_commands_rebirth_action_3():
    first = five().sessions()[0]
    assert len(first.of("NBIRTH")) >= 3
    equal({bdseq(m.payload) for m in first.of("NBIRTH")}, {bdseq(first.will)}, "bdSeq of all NBIRTHs of one connection")


# Payloads.

def test_payloads_timestamp_in_UTC():
    timestamp_is_of_sending(*TYPES)


def test_payloads_sequence_num_always_included():
    for _, _, m in every("NBIRTH", "DBIRTH", "NDATA", "DDATA", "DDEATH"):
        assert m.seq is not None, m.topic


def test_payloads_sequence_num_req_nbirth():
    test_topics_nbirth_seq_num()


def test_payloads_sequence_num_incrementing():
    sequence_counts_on("NBIRTH", "DBIRTH", "NDATA", "DDATA", "DDEATH")
    assert any(m.seq == 255 for m in five().messages()), "the sequence never came to its end"


def test_payloads_name_requirement():
    for m, x in metrics_of():
        assert x.name or (x.alias is not None and m.type in ("NDATA", "DDATA")), (m.topic, x)


def test_payloads_alias_uniqueness():
    for run in recorded():
        for s in run.sessions():
            owners = {}
            for m in s.messages:
                if m.type == "NBIRTH":
                    owners = {}
                for x in m.metrics if m.type in ("NBIRTH", "DBIRTH") else ():
                    if x.alias is not None:
                        equal(owners.setdefault(x.alias, (m.device, x.name)), (m.device, x.name), f"owner of alias {x.alias}")


def test_payloads_alias_birth_requirement():
    for m, x in metrics_of("NBIRTH", "DBIRTH"):
        assert x.name and (x.alias is not None or x.name in ("bdSeq", "Node Control/Rebirth")), (m.topic, x)


def test_payloads_alias_data_cmd_requirement():
    for m, x in metrics_of("NDATA", "DDATA"):
        assert x.name is None and x.alias is not None, (m.topic, x)


def test_payloads_name_birth_data_requirement():
    for m, x in metrics_of("NBIRTH", "DBIRTH", "NDATA", "DDATA"):
        assert x.timestamp is not None, (m.topic, x)


def test_payloads_metric_timestamp_in_UTC():
    for r, _, m in every("NBIRTH", "DBIRTH", "NDATA", "DDATA"):
        for x in m.metrics:
            assert r.began_ms - 1000 <= x.timestamp <= r.ended_ms + 1000, (m.topic, x)


def test_payloads_metric_datatype_value_type():
    for _, x in metrics_of("NBIRTH", "DBIRTH"):
        assert isinstance(x.datatype, int) and 0 <= x.datatype < 1 << 32, x


def test_payloads_metric_datatype_value():
    for _, x in metrics_of("NBIRTH", "DBIRTH"):
        assert x.datatype in BASIC_DATATYPES, x


def test_payloads_metric_datatype_req():
    for _, x in metrics_of("NBIRTH", "DBIRTH"):
        assert x.datatype is not None, x
    types = {x.name.rsplit("/", 1)[1]: wire.DATATYPES[x.datatype][0] for _, x in metrics_of("DBIRTH")}
    want = {"speed": "Float", "good-count": "UInt32", "state": "UInt16", "blocked": "Boolean", "batch": "String", "energy": "Double"}
    equal({k: types[k] for k in want}, want)


def test_payloads_metric_datatype_not_req():
    for m, x in metrics_of("NDATA", "DDATA"):
        equal(x.datatype, None, f"datatype in {m.topic}")


def test_payloads_propertyset_keys_array_size():
    equal({x.nkeys == x.nvalues for _, x in metrics_of()}, {True})
    assert any(x.nkeys for _, x in metrics_of()), "no properties were sent"


def test_payloads_propertyset_values_array_size():
    test_payloads_propertyset_keys_array_size()


def properties():
    found = [(k, p) for _, x in metrics_of() for k, p in x.properties.items()]
    assert found
    return found


def test_payloads_metric_propertyvalue_type_type():
    for k, p in properties():
        assert isinstance(p.type, int) and 0 <= p.type < 1 << 32, (k, p)


def test_payloads_metric_propertyvalue_type_value():
    for k, p in properties():
        assert p.type in BASIC_DATATYPES | {20, 21} and wire.DATATYPES[p.type][1] == p.field, (k, p)


def test_payloads_metric_propertyvalue_type_req():
    for _, x in metrics_of("NBIRTH", "DBIRTH"):
        assert all(p.type is not None for p in x.properties.values()), x


def qualities():
    found = [(x, p) for _, x in metrics_of() for k, p in x.properties.items() if k == "Quality"]
    assert {0, 500} <= {p.value for _, p in found}, "not both bad and stale values were sent"
    return found


def test_payloads_propertyset_quality_value_type():
    equal({p.type for _, p in qualities()}, {3})


def test_payloads_propertyset_quality_value_value():
    for x, p in qualities():
        assert p.field == "int" and p.value in (0, 192, 500), p
        assert x.is_null == (x.field is None), x


def test_payloads_nbirth_timestamp():
    timestamp_is_of_sending("NBIRTH")


def test_payloads_nbirth_seq():
    test_message_flow_edge_node_birth_publish_nbirth_payload_seq()


def test_payloads_nbirth_bdseq():
    test_topics_nbirth_bdseq_included()


def test_payloads_nbirth_bdseq_repeat():
    test_topics_nbirth_bdseq_matching()


def test_payloads_nbirth_rebirth_req():
    test_topics_nbirth_rebirth_metric()


def test_payloads_nbirth_qos():
    unretained_at_most_once("NBIRTH")


def test_payloads_nbirth_retain():
    unretained_at_most_once("NBIRTH")


def test_payloads_dbirth_timestamp():
    timestamp_is_of_sending("DBIRTH")


def test_payloads_dbirth_seq():
    sequence_counts_on("DBIRTH")


def test_payloads_dbirth_seq_inc():
    sequence_counts_on("DBIRTH")


def test_payloads_dbirth_order():
    """Behind each NBIRTH come DBIRTHs of all devices, then the rest. A node that is born before its flows have streams has no device
    yet; then its next NBIRTH follows at once."""
    for s in five().sessions():
        types = [m.type for m in s.messages]
        for at in [i for i, t in enumerate(types) if t == "NBIRTH" and types[i + 1:i + 2] != ["NBIRTH"]]:
            equal(types[at + 1:at + 5], ["DBIRTH"] * 4, "messages behind NBIRTH")
            equal({m.device for m in s.messages[at + 1:at + 5]}, {"filler-plc", "capper-plc", "labeller-plc", "packer-plc"})


def test_payloads_dbirth_qos():
    unretained_at_most_once("DBIRTH")


def test_payloads_dbirth_retain():
    unretained_at_most_once("DBIRTH")


def test_payloads_ndata_timestamp():
    timestamp_is_of_sending("NDATA")


def test_payloads_ndata_seq():
    sequence_counts_on("NDATA")


def test_payloads_ndata_seq_inc():
    sequence_counts_on("NDATA")


def data_behind_births(kind):
    for _, s, m in every(kind):
        births = [b.number for b in s.of("NBIRTH", "DBIRTH") if b.number < m.number]
        assert births, m.topic
    births_are_complete()


def test_payloads_ndata_order():
    data_behind_births("NDATA")


def test_payloads_ndata_qos():
    unretained_at_most_once("NDATA")


def test_payloads_ndata_retain():
    unretained_at_most_once("NDATA")


def test_payloads_ddata_timestamp():
    timestamp_is_of_sending("DDATA")


def test_payloads_ddata_seq():
    sequence_counts_on("DDATA")


def test_payloads_ddata_seq_inc():
    sequence_counts_on("DDATA")


def test_payloads_ddata_order():
    data_behind_births("DDATA")
    test_payloads_dbirth_order()


def test_payloads_ddata_qos():
    unretained_at_most_once("DDATA")


def test_payloads_ddata_retain():
    unretained_at_most_once("DDATA")


def test_payloads_ndeath_seq():
    test_topics_ndeath_seq()


def test_payloads_ndeath_will_message():
    for w in wills():
        equal(w["topic"].split("/")[2], "NDEATH")


def test_payloads_ndeath_will_message_qos():
    equal({w["qos"] for w in wills()}, {1})


def test_payloads_ndeath_will_message_retain():
    equal({w["retain"] for w in wills()}, {False})


def test_payloads_ndeath_bdseq():
    test_topics_nbirth_bdseq_matching()
    for _, s, m in every("NDEATH"):
        equal(bdseq(m.payload), bdseq(s.will), "bdSeq of NDEATH")


def test_payloads_ndeath_will_message_publisher():
    test_operational_behavior_edge_node_intentional_disconnect_ndeath()


def test_payloads_ndeath_will_message_publisher_disconnect_mqtt311():
    last = three().sessions()[-1]
    equal((last.messages[-1].type, last.packets[-1].name), ("NDEATH", "DISCONNECT"))


def test_payloads_ndeath_will_message_publisher_disconnect_mqtt50():
    for run in (five(), hosts(), waiting()):
        for s in run.sessions():
            if s.disconnect is not None:
                equal(s.disconnect.code, 4, "reason of DISCONNECT")


def test_payloads_ddeath_timestamp():
    timestamp_is_of_sending("DDEATH")


def test_payloads_ddeath_seq():
    sequence_counts_on("DDEATH")


def test_payloads_ddeath_seq_inc():
    sequence_counts_on("DDEATH")


def test_payloads_ddeath_seq_number():
    sequence_counts_on("DDEATH")


# What this edge node promises beyond the requirements.

def test_no_packet_breaks_mqtt():
    for run in (five(), three(), hosts(), waiting()):
        equal(run.violations, [])


def test_no_templates_and_no_data_sets_are_sent():
    """The reader refuses fields 17 and 18 of a metric; here is that no datatype promises one."""
    assert not {16, 19} & {x.datatype for _, x in metrics_of("NBIRTH", "DBIRTH")}


def test_requests_for_births_are_collapsed():
    run = five()
    births = [m for m in run.sessions()[0].of("NBIRTH") if run.marks["born again"] <= m.number < run.marks["silence"]]
    equal(len(births), 1, "NBIRTHs after five requests at once")


def test_writes_are_refused_and_garbage_harms_nobody():
    run = five()
    assert "sparkplug_command_refused" in run.said and "DCMD/edge-5/filler-plc" in run.said
    behind = [m for m in run.sessions()[0].messages if run.marks["commands"] <= m.number < run.marks["silence"]]
    assert behind and not [m for m in behind if m.type != "DDATA"], "births after commands that are none"


def test_stored_data_comes_behind_the_births_as_history_with_its_own_time():
    run = five()
    session = run.sessions()[1]
    data = session.of("DDATA")
    history = [x for m in data for x in m.metrics if x.is_historical]
    assert history and data[0].metrics[0].is_historical
    connected_ms = session.of("NBIRTH")[0].timestamp
    assert min(x.timestamp for x in history) < connected_ms - 1000, "nothing is older than the connection"
    for _, x, birth in session.known():
        if x.is_historical:
            assert birth.timestamp >= x.timestamp, (x, "is newer than its birth", birth)


def ms(text):
    """A time of `penstock spool dump` in milliseconds, cut off as Sparkplug's are."""
    whole, _, parts = text.rstrip("Z").partition(".")
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) * 1000 + int(parts[:3] or 0)


def test_no_sample_is_missing_over_a_cut():
    """Every sample that the spool has of a tag is published, in data or in a birth, up to the newest one that is."""
    run = five()
    published = {x.timestamp for s in run.sessions() for _, x, birth in s.known() if birth.name.endswith("Capper/speed")}
    spooled = {ms(s.get("source", s["arrival"])) for s in run.spooled if s["tag"].endswith("Capper/speed")}
    assert len(spooled) > 20, spooled
    equal(sorted(t for t in spooled - published if t <= max(published)), [], f"what is missing among {len(published)}")


def test_confirmations_stand_outside_of_sparkplug_and_behind_the_births():
    for run in recorded():
        for s in run.sessions():
            marks = [p for p in s.publishes if not p.topic.startswith("spBv1.0/")]
            assert marks and s.publishes.index(marks[0]) > 0
            for p in marks:
                equal((p.topic.split("/")[:2], p.qos, p.retain, p.payload), (["penstock", "confirm"], 1, False, b""))


@timeout(90)
def test_without_confirmations_nothing_but_sparkplug_is_published():
    with RecordingBroker() as broker:
        gateway = Gateway(broker.port, edited("confirm: no"))
        broker.wait_publish("spBv1.0/+/DDATA/#", 20, count=20)
        wait_for(lambda: gateway.objects("sink")["plant-broker"]["delivered"] > 50, 10, "delivered samples")
        equal([p for p in broker.publishes() if not p.topic.startswith("spBv1.0/")], [])
        gateway.stop()


@timeout(90)
def test_what_the_broker_never_took_is_sent_again():
    """A broker that acknowledges nothing: no batch counts as delivered; once it does, all are."""
    with RecordingBroker() as broker:
        broker.behave.ack = "none"
        gateway = Gateway(broker.port, edited("group: G"))
        broker.wait_publish("spBv1.0/+/DDATA/#", 20, count=30)
        equal(gateway.objects("sink")["plant-broker"]["delivered"], 0, "delivered without an acknowledgement")
        broker.behave.ack = "yes"
        broker.drop()
        wait_for(lambda: gateway.objects("sink")["plant-broker"]["delivered"] > 50, 20, "delivered samples")
        equal(gateway.objects("sink")["plant-broker"]["quarantined"], 0)
        gateway.stop()


class Picky(RecordingBroker):
    """Hangs up, without a word, when it is sent data with this text in it. Births may have it."""
    poison = b"B0"

    async def _on_publish(self, conn, p):
        if self.poison in p.payload and "DATA/" in p.topic:
            return False
        return await super()._on_publish(conn, p)


@timeout(120)
def test_a_batch_that_makes_the_broker_hang_up_is_quarantined_and_stops_nobody():
    broker = Picky()
    defer(broker.stop)
    flow = MORE_FLOWS[1].replace('"Packaging/**/batch", "Packaging/**/broken"', '"Packaging/Line 3/Capper/batch"')
    gateway = Gateway(broker.port, edited("group: G", (MORE_FLOWS[0], flow)))
    sink = wait_for(lambda: (s := gateway.objects("sink")["plant-broker"])["quarantined"] > 0 and s, 60, "the batch to be quarantined")
    equal(sink["quarantined"], 1, "samples in quarantine: the text alone")
    before = sink["delivered"]
    wait_for(lambda: gateway.objects("sink")["plant-broker"]["delivered"] > before + 100, 30, "the others to go on")
    shown = gateway.cli("quarantine", "list")
    assert "closed the connection" in shown.stdout, shown.stdout
    gateway.stop()


@timeout(90)
def test_a_new_plan_brings_new_births():
    with RecordingBroker() as broker:
        gateway = Gateway(broker.port, edited("group: G"))
        broker.wait_publish("spBv1.0/+/DDATA/#", 20, count=20)
        mark = broker.mark()
        gateway.write(edited("group: G", ('"Packaging/**/blocked"', '"Packaging/**/blocked", "Packaging/**/speed-setpoint"')))
        equal(gateway.cli("apply", gateway.site).returncode, 0, "exit status of apply")
        broker.wait_publish("spBv1.0/+/NBIRTH/+", 20, mark)

        def known():
            return [x.name for p in broker.publishes("spBv1.0/+/DBIRTH/#", mark) for x in wire.decode(p.payload).metrics
                    if x.name.endswith("speed-setpoint")]
        wait_for(known, 15, "a birth with the new tag")
        equal(len(broker.live()), 1, "connections: the same one as before")
        gateway.stop()


@timeout(90)
def test_a_foreign_decoder_reads_the_same():
    """npm's sparkplug-payload over everything that was recorded: same topics, sequence, names, types and raw values."""
    sent = [(m, s) for run in (five(), three()) for s in run.sessions() for m in s.messages]
    lines = "".join(f"{m.topic.replace(' ', '_')} {m.packet.payload.hex()}\n" for m, _ in sent)
    script = os.path.join(TOP, "test/peers/sparkplug_decode.js")
    if not os.path.exists(os.path.join(TOP, "test/peers/node_modules/mqtt")):
        skip("npm's peers are not here; run make node-peers")
    done = subprocess.run(["node", script, "--stdin"], input=lines, capture_output=True, text=True, timeout=60 * SCALE, check=True)
    got = [json.loads(line) for line in done.stdout.splitlines()]
    equal(len(got), len(sent), "messages decoded")
    fields = {"intValue": "int", "longValue": "long", "floatValue": "float", "doubleValue": "double", "booleanValue": "boolean",
              "stringValue": "string", "bytesValue": "bytes", None: None}
    for theirs, (m, _) in zip(got, sent):
        assert "error" not in theirs, theirs
        equal((theirs["seq"], theirs["timestamp"], len(theirs["metrics"])), (m.seq, m.timestamp, len(m.metrics)), m.topic)
        for a, b in zip(theirs["metrics"], m.metrics):
            assert a["name"] is not None, (m.topic, a)
            equal((a["alias"], a["is_null"], a["is_historical"], a["timestamp"], fields[a["field"]]),
                  (b.alias, b.is_null, b.is_historical, b.timestamp, b.field), f"{a['name']} in {m.topic}")
            if b.field not in ("float", "bytes", None):
                equal(a["raw"], b.value, f"value of {a['name']} in {m.topic}")


if __name__ == "__main__":
    main()
