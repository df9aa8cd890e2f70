#!/usr/bin/python3
"""The simulated plant, tried with foreign masters: mbpoll, libmodbus (through ctypes), pymodbus, and raw bytes."""
import ctypes
import ctypes.util
import json
import os
import random
import shutil
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from penstock import *

MACHINES = ("filler", "capper", "labeller", "packer")


class Control:
    """The control line of a simulator."""

    def __init__(self, sim):
        host, port = sim.proc.wait_line(r"^control (\S+)").group(1).split(":")
        self.sock = socket.create_connection((host, int(port)), 5 * SCALE)
        self.file = self.sock.makefile("rw", encoding="utf-8", newline="\n")
        defer(self.sock.close)

    def __call__(self, line):
        self.file.write(line + "\n")
        self.file.flush()
        return self.file.readline().rstrip("\n")

    def ok(self, line):
        answer = self(line)
        assert answer.startswith("ok"), f"{line}: {answer}"
        return answer

    def json(self, line):
        return json.loads(self(line))


def bottling(*words):
    sim = Sim("bottling", *words)
    return sim, Control(sim)


def recv_all(sock, count):
    data = b""
    while len(data) < count:
        piece = sock.recv(count - len(data))
        if not piece:
            break
        data += piece
    return data


class Raw:
    """A connection on which bytes are written and read as they are."""

    def __init__(self, endpoint, limit_s=1.0):
        self.sock = socket.create_connection((endpoint.host, endpoint.port), 5 * SCALE)
        self.sock.settimeout(limit_s * SCALE)
        self.tid = 0
        defer(self.sock.close)

    def send(self, pdu, unit=1):
        self.tid += 1
        self.sock.sendall(struct.pack(">HHHB", self.tid, 0, len(pdu) + 1, unit) + pdu)
        return self.tid

    def answer(self):
        """(tid, unit, pdu), or None when nothing comes in time."""
        try:
            head = recv_all(self.sock, 7)
            if len(head) < 7:
                raise ConnectionResetError("closed")
            tid, protocol, length, unit = struct.unpack(">HHHB", head)
            equal(protocol, 0, "protocol id")
            return tid, unit, recv_all(self.sock, length - 1)
        except TimeoutError:
            return None

    def ask(self, pdu, unit=1):
        """The response PDU, ids checked; None when nothing comes in time."""
        tid = self.send(pdu, unit)
        got = self.answer()
        if got is None:
            return None
        equal(got[:2], (tid, unit), "transaction and unit id")
        return got[2]

    def regs(self, addr, count, unit=1, function=3):
        pdu = self.ask(struct.pack(">BHH", function, addr, count), unit)
        assert pdu is not None, "no answer"
        assert pdu[0] == function, f"exception {pdu.hex()}"
        return struct.unpack(f">{count}H", pdu[2:])


SPEED = bytes.fromhex("0300640002")       # holding 100, 2 registers


def points():
    """Rows of the register map, by machine."""
    rows = {}
    lines = penstock("sim", "points", "--csv").stdout.splitlines()
    keys = lines[0].split(",")
    for line in lines[1:]:
        row = dict(zip(keys, line.split(",", len(keys) - 1)))
        rows.setdefault(row["machine"], []).append(row)
    return rows


WIDTH = {"uint16": 1, "int16": 1, "uint32": 2, "float32": 2, "float32 CDAB": 2, "uint64": 4, "float64": 4,
         "string 16": 8}
COUNTERS = ("good-count", "reject-count", "infeed-count")
FORMAT = {"uint16": ">H", "int16": ">h", "uint32": ">I", "float32": ">f", "uint64": ">Q", "float64": ">d"}


def decode(kind, words):
    data = struct.pack(f">{len(words)}H", *words)
    if kind == "string 16":
        return data.rstrip(b"\0").decode("ascii")
    if kind == "float32 CDAB":
        return struct.unpack(">f", data[2:] + data[:2])[0]
    return struct.unpack(FORMAT[kind], data)[0]


def check_point(row, truth, read):
    """Reads one point with read(table, addr, count) and compares it with what the model holds."""
    table, addr, kind = row["at"].split(" ", 2)
    want = truth[row["name"]]
    got = read(table, int(addr), WIDTH.get(kind, 1))
    if kind == "bool":
        equal(got[0], int(want), row["name"])
        return
    value = decode(kind, got)
    if kind == "string 16":
        equal(value, want, row["name"])
        return
    factor = float(row["factor"])
    near = factor * 0.51 if kind[0] in "ui" else max(1e-6, abs(want) * 1e-6)
    assert abs(value * factor - want) <= near, f"{row['name']} is {value * factor}, the model has {want}"


# -- the model, without a network

def test_same_seed_same_history():
    def history(seed):
        return penstock("sim", "bottling", "--history", "2h", "--every", "10s", "--seed", seed, limit_s=60).stdout
    first = history(5)
    assert len(first.splitlines()) == 1 + 4 * 720, "a line a machine every ten seconds"
    assert first == history(5), "two runs with seed 5 differ"
    assert first != history(6), "seeds 5 and 6 give the same history"


def test_history_counts_only_grow_and_balance():
    lines = penstock("sim", "bottling", "--history", "8h", "--every", "1min", limit_s=60).stdout.splitlines()
    keys, last, states = lines[0].split("\t"), {}, set()
    for line in lines[1:]:
        row = dict(zip(keys, line.split("\t")))
        infeed, good, reject, inside = (int(row[k]) for k in ("infeed", "good", "reject", "inside"))
        equal(infeed, good + reject + inside, "infeed")
        before = last.get(row["machine"], (0, 0, 0))
        assert infeed >= before[0] and good >= before[1] and reject >= before[2], "a counter went back"
        last[row["machine"]] = (infeed, good, reject)
        states.add(row["state"])
    good = [last[m][1] for m in MACHINES]
    assert good == sorted(good, reverse=True) and good[-1] > 100_000, f"good bottles down the line: {good}"
    assert {"execute", "held", "suspended"} <= states, states


def test_readme_holds_the_register_map():
    text = open(os.path.join(TOP, "src/sim/README.md"), encoding="utf-8").read()
    for line in penstock("sim", "points").stdout.splitlines():
        assert line in text, f"the README lacks: {line}"


def test_wrong_use_is_refused_with_a_reason():
    for words, says in ((["botling"], "did you mean bottling"), (["bottling", "--sed", "1"], "did you mean --seed"),
                        (["bottling", "--seed", "x"], "--seed x"), (["bottling", "extra"], "extra"),
                        (["load", "--devices", "0"], "it takes 1 to"), (["load", "--devices"], "needs a value"),
                        (["load", "--devices", "2", "--dead", "3"], "more than --devices"),
                        (["bottling", "--fault", "filler:silense"], "--fault"),
                        (["bottling", "--fault", "fuller:silence"], "no unit or endpoint"),
                        (["bus", "--units", "3", "--dead", "4"], "more than --units"), ([], "usage")):
        done = run(program(), "sim", *words)
        equal(done.returncode, 2, f"exit status of sim {' '.join(words)}")
        assert says in done.stderr, f"sim {' '.join(words)} says {done.stderr!r}"
    done = run(program(), "sim", "bottling", "--help")
    assert done.returncode == 0 and "--scale" in done.stdout


def test_a_taken_port_is_said():
    sim, _ = bottling()
    done = run(program(), "sim", "bottling", "--base-port", sim.endpoints["filler"].port)
    equal(done.returncode, 2, "exit status")
    assert "another program" in done.stderr, done.stderr


# -- registers

def test_every_point_equals_the_truth_by_raw_modbus():
    sim, control = bottling("--skip", "30m", "--scale", "10")
    raw = Raw(sim.endpoints["line"], 5)
    control.ok("pause")
    truth = control.json("truth")
    assert truth["balanced"] and truth["paused"], truth

    def reader(unit):
        def read(table, addr, count):
            if table in ("holding", "input"):
                return raw.regs(addr, count, unit, 3 if table == "holding" else 4)
            pdu = raw.ask(struct.pack(">BHH", 2 if table == "discrete" else 1, addr, count), unit)
            equal(pdu[:2], bytes([2 if table == "discrete" else 1, 1]), "head of the bits")
            return [pdu[2] & 1]
        return read
    count = 0
    for unit, machine in enumerate(MACHINES, 1):
        for row in points()[machine]:
            if row["name"] in truth["machines"][machine]:
                check_point(row, truth["machines"][machine], reader(unit))
                count += 1
    assert count > 4 * 35, f"only {count} points"


def test_counters_agree_with_the_truth_and_along_the_line():
    sim, control = bottling("--skip", "20m", "--scale", "200")
    time.sleep(0.5)
    control.ok("pause")
    raw = Raw(sim.endpoints["line"], 5)
    truth = control.json("truth")["machines"]
    good_before = None
    for unit, machine in enumerate(MACHINES, 1):
        words = raw.regs(110, 6, unit)
        good, reject, infeed = (a << 16 | b for a, b in zip(words[::2], words[1::2]))
        inside, = raw.regs(125, 1, unit)
        level, = raw.regs(14, 1, unit, 4)
        equal((good, reject, infeed), tuple(truth[machine][k] for k in COUNTERS), machine)
        equal(infeed, good + reject + inside, f"bottles into the {machine}")
        if good_before is not None:
            equal(good_before, infeed + level, f"bottles before the {machine}")
        good_before = good
    assert good_before > 5000, "the line has produced"


def test_time_goes_as_fast_as_asked():
    _, control = bottling("--scale", "100")
    before, start = control.json("truth")["model_ms"], time.monotonic()
    time.sleep(1)
    after, took = control.json("truth")["model_ms"], time.monotonic() - start
    assert 0.6 < (after - before) / (took * 100_000) < 1.2, f"{after - before} ms of model time in {took:.2f} s"
    control.ok("pause")
    model = control.json("truth")["model_ms"]
    time.sleep(0.1)
    equal(control.json("truth")["model_ms"], model, "model time while paused")
    control.ok("step 10s")
    equal(control.json("truth")["model_ms"], model + 10_000, "model time after a step")


def test_a_stop_travels_along_the_line():
    sim, control = bottling("--skip", "6m")
    control.ok("pause")
    raw = Raw(sim.endpoints["line"], 5)
    for _ in range(60):
        if raw.regs(120, 1, 2) == (6,):
            break
        control.ok("step 10s")
    equal(raw.ask(bytes.fromhex("0600820003"), 2), bytes.fromhex("0600820003"), "PackML Stop to the capper")
    control.ok("step 5m")
    state = {m: v["state-name"] + "/" + v["stop-reason-name"] for m, v in control.json("truth")["machines"].items()}
    equal(state["capper"], "stopped/operator", "the capper")
    assert state["filler"] in ("suspended/blocked", "aborted/failure", "held/jam"), state
    equal(raw.regs(122, 1, 4), (1,), "the packer's stop reason: starved")
    assert raw.ask(bytes.fromhex("0200000008"), 3)[2] & 2, "the labeller's starved bit"


# -- foreign masters

def mbpoll(*words, patience_s=10):
    done = run("mbpoll", "-0", "-1", "-o", patience_s, *words)
    return [line.partition(":")[2].strip() for line in done.stdout.splitlines() if line.startswith("[")]


def need(tool):
    if shutil.which(tool) is None:
        skip(f"{tool} is not installed")


def test_mbpoll_reads_and_writes_over_tcp():
    need("mbpoll")
    sim, control = bottling("--skip", "15m")
    control.ok("pause")
    truth = control.json("truth")["machines"]["capper"]
    where = ("-m", "tcp", "-p", sim.endpoints["capper"].port)
    host = sim.endpoints["capper"].host
    equal(mbpoll(*where, "-t", "4:int", "-B", "-r", 110, "-c", 3, host),
          [str(int(truth[k])) for k in COUNTERS], "counters")
    speed = float(mbpoll(*where, "-t", "4:float", "-B", "-r", 100, "-c", 1, host)[0])
    assert abs(speed - truth["speed"]) < 0.01, speed
    equal(mbpoll(*where, "-t", "1", "-r", 0, "-c", 8, host)[0], str(int(truth["running"])), "discrete input running")
    run("mbpoll", "-0", *where, "-t", "4", "-r", 900, host, 4711, 42)
    equal(mbpoll(*where, "-t", "4", "-r", 900, "-c", 2, host), ["4711", "42"], "cells written with mbpoll")
    run("mbpoll", "-0", *where, "-t", "0", "-r", 16, host, 1, 0, 1)
    equal(mbpoll(*where, "-t", "0", "-r", 16, "-c", 3, host), ["1", "0", "1"], "coils written with mbpoll")
    equal(mbpoll(*where, "-t", "4", "-r", 149, "-c", 2, host), [], "a block across the hole at 150")


class Libmodbus:
    """libmodbus through ctypes: somebody else's client code, byte for byte as C programs use it."""

    def __init__(self):
        name = ctypes.util.find_library("modbus")
        if name is None:
            skip("libmodbus is not installed")
        self.lib = ctypes.CDLL(name, use_errno=True)
        for new in ("modbus_new_tcp", "modbus_new_rtu"):
            getattr(self.lib, new).restype = ctypes.c_void_p
        self.lib.modbus_strerror.restype = ctypes.c_char_p
        self.ctx = None

    def _open(self, ctx, unit):
        self.ctx = ctypes.c_void_p(ctx)
        self.lib.modbus_set_slave(self.ctx, unit)
        self.lib.modbus_set_response_timeout(self.ctx, int(SCALE), 0)
        assert self.lib.modbus_connect(self.ctx) == 0, "libmodbus does not connect"
        defer(self.close)
        return self

    def tcp(self, endpoint, unit=1):
        return self._open(self.lib.modbus_new_tcp(endpoint.host.encode(), endpoint.port), unit)

    def rtu(self, path, baud, unit):
        return self._open(self.lib.modbus_new_rtu(path.encode(), baud, ctypes.c_char(b"E"), 8, 1), unit)

    def close(self):
        self.lib.modbus_close(self.ctx)
        self.lib.modbus_free(self.ctx)

    def call(self, name, *arguments):
        return getattr(self.lib, "modbus_" + name)(self.ctx, *arguments)

    def read(self, addr, count, name="read_registers"):
        room = (ctypes.c_uint16 * count)()
        got = self.call(name, addr, count, room)
        if got != count:
            raise OSError(self.lib.modbus_strerror(ctypes.get_errno()).decode())
        return list(room)


def test_libmodbus_uses_every_data_function():
    sim, _ = bottling()
    m = Libmodbus().tcp(sim.endpoints["filler"])
    values = (ctypes.c_uint16 * 3)(0x1234, 0, 0xFFFF)
    equal(m.call("write_registers", 910, 3, values), 3, "write_registers")
    equal(m.read(910, 3), [0x1234, 0, 0xFFFF], "cells")
    equal(m.call("write_register", 911, 0x12), 1, "write_register")
    equal(m.call("mask_write_register", 911, 0xF2, 0x25), 1, "mask_write_register")
    equal(m.read(911, 1), [0x17], "the masked cell")
    room = (ctypes.c_uint16 * 4)()
    equal(m.call("write_and_read_registers", 920, 3, values, 919, 4, room), 4, "write_and_read_registers")
    equal(list(room), [0, 0x1234, 0, 0xFFFF], "what was written is read")
    bits = (ctypes.c_uint8 * 10)(1, 0, 1, 1, 0, 0, 1, 1, 1, 0)
    equal(m.call("write_bits", 20, 10, bits), 10, "write_bits")
    got = (ctypes.c_uint8 * 10)()
    equal(m.call("read_bits", 20, 10, got), 10, "read_bits")
    equal(list(got), list(bits), "coils")
    equal(m.call("write_bit", 20, 0), 1, "write_bit")
    equal(m.call("read_input_bits", 0, 8, got), 8, "read_input_bits")
    assert m.read(10, 6, "read_input_registers")[0] > 0, "motor temperature"
    for addr, count, why in ((150, 1, "Illegal data address"), (100, 100, "Illegal data address")):
        try:
            m.read(addr, count)
            raise AssertionError(f"holding {addr}, {count} was answered")
        except OSError as problem:
            equal(str(problem), why, f"refusal of {addr}, {count}")


def pymodbus_client():
    sys.path.insert(0, "/usr/lib/python3/dist-packages")
    try:
        from pymodbus import client
    except ImportError:
        skip("python3-pymodbus is not installed")
    return client


def test_pymodbus_reads_writes_and_identifies():
    client = pymodbus_client()
    sim, control = bottling("--skip", "15m")
    control.ok("pause")
    truth = control.json("truth")["machines"]["packer"]
    e = sim.endpoints["line"]
    c = client.ModbusTcpClient(e.host, port=e.port)
    assert c.connect()
    defer(c.close)
    words = c.read_holding_registers(110, count=6, slave=4).registers
    equal([words[i] << 16 | words[i + 1] for i in (0, 2, 4)],
          [truth[k] for k in COUNTERS], "counters")
    words = c.read_holding_registers(170, count=4, slave=4).registers
    equal(decode("float64", words), truth["energy"], "energy")
    equal(decode("string 16", c.read_holding_registers(160, count=8, slave=4).registers), truth["batch"], "batch")
    equal(c.read_holding_registers(150, count=1, slave=4).exception_code, 2, "exception code")
    assert not c.write_registers(905, [1, 2, 3], slave=4).isError()
    if hasattr(c, "read_device_information"):       # pymodbus 3.8, Debian 13
        equal(c.readwrite_registers(read_address=904, read_count=3, write_address=904, values=[9], slave=4).registers,
              [9, 1, 2], "read/write")
        found = c.read_device_information(read_code=2, slave=4)
    else:                       # 3.0, Debian 12: its request objects know the unit id as `unit` and ignore `slave`
        from pymodbus.mei_message import ReadDeviceInformationRequest
        equal(c.readwrite_registers(read_address=904, read_count=3, write_address=904, write_registers=[9],
                                    unit=4).registers, [9, 1, 2], "read/write")
        found = c.execute(ReadDeviceInformationRequest(read_code=2, unit=4))
    equal(found.information[0], b"Penstock", "vendor")
    equal(found.information[4], b"packer", "product name")


def test_requests_in_flight_are_answered_in_order():
    sim, _ = bottling()
    raw = Raw(sim.endpoints["filler"], 5)
    sent = b""
    for tid in range(1, 101):
        sent += struct.pack(">HHHB", tid, 0, 6, 1) + struct.pack(">BHH", 3, 100, tid % 50 + 1)
    raw.sock.sendall(sent[:5])
    time.sleep(0.05)
    raw.sock.sendall(sent[5:])
    for tid in range(1, 101):
        got = raw.answer()
        equal((got[0], got[2][1]), (tid, 2 * (tid % 50 + 1)), "transaction and bytes")


def test_units_that_are_not_there_stay_silent():
    sim, _ = bottling()
    raw = Raw(sim.endpoints["line"], 0.3)
    equal(raw.ask(SPEED, 9), None, "the answer of unit 9 on the line")
    assert raw.ask(SPEED, 3) is not None
    raw = Raw(sim.endpoints["capper"], 5)
    for unit in (0, 1, 255):
        assert raw.ask(SPEED, unit) is not None, f"unit id {unit} on a machine's own port"


# -- RTU

def rtu_sim(*words):
    need("socat")
    line = SerialPair()
    sim = Sim("bottling", "--serial", line.a, *words)
    return line, sim, Control(sim)


def test_rtu_on_a_serial_line_with_mbpoll_and_libmodbus():
    line, sim, control = rtu_sim("--skip", "15m", "--baud", "115200")
    control.ok("pause")
    truth = control.json("truth")["machines"]
    if shutil.which("mbpoll"):
        for unit, machine in enumerate(MACHINES, 1):
            got = mbpoll("-m", "rtu", "-b", 115200, "-P", "even", "-a", unit, "-t", "4:int", "-B", "-r", 110, "-c", 3,
                         line.b)
            equal(got, [str(int(truth[machine][k])) for k in COUNTERS], machine)
    m = Libmodbus().rtu(line.b, 115200, 3)
    equal(m.read(120, 1), [truth["labeller"]["state"]], "the labeller's state")
    equal(m.call("write_register", 900, 77), 1, "write_register")
    equal(m.read(900, 1), [77], "the cell")


def crc(frame):
    value = 0xFFFF
    for byte in frame:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return struct.pack("<H", value)


class Tty:
    """Raw bytes on a serial line."""

    def __init__(self, path):
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        defer(os.close, self.fd)

    def send(self, frame):
        os.write(self.fd, frame + crc(frame))

    def receive(self, count, limit_s=1.0):
        """(bytes, seconds until the last of them)."""
        start, data = time.monotonic(), b""
        while len(data) < count and time.monotonic() - start < limit_s * SCALE:
            try:
                data += os.read(self.fd, count - len(data))
            except BlockingIOError:
                time.sleep(0.001)
        return data, time.monotonic() - start


def test_rtu_broadcast_is_obeyed_and_not_answered():
    line, _, _ = rtu_sim()
    tty = Tty(line.b)
    tty.send(bytes.fromhex("00 06 0384 1234"))
    equal(tty.receive(1, 0.2)[0], b"", "the answer to a broadcast")
    for unit in (1, 4):
        tty.send(bytes([unit]) + bytes.fromhex("03 0384 0001"))
        got = tty.receive(7)[0]
        equal(got, (frame := bytes([unit]) + bytes.fromhex("03 02 1234")) + crc(frame), f"unit {unit}")


def test_rtu_noise_is_forgotten_after_a_silence():
    line, _, _ = rtu_sim()
    tty = Tty(line.b)
    noises = (b"\x00\xff\x13", b"\x01\x03\x00\x64\x00\x02\xde\xad", random.Random(7).randbytes(300),
              b"\x01\x10\x00\x01\x00\x7b\xf6")
    for noise in noises:
        os.write(tty.fd, noise)
        time.sleep(0.15 * SCALE)
        tty.receive(1000, 0.05)
        tty.send(bytes.fromhex("02 03 0064 0002"))
        got = tty.receive(9)[0]
        good = len(got) == 9 and got[:3] == b"\x02\x03\x04" and crc(got[:-2]) == got[-2:]
        assert good, f"after {noise[:8].hex()}: {got.hex()}"
    tty.send(bytes.fromhex("02 07"))        # a function that only the silence delimits
    equal(tty.receive(5)[0][:3], b"\x02\x87\x01", "refusal of function 7")


def test_rtu_answers_at_the_pace_of_the_baud_rate():
    line, _, _ = rtu_sim("--baud", "9600")
    tty = Tty(line.b)
    tty.send(bytes.fromhex("01 03 0064 0032"))
    data, took = tty.receive(105, 3)
    equal(len(data), 105, "bytes of 50 registers")
    wire = (8 + 105) * 11 / 9600
    assert wire * 0.95 < took < wire * 1.25 + 0.3 * SCALE, f"{took * 1000:.0f} ms, the wire needs {wire * 1000:.0f} ms"


def test_rtu_over_tcp_with_pymodbus():
    client = pymodbus_client()
    try:
        from pymodbus import FramerType             # 3.8, Debian 13
        framer = FramerType.RTU
    except ImportError:                             # 3.0, Debian 12
        from pymodbus.framer.rtu_framer import ModbusRtuFramer as framer
    sim, control = bottling("--rtu-tcp", "--skip", "15m")
    control.ok("pause")
    e = sim.endpoints["rtu-tcp"]
    c = client.ModbusTcpClient(e.host, port=e.port, framer=framer)
    assert c.connect()
    defer(c.close)
    for unit, machine in enumerate(MACHINES, 1):
        words = c.read_holding_registers(110, count=2, slave=unit).registers
        equal(words[0] << 16 | words[1], control.json("truth")["machines"][machine]["good-count"], machine)


# -- faults

def test_faults_of_answers_switch_on_and_off():
    sim, control = bottling()
    e = sim.endpoints["filler"]
    right = Raw(e, 5).ask(SPEED)
    equal(len(right), 6, "bytes of the answer")

    def with_fault(fault, limit_s=5):
        raw = Raw(e, limit_s)
        control.ok(f"fault filler {fault}")
        tid = raw.send(SPEED)
        try:
            return tid, raw.sock.recv(600)
        except TimeoutError:
            return tid, None
        finally:
            control.ok("clear filler")
    equal(with_fault("silence", 0.3)[1], None, "under silence")
    tid, got = with_fault("short")
    assert 0 < len(got) < 13, got
    tid, got = with_fault("truncate")
    assert len(got) == 11 and got[5] == 5, got.hex()
    tid, got = with_fault("wrong-tid")
    equal(struct.unpack(">H", got[:2])[0], tid + 1, "transaction id")
    equal(with_fault("wrong-unit")[1][6], 2, "unit id")
    equal(with_fault("wrong-function")[1][7], 4, "function code")
    equal(with_fault("exception=6")[1][7:], b"\x83\x06", "exception")
    equal(with_fault("exception")[1][7:], b"\x83\x04", "exception")
    assert with_fault("bad-check")[1][2:4] != b"\0\0", "protocol id"
    equal(len(with_fault("duplicate")[1]), 26, "bytes of a doubled answer")
    tid, got = with_fault("garbage")
    assert 1 <= len(got) <= 64, got
    tid, got = with_fault("close")
    equal(got, struct.pack(">HHH", tid, 0, 7), "half an answer")
    equal(len(Raw(e, 5).ask(SPEED)), 6, "bytes when all faults are cleared")


def test_a_delay_is_as_long_as_asked():
    sim, control = bottling()
    raw = Raw(sim.endpoints["packer"], 5)
    control.ok("fault packer delay=400ms")
    start = time.monotonic()
    assert raw.ask(SPEED) is not None
    took = time.monotonic() - start
    assert 0.39 < took < 1 * SCALE, f"{took:.3f} s"
    control.ok("fault packer split=100")
    start = time.monotonic()
    assert raw.ask(SPEED) is not None
    assert time.monotonic() - start > 0.09, "the answer came in one piece"


def refused(endpoint):
    try:
        socket.create_connection((endpoint.host, endpoint.port), 2).close()
        return False
    except ConnectionRefusedError:
        return True


def closed(sock, within=(ConnectionResetError, BrokenPipeError)):
    sock.settimeout(2 * SCALE)
    try:
        return sock.recv(100) == b""
    except within:
        return True


def reset_at_once(endpoint):
    """A new connection is reset, be it while connecting or right after."""
    try:
        return closed(Raw(endpoint).sock)
    except ConnectionResetError:
        return True


def test_faults_of_connections():
    sim, control = bottling()
    e = sim.endpoints["labeller"]
    old = Raw(e)
    assert old.ask(SPEED)
    control.ok("fault labeller half-open")
    old.send(SPEED)
    equal(old.answer(), None, "an answer of a half-open connection")
    fresh = Raw(e, 0.3)
    fresh.send(SPEED)
    equal(fresh.answer(), None, "an answer of a new half-open connection")
    control.ok("clear labeller")
    assert fresh.answer() is not None, "what waited is answered after the fault"
    control.ok("fault labeller reset")
    fresh.send(SPEED)
    assert closed(fresh.sock), "an open connection is reset at the next request"
    assert reset_at_once(e), "a new connection is reset"
    control.ok("clear labeller")
    old = Raw(e)
    assert old.ask(SPEED)
    control.ok("fault labeller refuse")
    assert closed(old.sock), "an open connection is reset"
    wait_for(lambda: refused(e), 5, "the port refusing")
    control.ok("clear labeller")
    wait_for(lambda: not refused(e), 5, "the port listening again")
    assert Raw(e).ask(SPEED)


def test_a_half_open_peer_fills_up():
    """Nothing is read any more: the kernel's buffers take some, then the sender is stuck."""
    sim, control = bottling()
    raw = Raw(sim.endpoints["filler"], 0.3)
    control.ok("fault filler half-open")
    raw.sock.setblocking(False)
    sent, request, end = 0, struct.pack(">HHHB", 1, 0, 6, 1) + SPEED, time.monotonic() + 20
    while time.monotonic() < end:
        try:
            sent += raw.sock.send(request * 1000)
        except BlockingIOError:
            break
    else:
        raise AssertionError(f"still taking bytes after {sent}")
    equal(control.json("stats filler")["requests"], 0, "requests taken")


def test_a_timed_fault_ends_by_itself():
    sim, control = bottling()
    raw = Raw(sim.endpoints["capper"], 0.2)
    control.ok(f"fault capper silence {600 * SCALE:.0f}ms")
    equal(raw.ask(SPEED), None, "an answer under the fault")
    equal(len(control.json("faults")), 2, "faults in force: the unit's and its endpoint's")
    wait_for(lambda: control.json("faults") == [], 5, "the end of the fault")
    assert Raw(sim.endpoints["capper"]).ask(SPEED)


def test_a_scheduled_fault_comes_and_goes():
    sim, control = bottling("--fault", "filler:exception=6@500ms+700ms", "--fault", "line:silence@0s+100ms")
    raw, seen = Raw(sim.endpoints["filler"], 5), []
    end = time.monotonic() + 10 * SCALE
    while time.monotonic() < end and seen[-2:] != ["bad", "good"]:
        word = "bad" if raw.ask(SPEED)[0] == 0x83 else "good"
        if seen[-1:] != [word]:
            seen.append(word)
        time.sleep(0.02)
    assert seen[-3:] == ["good", "bad", "good"] or seen == ["bad", "good"], seen
    equal(control.json("faults"), [], "faults left")


def test_a_fault_of_a_unit_leaves_its_neighbours_alone():
    sim, control = bottling()
    control.ok("fault capper silence")
    raw = Raw(sim.endpoints["line"], 0.3)
    equal(raw.ask(SPEED, 2), None, "the capper through the line's endpoint")
    raw = Raw(sim.endpoints["line"], 5)
    for unit in (1, 3, 4):
        assert raw.ask(SPEED, unit) is not None, f"unit {unit}"
    for fault in ("refuse", "reset", "close", "half-open"):
        control.ok(f"fault capper {fault}")
        raw = Raw(sim.endpoints["line"], 0.2)
        equal(raw.ask(SPEED, 2), None, f"the capper through the line's endpoint, {fault}")
        assert raw.ask(SPEED, 3) is not None, f"the labeller on the same connection, {fault}"


def test_a_fault_hits_a_share_of_the_requests():
    sim, control = bottling()
    control.ok("fault filler exception=6 30%")
    raw = Raw(sim.endpoints["filler"], 5)
    refusals = sum(raw.ask(SPEED)[0] == 0x83 for _ in range(600))
    assert 110 < refusals < 250, f"{refusals} of 600"


def test_control_line_explains_itself_and_its_errors():
    _, control = bottling()
    assert "silence" in control.json("kinds") and any(k.startswith("truth") for k in control.json("help"))
    for line, says in (("fault filler silense", "did you mean \"silence\""), ("fault fuller silence", "fuller"),
                       ("fault filler", "usage"), ("falt", "did you mean \"fault\""),
                       ("fault filler silence soon", "soon"),
                       ("command filler dance", "dance"), ("command filler unhold", "not allowed"),
                       ("upset filler jam", "not in execute"), ("scale fast", "fast"), ("step 99h", "99h")):
        answer = control(line)
        assert answer.startswith("error") and says in answer, f"{line}: {answer}"


def test_hostile_bytes_hurt_nobody():
    sim, control = bottling("--rtu-tcp")
    other = Raw(sim.endpoints["filler"], 5)
    for name in ("filler", "rtu-tcp"):
        e = sim.endpoints[name]
        for junk in (b"\0", b"GET / HTTP/1.1\r\n\r\n", random.Random(8).randbytes(5000), b"\0\1\0\0\xff\xff\1\3",
                     b"\0\1\0\0\0\1\1", b"\0\1\0\1\0\6\1\3\0\0\0\1"):
            with socket.create_connection((e.host, e.port)) as s:
                s.sendall(junk)
        assert other.ask(SPEED)
    host, port = sim.proc.wait_line(r"^control (\S+)").group(1).split(":")
    with socket.create_connection((host, int(port))) as s:
        s.sendall(b"x" * 10000)
    assert control.json("truth")["balanced"]


# -- load and bus

def ramp(tick, device, addr):
    return (tick >> 16, tick & 0xFFFF)[addr] if addr < 2 else (tick + 7 * addr + 131 * device) & 0xFFFF


def test_load_serves_many_devices_with_known_values():
    sim = Sim("load", "--devices", 1000, "--registers", 1000, "--dead", 20, "--stall", 30, "--change-ms", 100)
    equal(len(sim.endpoints), 1000, "endpoints")
    words = {line.split()[1]: line.split()[4:] for line in sim.proc.out if line.startswith("endpoint")}
    equal([words["dev0949"], words["dev0950"], words["dev0979"], words["dev0980"], words["dev0999"]],
          [[], ["stall"], ["stall"], ["dead"], ["dead"]], "roles")
    for device in (0, 1, 500, 949):
        raw = Raw(sim.endpoints[f"dev{device:04}"], 5)
        block = raw.regs(0, 125)
        tick = block[0] << 16 | block[1]
        assert abs(tick - time.time() * 10 % 2**32) < 20 * SCALE, "the tick is the clock's"
        equal(list(block), [ramp(tick, device, a) for a in range(125)], f"device {device}")
        high = raw.regs(875, 125, function=4)
        tick = high[0] - 7 * 875 - 131 * device
        equal(list(high), [ramp(tick, device, a) for a in range(875, 1000)], "the last block")
        equal(raw.ask(bytes.fromhex("0303E80001")), b"\x83\x02", "register 1000")
    raw = Raw(sim.endpoints["dev0960"], 0.3)
    equal(raw.ask(SPEED), None, "the answer of a stalled device")
    assert refused(sim.endpoints["dev0990"]), "a dead device accepts"
    equal(sim.stop(), 0, "exit status")


def test_load_counts_what_it_served():
    sim = Sim("load", "--devices", 2, "--change-ms", 0)
    control = Control(sim)
    raw = Raw(sim.endpoints["dev0001"], 5)
    for want in range(1, 51):
        block = raw.regs(0, 10)
        equal(block[1], want, "reads so far")
    stats = control.json("stats dev0001")
    equal((stats["requests"], stats["answers"], stats["connections"]), (50, 50, 1), "requests, answers, connections")
    equal((stats["bytes_in"], stats["bytes_out"]), (600, 50 * 29), "bytes")
    equal(control.json("stats")["requests"], 50, "requests of all")


def test_load_on_many_addresses_of_one_port():
    port = free_port()
    sim = Sim("load", "--devices", 300, "--spread", "--base-port", port)
    hosts = {e.host for e in sim.endpoints.values()}
    assert len(hosts) == 300 and {e.port for e in sim.endpoints.values()} == {port}, "one port, many addresses"
    raw = Raw(sim.endpoints["dev0299"], 5)
    block = raw.regs(0, 3)
    equal(block[2], ramp(block[0] << 16 | block[1], 299, 2), "register 2")


def test_bus_behind_a_gateway_answers_one_at_a_time():
    sim = Sim("bus", "--units", 50, "--dead", 10, "--baud", 19200, "--timeout-ms", 300)
    dead = [int(line.split()[3].split("=")[1]) for line in sim.proc.out if line.endswith("dead")]
    equal(dead, list(range(5, 51, 5)), "dead units")
    e = sim.endpoints["unit1"]
    conns = [Raw(e, 5) for _ in range(4)]
    start = time.monotonic()
    for unit, raw in enumerate(conns, 1):
        raw.send(bytes.fromhex("0300000014"), unit)
    for raw in conns:
        equal(len(raw.answer()[2]), 42, "bytes of 20 registers")
    took = time.monotonic() - start
    wire = 4 * ((8 + 45 + 7) * 11 / 19200 + 0.005)
    assert wire * 0.9 < took < wire * 1.5 + 0.4 * SCALE, f"{took * 1000:.0f} ms, the wire needs {wire * 1000:.0f} ms"
    start = time.monotonic()
    conns[0].send(bytes.fromhex("0300000001"), 5)
    conns[1].send(bytes.fromhex("0300000001"), 6)
    assert conns[1].answer() is not None
    took = time.monotonic() - start
    assert took > 0.3, f"a dead unit did not hold up the next one: {took:.3f} s"


def test_bus_gateway_may_say_that_a_unit_is_dead():
    sim = Sim("bus", "--units", 2, "--dead", 1, "--timeout-ms", 50, "--dead-exception", 11)
    equal(Raw(sim.endpoints["unit2"], 5).ask(bytes.fromhex("0300000001"), 2), b"\x83\x0b", "answer for the dead unit")


def test_bus_on_its_own_pty_with_mbpoll():
    need("mbpoll")
    path = os.path.join(temp_dir(), "bus")
    sim = Sim("bus", "--units", 5, "--dead", 1, "--baud", 57600, "--change-ms", 0, "--pty", path)
    equal(sim.endpoints["unit3"].host, path, "where unit 3 is")
    for _ in range(5):      # a second master finds the line as the first did
        got = mbpoll("-m", "rtu", "-b", 57600, "-P", "even", "-a", 3, "-t", "4", "-r", 2, "-c", 2, path)
        tick = int(got[0].split()[0]) - 7 * 2 - 131 * 2
        equal(int(got[1].split()[0]), ramp(tick, 2, 3), "register 3")
    equal(mbpoll("-m", "rtu", "-b", 57600, "-P", "even", "-a", 5, "-t", "4", "-r", 2, "-c", 1, path, patience_s=1), [],
          "the dead unit")


def test_libmodbus_polls_load_fast_without_errors():
    sim = Sim("load", "--devices", 4)
    words = [f"{e.host}:{e.port}" for e in sim.endpoints.values()]
    done = run(peer("modbus_poll"), *words, "--connections", 8, "--seconds", "0.5")
    got = json.loads(done.stdout)
    assert got["errors"] == 0 and got["requests"] > 500, done.stdout


def test_it_ends_when_told():
    sim, control = bottling()
    equal(control("quit"), "ok", "answer to quit")
    equal(sim.proc.wait(), 0, "exit status")
    sim, _ = bottling("--for", "300ms")
    equal(sim.proc.wait(), 0, "exit status")


if __name__ == "__main__":
    main()
