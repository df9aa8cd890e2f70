#!/usr/bin/python3
"""penstock browse against two foreign servers: the table is complete, a site file takes it, differences show, limits hold."""
import csv
import io
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from penstock import *
from ua_peers import *

NODE = f"nsu={PLANT_URI};s="


def browse(server, *words, **options):
    return penstock("browse", server.url, "--set", "security=none", "--state", temp_dir(), *words, limit_s=30, **options)


def rows_of(done):
    equal(done.returncode, 0, f"exit status of browse: {done.stderr}")
    return {row["path"]: row for row in csv.DictReader(io.StringIO(done.stdout))}


def check_table(server):
    rows = rows_of(browse(server, "--path", "Acme"))
    equal(sum(path.startswith("Acme/Plant/") and row["at"].startswith(NODE + "v") and row["at"][len(NODE) + 1:].isdigit()
              for path, row in rows.items()), 250, "variables of the bulk")
    q = rows["Acme/Plant/Machine/q0"]
    equal((q["at"], q["type"], q["unit"], float(q["range-low"]), float(q["range-high"]), q["description"]),
          (NODE + "q0", "float64", "Cel", -40, 150, "An analog item of the plant"))
    kinds = {name: rows[f"Acme/Plant/Types/{name}"]["type"] for name in
             ("t.Boolean", "t.UInt64", "t.Float", "t.String", "t.DateTime", "t.ByteString", "t.Mode", "t.Recipe", "t.Duration", "a.Double", "a.String")}
    equal(kinds, {"t.Boolean": "bool", "t.UInt64": "uint64", "t.Float": "float32", "t.String": "string", "t.DateTime": "datetime",
                  "t.ByteString": "bytes", "t.Mode": "int32", "t.Recipe": "json", "t.Duration": "float64", "a.Double": "float64",
                  "a.String": "json"})
    return rows


def test_the_table_of_open62541_is_complete():
    check_table(UaServer(variables=250, per_folder=100, nodes_per_browse=7, nodes_per_read=50))


def test_the_table_of_node_opcua_is_complete():
    check_table(UaNodeServer(variables=250, per_folder=100))


def test_a_site_file_takes_the_table_and_its_values_come():
    server = UaServer(variables=20)
    folder = temp_dir()
    with open(os.path.join(folder, "all.csv"), "w", encoding="utf-8") as f:
        f.write(browse(server, "--from", NODE + "Plant", "--path", "Line", "--source", "plc").stdout)
    with open(os.path.join(folder, "site.yaml"), "w", encoding="utf-8") as f:
        f.write("site: { enterprise: Acme, name: Test, country: DE, time-zone: Europe/Berlin }\nzones: { line: { level: 2, sl-t: 1 } }\n"
                f'sources:\n  plc: {{ zone: line, driver: opcua, endpoint: "{server.url}", security: none }}\n'
                "tables: [all.csv]\n")
    done = penstock("check", os.path.join(folder, "site.yaml"), "--json")
    equal([f for f in json.loads(done.stdout) if f["severity"] == "error"], [], "findings")
    state = os.path.join(folder, "state")
    start_penstock("run", os.path.join(folder, "site.yaml"), "--state", state).wait_line("event=ready", 20)

    def value(tag):
        done = penstock("read", tag, "--json", "--state", state, limit_s=20)
        return next((json.loads(line).get("value") for line in done.stdout.splitlines()), None)
    wait_for(lambda: value("Line/Types/t.Int64") == -9007199254740993, 15, "the value of t.Int64", every_s=0.2)
    equal(value("Line/Types/t.Point"), {"x": 1, "y": 2, "z": -3})
    # The same source by the site file; what it has in common with the table is the same.
    again = penstock("browse", os.path.join(folder, "site.yaml") + ":plc", "--from", NODE + "Plant", "--path", "Line", "--diff",
                     os.path.join(folder, "all.csv"), "--state", temp_dir(), limit_s=30)
    equal((again.returncode, again.stdout), (0, ""), again.stderr)


def test_differences_from_an_older_table():
    server = UaServer(variables=20)
    old = os.path.join(temp_dir(), "old.csv")
    first = browse(server)
    with open(old, "w", encoding="utf-8") as f:
        f.write(first.stdout)
    same = browse(server, "--diff", old)
    equal((same.returncode, same.stdout), (0, ""))
    server.ask("remove", "v3")
    text = first.stdout.replace(f'"{NODE}q0",float64,Cel,-40', f'"{NODE}q0",float32,Cel,-50').replace(f"{NODE}q1", f"{NODE}was-q1")
    with open(old, "w", encoding="utf-8") as f:
        f.write(text)
    done = browse(server, "--diff", old)
    equal(done.returncode, 1, done.stderr)
    lines = done.stdout.splitlines()
    equal(sorted(line[:1] for line in lines), ["+", "-", "-", "~"], done.stdout)
    equal([line for line in lines if line[0] == "~"], ["~ Plant/Machine/q0: type float32 -> float64, range-low -50 -> -40"])
    equal([line for line in lines if line[0] == "+"], [f"+ Plant/Machine/q1 at {NODE}q1"])


def test_limits_and_mistakes_are_told():
    server = UaServer(variables=300)
    few = browse(server, "--max", "50")
    equal(few.returncode, 0)
    if "raise --max" not in few.stderr or len(few.stdout.splitlines()) > 51:
        raise AssertionError(few.stderr)
    for words, text in ((("--from", "ns=2;s=x"), "nsu=URI"), (("--from", "nsu=urn:nobody;s=x"), "urn:nobody"),
                        (("--set", "securty=none"), "security"), (("--diff", "/nowhere.csv"), "/nowhere.csv")):
        done = browse(server, *words)
        equal(done.returncode, 2, f"{words}: {done.stderr}")
        if text not in done.stderr:
            raise AssertionError(f"{words}: {done.stderr!r} does not say {text!r}")
    refused = penstock("browse", server.url, "--state", temp_dir(), limit_s=30)     # without security only if told so
    equal(refused.returncode, 2)
    if "security" not in refused.stderr:
        raise AssertionError(refused.stderr)


def test_a_rate_is_kept():
    done = browse(UaServer(variables=100), "--rate", "100000")
    equal(done.returncode, 0, done.stderr)
    if not done.stdout.count(NODE + "v") >= 100:
        raise AssertionError(done.stderr)


if __name__ == "__main__":
    main()
