#!/usr/bin/python3
"""penstock doc: the document of the demo and of an enforced site, its matrix, and the difference of two sites."""
import csv
import html.parser
import io
import os
import subprocess
import sys
import xml.etree.ElementTree as xml

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from penstock import *

VOID = {"meta", "br", "hr"}
DEMO = os.path.join(TOP, "etc/demo/site.yaml")


class Page(html.parser.HTMLParser):
    """Reads what was written as a browser would, and insists that every element is closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.headings, self.cells, self.links = [], [], [], []
        self.feed(text)
        equal(self.open, [], "elements left open")

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)
        self.links += [v for k, v in attrs if k in ("src", "href") and v]

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        equal(self.open.pop(), tag, "element closed")

    def handle_data(self, data):
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)
        if self.open and self.open[-1] == "td":
            self.cells.append(data)


def document(path, *options):
    done = penstock("doc", path, *options)
    assert done.returncode in (0, 1), done.stderr
    return done


def write(text):
    path = os.path.join(temp_dir(), "site.yaml")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def demo():
    with open(DEMO, encoding="utf-8") as f:
        return f.read()


def test_the_demo_is_described_whole_and_well_formed():
    text = document(DEMO).stdout
    page = Page(text)
    equal(len(page.headings), 11, "sections")
    equal(page.links, [], "a document that needs nothing else")
    for name in ("line-3", "plant-it", "line-3-up", "filler-plc", "plant-broker", "local-history", "127.0.0.1", "15020"):
        assert name in page.cells, name
    drawings = [t[:t.index("</svg>") + 6] for t in text.split("<figure>\n")[1:]]
    equal(len(drawings), 2, "drawings")
    for d in drawings:
        texts = ["".join(t.itertext()) for t in xml.fromstring(d).iter("{http://www.w3.org/2000/svg}text")]
        assert any("line-3" in t for t in texts), texts


def wide():
    """A site that fills the drawings: eight zones of one level with long names, more sinks than are drawn, derived tags, an event."""
    lines = [f"packing-line-number-{i}" for i in range(8)]
    zones = "".join(f"  {n}: {{ level: 2, sl-t: 2, owner: Instandhaltung Großbehälterabfüllung Süd }}\n" for n in lines)
    conduits = "".join(f"  {n}-up: {{ from: {n}, to: dmz }}\n" for n in lines)
    sources = "".join(f"  filler-plc-of-{n}: {{ driver: modbus-tcp, zone: {n}, endpoint: 10.0.{i}.1, unit: 1 }}\n" for i, n in enumerate(lines))
    sinks = "".join(f"  broker-of-the-plant-{i}: {{ kind: mqtt, zone: dmz, broker: 10.9.0.{i} }}\n" for i in range(9))
    tags = "{ n: { at: holding 1 uint16 }, done: { at: coil 1 }, d: { expr: n + 1 } }"
    equipment = "".join(f"  Line {i}: {{ source: filler-plc-of-{n}, tags: {tags} }}\n" for i, n in enumerate(lines))
    event = "  Line 0/c: { type: operations-performance, when: done, fields: { yield: { count: n, modulo: 65536, range: [0, 100] } } }\n"
    return (f"site: {{ enterprise: Acme, name: Wide }}\nzones:\n{zones}  dmz: {{ level: 3.5 }}\n  mes: {{ level: 3 }}\nconduits:\n{conduits}"
            f"sources:\n{sources}sinks:\n{sinks}equipment:\n{equipment}events:\n{event}"
            "flows:\n  all: { what: '**', to: [broker-of-the-plant-0], why: w, owner: o }\n")


SVG = "{http://www.w3.org/2000/svg}"


def test_texts_of_the_drawings_stay_in_their_boxes():
    text = document(write(wide())).stdout
    seen = 0
    for drawing in [t[:t.index("</svg>") + 6] for t in text.split("<figure>\n")[1:]]:
        svg = xml.fromstring(drawing)
        rects = [tuple(int(r.get(k)) for k in ("x", "y", "width", "height")) for r in svg.iter(SVG + "rect") if "band" not in r.get("class")]
        for i, (x, y, w, h) in enumerate(rects):
            assert not any(x < x2 + w2 and x2 < x + w and y < y2 + h2 and y2 < y + h for x2, y2, w2, h2 in rects[i + 1:]), "boxes overlap"
        for t in svg.iter(SVG + "text"):
            kind = t.get("class").split()
            if not {"n", "s"} & set(kind):
                continue
            at, wide_ = int(t.get("x")), len(t.text) * (7.7 if "n" in kind else 5.6)
            left = at - wide_ / 2 if "m" in kind else at
            for x, y, w, h in rects:
                if x <= at <= x + w and y <= int(t.get("y")) <= y + h:
                    assert x <= left and left + wide_ <= x + w, f"{t.text!r} is wider than its box"
                    seen += 1
    assert seen > 50, f"{seen} texts in boxes"


def test_what_is_derived_is_no_system_of_the_plant():
    path = write(wide())
    text, matrix = document(path).stdout, document(path, "--matrix").stdout
    assert "insight:" not in text + matrix and "event:" not in text + matrix
    assert "8 sources with 24 tags" in text and "derived tags of packing-line-number-3" in Page(text).cells, text[:3000]
    row = next(r for r in csv.DictReader(io.StringIO(matrix)) if r["source_zone"] == "packing-line-number-0")
    equal(row["source_system"], "filler-plc-of-packing-line-number-0, derived tags of packing-line-number-0, events of packing-line-number-0", "systems")
    assert "what is new in counter(" in text and "integer from 0 to 100" in text


def test_hostile_names_stay_text():
    text = demo().replace("description: filling and packing", 'description: "</td><script>alert(1)</script> & \\"x\\" | `y`"')
    page = Page(document(write(text)).stdout)
    assert '</td><script>alert(1)</script> & "x" | `y`' in page.cells, "the text as it was written"
    assert "<script>" not in document(write(text)).stdout
    line = next(l for l in document(write(text), "--markdown").stdout.splitlines() if "alert" in l)
    assert "\\|" in line and "\\`y\\`" in line and "\\<script\\>" in line, line


def test_the_matrix_has_a_row_for_each_way_of_a_flow():
    rows = list(csv.DictReader(io.StringIO(document(DEMO, "--matrix").stdout)))
    equal({(r["name"], r["target_system"]) for r in rows}, {(f, s) for f in ("line-state", "condition") for s in ("plant-broker", "local-history")},
          "flows and targets")
    equal(len(rows[0]), 44, "columns")
    equal({(r["source_zone"], r["target_zone"], r["conduit_id"], r["session_initiator"]) for r in rows}, {("line-3", "plant-it", "line-3-up", "line-3")},
          "the way")
    assert all(r["frequency"] and r["volume_typ"] and r["buffering"] for r in rows), rows[0]


def test_a_system_whose_name_is_the_beginning_of_another_is_named():
    text = demo().replace("filler-plc", "plc-10").replace("capper-plc", "plc-1")
    rows = list(csv.DictReader(io.StringIO(document(write(text), "--matrix").stdout)))
    assert {"plc-10", "plc-1"} <= set(rows[0]["source_system"].split(", ")), rows[0]["source_system"]


def test_the_history_is_that_of_git():
    path = write(demo())
    folder = os.path.dirname(path)
    assert "no version control" in document(path).stdout
    for words in (["init", "-q"], ["add", "site.yaml"], ["-c", "user.name=Anna Müller", "-c", "user.email=a@b", "commit", "-q", "-m", "first <plan>"]):
        subprocess.run(["git", "-C", folder, *words], check=True)
    page = Page(document(path).stdout)
    assert "first <plan>" in page.cells and "Anna Müller" in page.cells


def test_the_difference_of_two_sites_is_what_changed():
    old = write(demo())
    same = document(write(demo()), "--diff", old)
    equal((same.returncode, "Nothing has changed." in same.stdout), (0, True), "no difference")
    new = demo().replace("zone: line-3, endpoint: \"127.0.0.1:15021\"", "zone: line-3, endpoint: \"127.0.0.1:15999\"")
    new = new.replace("  local-history: {", "  second-broker: { kind: mqtt, zone: plant-it, broker: 192.0.2.4 }\n  local-history: {")
    new = new.replace("to: [plant-broker", "to: [second-broker, plant-broker").replace("sl-t: 2,", "sl-t: 3,", 1)
    done = document(write(new), "--diff", old)
    equal(done.returncode, 1, "exit status when something changed")
    cells = Page(done.stdout).cells
    rows = [cells[i:i + 4] for i in range(0, len(cells), 4)]
    changed = {(r[0], r[1], r[2]): r[3] for r in rows}
    assert ("zones", "line-3", "changed") in changed and "SL-T: 2 → 3" in changed["zones", "line-3", "changed"], changed
    assert "127.0.0.1:15021 → 127.0.0.1:15999" in changed["sources", "capper-plc", "changed"], changed
    assert ("sinks", "second-broker", "added") in changed, changed
    assert not any(r[1] == "filler-plc" for r in rows), "what did not change is not listed"


if __name__ == "__main__":
    main()
