"""Processes that a test starts: found, watched line by line, and ended by their own process id."""
import collections
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

# A runner that was started by nohup(1) ignores it, and what it starts would too; tests send it.
signal.signal(signal.SIGHUP, signal.SIG_DFL)

from cases import PATIENCE, defer, show_on_failure, wait_for

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LINES_MAX = 20_000
SANITIZER = re.compile(r"ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error:")
_held_ports = []


def program():
    """The penstock program under test: $PENSTOCK, else build/penstock."""
    path = os.environ.get("PENSTOCK") or os.path.join(TOP, "build/penstock")
    if not os.access(path, os.X_OK):
        raise AssertionError(f"{path} is not there; run make first")
    return path


def program_for_others():
    """A copy that every user may run: the checkout may stand where nobody else can go, such as /root."""
    copy = os.path.join(temp_dir(), "penstock")
    os.chmod(os.path.dirname(copy), 0o755)
    shutil.copy(program(), copy)
    return copy


def peer(name):
    """A program of test/peers, built by `make peers`."""
    path = os.path.join(TOP, "build/peers", name)
    if not os.access(path, os.X_OK):
        raise AssertionError(f"{path} is not there; run make peers first")
    return path


def free_port():
    """A TCP port on loopback that nobody listens on, and that nobody else is given while this program runs.

    It lies below those that the kernel gives out by itself, or a listener or connection of another test, running beside this one, could
    take it before, or while, it is used here. An abstract socket that bears its number is held for as long as this program lives: other
    tests see that it is taken.
    """
    while True:
        port = random.randrange(16384, 32768)
        held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            held.bind(f"\0penstock-test-port-{port}")
            with socket.socket() as s:
                s.bind(("127.0.0.1", port))
        except OSError:
            held.close()
            continue
        _held_ports.append(held)
        return port


def temp_dir():
    """A fresh folder, removed when the test ends."""
    path = tempfile.mkdtemp(prefix="penstock-test-")
    defer(shutil.rmtree, path, True)
    return path


def children(pid):
    """Process ids of the direct children, oldest first."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as f:
                    stat = f.read()
            except OSError:
                continue
            if int(stat.rpartition(")")[2].split()[1]) == pid:
                found.append(int(entry))
    return sorted(found)


def command_line(pid):
    """Words of a process's command line; [] if it is gone."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            return f.read().decode("utf-8", "replace").rstrip("\0").split("\0")
    except OSError:
        return []


def alive(pid):
    """Whether the process runs (a zombie does not)."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
            return f.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


class Proc:
    """A running program. Its lines are kept in `out` and `err`; it is ended with the test.

    A sanitizer's report in its output fails the test, whatever the program did after it.
    """

    def __init__(self, argv, env=None, cwd=None, name=None, pass_fds=(), stdin=subprocess.DEVNULL):
        self.argv = [str(word) for word in argv]
        self.name = name or os.path.basename(self.argv[0])
        self.out = collections.deque(maxlen=LINES_MAX)
        self.err = collections.deque(maxlen=LINES_MAX)
        self._news = threading.Condition()
        self._open = 2
        self._judged = False
        self.proc = subprocess.Popen(self.argv, stdin=stdin, stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, cwd=cwd, env={**os.environ, **(env or {})},
                                     start_new_session=True, pass_fds=pass_fds)
        self.pid = self.proc.pid
        for stream, lines in ((self.proc.stdout, self.out), (self.proc.stderr, self.err)):
            threading.Thread(target=self._read, args=(stream, lines), daemon=True).start()
        defer(self.stop)
        show_on_failure(self.tail)

    def _read(self, stream, lines):
        for raw in stream:
            with self._news:
                lines.append(raw.decode("utf-8", "replace").rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._open -= 1
            self._news.notify_all()

    def running(self):
        return self.proc.poll() is None

    def tail(self, lines=40):
        text = [f"-- {self.name} (pid {self.pid}, {'running' if self.running() else self.proc.returncode}) said:"]
        text += [f"out: {line}" for line in list(self.out)[-lines:]]
        text += [f"err: {line}" for line in list(self.err)[-lines:]]
        return "\n".join(text)

    def wait_line(self, pattern, limit_s=10, since=0):
        """Returns the match of the first line, of either stream, that the pattern is found in."""
        want = re.compile(pattern)
        end = time.monotonic() + limit_s * PATIENCE
        with self._news:
            while True:
                for line in list(self.out)[since:] + list(self.err)[since:]:
                    found = want.search(line)
                    if found:
                        return found
                left = end - time.monotonic()
                if left <= 0 or self._open == 0:
                    why = "ended" if self._open == 0 else f"said nothing like it in {limit_s * PATIENCE:.0f} s"
                    raise AssertionError(f"{self.name} {why}, waiting for a line /{pattern}/")
                self._news.wait(min(left, 0.5))

    def wait(self, limit_s=10):
        """Waits for the end; returns the exit status (negative: the signal)."""
        try:
            status = self.proc.wait(limit_s * PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} (pid {self.pid}) did not end within {limit_s * PATIENCE:.0f} s") from None
        self._drain()
        return status

    def _drain(self):
        """Lets the readers finish; a grandchild that keeps the pipe open is not waited for."""
        end = time.monotonic() + 1
        with self._news:
            while self._open and time.monotonic() < end:
                self._news.wait(0.1)

    def send_signal(self, number):
        if self.running():
            os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)
        return self.wait()

    def stop(self, number=signal.SIGTERM, limit_s=15):
        """Ends the program as an operator would; returns the exit status. Fails if it does not obey."""
        obeyed = True
        if self.running():
            self.send_signal(signal.SIGCONT)
            self.send_signal(number)
            try:
                self.proc.wait(limit_s * PATIENCE)
            except subprocess.TimeoutExpired:
                obeyed = False
        self._end_session()
        self._drain()
        if not obeyed:
            raise AssertionError(f"{self.name} (pid {self.pid}) did not end within {limit_s * PATIENCE:.0f} s of a signal")
        self._judge()
        return self.proc.returncode

    def _end_session(self):
        """What is left of the session that we started, with the program itself if it did not obey."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.proc.wait(60)

    def _judge(self):
        if self._judged:
            return
        self._judged = True
        for line in list(self.out) + list(self.err):
            if SANITIZER.search(line):
                raise AssertionError(f"{self.name}: a sanitizer spoke: {line}")


def run(*argv, limit_s=30, env=None, cwd=None, stdin="", user=None):
    """Runs a program to its end, as another user if one is given; returns a CompletedProcess with text in stdout and stderr."""
    argv = [str(word) for word in argv]
    become = {} if user is None else {"user": user, "group": user, "extra_groups": []}
    try:
        done = subprocess.run(argv, input=stdin.encode(), capture_output=True, timeout=limit_s * PATIENCE, cwd=cwd,
                              **become, env={**os.environ, **(env or {})}, check=False)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"{' '.join(argv)} did not end within {limit_s * PATIENCE:.0f} s") from None
    done.stdout = done.stdout.decode("utf-8", "replace")
    done.stderr = done.stderr.decode("utf-8", "replace")
    for text in (done.stdout, done.stderr):
        if SANITIZER.search(text):
            raise AssertionError(f"{' '.join(argv)}: a sanitizer spoke\n{text}")
    return done


def penstock(*words, **options):
    """Runs a penstock command to its end."""
    return run(program(), *words, **options)


def start_penstock(*words, **options):
    """Starts penstock and leaves it running until the test ends."""
    return Proc([program(), *words], name="penstock " + str(words[0]), **options)


def start_tail(pattern, state):
    """Starts `penstock tail`, which prints what is measured from the moment on when it looks at the rings: that has come on return."""
    tail = start_penstock("tail", pattern, "--json", "--state", state)

    def looks():
        with open(f"/proc/{tail.pid}/maps", encoding="utf-8", errors="replace") as f:
            return "/memfd:field" in f.read()
    wait_for(looks, 15, "penstock tail to look at the rings")
    return tail


__all__ = ["TOP", "Proc", "alive", "children", "command_line", "free_port", "peer", "penstock", "program", "program_for_others", "run",
           "start_penstock", "start_tail", "temp_dir", "wait_for"]
