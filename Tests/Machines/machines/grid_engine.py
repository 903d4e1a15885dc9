"""A Grid Engine cluster of one node, for a lab."""

import os
import shutil

from . import lab, processes

_ROOT, _SPOOL = "/var/lib/gridengine", "/var/spool/gridengine"

QUEUE = """\
qname main.q
hostlist {host}
seq_no 0
load_thresholds NONE
suspend_thresholds NONE
nsuspend 1
suspend_interval 00:05:00
priority 0
min_cpu_interval 00:05:00
processors UNDEFINED
qtype BATCH INTERACTIVE
ckpt_list NONE
pe_list NONE
rerun FALSE
slots {slots}
tmpdir /tmp
shell /bin/sh
prolog NONE
epilog NONE
shell_start_mode posix_compliant
starter_method NONE
suspend_method NONE
resume_method NONE
terminate_method NONE
notify 00:00:60
owner_list NONE
user_lists NONE
xuser_lists NONE
subordinate_list NONE
complex_values NONE
projects NONE
xprojects NONE
calendar NONE
initial_state default
s_rt INFINITY
h_rt INFINITY
s_cpu INFINITY
h_cpu INFINITY
s_fsize INFINITY
h_fsize INFINITY
s_data INFINITY
h_data INFINITY
s_stack INFINITY
h_stack INFINITY
s_core INFINITY
h_core INFINITY
s_rss INFINITY
h_rss INFINITY
s_vmem INFINITY
h_vmem INFINITY
"""


class GridEngine:
    """Master and node on copies of the files that Debian's packages install; as a context manager,
    running. Runs as root; `environment` lets its commands find it."""

    def __init__(self, folder: str, slots: int = 8):
        lab.need("sge_qmaster", "sge_execd", "qconf", "qsub", "qstat", "qdel")
        self.folder = folder
        os.makedirs(folder)
        for name, place in (("root", _ROOT), ("spool", _SPOOL)):
            shutil.copytree(place, f"{folder}/{name}", symlinks=True)
            lab.run("mount", "--bind", f"{folder}/{name}", place)
        lab.run("chown", "-R", "sgeadmin:sgeadmin", _SPOOL, f"{_ROOT}/default")
        with open(f"{_ROOT}/default/common/act_qmaster", "w") as file:
            file.write(f"{lab.HOST}\n")
        self._ports = (processes.free_port(), processes.free_port())
        self._slots = slots
        self.environment = {
            "SGE_ROOT": _ROOT, "SGE_CELL": "default", "SGE_ND": "1",
            "SGE_QMASTER_PORT": str(self._ports[0]), "SGE_EXECD_PORT": str(self._ports[1]),
        }
        self._daemons: list[processes.Daemon] = []

    def __enter__(self):
        try:
            self._start("sge_qmaster", lambda: processes.is_listening(self._ports[0]))
            # Jobs of root, and a look for something to start each second.
            self._change("-sconf", "-Mconf", {"min_uid": 0, "min_gid": 0}, "global")
            self._change("-ssconf", "-Msconf", {"schedule_interval": "0:0:1"})
            self.run("qconf", "-as", lab.HOST)
            self._start("sge_execd", lambda: processes.is_listening(self._ports[1]))
            self._configure("-Aq", QUEUE.format(host=lab.HOST, slots=self._slots))
            processes.wait_for(lambda: self._is_ready(), "the queue is ready")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for daemon in reversed(self._daemons):
            daemon.stop(5)

    def _is_ready(self) -> bool:
        """Whether the node has reported: until then its state has a `u`."""
        lines = [line.split() for line in self.run("qstat", "-f").splitlines()]
        return any(len(line) == 5 and line[0].startswith("main.q@") for line in lines)

    def _change(self, show: str, modify: str, values: dict, name: str = "settings") -> None:
        settings = dict(
            line.split(None, 1) for line in self.run("qconf", show).splitlines() if " " in line
            and not line.startswith("#")
        )
        text = "".join(f"{key} {value}\n" for key, value in (settings | values).items())
        self._configure(modify, text, name)

    def _configure(self, option: str, text: str, name: str = "settings") -> None:
        path = f"{self.folder}/{name}"
        with open(path, "w") as file:
            file.write(text)
        self.run("qconf", option, path)

    def _start(self, program: str, is_ready):
        daemon = processes.Daemon(
            [program], f"{self.folder}/{program}.out", environment=os.environ | self.environment
        )
        self._daemons.append(daemon)
        daemon.wait_until(is_ready, f"{program} is ready")

    def run(self, *command: str) -> str:
        """Runs one of Grid Engine's commands."""
        return lab.run(*command, env=os.environ | self.environment, timeout=20)

    def jobs(self) -> list[str]:
        """The jobs that wait or run, a line each."""
        return self.run("qstat").splitlines()[2:]
