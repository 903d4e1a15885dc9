"""Runs scenarios of the dashboard many times, to find what fails now and then.

  flakes.py NEEDLETAIL LOG [--times N] [--load N] [SCENARIO…]

Each run is a process of its own. LOG gets a line for each run and what a failed one said; screenshots of failed
runs stay beside it. With --load that many busy loops keep the processors from idling. Ends with 0 when no run failed.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import time

SCENARIOS = ["running", "hands", "optuna", "edges", "access"]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("needletail")
    parser.add_argument("log", type=pathlib.Path)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--load", type=int, default=0)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO")
    given = parser.parse_args()
    if unknown := set(given.scenarios) - set(SCENARIOS):
        parser.error(f"there is no scenario {', '.join(sorted(unknown))}; there are {', '.join(SCENARIOS)}")
    script = pathlib.Path(__file__).with_name("dashboard.py")
    given.log.parent.mkdir(parents=True, exist_ok=True)
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(given.load)]
    failed = 0
    try:
        with given.log.open("w") as log:
            def note(text: str):
                print(text, flush=True)
                print(text, file=log, flush=True)

            for scenario in given.scenarios or SCENARIOS:
                passed, begin = 0, time.monotonic()
                for number in range(given.times):
                    start = time.monotonic()
                    done = subprocess.run(
                        [sys.executable, script, scenario, given.needletail, str(given.log.parent / f"{scenario}-{number}")],
                        capture_output=True, text=True)
                    seconds = time.monotonic() - start
                    load = os.getloadavg()[0]
                    note(f"{scenario} {number + 1}/{given.times}: {'passed' if done.returncode == 0 else 'FAILED'}"
                         f" in {seconds:.0f} s, load {load:.1f}")
                    passed += done.returncode == 0
                    if done.returncode:
                        print(done.stdout + done.stderr, file=log, flush=True)
                note(f"{scenario}: {passed} of {given.times} passed in {time.monotonic() - begin:.0f} s")
                failed += given.times - passed
    finally:
        for process in busy:
            process.kill()
            process.wait()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
