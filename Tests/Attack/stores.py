"""Attacks on the store's ground: a full disk, a file that goes away, and very many trials."""

import json
import os
import sqlite3
import subprocess
import tempfile
import threading
import time

from machines import lab
from served import Served, check

STUDY = """name: s
metric: loss
sampler: random
parameters:
  x: {low: 0.0, high: 1.0}
command: [sh, -c, "echo loss={x}; head -c 20000 /dev/zero | tr '\\\\0' a >&2"]
"""


def run(folder: str, trials: int) -> subprocess.Popen:
    with open(f"{folder}/study.yaml", "w") as file:
        file.write(STUDY)
    return subprocess.Popen(
        ["needletail", "run", "study.yaml", "--store", "s.db", "--trials", str(trials), "--quiet"], cwd=folder,
        env=os.environ | {"HOME": folder}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True)


def full_disk(seconds: float) -> str:
    """A run until the disk is full ends with a sentence; what it said was stored can be read afterwards."""
    folder = tempfile.mkdtemp(dir=lab.FOLDER)
    lab.run("mount", "-t", "tmpfs", "-o", "size=2m", "small", folder)
    try:
        process = run(folder, 100_000)
        try:
            _, said = process.communicate(timeout=2 * seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError("a run on a full disk goes on for ever") from None
        check(process.returncode not in (0, -6, -11), f"it ended with {process.returncode}: {said[-1000:]}")
        check("no space" in said.lower() or "full" in said.lower(), f"it does not say why: {said[-1000:]}")
        # Room again: everything is there, and nothing is damaged.
        lab.run("mount", "-o", "remount,size=64m", folder)
        state = lab.run("needletail", "study", "list", "--store", "s.db", "--json", cwd=folder)
        with sqlite3.connect(f"{folder}/s.db") as database:
            check(database.execute("PRAGMA integrity_check").fetchone() == ("ok",), "the file is damaged")
            count = database.execute("SELECT count(*) FROM trials WHERE state = 'COMPLETE'").fetchone()[0]
        database.close()
        return f"it ended with {process.returncode} after {count} trials, all there: {state.strip()[:60]}…"
    finally:
        lab.run("umount", folder)


def full_worker(seconds: float) -> str:
    """A worker whose disk fills up gives the trial back and ends; another one runs the rest, and none failed."""
    folder, trials = tempfile.mkdtemp(dir=lab.FOLDER), 60
    lab.run("mount", "-t", "tmpfs", "-o", "size=256k", "small", folder)
    try:
        # The command writes, too: either may be the first to find no room.
        with Served(more="retries: 0\ntrials: 60") as served:
            def work(place: str) -> subprocess.CompletedProcess:
                return subprocess.run(
                    ["needletail", "worker", served.url, "--study", "ours", "--folder", place, "--name", os.path.basename(place),
                     "--spool", f"{served.folder}/spool"], cwd=served.folder, env=served.environment,
                    stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=4 * seconds)

            small = work(folder)
            check(small.returncode == 2, f"the worker on a full disk ended with {small.returncode}: {small.stderr[-2000:]}")
            check("No space left" in small.stderr, f"it does not say why: {small.stderr[-2000:]}")
            other = work(tempfile.mkdtemp(dir=lab.FOLDER))
            check(other.returncode == 0, f"the other worker ended with {other.returncode}: {other.stderr[-2000:]}")
            found = [json.loads(line) for line in served.run(
                "trial", "list", "ours", "--store", served.store, "--json").splitlines()]
        states = {trial["state"] for trial in found}
        check(len(found) == trials and states == {"completed"}, f"{len(found)} trials: {states}")
        first = sum(line.count(" completed: ") for line in small.stderr.splitlines())
        return f"{first} of {trials} trials until the disk was full, the rest elsewhere, none failed"
    finally:
        lab.run("umount", folder)


def deleted_store(seconds: float) -> str:
    """A store that is deleted under a run is noticed: the run does not end well with everything gone."""
    folder = tempfile.mkdtemp(dir=lab.FOLDER)
    process = run(folder, 100_000)
    deadline = time.monotonic() + 20
    while not os.path.exists(f"{folder}/s.db") and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(1)
    for name in os.listdir(folder):
        if name.startswith("s.db"):
            os.unlink(f"{folder}/{name}")
    try:
        _, said = process.communicate(timeout=2 * seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise AssertionError("the run does not notice that its store was deleted") from None
    check(process.returncode not in (0, -6, -11), f"it ended with {process.returncode}: {said[-1000:]}")
    return f"it ended with {process.returncode} and says: {said.strip().splitlines()[-1][:120]}"


def long_study(seconds: float) -> str:
    """30,000 trials with viewers beside them: memory, descriptors, threads and the log stay bounded."""
    with Served(more="retries: 0") as served:
        served.register("w", 200)
        stop, failures, samples = threading.Event(), [], []

        def view():
            paths = ["/v1/studies", "/v1/studies/ours/series", "/v1/studies/ours/table?limit=100", "/metrics",
                     "/v1/studies/ours/trials?state=failed&limit=100", "/v1/workers"]
            while not stop.is_set():
                for path in paths:
                    status, answer = served.call("GET", path, timeout=60)
                    if status != 200:
                        failures.append(f"{path}: {status} {str(answer)[:200]}")
                stop.wait(0.2)

        viewer = threading.Thread(target=view)
        viewer.start()
        done, leases, end, next_look = 0, [], time.monotonic() + seconds * 0.8, 0.0
        try:
            while done < (30_000 if seconds > 30 else 8_000) and time.monotonic() < end:
                status, answer = served.call("POST", "/v1/results", {
                    "worker": "w",
                    "results": [{"lease": lease, "outcome": "completed", "values": [0.5],
                                 "reports": [{"step": step, "value": 0.5} for step in range(5)]} for lease in leases],
                    "claim": {"worker": "w", "slots": 200, "wait_seconds": 5, "study": "ours"}}, timeout=60)
                check(status == 200, f"results were answered {status}: {answer}")
                done += sum(item["status"] == "accepted" for item in answer["results"])
                leases = [trial["lease"] for trial in (answer["claimed"] or {"trials": []})["trials"]]
                if time.monotonic() > next_look:
                    next_look = time.monotonic() + max(1, seconds / 12)
                    samples.append({"trials": done, **served.usage()})
            samples.append({"trials": done, **served.usage()})
        finally:
            stop.set()
            viewer.join()
        for sample in samples:
            print("  " + ", ".join(f"{key} {value}" for key, value in sample.items()), flush=True)
        check(not failures, f"viewers were refused: {failures[:3]}")
        check(len(samples) > 2, "it was too slow to be measured")
        first, last = samples[1], samples[-1]
        check(last["log_mb"] <= 16, f"the log has {last['log_mb']} MB")
        check(last["descriptors"] <= first["descriptors"] + 20, f"descriptors grow: {first} {last}")
        check(last["threads"] <= first["threads"] + 20, f"threads grow: {first} {last}")
        check(last["rss_mb"] < 400, f"memory grows: {first} {last}")
        return f"{done} trials; {last['rss_mb']} MB, {last['threads']} threads, {last['log_mb']} MB of log"
