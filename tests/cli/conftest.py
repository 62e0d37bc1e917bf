"""The command in this process, through its real `main`: streams, exit code and all."""

import contextlib
import io
import sqlite3
import sys
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import pytest

from indelible.cli import main
from indelible.merkle.key import SigningKey

SECRET = "correct-horse-battery-staple"


class Done(NamedTuple):
    code: object
    stdout: bytes
    stderr: bytes


class Shell:
    """A folder with an application's database in it, and the command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.app, self.log = f"sqlite:///{folder}/app.db", f"sqlite:///{folder}/audit.db"
        self.sql("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, password TEXT)")

    def sql(self, text: str) -> None:
        db = sqlite3.connect(self.folder / "app.db")
        db.executescript(text)
        db.close()

    def run(self, *arguments: str, code: int = 0) -> Done:
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
        argv = mock.patch.object(sys, "argv", ["indelible", *arguments])
        streams = contextlib.redirect_stdout(out), contextlib.redirect_stderr(err)
        with argv, streams[0], streams[1], contextlib.chdir(self.folder), pytest.raises(SystemExit) as ended:
            main()
        out.flush()
        err.flush()
        done = Done(ended.value.code or 0, out.buffer.getvalue(), err.buffer.getvalue())
        assert done.code == code, (arguments, done)
        return done

    def refused(self, *arguments: str, code: int) -> str:
        """Nothing on stdout; gives what is said on stderr."""
        done = self.run(*arguments, code=code)
        assert done.stdout == b""
        return done.stderr.decode()

    def verifier(self) -> str:
        return str(SigningKey.parse((self.folder / "audit.db.key").read_text()).verifier)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@pytest.fixture(scope="session")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """Watched and sealed: three users, one of them renamed. Only read by the tests."""
    shell = Shell(tmp_path_factory.mktemp("cli"))
    shell.run("init", shell.log, "--origin", "audit.example/test")
    shell.run("watch", shell.app, "--all")
    shell.sql(f"INSERT INTO users VALUES (1, 'Dana', '{SECRET}'), (2, 'Kim', NULL), (3, 'Lee\x1b[31m', NULL)")
    shell.sql("UPDATE users SET name = '=Kim' WHERE id = 2")
    shell.run("seal", shell.app, shell.log)
    return shell


@pytest.fixture(scope="session")
def long(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """More than a pipe holds."""
    shell = Shell(tmp_path_factory.mktemp("long"))
    shell.run("init", shell.log)
    shell.run("watch", shell.app, "--all")
    numbers = "WITH n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
    shell.sql(f"{numbers} INSERT INTO users (name) SELECT '{'x' * 100}' FROM n")
    shell.run("seal", shell.app, shell.log)
    return shell
