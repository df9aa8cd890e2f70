"""Edm values: checked as they come in, written as each OData version writes them.

Held inside as plain JSON: texts, booleans, numbers; Edm.Decimal as text of full scale; dates "2026-11-22T00:00:00", times "06:30:00",
instants "2026-11-22T06:30:00.000Z", all of them comparable as they stand except decimals.
"""
import datetime
import re
from decimal import Decimal, InvalidOperation

from messages import Refused

WHOLE = {"Edm.Byte": (0, 255), "Edm.SByte": (-128, 127), "Edm.Int16": (-2**15, 2**15 - 1), "Edm.Int32": (-2**31, 2**31 - 1),
         "Edm.Int64": (-2**63, 2**63 - 1)}
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)
DATE_V2 = re.compile(r"/Date\((-?\d+)([+-]\d+)?\)/")
DURATION = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d+)?S)?")
CLOCK = re.compile(r"(\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?")
EPOCH = datetime.datetime(1970, 1, 1)
# Held zero-padded when they are numbers, as the conversion exit ALPHA does.
ALPHA = {"OrderID": 12, "ManufacturingOrder": 12, "MaintenanceNotification": 12, "InspectionLot": 12, "Equipment": 18,
         "ConfirmationGroup": 10, "ConfirmationCount": 8, "Reservation": 10, "MeasuringPoint": 12, "MaintenanceOrder": 12}


def _bad(prop, value, why):
    shown = str(value)
    return Refused("property-value", prop.name, value=shown if len(shown) <= 60 else shown[:57] + "...", why=why)


def _instant(milliseconds):
    return EPOCH + datetime.timedelta(milliseconds=milliseconds)


def _decimal(prop, value):
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise _bad(prop, value, "is not a decimal number") from None
    if not number.is_finite() or isinstance(value, bool):
        raise _bad(prop, value, "is not a decimal number")
    scale = prop.scale if prop.scale is not None else 3
    held = number.quantize(Decimal(1).scaleb(-scale)) if abs(number) < Decimal(10) ** 20 else number
    if held != number:
        raise _bad(prop, value, f"has more than {scale} decimal places")
    if prop.precision is not None and abs(number) >= Decimal(10) ** (prop.precision - scale):
        raise _bad(prop, value, f"has more than {prop.precision - scale} digits before the point")
    return str(held)


def _date(prop, value):
    found = DATE_V2.fullmatch(str(value))
    if found:
        return _instant(int(found.group(1)))
    try:
        return datetime.datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError:
        raise _bad(prop, value, f"is not of type {prop.type}") from None


def _time(prop, value):
    found = DURATION.fullmatch(str(value)) or CLOCK.fullmatch(str(value))
    if not found or not any(found.groups()):
        raise _bad(prop, value, f"is not of type {prop.type}")
    h, m, s = (int(part or 0) for part in found.groups())
    if h > 24 or m > 59 or s > 59:
        raise _bad(prop, value, "is no time of day")
    return f"{h:02}:{m:02}:{s:02}"


def _text(prop, value):
    if not isinstance(value, str):
        raise _bad(prop, value, "is not of type Edm.String")
    if prop.max_length is not None and len(value) > prop.max_length:
        raise _bad(prop, value, f"has {len(value)} characters, at most {prop.max_length} are allowed")
    width = ALPHA.get(prop.name)
    return value.zfill(width) if width and value.isdigit() else value


def _whole(prop, value):
    low, high = WHOLE[prop.type]
    if isinstance(value, bool) or not re.fullmatch(r"-?\d{1,20}", str(value)) or not low <= int(value) <= high:
        raise _bad(prop, value, f"is not of type {prop.type}")
    return int(value)


def _double(prop, value):
    try:
        if isinstance(value, bool):
            raise ValueError
        return float(value)
    except (TypeError, ValueError):
        raise _bad(prop, value, "is not of type Edm.Double") from None


def _offset(prop, value):
    at = _date(prop, value)
    if at.tzinfo is not None:
        at = at.astimezone(datetime.timezone.utc).replace(tzinfo=None)
    return at.isoformat(timespec="milliseconds") + "Z"


def _guid(prop, value):
    if not isinstance(value, str) or not GUID.fullmatch(value):
        raise _bad(prop, value, "is not of type Edm.Guid")
    return value.lower()


def _boolean(prop, value):
    if not isinstance(value, bool):
        raise _bad(prop, value, "is not of type Edm.Boolean")
    return value


READERS = {"Edm.String": _text, "Edm.Guid": _guid, "Edm.Boolean": _boolean, "Edm.Decimal": _decimal, "Edm.Double": _double,
           "Edm.Single": _double, "Edm.DateTimeOffset": _offset, "Edm.Time": _time, "Edm.TimeOfDay": _time,
           "Edm.DateTime": lambda p, v: _date(p, v).replace(tzinfo=None).isoformat(timespec="seconds"),
           "Edm.Date": lambda p, v: _date(p, v).date().isoformat(), **{name: _whole for name in WHOLE}}


def read(prop, value, version):
    """A value of a JSON body as it is held; Refused if it does not fit the property."""
    if value is None:
        if not prop.nullable:
            raise _bad(prop, "null", "may not be null")
        return None
    # V2 writes decimals and 64-bit numbers as texts; a bare number is taken for neither by SAP's parser.
    if version == 2 and prop.type in ("Edm.Decimal", "Edm.Int64") and not isinstance(value, str):
        raise _bad(prop, value, f"is not of type {prop.type}, which JSON of OData V2 has as a string")
    if version == 2 and prop.type == "Edm.DateTime" and not DATE_V2.fullmatch(str(value)) \
            and not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?", str(value)):
        raise _bad(prop, value, "is not of type Edm.DateTime")
    return READERS.get(prop.type, _text)(prop, value)


def _ticks(value):
    at = datetime.datetime.fromisoformat(value.replace("Z", ""))
    return int((at - EPOCH) / datetime.timedelta(milliseconds=1))


def write(prop, value, version, settings):
    """A held value as it stands in a JSON answer."""
    if value is None:
        return None
    if prop.type == "Edm.String" and prop.name in ALPHA and settings["alpha"] == "stripped" and value.isdigit():
        return value.lstrip("0") or "0"
    if prop.type == "Edm.Decimal":
        text = value
        if settings["drop-zeros"] and "." in text:
            text = text.rstrip("0").rstrip(".")
        return text if version == 2 else float(value)
    if version == 2:
        if prop.type == "Edm.Int64":
            return str(value)
        if prop.type in ("Edm.Double", "Edm.Single"):
            return repr(value) if settings["double-as-text"] else value
        if prop.type == "Edm.DateTime":
            return f"/Date({_ticks(value)})/"
        if prop.type == "Edm.DateTimeOffset":
            return f"/Date({_ticks(value)}+0000)/"
        if prop.type == "Edm.Time":
            return "PT{}H{}M{}S".format(*value.split(":"))
    return value


def initial(prop):
    """What ABAP has where nothing was said: a blank text, zero, false; no date."""
    if prop.type == "Edm.String":
        return ""
    if prop.type == "Edm.Decimal":
        return str(Decimal(0).quantize(Decimal(1).scaleb(-(prop.scale if prop.scale is not None else 3))))
    if prop.type == "Edm.Boolean":
        return False
    return 0 if prop.type in WHOLE else 0.0 if prop.type in ("Edm.Double", "Edm.Single") else None


__all__ = ["ALPHA", "initial", "read", "write"]
