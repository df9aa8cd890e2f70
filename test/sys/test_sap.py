#!/usr/bin/python3
"""Events of a line become documents in a simulated S/4HANA (doc/sap-simulator.md): each once, whatever goes wrong on the way; what is refused says so."""
import json
import os
import sys
import time
from collections import Counter

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from penstock import *
from s4 import *
from sap_runs import *


def some(line, n, limit_s=30):
    try:
        wait_for(lambda: line.account().get("confirmed", 0) >= n, limit_s, f"{n} confirmed events", every_s=0.2)
    except AssertionError as problem:
        tries = line.rows("SELECT item, n, call, verdict, code, text FROM try ORDER BY at DESC LIMIT 15")
        raise AssertionError(f"{problem}: {line.account()}; it says: {line.told()}; newest tries: {tries}") from None


def each_once(line, s4):
    """The simulator's own account against the outbox's."""
    account, truth = line.settled(), s4.totals()
    equal(account["confirmed"] + account["refused"] + account["quarantined"], account["taken"], "the account")
    equal(truth["documents"].get("ProdnOrdConf2", 0), account["confirmed"], "documents")
    equal(truth["duplicates"], {}, "identities that occur twice")
    equal(sum(float(o["yield"]) for o in truth["orders"].values()), float(line.booked()), "quantity booked")
    return account, truth


def test_confirmations_are_booked_and_the_state_says_so():
    s4 = S4()
    line = Line(s4)
    some(line, 20)
    line.until_told("connected to 127.0.0.1")
    equal(line.stop(), 0, "exit status")
    done = [i for i in line.items() if i["state"] == "confirmed"]
    assert all(i["document"] for i in done), "a confirmed event without a document"
    for i in done[:5]:
        found = s4.documents(identity=json.loads(i["body"])["id"])
        equal(len(found), 1, "documents of an event")


@timeout(150)
def test_each_event_is_one_document_though_much_goes_wrong():
    s4 = S4(faults="seed=5,lost-answer=0.05,cut-before=0.02,throttle=0.03,unavailable=0.02,stale=0.03,locked=0.03,dump=0.02,"
                   "bad-gateway=0.02,gateway-timeout=0.02,login-page=0.02,bad-json=0.02,empty=0.02")
    line = Line(s4)
    some(line, 40, 60)
    line.kill("office")
    some(line, 80, 60)
    s4.calm()
    line.stop()
    line.start()
    account, truth = each_once(line, s4)
    assert account["refused"] == account["quarantined"] == 0, account


@timeout(120)
def test_batches_of_change_sets_over_lost_answers():
    s4 = S4()
    line = Line(s4, keys=["batch: 20"])
    some(line, 10)
    s4.rates("seed=9,lost-answer=0.2,cut-within=0.1")
    some(line, 60, 60)
    s4.calm()
    each_once(line, s4)
    assert any("$batch" in r["target"] for r in s4.ask("requests")["recent"]), "no $batch was sent"
    assert "batch_refused" not in "\n".join(line.run.err), "the simulator refused a $batch"


def test_the_stale_session_and_the_throttle_hold_nothing_up():
    s4 = S4()
    line = Line(s4)
    some(line, 5)
    for fault in ("stale", "throttle", "unavailable", "locked"):
        s4.fault(fault, method="POST", path="ProdnOrdConf2", times=1)
        some(line, line.account()["confirmed"] + 10)
    s4.stop()
    line.until_told("next try in")
    s4.start()
    some(line, line.account()["confirmed"] + 10)
    each_once(line, s4)


def test_a_refusal_bears_the_words_of_sap_and_holds_its_order_alone():
    s4 = S4()
    line = Line(s4, start=False)
    s4.orders({"id": 1000100, "status": "closed"})
    line.start()
    some(line, 10)
    wait_for(lambda: [i for i in line.items() if i["state"] == "refused"], 20, "a refusal")
    refused = [i for i in line.items() if i["state"] == "refused"]
    equal(len(refused), 1, "refused events of an order that holds")
    assert "1000100" in refused[0]["lane"] and refused[0]["code"] and "closed" in refused[0]["text"].lower(), refused
    line.until_told("1 refused waits for a person: penstock outbox list")
    assert all("1000100" not in i["lane"] for i in line.items() if i["state"] == "confirmed"), "a booking on a closed order"


def test_a_certificate_of_another_authority_is_refused_before_anything_is_said():
    ours, theirs = Certificates(), Certificates()
    s4 = S4(tls=theirs, user="MES")
    logon = ["user: MES", f"password-file: {s4.password_file}"]
    line = Line(s4, keys=[f"ca-file: {ours.ca}", *logon])
    line.until_told("certificate")
    equal(s4.totals()["documents"], {}, "documents")
    line.stop()
    line.keys = [f"ca-file: {theirs.ca}", *logon]
    line.write(line.booking)
    line.start()
    some(line, 10)
    line.until_told("encrypted")
    each_once(line, s4)


def test_a_wrong_password_is_not_tried_again_and_again():
    s4 = S4(user="MES")
    secret = os.path.join(temp_dir(), "secret")
    with open(os.open(secret, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="utf-8") as f:
        f.write("wrong\n")
    line = Line(s4, keys=["user: MES", f"password-file: {secret}"])
    line.until_told("401")
    time.sleep(3)
    tried = [r for r in s4.ask("requests")["recent"] if "authorization" in r["headers"]]
    equal(len(tried), 1, "log-ons with a wrong password")
    assert "wrong" not in "\n".join(line.run.err), "the password stands in the log"
    with open(secret, "w", encoding="utf-8") as f:
        f.write(s4.password + "\n")
    some(line, 10)


def test_oauth_tokens_are_renewed_and_never_shown():
    certificates = Certificates()
    s4 = S4(tls=certificates, oauth="client-7")
    line = Line(s4, keys=[f"ca-file: {certificates.ca}", f"token-server: \"{s4.address}\"", "token-path: /sap/bc/sec/oauth2/token",
                          "oauth-client-id: client-7", f"oauth-secret-file: {s4.secret_file}"])
    some(line, 10)
    s4.fault("unauthorized", method="POST", path="ProdnOrdConf2", times=2)
    some(line, line.account()["confirmed"] + 20)
    each_once(line, s4)
    assert s4.secret not in "\n".join(line.run.err) and "Bearer" not in "\n".join(line.run.err), "a secret in the log"


def test_a_proxy_that_is_down_is_named_and_nothing_is_lost():
    s4 = S4()
    port = free_port()
    line = Line(s4, keys=[f"proxy: \"127.0.0.1:{port}\""])
    line.until_told("Failed to connect")
    wait_for(lambda: line.account().get("ready", 0) > 5, 20, "events in the outbox")
    equal(s4.totals()["documents"], {}, "documents")
    line.stop()
    line.keys = ["tls: no"]
    line.write(line.booking)
    line.start()
    some(line, 10)


def test_a_tunnel_through_a_proxy_with_a_log_on_and_a_client_certificate():
    certificates = Certificates(client_name="penstock-line-3")
    s4 = S4(tls=certificates, subject="penstock-line-3")
    tunnel = Tunnel("gate", "keeper")
    secret = os.path.join(temp_dir(), "proxy")
    with open(os.open(secret, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="ascii") as f:
        f.write("wrong\n")
    line = Line(s4, keys=[f"proxy: \"127.0.0.1:{tunnel.port}\"", "proxy-user: gate", f"proxy-password-file: {secret}", f"ca-file: {certificates.ca}",
                          f"cert-file: {certificates.client}", f"key-file: {certificates.client_key}"])
    line.until_told("407")
    equal(tunnel.asked, [], "tunnels with a wrong password")
    with open(secret, "w", encoding="ascii") as f:
        f.write("keeper\n")
    some(line, 10)
    equal(set(tunnel.asked), {s4.address}, "targets of the tunnel")
    each_once(line, s4)


@timeout(90)
def test_a_goods_movement_that_fails_later_is_a_complaint():
    s4 = S4()
    line = Line(s4, follow="1 s", orders={"Filler": 1000100}, every="500 ms", start=False,
                fields=["receipt-quantity: { count: good-count }", "receipt-material: { value: BOTTLE-05 }"])
    s4.fault("cogi", times=1)
    line.start()
    found = wait_for(lambda: [i for i in line.items() if i["complaint"]], 60, "a complaint", every_s=0.5)
    equal([i["state"] for i in found], ["confirmed"], "states of events with a complaint")
    assert found[0]["document"] and found[0]["text"], found
    line.until_told("1 posted with a complaint")
    assert s4.totals()["late-failures"] >= 1, s4.totals()


def test_an_order_read_from_sap_becomes_a_tag_by_an_admitted_request():
    s4 = S4()

    def writable(text):
        text = text.replace("speed-setpoint:    { at: holding 102 float32,", "planned-quantity:  { writable: yes, at: holding 102 float32,")
        text = text.replace("filler-plc: { driver: modbus-tcp,", "filler-plc: { driver: modbus-tcp, writes: yes,")
        return text.replace("initiator: from, description: the only way", "initiator: from, requests: yes, description: the only way")

    line = Line(s4, keys=["poll: 5 s", "read: [ \"production-orders material=BOTTLE-10 -> Packaging/Line 3/Filler\" ]"], edit=writable, start=False,
                more="requests:\n  orders: { what: \"Packaging/Line 3/Filler/planned-quantity\", from: [sap], limits: [0, 1200], why: the order that is "
                     "due, owner: production-it }\n")
    s4.orders({"id": 1000777, "material": "BOTTLE-10", "quantity": 480})
    line.start()
    wait_for(lambda: " 480 " in line.cli("read", "Packaging/Line 3/Filler/planned-quantity").stdout, 20, "the order's quantity in the machine", every_s=0.5)
    done = line.cli("audit", "show")
    assert "planned-quantity" in done.stdout and "sap" in done.stdout, done.stdout + done.stderr
    some(line, 5)


OTHERS = """  Packaging/Line 3/Filler/notification:
    type: maintenance-request
    every: 1 s
    fields: { text: { value: "Lager wird warm, äß" }, equipment-number: { value: "10000301" }, speed: { tag: speed } }
  Packaging/Line 3/Filler/reading:
    type: equipment-actual
    every: 1 s
    fields: { measuring-point: { value: "502" }, reading: { tag: vibration } }
  Packaging/Line 3/Filler/sample:
    type: test-result
    every: 1 s
    fields: { lot: { value: "30000001" }, operation-id: { value: "00000001" }, characteristic: { value: "0010" }, value: { tag: motor-temperature } }
  Packaging/Line 3/Filler/movement:
    type: material-actual
    every: 1 s
    fields: { material: { value: CAP-28 }, movement: { value: consumed }, order: { value: "1000123" }, quantity: { value: "5", type: integer }, unit: { value: PC }, speed: { tag: speed },
              storage-location: { value: 101A } }
"""
SETS = {"maintenance-notification": "MaintenanceNotification", "measurement-document": "MeasurementDocument",
        "inspection-value": "A_InspectionResultValue", "material-document": "A_MaterialDocumentHeader", "production-confirmation": "ProdnOrdConf2"}


@timeout(120)
def test_every_kind_of_event_becomes_a_document_of_version_2_or_4():
    s4 = S4()
    posts = ["Packaging/**/confirmation -> production-confirmation", "**/notification -> maintenance-notification", "**/reading -> measurement-document",
             "**/sample -> inspection-value", "**/movement -> material-document"]

    def all_kinds(text):
        text = text.replace('post: [ "Packaging/**/confirmation -> production-confirmation" ]', f"post: {json.dumps(posts)}")
        text = text.replace('what: [ "Packaging/**/confirmation" ]',
                            'what: [ "**/confirmation", "**/notification", "**/reading", "**/sample", "**/movement" ]')
        return text.replace("\nevents:\n", "\nevents:\n" + OTHERS)

    line = Line(s4, keys=["batch: 5"], every="1 s", edit=all_kinds)
    some(line, 20)
    s4.rates("seed=4,lost-answer=0.1,bad-json=0.05")
    some(line, 90, 60)
    s4.calm()
    line.settled()
    line.stop()
    by_mapping = dict(Counter(i["mapping"] for i in line.items("confirmed")))
    not_done = [i for i in line.items() if i["state"] not in ("confirmed", "ready")]
    equal([(i["state"], i["code"], i["text"], i["target"]) for i in not_done], [], "events that were refused")
    documents = s4.totals()["documents"]
    equal({m: documents.get(name, 0) for m, name in SETS.items()}, by_mapping, "documents by mapping")
    equal(s4.totals()["duplicates"], {}, "identities that occur twice")


def test_what_does_not_fit_is_found_before_it_runs():
    s4 = S4()
    line = Line(s4, start=False)
    done = penstock("check", line.site, "--online")
    equal(done.returncode, 0, f"check --online: {done.stdout}{done.stderr}")
    s4.settings(metadata="other")
    done = penstock("check", line.site, "--online")
    equal(done.returncode, 1, f"check --online against another service: {done.stdout}{done.stderr}")
    for kind in ("bomb", "entity", "html", "cut", "empty", "binary"):
        s4.settings(metadata=kind)
        done = penstock("check", line.site, "--online")
        equal(done.returncode, 1, f"check --online against {kind}: {done.stdout}")
        assert "sap-online" in done.stdout, done.stdout
    s4.stop()
    done = penstock("check", line.site, "--online")
    equal(done.returncode, 1, f"check --online without a server: {done.stdout}")
    line.write(lambda text: line.booking(text).replace('"Packaging/**/confirmation" ]', '"Packaging/**/confirmation", "Packaging/**/speed" ]'))
    done = penstock("check", line.site)
    equal(done.returncode, 1, "check of a flow with values")
    assert "event-sink" in done.stdout, done.stdout
    line.write(lambda text: line.booking(text).replace("production-confirmation", "maintenance-notification"))
    done = penstock("check", line.site)
    assert done.returncode == 1 and "sap-mapping" in done.stdout, done.stdout
    line.write(lambda text: line.booking(text).replace("production-confirmation", "production-confirmatoin"))
    done = penstock("check", line.site)
    assert done.returncode == 1 and "did you mean" in done.stdout, done.stdout


if __name__ == "__main__":
    main()
