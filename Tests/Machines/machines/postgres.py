"""A PostgreSQL server of a lab's own, which can be restarted in all of its ways."""

import csv
import glob
import io
import os
import pwd
import shutil

from . import lab, processes


class Postgres:
    """A server on a unix socket; as a context manager, running. `url` is for Needletail.

    With an `address` it listens there, too, and trusts who comes from there.
    """

    def __init__(self, folder: str, address: str = ""):
        programs = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
        if not programs:
            raise lab.Missing("PostgreSQL is missing; `make test-deps` installs it")
        lab.need("setpriv")
        self._programs, self._address = programs[-1], address
        self.folder = folder
        self._data = f"{folder}/data"
        # The server refuses to run as root.
        self._user = pwd.getpwnam("postgres")
        os.makedirs(folder, exist_ok=True)
        os.chmod(folder, 0o711)
        shutil.chown(folder, self._user.pw_uid)
        lab.run(
            *self._as_user("initdb", "--pgdata", self._data, "--auth", "trust"),
            *("--username", "needletail", "--encoding", "UTF8", "--no-locale", "--no-sync"),
        )
        self.url = f"postgresql://needletail@/chaos?host={folder}"
        self.optuna_url = self.url.replace("postgresql:", "postgresql+psycopg2:")
        self._daemon: processes.Daemon | None = None

    def _as_user(self, program: str, *arguments: str) -> list[str]:
        identity = [f"--reuid={self._user.pw_uid}", f"--regid={self._user.pw_gid}", "--clear-groups"]
        return ["setpriv", *identity, f"{self._programs}/{program}", *arguments]

    def start(self) -> None:
        """Starts the server; returns before it answers."""
        self._daemon = processes.Daemon(
            self._as_user("postgres", "-D", self._data, "-k", self.folder)
            + ["-c", f"listen_addresses={self._address}", "-c", "max_connections=100"],
            f"{self.folder}/postgres.log", folder=self.folder,
        )

    def signal(self, number: int) -> None:
        """SIGINT ends the server in order, SIGQUIT at once, SIGKILL as a crash; waits for the end."""
        self.process.send(number)
        self.process.wait(30)
        # A killed server leaves its helpers, which notice it by themselves a little later.
        processes.wait_for(
            lambda: not os.path.exists(f"{self._data}/postmaster.pid") or number == 9,
            "the server has ended",
        )

    @property
    def process(self) -> processes.Daemon:
        assert self._daemon is not None
        return self._daemon

    def is_ready(self) -> bool:
        """Whether it answers."""
        try:
            lab.run(f"{self._programs}/pg_isready", "-h", self.folder)
            return True
        except RuntimeError:
            return False

    def rows(self, query: str) -> list[list[str]]:
        """The rows of a query as texts; NULL is an empty text."""
        text = lab.run(
            *(f"{self._programs}/psql", "-h", self.folder, "-U", "needletail", "-d", "chaos"),
            *("--csv", "--tuples-only", "--quiet", "-c", query),
        )
        return list(csv.reader(io.StringIO(text)))

    def __enter__(self):
        self.start()
        self.process.wait_until(self.is_ready, "PostgreSQL answers")
        lab.run(
            f"{self._programs}/createdb", "-h", self.folder, "-U", "needletail", "chaos",
        )
        return self

    def __exit__(self, *_):
        if self._daemon is not None:
            self._daemon.stop(10)
