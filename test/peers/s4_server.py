#!/usr/bin/python3
"""A SIMULATED S/4HANA: its OData services of the shop floor, as far as they are known to us. Nothing of SAP's is in it.

    python3 test/peers/s4_server.py --port 0 --state DIR [--port-file F] [--control-port N] [--tls CERT KEY [--client-ca CA]]
        [--user U --password-file F] [--oauth ID --oauth-secret-file F] [--subject CN] [--faults SPEC] [--set NAME=VALUE]...
        [--material NAME]...

It has the services' metadata (test/peers/s4/metadata), CSRF tokens with sessions and cookies, $batch with change sets, ETags, deep insert,
order locks, late failures of goods movements, throttling, maintenance, and loses answers by plan. What is certain about the real system
and what is not stands in doc/sap-simulator.md; what is not is a setting. Without --user, --oauth and --subject anybody is let in.

DIR keeps the journal of every effect: a simulator started on it anew has all documents, as a system has after a restart; sessions are lost.
Prints "listening URL", "control URL" and "ready". The control (see s4/control.py) answers below /sim/ on the same port, and without TLS on
a second one if asked. The OAuth 2.0 token endpoint is /sap/bc/sec/oauth2/token. Ends on SIGTERM and SIGINT.
"""
import argparse
import json
import os
import signal
import ssl
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "s4"))
import web
from app import SETTINGS, App


def words():
    parser = argparse.ArgumentParser(description="a simulated S/4HANA; see the head of this file")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--port-file")
    parser.add_argument("--control-port", type=int, help="control without TLS on this port; 0: a free one")
    parser.add_argument("--state", required=True)
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"))
    parser.add_argument("--client-ca", help="client certificates of this authority are asked for")
    parser.add_argument("--user")
    parser.add_argument("--password-file")
    parser.add_argument("--oauth")
    parser.add_argument("--oauth-secret-file")
    parser.add_argument("--subject", action="append", default=[], help="common name of a client certificate that may log on")
    parser.add_argument("--faults", default="")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--material", action="append", default=[])
    return parser.parse_args()


def secret(path):
    with open(path, encoding="utf-8") as f:
        return f.read().strip()


def settings(pairs):
    """NAME=VALUE pairs; a value is JSON, or else text."""
    found = {}
    for pair in pairs:
        name, _, text = pair.partition("=")
        if name not in SETTINGS:
            sys.exit(f"s4_server: '{name}' is no setting; there are: {', '.join(SETTINGS)}")
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        was = SETTINGS[name]
        found[name] = str(text) if isinstance(was, str) else type(was)(value)
    return found


def tls_of(options):
    if not options.tls:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(*options.tls)
    if options.client_ca:
        context.load_verify_locations(options.client_ca)
        context.verify_mode = ssl.CERT_OPTIONAL
    return context


def main():
    options = words()
    users = {options.user: secret(options.password_file)} if options.user else {}
    oauth = {options.oauth: secret(options.oauth_secret_file)} if options.oauth else {}
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    try:
        app = App(options.state, settings(options.set), users, oauth, set(options.subject), options.faults, bool(options.tls),
                  options.material)
    except ValueError as problem:
        sys.exit(f"s4_server: {problem}")
    server = web.Server(options.port, app.handle, tls_of(options))
    server.start()
    control = server
    if options.control_port is not None:
        control = web.Server(options.control_port, app.handle)
        control.start()
    if options.port_file:
        with open(options.port_file + ".new", "w", encoding="ascii") as f:
            f.write(f"{server.port}\n")
        os.rename(options.port_file + ".new", options.port_file)
    scheme = "https" if options.tls else "http"
    print(f"listening {scheme}://127.0.0.1:{server.port}")
    print(f"control {'http' if control is not server else scheme}://127.0.0.1:{control.port}/sim/")
    print("ready", flush=True)
    ended.wait()


if __name__ == "__main__":
    main()
