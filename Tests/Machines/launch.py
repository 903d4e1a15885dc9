"""Launches studies: `launch.py ssh|slurm|kubernetes|with|qsub`, with the real sshd, the real Slurm (also
by its srun and sbatch as commands of --with), the real Grid Engine, and a kubectl that runs a Job's command on this machine."""

import json
import os
import shutil
import signal
import sys
import time

import pages
from machines import grid_engine, lab, needletail, processes, secure_shell, slurm

TRIALS = 8


class Study:
    """A folder with a study, and launches of it."""

    def __init__(self, name: str, text: str):
        self.name, self.folder = name, f"{lab.FOLDER}/{name}"
        os.makedirs(self.folder)
        with open(f"{self.folder}/study.yaml", "w") as file:
            file.write(text)
        self.environment = os.environ | {"HOME": self.folder, "NEEDLETAIL_TOKEN": "nt_of_the_user"}

    def launch(self, *arguments: str) -> processes.Daemon:
        return processes.Daemon(
            ["needletail", "launch", "study.yaml", *arguments, "--store", "study.db"],
            f"{self.folder}/log", folder=self.folder, environment=self.environment,
        )

    def trials(self) -> list[dict]:
        """The trials, each with its attempts."""
        ask = lambda *words: lab.run(
            "needletail", "trial", *words, "--store", "study.db", "--json", cwd=self.folder
        )
        numbers = [json.loads(line)["number"] for line in ask("list", self.name).splitlines()]
        return [json.loads(ask("show", self.name, str(number))) for number in numbers]


def digits() -> Study:
    """Studies/digits with few epochs and trials, and the program that was built with the tests."""
    source = f"{pages.ROOT}/Studies/digits"
    with open(f"{source}/study.yaml") as file:
        text = file.read()
    program = '[../../.build/release/digits, "{args}"]'
    assert program in text
    # Relative, as users write it: workers find it in the study file's folder.
    text = text.replace(program, '[./digits, --epochs=2, "{args}"]')
    study = Study("digits", text.replace("trials: 120", f"trials: {TRIALS}"))
    shutil.copy(f"{source}/digits.csv.gz", study.folder)
    os.symlink(shutil.which("digits"), f"{study.folder}/digits")
    return study


def sleeper(name: str, seconds: int) -> Study:
    """A study whose trials sleep."""
    return Study(
        name,
        f"name: {name}\nmetric: loss\ntrials: 100\nworkers: 2\n"
        f"command: [sh, -c, 'echo $$ >> pids; sleep {seconds}; echo loss=1']\n"
        "parameters: {x: {low: 0.0, high: 1.0}}\n",
    )


def check_digits(study: Study, launch: processes.Daemon) -> None:
    """The launch ends well; meanwhile no process shows the token in its arguments or environment."""
    looks = 0
    while launch.code is None:
        looks += 1
        for process in needletail.descendants(os.getpid()):
            for source in ("cmdline", "environ"):
                try:
                    with open(f"/proc/{process}/{source}", "rb") as file:
                        text = file.read().replace(b"nt_of_the_user", b"")
                except OSError:
                    continue
                assert b"nt_" not in text, f"the token is in {source}: {text!r}"
        time.sleep(0.02)
    assert launch.wait(0) == 0, launch.output()
    assert looks > 10
    trials = study.trials()
    assert len(trials) == TRIALS, launch.output()
    assert all(trial["state"] in ("completed", "pruned") for trial in trials), launch.output()
    assert all(len(trial["attempts"]) == 1 for trial in trials), trials
    assert launch.output().count(" completed: ") >= 1, launch.output()
    assert f"{TRIALS} trials: " in launch.output(), launch.output()
    assert "  learning_rate  " in launch.output(), launch.output()
    workers = {trial["attempts"][0]["worker"] for trial in trials}
    assert len(workers) >= 2, (workers, launch.output())
    check_nothing_runs()


def check_nothing_runs() -> None:
    """No worker and no objective is left."""

    def left():
        found = []
        for entry in os.listdir("/proc"):
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as file:
                    command = file.read()
            except OSError:
                continue
            if b"needletail" in command or b"sleep" in command or b"digits" in command:
                found.append(command)
        return found

    processes.wait_for(lambda: not left(), "all workers are gone", 30)


def started(study: Study, count: int) -> None:
    path = f"{study.folder}/pids"
    lines = lambda: open(path).readlines() if os.path.exists(path) else []
    processes.wait_for(lambda: len(lines()) >= count, f"{count} trials have begun", 60)


def outcomes(study: Study) -> list[str | None]:
    """How the last attempt of each trial ended."""
    return [trial["attempts"][-1]["outcome"] for trial in study.trials()]


def check_ssh() -> None:
    with secure_shell.SecureShell(f"{lab.FOLDER}/ssh") as shell:
        options = ("--program", shutil.which("needletail"))
        options += ("--ssh-options=" + " ".join(shell.options),)
        study = digits()
        check_digits(study, study.launch("--ssh", "127.0.0.1:2,localhost", *options))
        # Typed again, it has nothing to do and says so.
        again = study.launch("--ssh", "127.0.0.1", *options)
        assert again.wait(30) == 0 and "give --trials for more" in again.output(), again.output()

        # Ctrl-C: what runs may finish.
        study = sleeper("finishing", 2)
        launch = study.launch("--ssh", "127.0.0.1:2", *options)
        started(study, 2)
        launch.send(signal.SIGINT)
        assert launch.wait(30) == 130, launch.output()
        assert "finishing what runs" in launch.output()
        assert set(outcomes(study)) == {"completed"}, launch.output()
        check_nothing_runs()

        # Ctrl-C twice: what runs is given back.
        study = sleeper("giving", 600)
        launch = study.launch("--ssh", "127.0.0.1:2", *options)
        started(study, 2)
        launch.send(signal.SIGINT)
        launch.wait_until(lambda: "finishing what runs" in launch.output(), "the first step")
        launch.send(signal.SIGINT)
        assert launch.wait(30) == 130, launch.output()
        assert set(outcomes(study)) == {"preempted"}, (outcomes(study), launch.output())
        check_nothing_runs()

        # Killed: the connections end, and with them the workers.
        study = sleeper("killed", 600)
        launch = study.launch("--ssh", "127.0.0.1:2", *options)
        started(study, 2)
        launch.kill()
        check_nothing_runs()

        # A host without needletail, and one that is not there.
        study = sleeper("nowhere", 1)
        launch = study.launch("--ssh", "127.0.0.1", "--program", "/no/such/program", *options[2:])
        assert launch.wait(60) == 2 and "--program" in launch.output(), launch.output()
        launch = study.launch(
            *("--ssh", "127.0.0.1", *options[:2]),
            "--ssh-options=-p 1 " + " ".join(shell.options),
        )
        assert launch.wait(90) == 2 and "connection to 127.0.0.1 failed" in launch.output()


def check_slurm() -> None:
    with slurm.Slurm(f"{lab.FOLDER}/slurm") as cluster:
        os.environ.update(cluster.environment)
        here = ("--listen", "127.0.0.1:0")
        study = digits()
        check_digits(study, study.launch("--slurm=--time=5", "--workers", "2", *here))
        assert cluster.jobs() == [], cluster.jobs()

        # The time limit: what runs is given back as preempted, not failed.
        study = sleeper("limited", 600)
        launch = study.launch(
            "--slurm=--time=1 --signal=B:TERM@55", "--workers", "1", "--grace", "2s", *here
        )
        started(study, 1)
        code = launch.wait(100)
        assert outcomes(study) == ["preempted"], (code, outcomes(study), launch.output())
        check_nothing_runs()

        # Ctrl-C twice.
        study = sleeper("stopped", 600)
        launch = study.launch("--slurm", "--workers", "2", *here)
        started(study, 2)
        launch.send(signal.SIGINT)
        launch.wait_until(lambda: "finishing what runs" in launch.output(), "the first step")
        launch.send(signal.SIGINT)
        assert launch.wait(60) == 130, launch.output()
        assert set(outcomes(study)) == {"preempted"}, (outcomes(study), launch.output())
        processes.wait_for(lambda: cluster.jobs() == [], "the job is gone")
        check_nothing_runs()

        # sbatch refuses: one sentence, and nothing stays.
        launch = study.launch("--slurm=--partition=nowhere", *here)
        assert launch.wait(60) == 2 and "nowhere" in launch.output() or "partition" in launch.output()


def check_with() -> None:
    lab.need("srun")
    with slurm.Slurm(f"{lab.FOLDER}/slurm") as cluster:
        os.environ.update(cluster.environment)
        workers = lambda count: ("--workers", str(count), "--listen", "127.0.0.1:0")
        gone = lambda: processes.wait_for(lambda: cluster.jobs() == [], "the jobs are gone")

        # A command that stays, as srun does.
        study = digits()
        check_digits(study, study.launch("--with", "srun --time=5", *workers(2)))
        gone()

        # Killed: the commands' input ends, and with it the workers.
        study = sleeper("staying", 600)
        launch = study.launch("--with", "srun", *workers(2))
        started(study, 2)
        launch.kill()
        gone()
        check_nothing_runs()

        # A command that submits and ends, as sbatch does; its jobs are cancelled at the end.
        study = sleeper("submitted", 0)
        launch = study.launch("--with", "sbatch --time=5", *workers(2))
        assert launch.wait(90) == 0, launch.output()
        assert set(outcomes(study)) == {"completed"}, launch.output()
        names = {trial["attempts"][0]["worker"] for trial in study.trials()}
        assert len(names) == 2, (names, launch.output())
        gone()
        assert not os.path.exists(f"{study.folder}/.needletail-submitted")

        # Killed: its jobs run on, until the next launch cancels them.
        study = sleeper("left", 600)
        launch = study.launch("--with", "sbatch", *workers(2))
        started(study, 2)
        launch.kill()
        left = cluster.jobs()
        assert len(left) == 2, left
        other = study.launch("--with", "sbatch", *workers(1))
        other.wait_until(lambda: "of a launch that died" in other.output(), "the old jobs' end")
        ids = {job.split()[0] for job in left}
        processes.wait_for(
            lambda: not ids & {job.split()[0] for job in cluster.jobs() if "COMPLETING" not in job},
            "the old jobs are gone",
        )
        other.wait_until(lambda: len(cluster.jobs()) == 1, "the new job")
        # One Ctrl-C cancels.
        other.send(signal.SIGINT)
        assert other.wait(60) == 130, other.output()
        assert "cancelling the jobs" in other.output(), other.output()
        gone()
        check_nothing_runs()

        # Of any other command, what to read and call is said.
        study = sleeper("said", 0)
        script = f"{lab.FOLDER}/submit"
        with open(script, "w") as file:
            file.write('#!/bin/sh\necho "queue: <$(sbatch --parsable "$1")>"\n')
        os.chmod(script, 0o755)
        launch = study.launch(
            "--with", f"{script} {{script}}", "--job-id", r"<(\d+)>", "--cancel", "scancel {id}",
            "--status", "squeue --noheader --format=%T --jobs={id}", *workers(2),
        )
        assert launch.wait(90) == 0, launch.output()
        gone()
        check_nothing_runs()


def check_qsub() -> None:
    with grid_engine.GridEngine(f"{lab.FOLDER}/sge") as cluster:
        os.environ.update(cluster.environment)
        qsub = ("--with", f"qsub -j y -o {lab.FOLDER}", "--program", shutil.which("needletail"))
        qsub += ("--workers", "2", "--listen", "127.0.0.1:0")
        # What is deleted stays in the list for a moment.
        gone = lambda: processes.wait_for(lambda: cluster.jobs() == [], "the jobs are gone")
        study = digits()
        check_digits(study, study.launch(*qsub))
        gone()

        # One Ctrl-C cancels.
        study = sleeper("cancelled", 600)
        launch = study.launch(*qsub)
        started(study, 2)
        launch.send(signal.SIGINT)
        assert launch.wait(60) == 130, launch.output()
        gone()
        check_nothing_runs()

        # A job that cannot start stays in Grid Engine's list: told, and not left there.
        launch = study.launch("--with", "qsub -o /no/such/folder", *qsub[2:])
        assert launch.wait(90) == 2, launch.output()
        assert "every job of qsub has ended before the study" in launch.output(), launch.output()
        gone()

        # qsub refuses: one sentence, and nothing stays.
        launch = study.launch("--with", "qsub -q nowhere", *qsub[2:])
        assert launch.wait(60) == 2 and "nowhere" in launch.output(), launch.output()
        assert not os.path.exists(f"{study.folder}/.needletail-cancelled")


KUBECTL = r'''#!%(python)s
"""Runs a Job's command on this machine, as a cluster would in its pods."""
import json, os, signal, subprocess, sys, yaml

state = "%(folder)s/cluster.json"
words = sys.argv[1:]
with open("%(folder)s/calls", "a") as file:
    print(*words, file=file)
if words[0] == "apply":
    secret, job = yaml.safe_load_all(sys.stdin)
    mount = "%(folder)s/mount"
    os.makedirs(mount, exist_ok=True)
    for name, text in secret["stringData"].items():
        with open(f"{mount}/{name}", "w") as file:
            file.write(text)
    pod = job["spec"]["template"]["spec"]["containers"][0]
    command = [word.replace("/etc/needletail", mount) for word in pod["command"]]
    pids = [
        subprocess.Popen(
            command, cwd="%(folder)s", stdin=subprocess.DEVNULL,
            stdout=open("%(folder)s/pods.log", "a"), stderr=subprocess.STDOUT,
            start_new_session=True,
        ).pid
        for _ in range(job["spec"]["parallelism"])
    ]
    json.dump(pids, open(state, "w"))
elif words[0] == "get":
    pids = json.load(open(state))
    def lives(pid):
        try:
            return open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return False
    active = sum(map(lives, pids))
    print(f"{active or ''}/{len(pids) - active or ''}//", end="")
else:
    for pid in json.load(open(state)):
        try:
            os.kill(pid, signal.SIGTERM)
        except ProcessLookupError:
            pass
'''


def check_kubernetes() -> None:
    study = digits()
    folder = f"{lab.FOLDER}/kubectl"
    os.mkdir(folder)
    with open(f"{folder}/kubectl", "w") as file:
        file.write(KUBECTL % {"python": sys.executable, "folder": study.folder})
    os.chmod(f"{folder}/kubectl", 0o755)
    study.environment["PATH"] = f"{folder}:{os.environ['PATH']}"
    check_digits(
        study,
        study.launch(
            "--kubernetes", "registry/image:1", "--apply", "--workers", "2",
            "--listen", "127.0.0.1:0", "--folder", study.folder,
        ),
    )
    with open(f"{study.folder}/calls") as file:
        calls = file.read().splitlines()
    assert calls[0] == "apply -f -" and calls[-1].startswith("delete job,secret needletail-digits-")


if __name__ == "__main__":
    lab.enter()
    lab.need("needletail", "digits")
    globals()[f"check_{sys.argv[1]}"]()
    print(f"launch by {sys.argv[1]}: ok")
