"""Runs every command that a page tells its readers to type: `every_command.py [PAGE ...]`.

The pages are those of the documentation site. Each has a folder of its own with what pages take for
given (a study file, studies, other tools' files), and with the files that it quotes itself. A block's
commands run in their order; servers go on until the section ends. A command that another test runs is in
`ELSEWHERE` with the words by which that test is known.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

import pages
from machines import lab, postgres, processes

sys.path.insert(0, f"{pages.ROOT}/Documentation/site")
import make_site  # noqa: E402  (found by the line above)

# A command's beginning, the file of the test that runs it, and words of that test.
ELSEWHERE = [
    ("needletail launch train.yaml --ssh", "Tests/Machines/launch.py", '"--ssh"'),
    ("needletail launch study.yaml --ssh", "Tests/Machines/launch.py", '"--ssh"'),
    ("needletail launch study.yaml --slurm", "Tests/Machines/launch.py", '"--slurm"'),
    ("needletail launch study.yaml --kubernetes", "Tests/Machines/launch.py", 'def check_kubernetes'),
    ("needletail launch study.yaml --with", "Tests/Machines/launch.py", "def check_with"),
    ("openssl req", "Tests/Machines/three_machines.py", '"Two machines"'),
    ("(umask 077; needletail token create", "Tests/Machines/three_machines.py", '"Two machines"'),
    ("needletail serve study.yaml --listen head", "Tests/Machines/three_machines.py", '"Two machines"'),
    ("needletail worker https://head", "Tests/Machines/three_machines.py", '"Two machines"'),
    ("needletail export mlflow digits --to http", "Tests/CommandLineToolTests/ExchangeTests.swift",
     "exportsToMLflow"),
    ("needletail import mlflow", "Tests/CommandLineToolTests/ExchangeTests.swift",
     "importsFinishedTrials"),
    ("pip install dist/", "Packaging/check_wheel.py", "pip"),
    ("make wheel && pip install dist/", "Packaging/check_wheel.py", "pip"),
    ("make dist && sudo apt install ./dist/", "Packaging/check_dist.py", "apt-get -qq install"),
]

STUDY = """\
name: digits
direction: maximize
metric: accuracy
trials: 12
workers: 2
command: [sh, -c, 'for e in 1 2 3; do echo epoch=$e accuracy=0.$e{layers}; done']
parameters:
  layers: {low: 1, high: 4}
  dropout: {low: 0.0, high: 0.6}
"""

TRADEOFF = """\
name: tradeoff
metrics: [{name: loss, direction: minimize}, {name: seconds, direction: minimize}]
trials: 8
command: [sh, -c, 'echo loss={x} seconds={y}']
parameters:
  x: {low: 0.0, high: 1.0}
  y: {low: 0.0, high: 1.0}
"""

VALOHAI = """\
- step:
    name: train
    image: python:3
    command: python3 train.py {parameters}
    parameters: [{name: rate, type: float, default: 0.1}]
- task:
    step: train
    type: random_search
    name: tune
    execution-count: 4
    optimization-target-metric: loss
    parameters: [{name: rate, style: linear, rules: {start: 0.1, end: 0.9, step: 0.1}}]
"""

TRAIN = """\
import sys
print("loss=0.5", sys.argv[1:])
"""

OPTUNA = """
import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
optuna.logging.set_verbosity(optuna.logging.ERROR)
for name, storage in (("lr", JournalStorage(JournalFileBackend("journal.log"))), ("bowl", "sqlite:///optuna.db")):
    study = optuna.create_study(study_name=name, storage=storage)
    study.optimize(lambda trial: trial.suggest_float("x", -1, 1) ** 2, n_trials=4)
"""

FILES = {
    "study.yaml": STUDY,
    "second.yaml": STUDY.replace("digits", "second"),
    "tradeoff.yaml": TRADEOFF,
    "valohai.yaml": VALOHAI,
    "space.json": '{"hyperparameters": [{"type": "uniform_float", "name": "rate", "lower": 0.1, "upper": 1}]}',
    "train.py": TRAIN,
}

# What a block of commands begins with.
PROGRAMS = ("needletail", "make", "sudo", "pip", "curl", "openssl", "createdb", "optuna-dashboard", "python3", "setsid")
# Programs that stand for the reader's own, for a browser and for a pager.
STUBS = {"my-cache": "/bin/true", "xdg-open": "/bin/true", "less": "/bin/cat"}
LISTENER = re.compile(r"needletail (serve|dashboard)|optuna-dashboard")
SERVER = re.compile(rf"{LISTENER.pattern}|needletail worker (?!.*--until-done)|python3 .*&$")
ADDRESS = re.compile(r"http://[\w.]+:(\d+)")


def sections(page: make_site.Page) -> list[list[list[str]]]:
    """By section, the commands of each block that has some; other languages' blocks name theirs."""
    found: list[list[list[str]]] = [[]]
    for token in page.tokens:
        if token.type == "heading_open":
            found.append([])
        if token.type not in ("code_block", "fence") or token.info not in ("", "sh"):
            continue
        block = commands(token.content)
        if token.info == "sh" and not block and not token.content.startswith("#!"):
            raise RuntimeError(f"{page.path}: begins with no known program: {token.content}")
        if block:
            found[-1].append(block)
    return found


def commands(block: str) -> list[str]:
    """The commands of a block, each a line without its comment; none if it shows something else."""
    lines = [re.sub(r"(^|\s)#\s.*", "", line).strip() for line in block.replace("\\\n", " ").splitlines()]
    lines = [line for line in lines if line]
    first = re.match(r"(?:\w+=\S+ )*([\w-]+)", lines[0])
    return lines if first and first[1] in PROGRAMS else []


def quoted_files(page: make_site.Page):
    """The files that a page quotes, by the name that stands last in the paragraph before."""
    text = ""
    for token in page.tokens:
        if token.type == "inline":
            text = token.content
        elif token.type == "fence":
            ending = {"python": "py"}.get(token.info, token.info)
            if names := re.findall(rf"`([\w-]+\.{ending})`", text):
                yield names[-1], token.content
            text = ""


class Reader:
    """A reader who types what a page says, in a folder."""

    def __init__(self, path: str, folder: str, given: str, environment: dict[str, str]):
        self.path, self.folder = path, folder
        self.environment = environment | {"HOME": f"{folder}/home"}
        self.servers: list[processes.Daemon] = []
        self.count = 0
        source = os.path.join(pages.ROOT, os.path.dirname(path))
        shutil.copytree(source if path.startswith("Studies/") else given, folder)
        os.mkdir(f"{folder}/home")

    def type(self, block: list[str]) -> None:
        script: list[str] = []
        for command in block:
            self.count += 1
            known = [entry for entry in ELSEWHERE if command.startswith(entry[0])]
            if known:
                check_elsewhere(*known[0])
            elif command.removeprefix("sudo ").startswith("make "):
                lab.run("bash", "-c", command.removeprefix("sudo ").replace("make ", "make -n ", 1),
                        cwd=pages.ROOT, env=self.environment)
            elif SERVER.match(command):
                self.run(script)
                script = []
                self.serve(command.removesuffix("&").strip())
            else:
                script.append(command)
        self.run(script)

    def run(self, script: list[str]) -> None:
        if not script:
            return
        # In a terminal, as a reader does.
        shell = f"bash -euo pipefail -c {shlex.quote(chr(10).join(script))}"
        done = subprocess.run(
            ["script", "--quiet", "--return", "--command", shell, "/dev/null"], cwd=self.folder,
            env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", timeout=400)
        if done.returncode:
            raise RuntimeError(f"{self.path}: {script}: exit {done.returncode}: {done.stdout[-2000:]}")

    def serve(self, command: str) -> None:
        """Starts a server and waits until it says where, and others until they say something."""
        log = f"{self.folder}/server-{self.count}.log"
        server = processes.Daemon(
            ["bash", "-c", f"exec {command}"], log, environment=self.environment, folder=self.folder)
        self.servers.append(server)

        def answers():
            said = ADDRESS.search(server.output())
            return said and processes.is_listening(int(said[1]))

        server.wait_until(
            answers if LISTENER.match(command) else server.output, f"{command} runs", 120)

    def end(self) -> None:
        """Ends the servers, those that were started last first."""
        while self.servers:
            server = self.servers.pop()
            code = server.code if server.code is not None else server.stop(30)
            # Ended by our SIGTERM, or by itself, as a worker without work.
            if code not in (0, 143, -15):
                raise RuntimeError(
                    f"{self.path}: {server.command[-1]} ended with {code}: {server.output()[-2000:]}")


def check_elsewhere(command: str, path: str, words: str) -> None:
    with open(f"{pages.ROOT}/{path}") as file:
        if words not in file.read():
            raise RuntimeError(f"no test runs '{command}' any more: {path} has no {words}")


def make_given(folder: str, readme: make_site.Page, environment: dict[str, str]) -> None:
    """What pages take for given."""
    os.mkdir(folder)
    for name, text in [*quoted_files(readme), *FILES.items()]:
        with open(f"{folder}/{name}", "w") as file:
            file.write(text)
    for name in ("wandb/sweep.yaml", "katib/experiment.yaml"):
        shutil.copy(f"{pages.ROOT}/Studies/{name}", folder)
    for study in ("study", "second", "tradeoff"):
        lab.run("needletail", "run", f"{study}.yaml", cwd=folder, env=environment)
    with open(f"{folder}/trials.csv", "w") as table:
        table.write(lab.run("needletail", "study", "export", "digits", cwd=folder, env=environment))
    lab.run(sys.executable, "-c", OPTUNA, cwd=folder, env=environment)


def main() -> None:
    lab.enter()
    lab.name_hosts({"db.example": "127.0.0.1"})
    programs = f"{lab.FOLDER}/programs"
    os.mkdir(programs)
    # The reader has the dashboard of Optuna, and a Python without the tests' packages.
    dashboard = {"optuna-dashboard": f"{os.path.dirname(sys.executable)}/optuna-dashboard"}
    for name, program in (STUBS | dashboard).items():
        os.symlink(program, f"{programs}/{name}")
    os.environ["PATH"] = os.pathsep.join([programs, os.environ["PATH"]])
    with tempfile.TemporaryDirectory() as output:
        site = make_site.Site(make_site.Path(output))
    given = f"{lab.FOLDER}/given"
    make_given(given, site.pages["README.md"], dict(os.environ))
    chosen = sys.argv[1:] or list(site.pages)
    typed, problems = 0, []
    with postgres.Postgres(f"{lab.FOLDER}/postgres", address="127.0.0.1") as database:
        for statement in ("ROLE me SUPERUSER LOGIN", 'ROLE "user" SUPERUSER LOGIN', "DATABASE tuning"):
            database.rows(f"CREATE {statement}")
        environment = os.environ | {"PGHOST": database.folder, "PGUSER": "needletail"}
        for number, name in enumerate(chosen):
            page = site.pages[name]
            reader = Reader(name, f"{lab.FOLDER}/page-{number}", given, environment)
            for file, text in quoted_files(page):
                with open(f"{reader.folder}/{file}", "w") as target:
                    target.write(text)
            for section in sections(page):
                try:
                    for block in section:
                        reader.type(block)
                    reader.end()
                except (RuntimeError, TimeoutError, subprocess.TimeoutExpired) as error:
                    problems.append(str(error))
            typed += reader.count
            print(f"{name}: {reader.count}", flush=True)
    if problems or not typed:
        sys.exit("\n\n".join(problems) or "no page has a command")


if __name__ == "__main__":
    main()
