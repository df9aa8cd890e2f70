#!/usr/bin/python3
"""Peers of OData that are not ours: SAP's own client against our simulator, our sink against SAP's own mock server and a server of another kind."""
import json
import os
import sys
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from odata_peers import *
from penstock import *
from s4 import *
from sap_site import *


def test_saps_client_creates_looks_up_and_changes():
    tls = Certificates()
    s4 = S4(tls=tls, user="MES")
    c = SapClient(f"https://localhost:{s4.port}", "MES", s4.password_file, tls.ca)
    ident = str(uuid.uuid4())
    status, headers, body = c.ask("post", f"{CONFIRMATION}/ProdnOrdConf2", confirmation(amount="7.5", identity=ident))
    equal((status, body["d"]["ConfirmationYieldQuantity"]), (201, "7.500"), "a create")
    seen = s4.ask("requests")["recent"]
    equal([(r["method"], r["target"].partition("ProdnOrdConf2")[2]) for r in seen], [("HEAD", "/"), ("POST", "")], "how its token was got")
    status, _, found = c.ask("get", f"{CONFIRMATION}/ProdnOrdConf2?$filter=ExternalSystemConfirmation%20eq%20guid'{ident}'")
    equal((status, [r["ConfirmationCount"] for r in found["d"]["results"]]), (200, ["00000001"]), "a look-up")

    lot = ODATA + "API_INSPECTIONLOT_SRV"
    place = {"InspectionLot": "30000001", "InspPlanOperationInternalID": "00000001", "InspectionCharacteristic": "0010"}
    status, headers, body = c.ask("post", f"{lot}/A_InspectionResultValue", {**place, "InspResultFrmtdMeasuredValue": "499.5"})
    equal(status, 201, "a result")
    path = body["d"]["__metadata"]["uri"].partition(str(s4.port))[2]
    equal(c.ask("patch", path, {"InspectionResultText": "checked"})[0], 428, "a change without If-Match")
    equal(c.ask("patch", path, {"InspectionResultText": "checked"}, if_match=headers["etag"])[0], 204, "with the ETag of the answer")
    equal(c.ask("patch", path, {"InspectionResultText": "again"}, if_match=headers["etag"])[0], 412, "with it once more")
    equal(s4.totals()["documents"], {"ProdnOrdConf2": 1, "A_InspectionResultValue": 1}, "documents")


def test_saps_client_batch_and_errors():
    s4 = S4()
    c = SapClient(s4.url)
    text = json.dumps(confirmation())
    part = ("Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\nPOST ProdnOrdConf2 HTTP/1.1\r\n"
            f"Content-Type: application/json\r\nAccept: application/json\r\nContent-Length: {len(text)}\r\n\r\n{text}\r\n")
    body = (f"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n{part}--c\r\n{part}--c--\r\n\r\n"
            "--b\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\nGET ProdnOrdConf2/$count HTTP/1.1\r\n\r\n\r\n--b--\r\n")
    status, headers, answer = c.ask("post", f"{CONFIRMATION}/$batch", body, content_type="multipart/mixed; boundary=b")
    equal((status, answer.count("HTTP/1.1 201 Created"), answer.count("HTTP/1.1 200 OK")), (202, 2, 1), "the parts of a batch")
    assert headers["content-type"].startswith("multipart/mixed; boundary="), headers
    for body, want in ((confirmation("1000901"), "RU/154"), (confirmation(Colour="red"), "/IWCOR/CX_OD_EP_LIT_ERROR/1")):
        status, _, answer = c.ask("post", f"{CONFIRMATION}/ProdnOrdConf2", body)
        equal((status, answer["error"]["code"]), (400, want), "a refusal")
        assert answer["error"]["innererror"]["errordetails"][0]["target"], answer
    for fault, want in (("throttle", 429), ("locked", 423), ("stale", 403), ("unavailable", 503), ("dump", 500)):
        s4.fault(fault, method="POST")
        equal(c.ask("post", f"{CONFIRMATION}/ProdnOrdConf2", confirmation())[0], want, fault)
    equal(s4.totals()["orders"]["000001000123"], {"confirmations": 2, "yield": "2.000", "scrap": "0.000"}, "what was posted")


def test_our_sink_posts_to_saps_mock_server():
    mock = OdataMock("API_PROD_ORDER_CONFIRMATION_2_SRV")
    n = EventNode(mock)
    sent = [event(**{"yield": i}) for i in range(1, 6)]
    for e in sent:
        n.send(e)
    documents = [n.ends(e, "confirmed")["document"] for e in sent]
    equal(len(set(documents)), 5, f"documents: {documents}")
    wait_for(lambda: len(mock.seen("POST", "ProdnOrdConf2")) == 5, 10, "its notes")
    posts = mock.seen("POST", "ProdnOrdConf2")
    equal([(p["status"], p["token"]) for p in posts], [(201, "0504-71383")] * 5, "postings, with the token that it gives and does not demand")
    status, _, found = SapClient(f"http://{mock.address}").ask("get", f"{CONFIRMATION}/ProdnOrdConf2?$format=json")
    equal((status, sorted(float(r["ConfirmationYieldQuantity"]) for r in found["d"]["results"])), (200, [1, 2, 3, 4, 5]), "what it has")


def test_our_sink_fills_in_at_saps_mock_server():
    """It has no ETags for such a set: the change goes with If-Match: *."""
    mock = OdataMock("API_BATCH_SRV")
    c = SapClient(f"http://{mock.address}")
    root = ODATA + "API_BATCH_SRV"
    blank = {"Material": "BOTTLE-05", "BatchIdentifyingPlant": "1010", "Batch": "B1", "Supplier": "", "BatchBySupplier": "", "ManufactureDate": None,
             "ShelfLifeExpirationDate": None}
    equal(c.ask("post", f"{root}/Batch", blank)[0], 201, "a batch")
    n = EventNode(mock, 'settings: ["batch-plant = 1010"]', post="batch-dates")
    for _ in range(2):
        e = event(kind="material-actual", plain={"material": "BOTTLE-05", "batch": "B1", "supplier": "17300001"})
        n.send(e)
        equal(n.ends(e, "confirmed")["document"], "BOTTLE-05/B1", "its document")
    _, _, found = c.ask("get", f"{root}/Batch?$format=json")
    equal([r["Supplier"] for r in found["d"]["results"]], ["17300001"], "the batch there")
    equal(len(mock.seen("PATCH", "Batch(")), 1, "changes: the second event found it so already")


def test_our_sink_posts_to_a_server_that_is_no_sap_gateway():
    """Neither tokens nor HEAD nor $batch there, and metadata of another shape."""
    far = OdataV4()
    n = EventNode(far, post="measurement-document")
    sent = [event({"reading": "mm/s"}, plain={"measuring-point": "502", "reading": v, "unit": "MMS"}, kind="equipment-actual") for v in (4.5, 6.25)]
    for e in sent:
        n.send(e)
    for e in sent:
        n.ends(e, "confirmed")
    wait_for(lambda: len(far.seen("POST", "MeasurementDocument")) == 2, 10, "both of its notes")
    bodies = [json.loads(p["body"]) for p in far.seen("POST", "MeasurementDocument")]
    equal([b["MeasurementReadingInEntryUoM"] for b in bodies], [4.5, 6.25], "readings, in their order")


if __name__ == "__main__":
    main()
