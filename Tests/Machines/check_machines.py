"""Checks the machines themselves: `check_machines.py ssh|slurm|network|tls|clock …`."""

import os
import sys
import time

from machines import certificates, clocks, lab, network, processes, secure_shell, slurm


def check_ssh() -> None:
    with secure_shell.SecureShell(f"{lab.FOLDER}/ssh") as shell:
        assert shell.run("echo", "$((6 * 7))").strip() == "42"


def check_slurm() -> None:
    with slurm.Slurm(f"{lab.FOLDER}/slurm") as cluster:
        cluster.run(
            *("sbatch", "--wait", "--array=1-3", f"--output={lab.FOLDER}/job-%a"),
            *("--wrap", 'echo "task $SLURM_ARRAY_TASK_ID"'),
        )
        for task in (1, 2, 3):
            with open(f"{lab.FOLDER}/job-{task}") as file:
                assert file.read() == f"task {task}\n"
        assert cluster.jobs() == []


def check_network() -> None:
    lan = network.Network()
    first, second, third = (lan.add(name) for name in ("first", "second", "third"))
    log = f"{lab.FOLDER}/server.log"
    server = first.start(
        *(sys.executable, "-m", "http.server", "8000", "--bind", first.address),
        log=log, folder=lab.FOLDER,
    )
    with server:
        reaches = lambda machine: machine.is_listening(8000, "first")
        server.wait_until(lambda: reaches(second), "the server answers")
        assert first.run("hostname").strip() == "first"
        with lan.capture() as capture:
            second.run(
                sys.executable, "-c",
                "import urllib.request as r; r.urlopen('http://first:8000/hosts').read()",
            )
        text = b"".join(capture.payloads())
        assert b"GET /hosts" in text and b"10.77.0.3 third" in text, text
        assert second.open_ports("first", range(7990, 8010)) == [8000]
        for undo, cut in (
            (second, lambda: lan.cut(second)),
            (second, lambda: lan.block(second, first)),
            (first, lambda: lan.block(first, second)),
        ):
            cut()
            assert not reaches(second)
            assert reaches(third)
            lan.heal(undo)
            processes.wait_for(lambda: reaches(second), "the network is whole again")


def check_tls() -> None:
    authority = certificates.Authority(f"{lab.FOLDER}/tls")
    for expired in (False, True):
        certificate, key = authority.issue("coordinator", "127.0.0.1", expired=expired)
        command = ["openssl", "verify", "-CAfile", authority.certificate]
        try:
            answer = lab.run(*command, "-verify_ip", "127.0.0.1", certificate)
            assert not expired, answer
        except RuntimeError as error:
            assert expired and "expired" in str(error), error


def check_clock() -> None:
    clock = clocks.Clock(f"{lab.FOLDER}/clock")
    script = "import sys, time\nfor _ in sys.stdin: print(time.time(), time.monotonic(), flush=True)"
    import subprocess

    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env=os.environ | clock.environment,
    ) as child:

        def offsets():
            child.stdin.write("\n")
            child.stdin.flush()
            wall, steady = map(float, child.stdout.readline().split())
            return wall - time.time(), steady - time.monotonic()

        for jump in (0, 3600, -3600):
            clock.set(jump)
            # The library looks at its file once a second.
            processes.wait_for(lambda: abs(offsets()[0] - jump) < 5, f"the clock is {jump} s off")
            _, steady = offsets()
            assert abs(steady) < 5, (jump, steady)
        child.stdin.close()


if __name__ == "__main__":
    lab.enter()
    for name in sys.argv[1:]:
        globals()[f"check_{name}"]()
        print(f"{name}: ok", flush=True)
