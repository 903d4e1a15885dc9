"""An objective that reports one bad value and measures how long SIGTERM takes to come.

The first trials report a good value and complete, so that the median pruner has something to go by.
"""

import os
import signal
import sys
import time

number = int(os.environ["NEEDLETAIL_TRIAL"])
if number < 8:
    print("step=0 loss=0")
    sys.exit()
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
start = time.perf_counter()
os.write(1, b"step=0 loss=1\n")
if signal.sigtimedwait({signal.SIGTERM}, 10) is None:
    sys.exit("no SIGTERM came within ten seconds")
with open(os.path.join(os.path.dirname(__file__), sys.argv[1]), "a") as file:
    file.write(f"{1e3 * (time.perf_counter() - start)}\n")
