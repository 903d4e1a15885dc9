"""Kills the coordinator in the middle of a run with 16 workers: they go on, and nothing is lost.

While it is away the running trials end; their results arrive after its restart, none twice. Every
attempt that began is one whose result was taken: what was lost at most is an answer to a claim, on its
way when the coordinator died.
"""

import sys

from machines import lab, needletail, network, processes
from machines.account import STUDY, Account, sqlite_rows

WORKERS = 16
TRIALS = 160


def main() -> None:
    lab.enter()
    lab.need("needletail")
    account = Account(f"{lab.FOLDER}/study", TRIALS, pace=0.5)
    lan = network.Network()
    store = f"{account.folder}/store.db"
    coordinator = needletail.Coordinator(
        lan.add("head"), f"{lab.FOLDER}/head", store, account.study_file, "--lease", "8s"
    )
    token = coordinator.token("worker", "--study", STUDY)
    coordinator.start()
    coordinator.wait()
    machine = lan.add("pool")
    workers = [
        needletail.Worker(
            machine, f"worker{number}", f"{lab.FOLDER}/worker{number}", coordinator, token,
            "--study", STUDY,
        )
        for number in range(WORKERS)
    ]
    for worker in workers:
        worker.start()

    def ended() -> int:
        return sum(1 for _, _, moment in account.witnessed() if moment == "end")

    processes.wait_for(lambda: ended() >= TRIALS // 3, "a third of the trials have ended", 90)
    coordinator.daemon.kill()
    begun = sum(1 for _, _, moment in account.witnessed() if moment == "begin")
    # What runs ends without the coordinator.
    processes.wait_for(lambda: ended() >= begun, "the running trials have ended", 30)
    coordinator.start()
    for worker in workers:
        code = worker.daemon.wait(90)
        assert code == 0, f"{worker.name} ended with {code}: {worker.daemon.output()}"
    assert coordinator.daemon.stop(30) == 0, coordinator.daemon.output()
    outcomes = account.check(sqlite_rows(store), f"sqlite:///{store}")
    begun = sum(1 for _, _, moment in account.witnessed() if moment == "begin")
    assert begun == TRIALS, f"{begun} attempts began"
    assert set(outcomes) <= {"completed", "lost"}, f"attempts ended as {dict(outcomes)}"
    print("coordinator killed: ok")


if __name__ == "__main__":
    sys.exit(main())
