"""Wall clocks that jump, by libfaketime: each program can have one of its own."""

import glob
import os

from . import lab


class Clock:
    """The wall clock of the programs that are started with `environment`.

    Only the wall clock jumps; the steady clocks go on, as when a real clock is set.
    """

    def __init__(self, path: str):
        libraries = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
        if not libraries:
            raise lab.Missing("libfaketime is missing; `make test-deps` installs it")
        self._path = path
        self.environment = {
            "LD_PRELOAD": libraries[0],
            "FAKETIME_TIMESTAMP_FILE": path,
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_RESET": "1",
            # Looked at once a second: at every call, it would cost more than all else together.
            "FAKETIME_CACHE_DURATION": "1",
        }
        self.set(0)

    def set(self, seconds: int) -> None:
        """Puts the clock that many seconds before (negative) or behind the real one, within a second."""
        with open(f"{self._path}.new", "w") as file:
            file.write(f"{seconds:+d}\n")
        os.replace(f"{self._path}.new", self._path)
