#!/usr/bin/python3
"""A Modbus TCP server that is not our code: pymodbus_server.py PORT [UNIT,UNIT...]

Holding register i holds i, input register i holds i + 10000, coil i is on when i is a multiple of 3, discrete input i
when i is even, for i below 2,000. Written for the two versions that Debian 12 and 13 carry.
"""
import asyncio
import sys

from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.server import StartAsyncTcpServer

SIZE = 2000


def tables():
    # A block starts at address 1 here, since this library counts from there unless told otherwise (zero_mode).
    return ModbusSlaveContext(hr=ModbusSequentialDataBlock(1, list(range(SIZE))),
                              ir=ModbusSequentialDataBlock(1, [i + 10000 for i in range(SIZE)]),
                              co=ModbusSequentialDataBlock(1, [i % 3 == 0 for i in range(SIZE)]),
                              di=ModbusSequentialDataBlock(1, [i % 2 == 0 for i in range(SIZE)]))


def main():
    port = int(sys.argv[1])
    units = [int(unit) for unit in (sys.argv[2] if len(sys.argv) > 2 else "1").split(",")]
    context = ModbusServerContext(slaves={unit: tables() for unit in units}, single=False)
    asyncio.run(StartAsyncTcpServer(context=context, address=("127.0.0.1", port)))


if __name__ == "__main__":
    main()
