#!/usr/bin/env python3
"""A throw-away PostgreSQL server for tests and benchmarks: in a temporary folder, on a socket in it and
on no network address, with the disk's confirmation (fsync) as in earnest.

  postgres_server.py [--set NAME=VALUE]...

prints `ready ADDRESS`, the postgresql:// address of the database `postgres`. It takes commands on its standard input, one a line, and answers each with a line:

  database NAME      creates a database                        -> its address
  pooler NAME        has pgbouncer stand before the database, in transaction mode  -> its address there
  refusals           counts the clients that were refused since they were too many  -> the number
  guarded NAME       creates a role that needs its name as the password  -> ok
  stop | kill        stops the server: in order, or at once as by a crash  -> ok
  start              starts it again                            -> ok
  restart            both, in order                             -> ok

At the end of the input, or when its parent dies, the server is stopped and the folder removed. Root runs the
server as the user NEEDLETAIL_POSTGRES_USER, or postgres, or nobody, since PostgreSQL refuses root.
"""
import argparse
import glob
import os
import pathlib
import pwd
import select
import shutil
import signal
import subprocess
import sys
import tempfile


# Names the pooler's socket.
POOLER_PORT = 6432


def binaries():
    """The folder with the server's programs, the newest first."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"), key=lambda p: int(p.split("/")[4]))
    for program in [*reversed(found), shutil.which("postgres"), *glob.glob("/opt/homebrew/opt/postgresql*/bin/postgres")]:
        if program and os.path.exists(program):
            return pathlib.Path(program).resolve().parent
    sys.exit("postgres_server.py: no PostgreSQL server is installed; install postgresql")


def account():
    """The user to run the server as: None for the present one."""
    if os.getuid() != 0:
        return None
    for name in (os.environ.get("NEEDLETAIL_POSTGRES_USER", "postgres"), "postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    sys.exit("postgres_server.py: root needs a user to run PostgreSQL as; set NEEDLETAIL_POSTGRES_USER")


class Server:
    def __init__(self, settings):
        self.bin = binaries()
        self.account = account()
        # Not below TMPDIR: a socket's path may have 107 bytes.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ntpg", dir="/tmp"))
        if self.account:
            os.chown(self.folder, self.account.pw_uid, self.account.pw_gid)
        self.settings = settings
        self.process = None
        self.pooler = None
        try:
            self.run("initdb", "-D", self.data, "-U", "needletail", "-A", "trust", "--no-sync", "-E", "UTF8",
                     "--locale=C")
            with open(self.data / "pg_hba.conf", "w") as rules:
                rules.write("local all needletail trust\nlocal all all scram-sha-256\n")
            self.start()
        except BaseException:
            self.close()
            raise

    @property
    def data(self):
        return self.folder / "data"

    def address(self, database="postgres", user="needletail"):
        return f"postgresql://{user}@/{database}?host={self.folder}"

    def options(self):
        if not self.account:
            return {}
        return {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": []}

    def run(self, program, *words):
        result = subprocess.run([self.bin / program, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, cwd="/", **self.options())
        if result.returncode != 0:
            raise RuntimeError(f"{program} failed: {result.stdout.strip()}")

    def sql(self, text, database="postgres"):
        self.run("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", self.address(database), "-c", text)

    def start(self):
        words = [f"-c{name}={value}" for name, value in (
            ("listen_addresses", ""), ("unix_socket_directories", self.folder), *self.settings)]
        with open(self.folder / "log", "a") as log:
            self.process = subprocess.Popen(
                [self.bin / "postgres", "-D", self.data, *words], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd="/", start_new_session=True, **self.options())
        for _ in range(600):  # half a minute
            if self.process.poll() is not None:
                raise RuntimeError("the server ended: " + (self.folder / "log").read_text()[-2000:])
            probe = subprocess.run([self.bin / "pg_isready", "-q", "-d", self.address()], stdin=subprocess.DEVNULL)
            if probe.returncode == 0:
                return
            select.select([], [], [], 0.05)
        raise RuntimeError("the server does not answer")

    def stop(self, number=signal.SIGINT):
        """SIGINT ends connections and writes all out, SIGQUIT ends at once."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def start_pooler(self):
        """Few connections to the server, so that clients have to share them."""
        folder = self.folder / "pooler"
        folder.mkdir()
        if self.account:
            os.chown(folder, self.account.pw_uid, self.account.pw_gid)
        settings = folder / "pgbouncer.ini"
        settings.write_text(
            f"[databases]\n* = host={self.folder} user=needletail\n[pgbouncer]\nlisten_addr =\n"
            f"listen_port = {POOLER_PORT}\nunix_socket_dir = {folder}\nauth_type = any\n"
            "pool_mode = transaction\ndefault_pool_size = 3\nmax_client_conn = 400\n"
            f"max_db_connections = 3\nlogfile = {folder / 'log'}\n")
        program = shutil.which("pgbouncer", path=os.environ.get("PATH", "") + ":/usr/sbin")
        if not program:
            raise RuntimeError("pgbouncer is not installed")
        self.pooler = subprocess.Popen(
            [program, "-q", settings], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, cwd="/", start_new_session=True, **self.options())
        for _ in range(600):  # half a minute
            if (folder / f".s.PGSQL.{POOLER_PORT}").exists():
                return
            if self.pooler.poll() is not None:
                break
            select.select([], [], [], 0.05)
        raise RuntimeError("pgbouncer does not start")

    def close(self):
        if self.pooler:
            self.pooler.kill()
            self.pooler.wait()
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def obey(self, words):
        match words:
            case ["database", name]:
                self.sql(f'CREATE DATABASE "{name}"')
                return self.address(name)
            case ["pooler", name]:
                if not self.pooler:
                    self.start_pooler()
                return f"postgresql://needletail@/{name}?host={self.folder / 'pooler'}&port={POOLER_PORT}"
            case ["refusals"]:
                return str((self.folder / "log").read_text().count("too many clients"))
            case ["guarded", name]:
                self.sql(f"CREATE ROLE \"{name}\" LOGIN PASSWORD '{name}'")
            case ["stop"]:
                self.stop()
            case ["kill"]:
                self.stop(signal.SIGQUIT)
            case ["start"]:
                self.start()
            case ["restart"]:
                self.stop()
                self.start()
            case _:
                return "error unknown command"
        return "ok"


def lines(parent):
    """The lines of the standard input until it ends or the parent is gone."""
    rest = b""
    while os.getppid() == parent:
        if not select.select([0], [], [], 1)[0]:
            continue
        piece = os.read(0, 65536)
        if not piece:
            return
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield line.decode()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the server")
    settings = [tuple(text.split("=", 1)) for text in parser.parse_args().set]
    parent = os.getppid()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(130))
    server = Server(settings)
    try:
        print("ready", server.address(), flush=True)
        for line in lines(parent):
            try:
                print(server.obey(line.split()), flush=True)
            except (OSError, RuntimeError) as error:
                print("error", " ".join(str(error).split()), flush=True)
    finally:
        # A second signal must not leave half of it behind.
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        server.close()


if __name__ == "__main__":
    main()
