"""The command line is a contract: what is printed where, and with which exit code."""

import json
from pathlib import Path

from indelible.merkle.key import SigningKey, Verifier
from tests.cli.conftest import SECRET, Shell


def test_init_prints_the_verifier_key_and_nothing_else_on_stdout(shell: Shell) -> None:
    done = shell.run("init", shell.log)
    verifier = Verifier.parse(done.stdout.decode())
    assert done.stdout.decode() == f"{verifier}\n"
    key = shell.folder / "audit.db.key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert b"PRIVATE" not in done.stdout + done.stderr
    assert b"keep a copy elsewhere" in done.stderr
    assert "exists already" in shell.refused("init", shell.log, code=1)


def test_watch_names_the_tables_and_can_be_repeated(shell: Shell) -> None:
    for _ in range(2):
        assert shell.run("watch", shell.app, "--all").stdout == b"users\n"
    assert shell.run("watch", shell.app, "users").stdout == b"users\n"


def test_without_tables_what_is_watched_is_brought_up_to_date(shell: Shell) -> None:
    shell.sql("CREATE TABLE licenses (id INTEGER PRIMARY KEY); CREATE TABLE notes (id INTEGER PRIMARY KEY)")
    shell.run("watch", shell.app, "users", "licenses")
    shell.sql("ALTER TABLE users RENAME TO people; ALTER TABLE licenses ADD COLUMN plan; DROP TABLE notes")
    shell.run("coverage", shell.app, code=3)
    assert shell.run("watch", shell.app).stdout == b"licenses\npeople\n"
    assert b"All 2 tables are watched" in shell.run("coverage", shell.app).stderr
    shell.sql("DROP TABLE people")
    assert shell.run("watch", shell.app).stdout == b"licenses\n"
    shell.sql("DROP TABLE licenses")
    assert b"No table is watched now." in shell.run("watch", shell.app).stderr
    assert b"Nothing is watched yet" in shell.run("watch", shell.app, code=2).stderr


def test_a_table_that_the_map_excludes_is_not_brought_up_to_date(shell: Shell) -> None:
    shell.run("watch", shell.app, "users")
    map_file = shell.folder / "audit.toml"
    map_file.write_text('[users]\nexclude = "of no interest"\n')
    assert shell.run("watch", shell.app, "--map", str(map_file)).stdout == b""
    assert b"excluded" in shell.run("coverage", shell.app).stdout


def test_a_query_may_begin_with_a_minus(ready: Shell) -> None:
    everything = ready.run("search", ready.log).stdout.splitlines()
    others = ready.run("search", ready.log, "-entity:Table", "--limit", "50").stdout.splitlines()
    assert 0 < len(others) < len(everything)
    assert others == ready.run("search", ready.log, "--limit", "50", "--", "-entity:Table").stdout.splitlines()
    exported = ready.run("export", ready.log, "-entity:Table").stdout.splitlines()
    assert len(exported) == len(others)


def test_watching_again_tells_what_is_otherwise(shell: Shell) -> None:
    shell.sql("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT)")
    shell.run("watch", shell.app, "--all")
    assert b"otherwise" not in shell.run("watch", shell.app, "--all").stderr
    other = shell.folder / "map.toml"
    other.write_text('[users]\nentity = "Person"\n[notes]\nexclude = "nobody reads them"\n')
    said = shell.run("watch", shell.app, "--all", "--map", str(other)).stderr.decode()
    assert "notes is watched no more." in said
    assert "users is watched otherwise: entity: User → Person" in said
    assert "notes is watched again." in shell.run("watch", shell.app, "notes").stderr.decode()


def test_seal_prints_how_many_and_the_second_time_none(shell: Shell) -> None:
    shell.run("init", shell.log)
    shell.run("watch", shell.app, "--all")
    shell.sql("INSERT INTO users (name) VALUES ('a'), ('b')")
    assert shell.run("seal", shell.app, shell.log).stdout == b"3\n"  # one tells that the table is watched
    assert shell.run("seal", shell.app, shell.log).stdout == b"0\n"


def test_search_shows_the_newest_first_and_no_control_characters(ready: Shell) -> None:
    shown = ready.run("search", ready.log).stdout.decode().splitlines()
    assert [int(line.split()[0]) for line in shown] == [4, 3, 2, 1, 0]
    assert "USER_UPDATED" in shown[0]
    assert "AUDIT_CAPTURE_STARTED" in shown[4]
    assert "\x1b" not in "".join(shown)
    assert len(ready.run("search", ready.log, "--limit", "1").stdout.splitlines()) == 1
    assert ready.run("search", ready.log, "action:NO_SUCH").stdout == b""
    assert ready.run("search", ready.log, "--until", "2020-01-01").stdout == b""


def test_search_json_gives_the_lines_of_the_log(ready: Shell) -> None:
    lines = ready.run("search", ready.log, "entity:User/2", "--json").stdout.splitlines()
    assert [json.loads(line)["seq"] for line in lines] == [4, 2]
    exported = ready.run("export", ready.log, "entity:User/2").stdout.splitlines()
    assert exported == lines[::-1]


def test_export_writes_each_format_whole_to_a_file_or_to_stdout(ready: Shell, tmp_path: Path) -> None:
    for name in ("csv", "json", "jsonl"):
        path = tmp_path / f"out.{name}"
        done = ready.run("export", ready.log, "--format", name, "-o", str(path))
        assert done.stdout == b""
        assert path.read_bytes() == ready.run("export", ready.log, "--format", name).stdout
    assert SECRET.encode() not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_an_export_that_fails_leaves_the_old_file_and_nothing_beside_it(ready: Shell, tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_bytes(b"old")
    ready.refused("export", ready.log, "zzz:x", "-o", str(path), code=2)
    ready.refused("export", f"sqlite:///{tmp_path}/none.db", "-o", str(path), code=4)
    assert path.read_bytes() == b"old"
    assert "cannot be written" in ready.refused("export", ready.log, "-o", str(tmp_path), code=2)
    assert "cannot be written" in ready.refused("export", ready.log, "-o", f"{tmp_path}/no/out", code=2)
    assert sorted(tmp_path.iterdir()) == [path]


def test_an_export_says_what_it_replaces_and_that_it_found_nothing(ready: Shell, tmp_path: Path) -> None:
    for proof, name in (([], "out.jsonl"), (["--proof"], "out.zip")):
        asked = ["export", ready.log, *proof, "-o", f"{tmp_path}/{name}"]
        assert f"Wrote {tmp_path}/{name}: 5 entries." in ready.run(*asked).stderr.decode()
        assert f"Replaced {tmp_path}/{name}: 5 entries." in ready.run(*asked).stderr.decode()
    for out in ([], ["-o", f"{tmp_path}/none"]):
        assert b"No entries found." in ready.run("export", ready.log, "nowhere", *out).stderr


def test_verify_answers_with_size_and_root(ready: Shell, tmp_path: Path) -> None:
    done = ready.run("verify", ready.log)
    said, size, root = done.stdout.decode().split()
    assert (said, size, len(root)) == ("ok", "5", 64)
    assert b"The key is the one the log itself shows" in done.stderr
    key = ready.verifier()
    assert ready.run("verify", ready.log, "--key", key).stdout == done.stdout
    export, note = tmp_path / "log.jsonl", tmp_path / "note"
    export.write_bytes(ready.run("export", ready.log).stdout)
    note.write_bytes(ready.run("checkpoint", ready.log).stdout)
    assert ready.run("verify", str(export), "--key", key, "--checkpoint", str(note)).stdout == done.stdout
    assert ready.run("verify", ready.log, "--key", key, "--checkpoint", str(note)).stdout == done.stdout
    export.write_bytes(export.read_bytes()[:-20])
    assert "truncated" in ready.refused("verify", str(export), "--key", key, "--checkpoint", str(note), code=3)


def test_a_verification_that_failed_exits_3(ready: Shell, tmp_path: Path) -> None:
    other = str(SigningKey.generate("audit.example/test").verifier)
    assert "re-signed" in ready.refused("verify", ready.log, "--key", other, code=3)
    (tmp_path / "note").write_text("no note")
    said = ready.refused("verify", ready.log, "--key", ready.verifier(), "--checkpoint", f"{tmp_path}/note", code=3)
    assert "the checkpoint given does not open" in said
