"""Attacks Needletail as its enemies would, each attack for a bounded time, and says what it saw.

  attack.py [--short] [--seconds N] [NAME …]

`make attack` runs all of them with `needletail` on the path, which takes ten minutes at most; `--short` is the
form of `make test`. An attack that finds something raises, and the program ends with 1.
"""

import argparse
import os
import signal
import sys
import time
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../Machines"))

import calls  # noqa: E402
import floods  # noqa: E402
import hosts  # noqa: E402
import stores  # noqa: E402
from machines import lab  # noqa: E402

# Name, function, seconds in the long form, seconds in the short one; None for the long form alone.
ATTACKS = [
    ("requests", calls.raw_requests, 60, 15),
    ("schema", calls.schema, 120, 40),
    ("scopes", calls.scopes, 30, 10),
    ("viewers", floods.viewers, 40, 15),
    ("idle", floods.idle_connections, 30, 15),
    ("handshakes", floods.slow_handshakes, 30, 15),
    ("ending", floods.ending, 40, 15),
    ("coordinator", hosts.hostile_coordinator, 60, 20),
    ("families", hosts.families, 60, 20),
    ("full", stores.full_disk, 40, 20),
    ("worker", stores.full_worker, 20, 10),
    ("deleted", stores.deleted_store, 30, None),
    ("long", stores.long_study, 120, 20),
]


class Overrun(Exception):
    """An attack did not end in its time."""


def overrun(*_):
    raise Overrun("it did not end in its time")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these attacks")
    parser.add_argument("--short", action="store_true", help="the short form")
    parser.add_argument("--seconds", type=float, default=600, help="no attack begins after them")
    options = parser.parse_args()
    known = [name for name, *_ in ATTACKS]
    for name in options.names:
        if name not in known:
            parser.error(f"there is no attack '{name}'; there are {', '.join(known)}")
    lab.enter()
    start, failed = time.monotonic(), []
    signal.signal(signal.SIGALRM, overrun)
    for name, attack, long, short in ATTACKS:
        if options.names and name not in options.names or options.short and short is None:
            continue
        limit = short if options.short else long
        if time.monotonic() - start + limit > options.seconds:
            print(f"{name}: no time is left for it", flush=True)
            failed.append(name)
            continue
        began = time.monotonic()
        try:
            # Four times what it plans for itself: machines under load need it.
            signal.alarm(4 * limit + 60)
            saw = attack(limit)
            print(f"{name}: {saw} ({time.monotonic() - began:.0f} s)", flush=True)
        except Exception as error:
            failed.append(name)
            traceback.print_exc()
            print(f"{name}: FAILED: {error}", flush=True)
        finally:
            signal.alarm(0)
    print(f"found something: {', '.join(failed)}" if failed else "found nothing", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
