"""Runs the test_* functions of a script in their order, and reports as every test program here does.

    def test_backlog_survives_a_dead_broker(): ...
    if __name__ == "__main__":
        main()

"ok NAME", "FAIL NAME: why" or "skip NAME: why" a test, then "N passed, N failed, N skipped". Names on the command line
pick tests. Whatever a test gave to defer() is undone when it ends, last first, whether it passed or not.
"""
import os
import signal
import sys
import time
import traceback

# A sanitized program is several times slower; what a test sets up to last a while is stretched by this.
SCALE = 4.0 if "variant-" in os.environ.get("PENSTOCK", "") else 1.0
# Limits of waiting are stretched further, for machines that are slow or busy: a limit that is not reached costs nothing.
PATIENCE = 3 * SCALE
TEST_TIMEOUT_S = 90

_undo = []
_show_on_failure = []


class Skip(Exception):
    """The machine lacks something that the test needs."""


class OutOfTime(BaseException):
    """The test did not end in its time. Not an Exception, so that no test can swallow it."""


def skip(why):
    raise Skip(why)


def timeout(seconds):
    """Decorator: a test that needs longer than the usual 90 s."""
    def mark(function):
        function.timeout_s = seconds
        return function
    return mark


def defer(function, *arguments):
    """Calls the function when the running test ends."""
    _undo.append((function, arguments))


def show_on_failure(function):
    """function() returns text that is printed if the running test fails."""
    _show_on_failure.append(function)


def equal(got, want, what="it"):
    if got != want:
        raise AssertionError(f"{what} is {got!r}, want {want!r}")


def wait_for(found, limit_s=10, what=None, every_s=0.02):
    """Returns the first true result of found(); fails when the time is over. Stretched by PATIENCE."""
    end = time.monotonic() + limit_s * PATIENCE
    while True:
        result = found()
        if result:
            return result
        if time.monotonic() > end:
            name = what or getattr(found, "__name__", "it")
            raise AssertionError(f"{name} did not come true within {limit_s * PATIENCE:.0f} s")
        time.sleep(every_s)


def _undo_all(problems):
    while _undo:
        function, arguments = _undo.pop()
        try:
            function(*arguments)
        except Exception as problem:            # the other things must be undone as well
            problems.append(problem)


def _out_of_time(*_):
    raise OutOfTime


def _where(problem):
    """The line of the script that failed."""
    for frame in reversed(traceback.extract_tb(problem.__traceback__)):
        if os.path.basename(frame.filename).startswith("test_"):
            return f"{os.path.basename(frame.filename)}:{frame.lineno}: "
    return ""


def _run(function):
    """Returns "ok", "skip" or "FAIL", and why."""
    limit = getattr(function, "timeout_s", TEST_TIMEOUT_S) * SCALE
    result, why, problems = "ok", "", []
    signal.signal(signal.SIGALRM, _out_of_time)
    signal.setitimer(signal.ITIMER_REAL, limit)
    try:
        function()
    except Skip as reason:
        result, why = "skip", str(reason)
    except OutOfTime as problem:
        result, why = "FAIL", f"{_where(problem)}did not end within {limit:.0f} s"
    except Exception as problem:
        result, why = "FAIL", f"{_where(problem)}{type(problem).__name__}: {problem}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    shown = [show() for show in _show_on_failure] if result == "FAIL" else []
    _undo_all(problems)
    if problems and result != "FAIL":
        result, why = "FAIL", f"while ending: {problems[0]}"
        shown = [show() for show in _show_on_failure]
    _show_on_failure.clear()
    return result, why, shown


def main(functions=None):
    """Runs the script's tests and exits."""
    space = functions or vars(sys.modules["__main__"])
    tests = [f for name, f in space.items() if name.startswith("test_") and callable(f)]
    wanted = sys.argv[1:]
    count = {"ok": 0, "FAIL": 0, "skip": 0}
    for function in tests:
        name = function.__name__[len("test_"):]
        if wanted and name not in wanted and function.__name__ not in wanted:
            continue
        result, why, shown = _run(function)
        count[result] += 1
        why, _, more = why.partition("\n")
        print(f"{result} {name}" + (f": {why}" if why else ""))
        for text in ([more] if more else []) + shown:
            print("\n".join("    " + line for line in text.splitlines()))
        sys.stdout.flush()
    print(f"{count['ok']} passed, {count['FAIL']} failed, {count['skip']} skipped")
    sys.exit(1 if count["FAIL"] or not sum(count.values()) else 0)
