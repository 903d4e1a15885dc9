"""A Slurm cluster of one node with its own munge, for a lab."""

import os
import secrets

from . import lab, processes


class Slurm:
    """Controller, node and munge with all their files in one folder; as a context manager, running.

    `environment` lets Slurm's commands find it. Runs as root, without systemd and cgroups.
    """

    def __init__(self, folder: str, cpus: int = 16):
        lab.need("munged", "slurmctld", "slurmd", "sbatch", "scancel", "squeue")
        os.makedirs(folder, mode=0o755, exist_ok=True)
        self.folder = folder
        for name in ("state", "spool"):
            os.mkdir(f"{folder}/{name}", 0o755)
        with open(f"{folder}/munge.key", "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(secrets.token_bytes(128))
        self._ports = (processes.free_port(), processes.free_port())
        settings = {
            "ClusterName": "lab",
            "SlurmctldHost": f"{lab.HOST}(127.0.0.1)",
            "SlurmctldPort": self._ports[0],
            "SlurmdPort": self._ports[1],
            "SlurmUser": "root",
            "SlurmdUser": "root",
            "AuthType": "auth/munge",
            "AuthInfo": f"socket={folder}/munge.socket",
            "CredType": "cred/munge",
            "StateSaveLocation": f"{folder}/state",
            "SlurmdSpoolDir": f"{folder}/spool",
            "SlurmctldPidFile": f"{folder}/slurmctld.pid",
            "SlurmdPidFile": f"{folder}/slurmd.pid",
            "ProctrackType": "proctrack/linuxproc",
            "TaskPlugin": "task/none",
            "MpiDefault": "none",
            "SelectType": "select/cons_tres",
            "SelectTypeParameters": "CR_CPU",
            "SchedulerParameters": "batch_sched_delay=0,sched_interval=2,sched_min_interval=0",
            "SlurmdParameters": "config_overrides",
            "JobAcctGatherType": "jobacct_gather/none",
            "AccountingStorageType": "accounting_storage/none",
            "ReturnToService": 2,
            "KillWait": 5,
            "InactiveLimit": 0,
            "PlugStackConfig": f"{folder}/plugstack.conf",
        }
        with open(f"{folder}/slurm.conf", "w") as file:
            file.writelines(f"{key}={value}\n" for key, value in settings.items())
            file.write(f"NodeName={lab.HOST} NodeAddr=127.0.0.1 CPUs={cpus} State=UNKNOWN\n")
            file.write(f"PartitionName=main Nodes={lab.HOST} Default=YES State=UP\n")
        with open(f"{folder}/plugstack.conf", "w"):
            pass
        self.environment = {"SLURM_CONF": f"{folder}/slurm.conf"}
        self._daemons: list[processes.Daemon] = []

    def __enter__(self):
        try:
            self._start(
                ["munged", "--foreground", "--force", f"--key-file={self.folder}/munge.key"]
                + [f"--socket={self.folder}/munge.socket", f"--pid-file={self.folder}/munge.pid"]
                + [f"--seed-file={self.folder}/munge.seed", f"--log-file={self.folder}/munge.log"],
                lambda: os.path.exists(f"{self.folder}/munge.socket"),
            )
            self._start(["slurmctld", "-D"], lambda: processes.is_listening(self._ports[0]))
            self._start(["slurmd", "-D", "-N", lab.HOST], self._is_idle)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for daemon in reversed(self._daemons):
            daemon.stop(5)

    def _start(self, command, is_ready):
        environment = os.environ | self.environment
        daemon = processes.Daemon(
            command, f"{self.folder}/{command[0]}.out", environment=environment
        )
        self._daemons.append(daemon)
        daemon.wait_until(is_ready, f"{command[0]} is ready")

    def _is_idle(self) -> bool:
        return "idle" in self.run("sinfo", "--noheader", "--format=%t")

    def run(self, *command: str) -> str:
        """Runs one of Slurm's commands."""
        return lab.run(*command, env=os.environ | self.environment)

    def jobs(self) -> list[str]:
        """The jobs and array tasks that wait or run, as `id state`."""
        return self.run("squeue", "--noheader", "--array", "--format=%i %T").splitlines()
