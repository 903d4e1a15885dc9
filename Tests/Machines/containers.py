"""Runs Studies/digits in containers on two workers, of which one is killed, and the coordinator later.

What the killed worker left is gone when a worker comes back at the latest; in the end no container is left,
and no trial is lost. Then a Katib experiment runs in the image that it names, and as a process.
"""

import glob
import json
import os
import re
import shutil
import sys

import pages
from machines import lab, needletail, processes

TRIALS = 6
IMAGES = f"{lab.FOLDER}/images"


def podman(*words: str) -> str:
    return lab.run("podman", *words)


def set_up_podman() -> None:
    """Has podman, whoever calls it, keep everything in the lab."""
    configuration = f"{lab.FOLDER}/containers.conf"
    with open(configuration, "w") as file:
        file.write(
            '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]\nnetns = "host"\n'
            '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "none"\n'
        )
    storage = f"{lab.FOLDER}/storage.conf"
    with open(storage, "w") as file:
        file.write(
            f'[storage]\ndriver = "vfs"\ngraphroot = "{IMAGES}"\nrunroot = "/run/lab-containers"\n'
        )
    os.environ |= {"CONTAINERS_CONF": configuration, "CONTAINERS_STORAGE_CONF": storage}


def make_image(name: str, program: str, inside: str, data: dict[str, str]) -> None:
    """Imports an image of a program with the libraries it needs, and of files and folders of data."""
    root = f"{lab.FOLDER}/root"
    for path in (inside, *data, "/bin/sh", "/tmp/"):
        os.makedirs(os.path.dirname(root + path), exist_ok=True)
    shutil.copy("/bin/busybox", f"{root}/bin/sh")
    shutil.copy(os.path.realpath(program), root + inside)
    libraries = [program]
    for place, source in data.items():
        if os.path.isdir(source):
            shutil.copytree(source, root + place, ignore=shutil.ignore_patterns("__pycache__", "test"))
            libraries += glob.glob(f"{source}/**/*.so", recursive=True)
        else:
            shutil.copy(source, root + place)
    for path in libraries:
        for library in re.findall(r"^\s*(?:.* => )?(/\S+) \(0x", lab.run("ldd", path), re.MULTILINE):
            # A program finds Swift's libraries where they were, by its own path.
            if not os.path.exists(root + library):
                os.makedirs(os.path.dirname(root + library), exist_ok=True)
                shutil.copy(os.path.realpath(library), root + library)
    archive = f"{lab.FOLDER}/image.tar"
    lab.run("tar", "-C", root, "-cf", archive, ".")
    podman("import", archive, name)
    os.remove(archive)
    shutil.rmtree(root)


def containers(worker: processes.Daemon) -> list[str]:
    """The containers of a worker that run."""
    found = json.loads(podman("ps", "--format", "json"))
    return [
        container["Id"] for container in found
        if container["Labels"]["needletail.worker"].startswith(f"{worker.pid}:")
    ]


def check_digits() -> None:
    folder = f"{lab.FOLDER}/digits"
    os.makedirs(folder)
    source = f"{pages.ROOT}/Studies/digits"
    make_image(
        "digits", str(shutil.which("digits")), "/usr/bin/digits",
        {"/data/digits.csv.gz": f"{source}/digits.csv.gz"})
    with open(f"{source}/study.yaml") as file:
        text = file.read()
    command = 'command: [../../.build/release/digits, "{args}"]'
    assert command in text
    text = text.replace(
        command,
        'command: [digits, --epochs=12, "{args}"]\n'
        "executor: {container: {image: digits, workdir: /data}}\n"
        "retries: {count: 9, on: [lost]}")
    text = text.replace("trials: 120", f"trials: {TRIALS}").replace("pruner: median", "pruner: none")
    with open(f"{folder}/study.yaml", "w") as file:
        file.write(text)
    port = processes.free_port()
    store, url = f"{folder}/study.db", f"http://127.0.0.1:{port}"

    def serve() -> processes.Daemon:
        daemon = processes.Daemon(
            ["needletail", "serve", "study.yaml", "--store", store, "--listen", f"127.0.0.1:{port}",
             "--lease", "3s"],
            f"{folder}/coordinator.log", folder=folder)
        daemon.wait_until(lambda: processes.is_listening(port), "the coordinator listens")
        return daemon

    def work(name: str) -> processes.Daemon:
        return processes.Daemon(
            ["needletail", "worker", url, "--name", name, "--study", "digits", "--slots", "1",
             "--spool", f"{folder}/{name}", "--folder", folder],
            f"{folder}/{name}.log", folder=folder)

    coordinator = serve()
    first, second = work("first"), work("second")
    killed = first
    killed.wait_until(lambda: containers(killed), "a trial runs in a container", 60)
    killed.kill()
    first = work("first")
    first.wait_until(lambda: not containers(killed), "what the killed worker left is removed", 60)
    second.wait_until(lambda: containers(second), "the other worker goes on", 60)
    coordinator.kill()
    coordinator = serve()
    for worker in (first, second):
        assert worker.wait(180) == 0, worker.output()
    assert coordinator.stop(30) == 0, coordinator.output()
    listed = lab.run("needletail", "trial", "list", "digits", "--store", store, "--json")
    states = [json.loads(line)["state"] for line in listed.splitlines()]
    assert states == ["completed"] * TRIALS, states
    assert not needletail.descendants(os.getpid()), "a process was left"


def check_katib() -> None:
    source, python = f"{pages.ROOT}/Studies/katib", "/usr/bin/python3"
    library = lab.run(python, "-c", "import sysconfig; print(sysconfig.get_path('stdlib'))").strip()
    make_image("registry.example/line:1", python, python, {library: library, "/train.py": f"{source}/train.py"})
    for name, words in (("image", ["--container"]), ("process", [])):
        folder = f"{lab.FOLDER}/katib-{name}"
        shutil.copytree(source, folder)
        said = lab.run("needletail", "run", "experiment.yaml", *words, cwd=folder)
        assert re.search(r"\d+ completed", said) and "failed" not in said.split("trials:")[-1], said


def main() -> None:
    lab.enter()
    lab.need("needletail", "digits", "podman", "runc", "ldd", "/usr/bin/python3")
    set_up_podman()
    check_digits()
    check_katib()
    left = podman("ps", "-aq").split()
    assert not left, f"containers were left: {left}"
    print("containers: ok")


if __name__ == "__main__":
    sys.exit(main())
