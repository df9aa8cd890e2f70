"""What the simulator says when it refuses, in the shapes of SAP Gateway. Message classes and numbers are made up in their form.

Where a number is known of a real system (M7/053, M3/305) it is used; clients must not rely on any of the others.
"""
import json
from xml.sax.saxutils import escape

# name: HTTP status, code, English text, German text
MESSAGES = {
    "property-value": (400, "/IWFND/CM_MGW_RT/112", "Value '{value}' of property '{target}' {why}",
                       "Wert '{value}' der Eigenschaft '{target}' ist unzulässig: {why}"),
    "property-unknown": (400, "/IWCOR/CX_OD_EP_LIT_ERROR/1", "Property '{target}' is not part of type '{type}'",
                         "Eigenschaft '{target}' gehört nicht zum Typ '{type}'"),
    "property-read-only": (400, "/IWFND/CM_MGW_RT/096", "Property '{target}' cannot be set by the caller",
                           "Eigenschaft '{target}' darf nicht gesetzt werden"),
    "body": (400, "/IWFND/CM_MGW_RT/176", "The request body cannot be read: {why}", "Der Anfragerumpf ist nicht lesbar: {why}"),
    "segment-unknown": (404, "/IWBEP/CM_MGW_RT/020", "Resource not found for segment '{segment}'",
                        "Ressource zum Segment '{segment}' nicht gefunden"),
    "query": (400, "/IWBEP/CM_MGW_RT/111", "The query option cannot be read: {why}", "Die Abfrageoption ist nicht lesbar: {why}"),
    "method": (405, "/IWFND/CM_MGW/505", "{method} is not allowed on '{segment}'", "{method} ist für '{segment}' nicht erlaubt"),
    "not-found": (404, "/IWBEP/CM_MGW_RT/021", "'{segment}' does not exist", "'{segment}' ist nicht vorhanden"),
    "precondition": (428, "/IWFND/CM_MGW_RT/185", "The header If-Match is missing", "Der Header If-Match fehlt"),
    "changed": (412, "/IWFND/CM_MGW_RT/186", "The entity was changed in the meantime", "Die Entität wurde inzwischen geändert"),
    "batch": (400, "/IWFND/CM_MGW_RT/198", "The batch cannot be read: {why}", "Der Batch ist nicht lesbar: {why}"),
    "client": (400, "SIM/001", "Client {value} does not exist", "Mandant {value} existiert nicht"),
    "missing": (400, "RU/505", "Enter a value for '{target}'", "Geben Sie einen Wert für '{target}' an"),
    "order-unknown": (400, "CO/017", "Order {value} does not exist", "Auftrag {value} ist nicht vorhanden"),
    "operation-unknown": (400, "RU/013", "Operation {operation} does not exist in order {value}",
                          "Vorgang {operation} ist im Auftrag {value} nicht vorhanden"),
    "order-not-released": (400, "RU/152", "Order {value} is not released", "Auftrag {value} ist nicht freigegeben"),
    "order-closed": (400, "RU/154", "Order {value} is closed; a confirmation is not possible",
                     "Auftrag {value} ist abgeschlossen; keine Rückmeldung möglich"),
    "order-completed": (400, "RU/153", "Order {value} is technically completed; a confirmation is not possible",
                        "Auftrag {value} ist technisch abgeschlossen; keine Rückmeldung möglich"),
    "order-blocked": (400, "RU/155", "Order {value} is locked by a user status", "Auftrag {value} ist gesperrt"),
    "order-deleted": (400, "RU/156", "Order {value} is marked for deletion", "Auftrag {value} ist zum Löschen vorgemerkt"),
    "locked": (423, "RU/506", "Order {value} is already being processed by {user}", "Auftrag {value} wird bereits von {user} bearbeitet"),
    "unit-unknown": (400, "BM/201", "Unit {value} is not known", "Einheit {value} ist nicht bekannt"),
    "unit-other": (400, "BM/302", "Unit {value} cannot be converted to {unit}", "Einheit {value} ist nicht in {unit} umrechenbar"),
    "period": (400, "M7/053", "Posting only possible in periods {open} and later in company code 1010",
               "Buchung nur ab Periode {open} im Buchungskreis 1010 möglich"),
    "future": (400, "RU/510", "The date {value} lies in the future", "Das Datum {value} liegt in der Zukunft"),
    "overdelivery": (400, "RU/466", "The total {value} exceeds the order quantity {limit}",
                     "Die Summe {value} überschreitet die Auftragsmenge {limit}"),
    "negative": (400, "RU/511", "The quantity in '{target}' may not be negative", "Die Menge in '{target}' darf nicht negativ sein"),
    "material-unknown": (400, "M3/305", "The material {value} does not exist or is not activated",
                         "Das Material {value} ist nicht vorhanden oder nicht aktiviert"),
    "movement-unknown": (400, "M7/010", "Movement type {value} is not known", "Bewegungsart {value} ist nicht bekannt"),
    "duplicate": (400, "RU/800", "A confirmation with external identity {value} exists already",
                  "Eine Rückmeldung mit externer Identität {value} ist schon vorhanden"),
    "confirmation-unknown": (400, "RU/009", "Confirmation {value} does not exist", "Rückmeldung {value} ist nicht vorhanden"),
    "reversed": (400, "RU/011", "Confirmation {value} is cancelled already", "Rückmeldung {value} ist bereits storniert"),
    "lot-unknown": (400, "QA/100", "Inspection lot {value} does not exist", "Prüflos {value} ist nicht vorhanden"),
    "characteristic-unknown": (400, "QE/101", "Characteristic {characteristic} does not exist in inspection lot {value}",
                               "Merkmal {characteristic} ist im Prüflos {value} nicht vorhanden"),
    "result-exists": (400, "QE/103", "A result with this key exists already", "Ein Ergebnis mit diesem Schlüssel ist schon vorhanden"),
    "result-text": (400, "QE/105", "'{value}' is not a measured value", "'{value}' ist kein Messwert"),
    "lot-decided": (400, "QV/102", "A usage decision was made for inspection lot {value}",
                    "Für Prüflos {value} ist der Verwendungsentscheid getroffen"),
    "equipment-unknown": (400, "IE/014", "Equipment {value} does not exist", "Equipment {value} ist nicht vorhanden"),
    "notification-type": (400, "IM/101", "Notification type {value} is not known", "Meldungsart {value} ist nicht bekannt"),
    "point-unknown": (400, "IR/071", "Measuring point {value} does not exist", "Messpunkt {value} ist nicht vorhanden"),
    "batch-exists": (400, "12/002", "Batch {value} exists already", "Charge {value} ist schon vorhanden"),
    "dump": (500, "/IWFND/CM_MGW/099", "An unexpected error has occurred (short dump)", "Unerwarteter Fehler (Kurzdump)"),
}


class Refused(Exception):
    """A request is refused for a named reason; target is the property it is about."""

    def __init__(self, name, target="", **values):
        self.name, self.target, self.values = name, target, values
        self.status, self.code, self.english, self.german = MESSAGES[name]
        super().__init__(self.text("EN"))

    def text(self, language):
        pattern = self.german if language.upper().startswith("D") else self.english
        return pattern.format(target=self.target, **self.values)


def body_json(refused, version, language, number):
    """The error as JSON of the OData version."""
    text = refused.text(language)
    detail = {"code": refused.code, "message": text, "severity": "error", "target": refused.target}
    if version == 4:
        return json.dumps({"error": {"code": refused.code, "message": text, "target": refused.target,
                                     "details": [{"code": refused.code, "message": text, "target": refused.target,
                                                  "@Common.numericSeverity": 4}]}}, ensure_ascii=False)
    inner = {"application": {"component_id": "SIM", "service_namespace": "/SAP/", "service_id": "SIMULATED", "service_version": "0001"},
             "transactionid": f"{number:032X}", "timestamp": "", "Error_Resolution": {"SAP_Transaction": "", "SAP_Note": ""},
             "errordetails": [{**detail, "propertyref": refused.target},
                              {"code": "/IWBEP/CX_MGW_BUSI_EXCEPTION", "message": "An exception was raised", "propertyref": "",
                               "severity": "error", "target": ""}]}
    return json.dumps({"error": {"code": refused.code, "message": {"lang": language.lower(), "value": text}, "innererror": inner}},
                      ensure_ascii=False)


def body_xml(refused, language):
    """The error as V2 writes it for clients that did not ask for JSON."""
    return ('<?xml version="1.0" encoding="utf-8"?><error xmlns="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">'
            f'<code>{escape(refused.code)}</code><message xml:lang="{language.lower()}">{escape(refused.text(language))}</message></error>')


HTML = ("<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1><p>{text}</p><p>Server time: simulated</p>"
        "</body></html>")

__all__ = ["HTML", "MESSAGES", "Refused", "body_json", "body_xml"]
