"""What the command line refuses is one sentence on stderr, nothing on stdout, and its exit code."""

import sqlite3
from pathlib import Path

import pytest

from indelible.actions import ActionMap
from indelible.capture.sqlite.watch import install
from indelible.errors import CaptureError, LogError
from indelible.log import Log
from tests.cli.conftest import Shell
from tests.store.test_log import happened


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["search", "sqlite:///none.db"], 4, "There is no log at none.db. Create it: indelible init"),
        (["verify", "sqlite:///none.db"], 4, "There is no log at none.db"),
        (["export", "sqlite:///none.db"], 4, "There is no log at none.db"),
        (["checkpoint", "sqlite:///none.db"], 4, "There is no log at none.db"),
        (["seal", "sqlite:///none.db", "{log}"], 4, "There is no database at none.db"),
        (["seal", "{log}", "{log}"], 1, "is a log, or stands beside one. Give the file of the application"),
        (["watch", "{log}", "leaf"], 1, "is a log, or stands beside one. Give the file of the application"),
        (["watch", "{log}", "--all"], 1, "is a log, or stands beside one. Give the file of the application"),
        (["coverage", "{log}"], 1, "is a log, or stands beside one. Give the file of the application"),
        (["watch", "sqlite:///none.db", "--all"], 4, "There is no database at none.db"),
        (["watch", "{app}", "users", "--all"], 2, "Name the tables to watch, or give --all"),
        (["watch", "{app}", "nobody"], 1, "There is no table 'nobody' to watch"),
        (["watch", "{app}", "--all", "--map", "none.toml"], 2, "The map none.toml cannot be read"),
        (["watch", "postgresql://u:pw@/db?host=/nowhere", "--all"], 1, "PostgreSQL cannot be reached"),
        (["init", "postgresql://u:pw@/db?host=/nowhere"], 1, "PostgreSQL cannot be reached"),
        (["init", "postgresql:///db?log=A+B"], 2, "cannot name a log"),
        (["search", "postgresql:///db?port=x"], 2, "Give postgresql://user@host/name"),
        (["init", "audit.db"], 2, "Give sqlite:///path/file.db or postgresql://user@host/name"),
        (["init", "sqlite:///no/folder/audit.db"], 1, "cannot be written: No such file or directory"),
        (["init", "sqlite:///new.db", "--origin", "a b"], 1, "cannot name a key"),
        (["search", "{app}"], 1, "app.db is not a log. A log has a file of its own, not the application's"),
        (["search", "{log}", "actoin:x"], 2, "Did you mean action:?"),
        (["search", "{log}", "--since", "soon"], 2, "--since 'soon' is no date or time"),
        (["search", "{log}", "--since", "today", "--until", "7d"], 2, "nothing is between. Exchange since and until"),
        (["export", "{log}", "since:today until:7d"], 2, "nothing is between. Exchange since and until"),
        (["search", "{log}", "--limit", "0"], 2, "Invalid value"),
        (["export", "{log}", "--format", "xml"], 2, "Invalid value"),
        (["verify", "{log}", "--key", "x"], 2, "is no verifier key"),
        (["verify", "none.zip"], 4, "There is no file none.zip."),
        (
            ["verify", "audit.db"],
            2,
            "audit.db is a database. A log is verified by its URL: indelible verify sqlite:///",
        ),
        (["verify", "{log}", "--checkpoint", "none"], 4, "The checkpoint none cannot be read"),
        (["frobnicate"], 2, "No such command"),
        (["search"], 2, "Missing argument"),
        (["search", "{log}", "--frobnicate"], 2, "No such option"),
    ],
)
def test_each_refusal_is_one_sentence_on_stderr_with_its_code(
    ready: Shell, arguments: list[str], code: int, said: str
) -> None:
    shown = ready.refused(*(a.format(log=ready.log, app=ready.app) for a in arguments), code=code)
    assert said in " ".join(shown.replace("│", " ").split())
    assert "pw" not in shown


def test_a_file_that_cannot_be_verified_is_called_what_it_is(ready: Shell, tmp_path: Path) -> None:
    for name, written, said in (
        ("x.csv", ["export", "--format", "csv"], "is CSV, of which nothing was signed. Export it as JSON Lines"),
        ("some.csv", ["export", "--format", "csv", "--columns", "seq,action"], "is CSV"),
        ("x.json", ["export", "--format", "json"], "is a JSON array"),
        ("x.cloudevents", ["export", "--format", "cloudevents"], "in another shape than they were signed in"),
        ("x.ocsf", ["export", "--format", "ocsf"], "in another shape than they were signed in"),
        ("checkpoint", ["checkpoint"], "is a checkpoint. Verify with it: indelible verify LOG --checkpoint "),
        ("x.jsonl", ["export"], "JSON Lines are verified with --key and --checkpoint"),
    ):
        (tmp_path / name).write_bytes(ready.run(written[0], ready.log, *written[1:]).stdout)
        assert said in ready.refused("verify", str(tmp_path / name), code=2)
    ready.run("export", ready.log, "-o", f"{tmp_path}/y.jsonl", "--manifest", f"{tmp_path}/manifest.json")
    assert "is a manifest" in ready.refused("verify", f"{tmp_path}/manifest.json", code=2)
    (tmp_path / "entry.tlog-proof").touch()
    assert "entry.tlog-proof is empty" in ready.refused("verify", f"{tmp_path}/entry.tlog-proof", code=2)


def test_an_empty_file_beside_a_checkpoint_is_one_that_was_cut(ready: Shell, tmp_path: Path) -> None:
    (tmp_path / "kept").write_bytes(ready.run("checkpoint", ready.log).stdout)
    (tmp_path / "cut.jsonl").touch()
    said = ready.refused(
        "verify", f"{tmp_path}/cut.jsonl", "--key", ready.verifier(), "--checkpoint", f"{tmp_path}/kept", code=3
    )
    assert "5 entries were signed and 0 are there" in said


def test_nothing_signed_yet_is_not_found(shell: Shell) -> None:
    shell.run("init", shell.log)
    assert "Nothing is signed yet" in shell.refused("checkpoint", shell.log, code=4)


def test_a_log_restored_from_an_old_copy_exits_3(shell: Shell) -> None:
    shell.run("init", shell.log)
    names = ("audit.db", "audit.db-wal", "audit.db-shm")  # not the signer's memory
    old = {path: path.read_bytes() for name in names if (path := shell.folder / name).exists()}
    shell.run("watch", shell.app, "--all")
    shell.sql("INSERT INTO users (name) VALUES ('a'), ('b')")
    shell.run("seal", shell.app, shell.log)
    for name in names:
        (shell.folder / name).unlink(missing_ok=True)
    for path, data in old.items():
        path.write_bytes(data)
    shell.sql("INSERT INTO users (name) VALUES ('c')")
    assert "rolled back" in shell.refused("seal", shell.app, shell.log, code=3)


def test_a_locked_or_broken_application_database_is_one_sentence(shell: Shell) -> None:
    (shell.folder / "text.db").write_text("no database at all " * 100)
    assert "cannot be opened as an SQLite database" in shell.refused(
        "watch", f"sqlite:///{shell.folder}/text.db", "--all", code=1
    )


@pytest.fixture
def closed(shell: Shell) -> str:
    """A folder whose path is longer than SQLite opens, with what `shell` has in it: a refusal that binds root, too."""
    folder = shell.folder
    for _ in range(3):
        (folder := folder / ("x" * 200)).mkdir()
    shell.run("init", shell.log)
    for name in ("app.db", "audit.db"):
        (shell.folder / name).rename(folder / name)
    return f"sqlite:///{folder}"


@pytest.mark.parametrize("command", ["watch {0}/app.db --all", "coverage {0}/app.db", "search {0}/audit.db"])
def test_a_file_that_cannot_be_opened_is_one_sentence_with_its_remedy(shell: Shell, closed: str, command: str) -> None:
    said = shell.refused(*command.format(closed).split(), code=1)
    assert "unable to open database file. Check that this user may read and write the file and its folder." in said


def test_what_may_not_be_written_is_not_to_be_tried_again(shell: Shell) -> None:
    shell.run("init", shell.log)
    remedy = "attempt to write a readonly database. Check that this user may read and write the file and its folder."
    with Log.open(shell.log) as log:
        log.store._writer.pragma("query_only", True)  # type: ignore[attr-defined]  # as a file that is another user's
        with pytest.raises(LogError, match=remedy):
            log.append([happened()])
    db = sqlite3.connect(f"file:{shell.folder}/app.db?mode=ro", uri=True, isolation_level=None)
    with pytest.raises(CaptureError, match=f"{remedy} Nothing was changed in it"):
        install(db, None, ActionMap())
    db.close()
