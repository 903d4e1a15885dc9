"""Stands in for a trial's command that leaves processes behind.

  escape.py all|one ENDING           starts processes, then ends like that
  escape.py stay NAME HOLDS          is such a process: for ten minutes, with 200 MB if HOLDS is 1

With `one` trial 0 completes, so that a study whose other trials fail goes on, and trial n starts one process, of the
nth kind. Who stays writes its number and start into left/NAME. Before it starts any, the command looks whether one of
an earlier trial lives; its name goes into the file `outlived`.
"""

import glob
import os
import signal
import sys
import time


KINDS = ["plain", "group", "nohup", "deaf", "closed", "cleared", "twice", "setsid", "setsid-deaf", "setsid-cleared",
         "twice-setsid", "daemon", "daemon-deaf", "daemon-cleared"]


def start_of(process):
    """When the process was forked; None when there is none that runs."""
    try:
        with open(f"/proc/{process}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def stay(name, holds):
    folder = os.path.dirname(os.path.abspath(__file__))
    with open(f"{folder}/left/.{name}", "w") as file:
        file.write(f"{os.getpid()} {start_of(os.getpid())}\n")
    os.rename(f"{folder}/left/.{name}", f"{folder}/left/{name}")
    block = bytearray(b"x") * (200 << 20) if holds else b""
    time.sleep(600)
    del block


def escape(kind, name, holds):
    """What the new process does to get away; returns in the one that stays."""
    steps = kind.split("-")
    if "setsid" in steps or "daemon" in steps:
        os.setsid()
    if "group" in steps:
        os.setpgid(0, 0)
    if ("twice" in steps or "daemon" in steps) and os.fork():
        os._exit(0)
    if "nohup" in steps:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if "deaf" in steps:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
    if "closed" in steps or "daemon" in steps:
        os.closerange(0, 256)
    if "cleared" in steps:
        script = os.path.abspath(__file__)
        os.execve(sys.executable, [sys.executable, script, "stay", name, str(int(holds))], {})
    stay(name, holds)


def main():
    if sys.argv[1] == "stay":
        stay(sys.argv[2], sys.argv[3] == "1")
        return
    kinds, ending = KINDS, sys.argv[2]
    trial = int(os.environ["NEEDLETAIL_TRIAL"])
    if sys.argv[1] == "one":
        if trial == 0:
            print("loss=1")
            return
        kinds = [KINDS[(trial - 1) % len(KINDS)]]
    for path in glob.glob("left/*"):
        with open(path) as file:
            process, start = file.read().split()
        if start_of(process) == start:
            with open("outlived", "a") as file:
                file.write(f"{os.path.basename(path)}\n")
    for kind in kinds:
        name = f"{trial}.{os.environ['NEEDLETAIL_ATTEMPT']}-{kind}"
        child = os.fork()
        if child == 0:
            escape(kind, name, ending == "memory")
            os._exit(0)
        while not os.path.exists(f"left/{name}"):
            time.sleep(0.01)
    if ending == "completed":
        print("loss=1", flush=True)
    elif ending == "failed":
        sys.exit(1)
    elif ending == "signalled":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif ending == "pruned":
        print("step=1 loss=100", flush=True)
        time.sleep(600)
    elif ending == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print("step=1 loss=1", flush=True)
        with open("ready", "w") as file:
            file.write("yes\n")
        time.sleep(600)
    else:
        time.sleep(600)


main()
