#!/usr/bin/python3
"""The simulated S/4HANA itself: what other tests rely on, judged with Python's own HTTP client."""
import base64
import http.client
import json
import os
import sys
import threading
import urllib.parse
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from penstock import *
from s4 import *


def refused(reply, status, code, target=""):
    equal(reply.status, status, f"status ({reply.body[:200]})")
    got = reply.error()
    equal((got[0], got[2]), (code, target), "code and target")
    assert got[1], "a refusal without a text"


def test_token_by_head_with_a_slash_and_all_cookies():
    s4 = S4()
    c = s4.client()
    head = c.ask("HEAD", "ProdnOrdConf2/", x_csrf_token="Fetch")
    equal((head.status, head.body), (200, b""), "HEAD with a trailing slash")
    equal(len(head.headers.get_all("Set-Cookie")), 3, "cookies")
    c.token = head.headers["x-csrf-token"]
    equal(c.post("ProdnOrdConf2", confirmation()).status, 201, "a create")
    for spoil in ("token", "session", "twin"):
        d = s4.client()
        d.fetch()
        if spoil == "token":
            d.token = "x"
        else:
            d.cookies.pop(next(n for n in d.cookies if ("SESSIONID" in n) == (spoil == "session") and "usercontext" not in n))
        reply = d.post("ProdnOrdConf2", confirmation())
        equal((reply.status, reply.headers["x-csrf-token"]), (403, "Required"), f"without the {spoil}")
    equal(s4.client().ask("POST", "ProdnOrdConf2", confirmation()).status, 403, "without a token")
    equal(s4.totals()["documents"], {"ProdnOrdConf2": 1}, "documents")


def test_formats_of_version_2_there_and_back():
    c = S4().client()
    r = c.post("ProdnOrdConf2", confirmation(amount="12.5", PostingDate="/Date(1795305600000)/", ConfirmedExecutionStartTime="PT06H30M00S",
                                             ConfirmationText="Schicht Ä"))
    equal(r.status, 201, f"a create: {r.body}")
    d = r.json()["d"]
    equal((d["PostingDate"], d["ConfirmedExecutionStartTime"], d["ConfirmationYieldQuantity"], d["ConfirmationText"], d["OrderID"]),
          ("/Date(1795305600000)/", "PT06H30M00S", "12.500", "Schicht Ä", "000001000123"), "values")
    for name, value in (("ConfirmationYieldQuantity", 12.5), ("ConfirmationYieldQuantity", "1.2345"), ("ConfirmationText", "x" * 41),
                        ("PostingDate", "22.11.2026"), ("ConfirmedExecutionStartTime", "6:30"), ("IsFinalConfirmation", "X"),
                        ("ExternalSystemConfirmation", "1234"), ("ConfirmationYieldQuantity", "99999999999"), ("OrderID", 1000123)):
        refused(c.post("ProdnOrdConf2", {**confirmation(), name: value}), 400, "/IWFND/CM_MGW_RT/112", name)
    refused(c.post("ProdnOrdConf2", confirmation(Colour="red")), 400, "/IWCOR/CX_OD_EP_LIT_ERROR/1", "Colour")
    refused(c.post("ProdnOrdConf2", confirmation(Material="BOTTLE-05")), 400, "/IWFND/CM_MGW_RT/096", "Material")


def test_business_refusals_name_code_and_field():
    s4 = S4()
    c = s4.client()
    for body, code, target in (
            (confirmation("999"), "CO/017", "OrderID"), (confirmation("1000900"), "RU/152", "OrderID"),
            (confirmation("1000901"), "RU/154", "OrderID"), (confirmation("1000902"), "RU/153", "OrderID"),
            (confirmation("1000903"), "RU/155", "OrderID"), (confirmation("1000904"), "RU/156", "OrderID"),
            (confirmation(OrderOperation="0099"), "RU/013", "OrderOperation"), (confirmation(ConfirmationUnit="KG"), "BM/302", "ConfirmationUnit"),
            (confirmation(ConfirmationUnit="XY"), "BM/201", "ConfirmationUnit"), (confirmation(amount="-1"), "RU/511", "ConfirmationYieldQuantity"),
            (confirmation(PostingDate="/Date(1700000000000)/"), "M7/053", "PostingDate"),
            (confirmation("1000905", "101"), "RU/466", "ConfirmationYieldQuantity"),
            (confirmation(to_ProdnOrdConfMatlDocItm=[{"Material": "GOLD", "GoodsMovementType": "261"}]), "M3/305", "Material")):
        refused(c.post("ProdnOrdConf2", body), 400, code, target)
    equal(s4.totals()["documents"], {}, "documents after refusals alone")
    german = c.post("ProdnOrdConf2?sap-language=DE", confirmation("1000901")).error()
    assert "abgeschlossen" in german[1], german
    refused(c.post("ProdnOrdConf2?sap-client=300", confirmation()), 400, "SIM/001")


def test_lists_filters_and_pages():
    s4 = S4()
    c = s4.client()
    ids = [str(uuid.uuid4()) for _ in range(5)]
    for n, ident in enumerate(ids):
        c.post("ProdnOrdConf2", confirmation(str(1000123 + n % 2), str(n), ident))

    def found(text):
        reply = c.get("ProdnOrdConf2?$filter=" + urllib.parse.quote(text))
        equal(reply.status, 200, reply.body)
        return len(reply.json()["d"]["results"])
    equal(found(f"ExternalSystemConfirmation eq guid'{ids[2].upper()}'"), 1, "by identity")
    equal(found("OrderID eq '1000123'"), 3, "by order, unpadded")
    equal(found("OrderID eq '000001000124' and ConfirmationYieldQuantity ge 3.0M"), 1, "and")
    equal(found("(ConfirmationYieldQuantity lt 1.0M or ConfirmationYieldQuantity gt 3M) and not (OrderID eq '1000124')"), 2, "or, not")
    equal(found("substringof('23',OrderID) and startswith(OrderID,'0000') eq true"), 3, "functions")
    for bad in ("Colour eq 'red'", "OrderID eq", "OrderID like 'x'", "(" * 60 + "OrderID eq '1'" + ")" * 60):
        equal(c.get("ProdnOrdConf2?$filter=" + urllib.parse.quote(bad)).status, 400, bad[:30])
    page = c.get("ProdnOrdConf2?$top=2&$skip=1&$inlinecount=allpages&$select=OrderID").json()["d"]
    equal((len(page["results"]), page["__count"], sorted(page["results"][0])), (2, "5", ["OrderID", "__metadata"]), "a page")
    equal(c.get("ProdnOrdConf2/$count").body, b"5", "$count")
    s4.settings(page=2)
    seen, path = 0, "ProdnOrdConf2"
    while path:
        d = c.get(path).json()["d"]
        seen += len(d["results"])
        path = d.get("__next", "").partition(f":{s4.port}")[2]
    equal(seen, 5, "over all pages")


def test_orders_with_operations():
    s4 = S4()
    c = s4.client(ODATA + "API_PRODUCTION_ORDER_2_SRV")
    order = c.get("A_ProductionOrder_2('1000123')?$expand=to_ProductionOrderOperation").json()["d"]
    equal((order["OrderIsReleased"], order["OrderIsClosed"], len(order["to_ProductionOrderOperation"]["results"])), ("X", "", 2), "an order")
    equal(c.get("A_ProductionOrder_2('999')").status, 404, "one that is not there")
    stamp = order["LastChangeDateTime"]
    equal(len(stamp), 14, "the delta marker")
    equal(c.post("CloseOrder?ManufacturingOrder='1000123'").status, 200, "closing it")
    refused(s4.client().post("ProdnOrdConf2", confirmation()), 400, "RU/154", "OrderID")
    process = s4.client(ODATA + "API_PROC_ORDER_CONFIRMATION_2_SRV")
    equal(process.post("ProcOrdConf2", {"OrderID": "2000123", "OrderOperation": "0010", "ConfirmationUnitISOCode": "LTR",
                                        "ConfirmationYieldQuantity": "250"}).status, 201, "a process order, by an ISO code")
    equal(s4.totals()["orders"]["000002000123"]["yield"], "2.500", "its yield in its own unit")


def test_a_change_set_is_all_or_nothing():
    s4 = S4()
    c = s4.client()
    good, bad = ("ProdnOrdConf2", confirmation()), ("ProdnOrdConf2", confirmation("1000901"))
    status, text = c.batch([good, good], [good, bad], [good])
    equal((status, text.count("HTTP/1.1 201"), text.count("HTTP/1.1 400"), text.count("RU/154")), (202, 3, 1, 2), "parts")
    equal(s4.totals()["documents"], {"ProdnOrdConf2": 3}, "documents")
    equal(s4.totals()["orders"]["000001000123"]["yield"], "3.000", "the yield")
    assert "Content-ID: 00" in text and "Content-ID: 20" in text, text
    status, text = c.batch(reads=["ProdnOrdConf2?$top=1&$select=OrderID"])
    assert status == 202 and "000001000123" in text, text
    equal(c.post("$batch", "--x", Content_Type="multipart/mixed; boundary=b").status, 400, "a batch without its boundary")
    one = s4.documents()[0]
    order = s4.client(ODATA + "API_PRODUCTION_ORDER_2_SRV").get("A_ProductionOrder_2('1000123')").json()["d"]
    equal((one["OrderID"], order["MfgOrderConfirmedYieldQty"]), ("000001000123", "3.000"), "the order after an undone change set")


def test_locks_meet_423_and_duplicates_are_taken_unless_told_otherwise():
    s4 = S4(words=["--set", "posting-ms=300"])
    results = []

    def post(order):
        results.append(s4.client().post("ProdnOrdConf2", confirmation(order)).status)
    threads = [threading.Thread(target=post, args=(o,)) for o in ("1000123", "1000123", "1000124")]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    equal(sorted(results), [201, 201, 423], "two on one order, one on another")
    s4.settings(posting_ms=0)
    c, ident = s4.client(), str(uuid.uuid4())
    equal([c.post("ProdnOrdConf2", confirmation(identity=ident)).status for _ in range(2)], [201, 201], "the same twice")
    equal(s4.totals()["duplicates"], {ident: 2}, "duplicates counted")
    s4.settings(duplicates="reject")
    refused(c.post("ProdnOrdConf2", confirmation(identity=ident)), 400, "RU/800", "ExternalSystemConfirmation")


def test_late_failures_and_late_goods_movements():
    s4 = S4(words=["--set", "goods-delay-ms=400"])
    c = s4.client()
    s4.fault("cogi", path="ProdnOrdConf2", after=1)
    items = [{"Material": m, "GoodsMovementType": "261", "EntryUnit": "PC", "QuantityInEntryUnit": "3"} for m in ("CAP-28", "LABEL-A")]
    made = c.post("ProdnOrdConf2", confirmation(to_ProdnOrdConfMatlDocItm={"results": items}))
    equal(made.status, 201, "201 is not the end")
    d = made.json()["d"]
    path = f"ProdnOrdConf2(ConfirmationGroup='{d['ConfirmationGroup']}',ConfirmationCount='{d['ConfirmationCount']}')/to_ProdnOrdConfMatlDocItm"

    def materials():
        return [i["Material"] for i in c.get(path).json()["d"]["results"]]
    equal(materials(), [], "documents at once")
    wait_for(lambda: materials() == ["CAP-28"], 5, "the one document that could be posted")
    equal([(f["Material"], f["code"]) for f in s4.ask("late")], [("LABEL-A", "M7/021")], "what stands in postprocessing")


def test_reversal_and_proposal():
    s4 = S4()
    c = s4.client()
    d = c.post("ProdnOrdConf2", confirmation(amount="7")).json()["d"]
    call = f"CancelProdnOrdConf?ConfirmationGroup='{d['ConfirmationGroup']}'&ConfirmationCount='{d['ConfirmationCount']}'"
    equal(c.get(call).status, 404, "a function by GET")
    refused(c.post("CancelProdnOrdConf"), 400, "RU/009", "ConfirmationCount")
    equal(c.post(call).json()["d"]["CancelProdnOrdConf"]["IsReversal"], True, "the reversal, wrapped in the function's name")
    refused(c.post(call), 400, "RU/011", "ConfirmationCount")
    equal(s4.totals()["orders"], {}, "totals without what was reversed")
    proposal = c.post("GetConfProposal?OrderID='1000905'&OrderOperation='0010'&QuantityIsToBeProposed=true")
    equal(proposal.json()["d"]["GetConfProposal"]["ConfirmationYieldQuantity"], "100.000", "the open quantity")


def test_results_decision_notification_goods_batch():
    s4 = S4()
    q = s4.client(ODATA + "API_INSPECTIONLOT_SRV")
    place = {"InspectionLot": "30000001", "InspPlanOperationInternalID": "00000001", "InspectionCharacteristic": "0010"}
    limits = q.get("A_InspectionCharacteristic?$filter=InspectionLot eq '30000001'").json()["d"]["results"][0]
    equal((limits["InspSpecUpperLimit"], limits["InspSpecHasUpperLimit"]), ("505.0", "X"), "limits")
    made = q.post("A_InspectionResultValue", {**place, "InspResultFrmtdMeasuredValue": "501,25"})
    equal((made.status, made.json()["d"]["InspectionResultMeasuredValue"], made.json()["d"]["InspectionValuationResult"]), (201, "501.25", "A"), "a value")
    refused(q.post("A_InspectionResultValue", {**place, "InspectionResultMeasuredValue": "501.25"}), 400, "/IWFND/CM_MGW_RT/096",
            "InspectionResultMeasuredValue")
    refused(q.post("A_InspectionResultValue", {**place, "InspResultFrmtdMeasuredValue": "much"}), 400, "QE/105", "InspResultFrmtdMeasuredValue")
    path = urllib.parse.urlparse(made.headers["Location"]).path
    equal(q.post(path, {"InspectionResultText": "again"}, "MERGE").status, 428, "an update without If-Match")
    equal(q.post(path, {"InspectionResultText": "again"}, "PATCH", If_Match="W/\"'1'\"").status, 412, "with an old one")
    equal(q.post(path, {"InspectionResultText": "again"}, "POST", If_Match=made.headers["ETag"], X_HTTP_Method="MERGE").status, 204, "as told")
    decision = {"InspectionLot": "30000001", "InspLotUsageDecisionCodeGroup": "03", "InspectionLotUsageDecisionCode": "A"}
    equal(q.post("A_InspLotUsageDecision", decision).status, 201, "the decision")
    refused(q.post("A_InspectionResultValue", {**place, "InspResultFrmtdMeasuredValue": "1"}), 400, "QV/102", "InspectionLot")

    m = s4.client(ODATA + "API_MAINTNOTIFICATION")
    note = {"NotificationText": "Lager heiss", "NotificationType": "M1", "TechnicalObject": "10000301", "MaintNotifExtReferenceNumber": "A-17",
            "to_Item": [{"MaintNotifItemText": "bearing"}]}
    equal(m.post("MaintenanceNotification", note).status, 201, "a notification")
    refused(m.post("MaintenanceNotification", {**note, "TechnicalObject": "77"}), 400, "IE/014", "TechnicalObject")
    refused(m.post("MaintenanceNotification", {**note, "NotificationText": None}), 400, "/IWFND/CM_MGW_RT/112", "NotificationText")
    equal(len(m.get("MaintenanceNotification?$filter=MaintNotifExtReferenceNumber eq 'A-17'").json()["d"]["results"]), 1, "found by reference")

    g = s4.client(ODATA + "API_MATERIAL_DOCUMENT_SRV")
    document = {"GoodsMovementCode": "02", "ReferenceDocument": "R1", "to_MaterialDocumentItem": [
        {"ManufacturingOrder": "1000123", "GoodsMovementType": "101", "GoodsMovementRefDocType": "F", "EntryUnit": "PC", "QuantityInEntryUnit": "5"}]}
    equal(g.post("A_MaterialDocumentHeader", document).status, 201, "a receipt")
    refused(g.post("A_MaterialDocumentHeader", {"GoodsMovementCode": "02"}), 400, "RU/505", "to_MaterialDocumentItem")
    receipt = s4.documents(set="A_MaterialDocumentHeader")[0]
    equal(g.post(f"Cancel?MaterialDocumentYear='{receipt['MaterialDocumentYear']}'&MaterialDocument='{receipt['MaterialDocument']}'").status, 200,
          "taking it back")
    b = s4.client(ODATA + "API_BATCH_SRV")
    charge = {"Material": "SYRUP", "BatchIdentifyingPlant": "1010", "Batch": "C1"}
    equal([b.post("Batch", charge).status for _ in range(2)], [201, 400], "a batch twice")


def test_version_4():
    s4 = S4()
    c = s4.client(MEASUREMENT)
    made = c.post("MeasurementDocument", {"MeasuringPoint": "502", "MeasurementReadingInEntryUoM": 4.5, "MeasurementReadingEntryUoM": "MMS",
                                          "MsmtRdngDate": "2026-11-22", "MsmtRdngTime": "06:30:00"})
    equal(made.status, 201, f"a document: {made.body}")
    d = made.json()
    equal((d["MsmtRdngDate"], d["MsmtRdngTime"], d["MeasurementReadingInEntryUoM"]), ("2026-11-22", "06:30:00", 4.5), "plain values")
    assert d["@odata.etag"].startswith("W/"), d
    equal(len(c.get("MeasurementDocument?$filter=MeasuringPoint eq '502'&$count=true").json()["value"]), 1, "a list")
    refused(c.post("MeasurementDocument", {"MeasuringPoint": "99"}), 400, "IR/071", "MeasuringPoint")
    refused(c.post("MeasurementDocument", {"MeasuringPoint": "502", "MeasurementReadingEntryUoM": "H"}), 400, "BM/302", "MeasurementReadingEntryUoM")


def test_log_on_by_basic_oauth_and_certificate():
    tls = Certificates("mes-client")
    s4 = S4(tls=tls, user="MES", oauth="sb-mes", subject="mes-client")
    equal(s4.client().get("$metadata").status, 401, "nobody")
    basic = base64.b64encode(f"MES:{s4.password}".encode()).decode()
    c = s4.client(headers={"Authorization": "Basic " + basic})
    equal(c.post("ProdnOrdConf2", confirmation()).status, 201, "basic")
    token = s4.client().ask("POST", "/sap/bc/sec/oauth2/token", urllib.parse.urlencode(
        {"grant_type": "client_credentials", "client_id": "sb-mes", "client_secret": s4.secret}),
        Content_Type="application/x-www-form-urlencoded").json()
    bearer = s4.client(headers={"Authorization": "Bearer " + token["access_token"]})
    equal(bearer.post("ProdnOrdConf2", confirmation()).status, 201, "OAuth")
    s4.ask("revoke", {})
    equal(bearer.post("ProdnOrdConf2", confirmation()).status, 401, "a revoked token")
    import ssl
    context = ssl.create_default_context(cafile=tls.ca)
    context.load_cert_chain(tls.client, tls.client_key)
    equal(s4.client(context=context).post("ProdnOrdConf2", confirmation()).status, 201, "a certificate")
    equal(s4.totals()["documents"], {"ProdnOrdConf2": 3}, "documents")


def test_faults_by_rule_have_the_effect_that_they_say():
    s4 = S4(words=["--set", "slow-ms=50", "--set", "huge-mb=2"])
    done, broken = 0, (OSError, http.client.HTTPException)
    for fault, effect, want in (("cut-before", 0, broken), ("lost-answer", 1, broken), ("cut-within", 1, broken), ("cut-after", 1, 201),
                                ("slow-before", 1, 201), ("slow", 1, 201), ("throttle", 0, 429), ("unavailable", 0, 503),
                                ("unauthorized", 0, 401), ("stale", 0, 403), ("locked", 0, 423), ("dump", 0, 500), ("bad-gateway", 0, 502),
                                ("gateway-timeout", 1, 504), ("login-page", 0, 200), ("bad-json", 1, 201), ("bad-xml", 1, 201),
                                ("empty", 1, 201), ("huge", 1, 201)):
        c = s4.client()
        c.fetch()
        s4.fault(fault, method="POST")
        try:
            reply = c.post("ProdnOrdConf2", confirmation())
            equal(reply.status, want, fault)
        except broken:
            equal(want, broken, fault)
        done += effect
        equal(s4.totals()["documents"].get("ProdnOrdConf2", 0), done, f"documents after {fault}")
    s4.settings(maintenance=True)
    reply = s4.client().get("$metadata")
    equal((reply.status, reply.headers["Retry-After"]), (503, "1"), "maintenance")


def test_documents_survive_kill_9():
    s4 = S4()
    c = s4.client()
    for n in range(20):
        equal(c.post("ProdnOrdConf2", confirmation(amount=str(n))).status, 201, "a create")
    before = s4.totals()
    s4.kill()
    with open(os.path.join(s4.folder, "state/journal.jsonl"), "ab") as f:
        f.write(b'{"unit": 99, "rows": [["ProdnOrd')          # it died while it wrote
    s4.start()
    equal(s4.totals(), before, "totals")
    c.connection.close()
    equal(c.post("ProdnOrdConf2", confirmation()).status, 403, "the session of before")
    c.token, c.cookies = None, {}
    equal(c.post("ProdnOrdConf2", confirmation()).json()["d"]["ConfirmationCount"], "00000021", "the next number")


if __name__ == "__main__":
    main()
