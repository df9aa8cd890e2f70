#!/usr/bin/python3
"""Runs test programs, some at a time, and sums what they say.

    runner.py [--jobs N] [--timeout S] [--bare] [--total FILE] < commands, one a line

A program reports with lines "ok NAME", "FAIL NAME: why", "skip NAME: why" and a last line "N passed, N failed, N
skipped". One that crashes, runs out of time, or says nothing counts as failed. With --bare (corpus replays) the exit
status alone decides. Passing programs get one line, failing ones are shown whole. --total adds "passed failed skipped"
to a file.
"""
import argparse
import concurrent.futures
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time

SUMMARY = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", re.M)
SANITIZER = re.compile(r"^.*(?:ERROR: (?:Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error:).*$", re.M)
screen = threading.Lock()


def run(command, timeout):
    """Returns (status or None when time ran out, output, seconds). What the program leaves running ends with it."""
    start = time.monotonic()
    proc = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            start_new_session=True)
    status = None
    try:
        output, _ = proc.communicate(timeout=timeout)
        status = proc.returncode
    except subprocess.TimeoutExpired:
        os.killpg(proc.pid, signal.SIGTERM)
        try:
            output, _ = proc.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            os.killpg(proc.pid, signal.SIGKILL)
            output, _ = proc.communicate()
    return status, output.decode("utf-8", "replace"), time.monotonic() - start


def judge(status, output, bare, timeout):
    """Returns (passed, failed, skipped, complaint or None)."""
    found = None
    for found in SUMMARY.finditer(output):      # the last one counts
        pass
    passed, failed, skipped = (int(n or 0) for n in found.groups()) if found else (0, 0, 0)
    if status is None:
        return passed, failed + 1, skipped, f"did not end within {timeout} s"
    if SANITIZER.search(output):
        return passed, failed or 1, skipped, "a sanitizer spoke"
    if bare:
        return (1, 0, 0, None) if status == 0 else (0, 1, 0, f"ended with status {status}")
    if not found:
        return 0, 1, 0, f"ended with status {status} and no summary line"
    if passed + failed + skipped == 0:
        return 0, 1, 0, "ran no test"
    if status != 0 and failed == 0:
        return passed, 1, skipped, f"says that nothing failed, but ended with status {status}"
    if failed and status == 0:
        return passed, failed, skipped, "says that something failed, but ended with status 0"
    return passed, failed, skipped, f"{failed} failed" if failed else None


def one(line, options):
    command = shlex.split(line)
    status, output, seconds = run(command, options.timeout)
    passed, failed, skipped, complaint = judge(status, output, options.bare, options.timeout)
    name = " ".join(os.path.relpath(word) if os.path.isabs(word) else word for word in command
                    if not word.endswith("python3")).replace("setarch -R ", "")
    with screen:
        if complaint:
            print(f"  FAIL {name}: {complaint} ({seconds:.1f} s); its output:")
            print("\n".join("    " + text for text in output.splitlines()))
        else:
            said = f"{passed} passed" + (f", {skipped} skipped" if skipped else "")
            print(f"  ok   {name}: {said} ({seconds:.1f} s)")
            for text in output.splitlines():
                if text.startswith("skip "):
                    print("    " + text)
        sys.stdout.flush()
    return passed, failed, skipped


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--timeout", type=float, default=120)
    parser.add_argument("--bare", action="store_true")
    parser.add_argument("--total")
    options = parser.parse_args()
    lines = [line.strip() for line in sys.stdin if line.strip()]
    with concurrent.futures.ThreadPoolExecutor(max_workers=options.jobs) as pool:
        results = list(pool.map(lambda line: one(line, options), lines))
    total = [sum(column) for column in zip(*results)] if results else [0, 0, 0]
    if options.total:
        with open(options.total, "a", encoding="utf-8") as out:
            print(*total, file=out)
    return 1 if total[1] else 0


if __name__ == "__main__":
    sys.exit(main())
