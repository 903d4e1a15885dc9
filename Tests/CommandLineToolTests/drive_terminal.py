"""Runs a program behind a pseudo-terminal and talks to it.

Usage: drive_terminal.py COLUMNSxROWS STEPS PROGRAM [ARGUMENT...]

STEPS is a JSON list of ["expect", REGEX] (wait until the output since the last match has it),
["send", TEXT] (type), ["signal", NUMBER] (to the program), ["touch", FILE] (make it) and ["file",
PATTERN] (wait until a file matches). Writes everything that appeared on the
terminal to stdout and exits as the program did, 128 + N for signal N, or 99 when a step
was not met within 30 seconds.
"""

import fcntl
import glob
import json
import os
import pty
import re
import select
import struct
import sys
import termios
import time

PATIENCE = 30


def main():
    columns, rows = (int(part) for part in sys.argv[1].split("x"))
    steps = json.loads(sys.argv[2])
    child, terminal = pty.fork()
    if child == 0:
        os.execvp(sys.argv[3], sys.argv[3:])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    seen = bytearray()
    mark = 0

    def read_some(seconds):
        """Reads what is there; False at the end."""
        if not select.select([terminal], [], [], seconds)[0]:
            return True
        try:
            data = os.read(terminal, 65536)
        except OSError:  # Linux says EIO when the last user of the terminal is gone
            return False
        seen.extend(data)
        return bool(data)

    def give_up(reason):
        sys.stdout.buffer.write(bytes(seen))
        sys.stderr.write(reason + "\n")
        os.kill(child, 9)
        sys.exit(99)

    is_open = True
    for kind, value in steps:
        if kind == "expect":
            deadline = time.monotonic() + PATIENCE
            while not (match := re.search(value.encode(), bytes(seen[mark:]), re.DOTALL)):
                if not is_open or time.monotonic() > deadline:
                    give_up(f"never saw {value!r}")
                is_open = read_some(0.5)
            mark += match.end()
        elif kind == "send":
            os.write(terminal, value.encode())
        elif kind == "signal":
            os.kill(child, value)
        elif kind == "touch":
            open(value, "w").close()
        elif kind == "file":
            deadline = time.monotonic() + PATIENCE
            while not glob.glob(value):
                if not is_open or time.monotonic() > deadline:
                    give_up(f"there was never a file {value!r}")
                is_open = read_some(0.02)
    deadline = time.monotonic() + PATIENCE
    while is_open:
        if time.monotonic() > deadline:
            give_up("it did not end")
        is_open = read_some(0.5)
    status = os.waitpid(child, 0)[1]
    sys.stdout.buffer.write(bytes(seen))
    sys.stdout.flush()
    code = os.waitstatus_to_exitcode(status)
    sys.exit(128 - code if code < 0 else code)


main()
