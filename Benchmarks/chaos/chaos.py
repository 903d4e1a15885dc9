#!/usr/bin/env python3
"""Runs a study on many machines while everything fails, and checks that every trial is accounted for.

Workers and their objectives are killed and stopped, the coordinator is killed, machines are cut off in
one direction or both, the database is restarted, wall clocks jump by an hour. Afterwards:

- the study has exactly the trials it was given, each finished once, and each completed;
- each trial's attempts are numbered without gaps, none is open, and exactly the last one completed;
- the value and the reports of each trial are those of that attempt, since both say which it was;
- the objectives' own log, which Needletail never sees, has each attempt at most once, and the one that
  was accepted from begin to end; no attempt is in it that the study does not know;
- Optuna opens the study and agrees.

    chaos.py --store sqlite|postgresql [--trials 10000] [--workers 16] [--seed 0] [--limit 600]

Prints one JSON line; fails with a sentence. Needs root, since its machines are network namespaces.
"""

import argparse
import collections
import heapq
import json
import os
import random
import signal
import sqlite3
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../Tests/Machines"))
from machines import clocks, lab, needletail, network, postgres  # noqa: E402
from machines.account import STUDY, Account, Failure, expect, sqlite_rows  # noqa: E402

LEASE = 3


class Chaos:
    """The machines, the schedule of faults, and what is done when."""

    # Kinds of faults, and how often each is drawn.
    KINDS = {
        "worker_killed": 10,
        "worker_stopped": 8,
        "objective_killed": 10,
        "objective_stopped": 5,
        "coordinator_killed": 3,
        "coordinator_stopped": 2,
        "machine_cut": 4,
        "way_out_cut": 3,
        "way_back_cut": 3,
        "clock_jumped": 6,
        "database_restarted": 3,
    }

    def __init__(self, options):
        self.options = options
        self.random = random.Random(options.seed)
        self.counts: collections.Counter = collections.Counter()
        self.actions: list = []
        self.order = 0
        self.ended = False
        folder = f"{lab.FOLDER}/chaos"
        self.folder = folder
        self.account = Account(folder, options.trials, options.pace)
        self.database = None
        if options.store == "postgresql":
            self.database = postgres.Postgres(f"{lab.FOLDER}/postgres")
            self.database.__enter__()
            self.store = self.database.url
        else:
            self.store = f"{folder}/chaos.db"
        self.lan = network.Network()
        self.coordinator = needletail.Coordinator(
            self.lan.add("coordinator"), f"{folder}/coordinator", self.store,
            self.account.study_file, "--lease", f"{LEASE}s",
        )
        self.clocks = [clocks.Clock(f"{folder}/clock-coordinator")]
        self.coordinator.environment = self.clocks[0].environment
        token = self.coordinator.token("worker", "--study", STUDY)
        self.viewer = self.coordinator.token("viewer")
        self.coordinator.start()
        self.coordinator.wait()
        self.machines = []
        for number in range(min(4, options.workers)):
            self.machines.append(self.lan.add(f"machine{number}"))
            self.clocks.append(clocks.Clock(f"{folder}/clock-{number}"))
        self.workers = []
        for number in range(options.workers):
            place = number % len(self.machines)
            worker = needletail.Worker(
                self.machines[place], f"worker{number}", f"{folder}/worker{number}",
                self.coordinator, token, "--slots", "1", "--study", STUDY, "--patience", "1h",
            )
            worker.environment = self.clocks[1 + place].environment
            worker.start()
            self.workers.append(worker)

    # MARK: Faults

    def later(self, seconds: float, action) -> None:
        """Does something later."""
        self.order += 1
        heapq.heappush(self.actions, (time.monotonic() + seconds, self.order, action))

    def schedule_fault(self) -> None:
        self.later(self.random.expovariate(self.options.rate), self.fault)

    def fault(self) -> None:
        if self.ended:
            return
        kinds = {k: n for k, n in self.KINDS.items() if self.database or k != "database_restarted"}
        kind = self.random.choices(list(kinds), list(kinds.values()))[0]
        if getattr(self, kind)():
            self.counts[kind] += 1
        self.schedule_fault()

    def pause(self) -> float:
        """Mostly shorter than a lease, at times longer."""
        return self.random.choice([0.2, 0.5, 1.0, 0.8 * LEASE, 1.1 * LEASE, 2 * LEASE])

    def start(self, daemon) -> None:
        if not self.ended or daemon is self.coordinator:
            daemon.start()

    def worker_killed(self) -> bool:
        worker = self.random.choice(self.workers)
        if worker.daemon.code is not None:
            return False
        worker.daemon.kill()
        self.later(self.random.choice([0, 0.3, 1]), lambda: self.start(worker))
        return True

    def worker_stopped(self) -> bool:
        daemon = self.random.choice(self.workers).daemon
        daemon.send(signal.SIGSTOP)
        self.later(self.pause(), lambda: daemon.send(signal.SIGCONT))
        return True

    def objective(self) -> int | None:
        """A process that a worker runs."""
        found = needletail.descendants(self.random.choice(self.workers).daemon.pid)
        return self.random.choice(found) if found else None

    @staticmethod
    def send(process: int, number: int) -> bool:
        try:
            os.kill(process, number)
            return True
        except ProcessLookupError:
            return False

    def objective_killed(self) -> bool:
        process = self.objective()
        return process is not None and self.send(process, signal.SIGKILL)

    def objective_stopped(self) -> bool:
        process = self.objective()
        if process is None or not self.send(process, signal.SIGSTOP):
            return False
        self.later(self.pause(), lambda: self.send(process, signal.SIGCONT))
        return True

    def coordinator_killed(self) -> bool:
        if self.coordinator.daemon.code is not None:
            return False
        self.coordinator.daemon.kill()
        self.later(self.random.choice([0, 0.5, 1, 1.2 * LEASE]), self.restart_coordinator)
        return True

    def restart_coordinator(self) -> None:
        if self.coordinator.daemon.code is not None:
            self.coordinator.start()

    def coordinator_stopped(self) -> bool:
        daemon = self.coordinator.daemon
        daemon.send(signal.SIGSTOP)
        self.later(self.random.choice([0.3, 1, 1.2 * LEASE]), lambda: daemon.send(signal.SIGCONT))
        return True

    def machine_cut(self) -> bool:
        machine = self.random.choice(self.machines)
        self.lan.cut(machine)
        self.later(self.pause(), lambda: self.lan.heal(machine))
        return True

    def way_out_cut(self) -> bool:
        machine = self.random.choice(self.machines)
        self.lan.block(machine, self.coordinator.machine)
        self.later(self.pause(), lambda: self.lan.heal(machine))
        return True

    def way_back_cut(self) -> bool:
        machine = self.random.choice(self.machines)
        self.lan.block(self.coordinator.machine, machine)
        self.later(self.pause(), lambda: self.lan.heal(self.coordinator.machine))
        return True

    def clock_jumped(self) -> bool:
        self.random.choice(self.clocks).set(self.random.choice([-3600, 0, 3600]))
        return True

    def database_restarted(self) -> bool:
        self.database.signal(self.random.choice([signal.SIGINT, signal.SIGQUIT, signal.SIGKILL]))
        self.later(self.random.choice([0, 0.5, 2]), self.start_database)
        return True

    def start_database(self) -> None:
        if self.database.process.code is not None:
            self.database.start()

    # MARK: The run

    def run(self) -> float:
        """Runs until all trials are finished; returns the seconds."""
        started = time.monotonic()
        self.later(1, self.watch)
        self.schedule_fault()
        self.finished = 0
        while not self.ended:
            due, _, action = self.actions[0]
            time.sleep(max(0, due - time.monotonic()))
            heapq.heappop(self.actions)
            action()
            seconds = time.monotonic() - started
            expect(
                seconds < self.options.limit,
                f"only {self.finished} of {self.options.trials} trials finished in {seconds:.0f} s",
            )
        seconds = time.monotonic() - started
        while self.actions:  # undoes what was done
            heapq.heappop(self.actions)[2]()
        self.lan.heal()
        for clock in self.clocks:
            clock.set(0)
        return seconds

    def watch(self) -> None:
        """Looks how far the study is."""
        self.finished = self.count_finished()
        if self.options.verbose:
            print(f"{self.finished} finished, {dict(self.counts)}", file=sys.stderr, flush=True)
        if self.finished >= self.options.trials:
            self.ended = True
            return
        coordinator = self.coordinator.daemon
        if coordinator.code not in (None, 0) and "cannot be reached" in coordinator.output()[-500:]:
            # It was started while the database was away, said so, and is started again.
            self.coordinator.start()
        for daemon in [self.coordinator.daemon] + [worker.daemon for worker in self.workers]:
            code = daemon.code
            expect(
                code in (None, -signal.SIGKILL, 0),
                f"{daemon} ended with {code}: {daemon.output()[-1000:]}",
            )
        self.later(1, self.watch)

    def count_finished(self) -> int:
        # Asked for beside the coordinator: it may be down.
        where = "state IN ('COMPLETE', 'PRUNED', 'FAIL')"
        if self.database:
            try:
                return int(self.database.rows(f"SELECT count(*) FROM trials WHERE {where}")[0][0])
            except RuntimeError:
                return self.finished
        with sqlite3.connect(f"file:{self.store}?mode=ro", uri=True, timeout=10) as connection:
            return connection.execute(f"SELECT count(*) FROM trials WHERE {where}").fetchone()[0]

    def stop(self) -> None:
        """Ends all daemons in order."""
        for worker in self.workers:
            if worker.daemon.code is None:
                worker.daemon.send(signal.SIGTERM)
        for worker in self.workers:
            code = worker.daemon.wait(30)
            expect(
                code in (0, -signal.SIGKILL),
                f"{worker.name} ended with {code}: {worker.daemon.output()[-1000:]}",
            )
        daemon = self.coordinator.daemon
        code = daemon.stop(30)
        expect(code == 0, f"the coordinator ended with {code}: {daemon.output()[-1000:]}")
        leftovers = set(needletail.descendants(os.getpid()))
        if self.database:
            server = self.database.process.pid
            leftovers -= {server, *needletail.descendants(server)}
        # The server's own processes come and go: one that is gone by now was not left behind.
        commands = [text for process in leftovers if (text := self.command(process)) is not None]
        expect(not commands, f"processes were left behind: {commands}")

    @staticmethod
    def command(process: int) -> str | None:
        """The process's words; None when it is gone."""
        try:
            with open(f"/proc/{process}/cmdline") as file:
                return file.read().replace("\0", " ")
        except (FileNotFoundError, ProcessLookupError):
            return None

    def check(self) -> collections.Counter:
        """Checks the account; returns how many attempts ended in which way."""
        self.counts["attempts_begun"] = sum(
            1 for _, _, moment in self.account.witnessed() if moment == "begin"
        )
        if self.database:
            return self.account.check(self.database.rows, self.database.optuna_url)
        return self.account.check(sqlite_rows(self.store), f"sqlite:///{self.store}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--store", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=float, default=600, help="seconds")
    parser.add_argument("--rate", type=float, default=1.5, help="faults per second")
    parser.add_argument("--pace", type=float, default=0.2, help="seconds an objective takes")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--keep", metavar="FOLDER", help="copies logs and store here at the end")
    options = parser.parse_args()
    lab.enter()
    chaos = None
    try:
        chaos = Chaos(options)
        seconds = chaos.run()
        chaos.stop()
        outcomes = chaos.check()
    except Failure as failure:
        sys.exit(f"chaos (seed {options.seed}, {options.store}): {failure}")
    finally:
        if options.keep and chaos:
            # Files come and go while daemons run.
            lab.run("sh", "-c", 'cp -r "$0" "$1" 2>/dev/null || true', chaos.folder, options.keep)
    print(
        json.dumps(
            {
                "benchmark": "chaos", "store": options.store, "seed": options.seed,
                "workers": options.workers, "trials": options.trials,
                "seconds": round(seconds, 1), "trials_per_second": round(options.trials / seconds, 1),
                "faults": dict(sorted(chaos.counts.items())), "attempts": dict(outcomes),
            }
        )
    )


if __name__ == "__main__":
    main()
