"""`verify` finds every change to a log, names its kind and the first bad entry, and never cries wolf."""

import re
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import apsw
import pytest

from indelible.errors import MalformedError, NotFoundError, VerificationError
from indelible.event import Actor, Entity, Organization
from indelible.log import Log
from indelible.merkle.checkpoint import Checkpoint
from indelible.merkle.key import SigningKey, Verifier
from indelible.merkle.tree import Frontier, leaf_hash
from indelible.monitor import Monitor
from indelible.search.page import lines
from indelible.search.query import Query
from indelible.store.sqlite.store import SQLiteStore
from indelible.verify import verify_file, verify_log
from indelible.verify.rebuilt import Rebuilt
from tests.attacks import ATTACKS, Attack, cut, insert, run
from tests.checking import check_signed
from tests.shell import Shell
from tests.store.test_log import happened
from tests.world import World

ROOT = Path(__file__).parent.parent
DOTS = re.DOTALL | re.MULTILINE


@pytest.fixture
def world(either: World) -> World:
    """On every store."""
    return either


@pytest.fixture
def log(world: World) -> Log:
    """Ten entries, signed at sizes 4, 8 and 10."""
    for batch in (range(4), range(4, 8), range(8, 10)):
        world.log.append(
            happened(
                entity=Entity("License", str(i)), actor=Actor(id="dana"), organization=Organization("acme", "Acme")
            )
            for i in batch
        )
    return world.log


def attack(world: World, do: Callable[[Shell], object]) -> None:
    """With the triggers gone, as an owner can."""
    with world.shell() as db:
        db.disarm()
        do(db)


NODES = {
    "changed": Attack(run("UPDATE node SET hash = ? WHERE number = 1", bytes(32)), "index", 256),
    "deleted": Attack(run("DELETE FROM node WHERE number = 0"), "index", 0),
    "moved": Attack(run("UPDATE node SET number = number + 2 WHERE number = 0"), "index", 0),
    "of a level that the log has not": Attack(insert("node", level=2, number=0, hash=bytes(32)), "added", 65_535),
    "beyond the log": Attack(insert("node", level=1, number=2, hash=bytes(32)), "added", 767),
}


@pytest.mark.parametrize("name", NODES)
def test_a_hash_above_the_leaves_that_is_not_theirs_is_found(world: World, name: str) -> None:
    world.log.append(happened() for _ in range(600))
    verify_log(world.log, world.log.verifier)
    attack(world, NODES[name].do)
    assert refused(world.log) == (NODES[name].kind, NODES[name].seq)


def refused(log: Log, earlier: str | None = None) -> tuple[str, int | None]:
    with pytest.raises(VerificationError) as caught:
        verify_log(log, log.verifier, earlier)
    assert caught.value.exit_code == 3
    return caught.value.kind, caught.value.seq


def test_a_log_without_what_refuses_is_found(world: World, log: Log) -> None:
    verify_log(log, log.verifier)
    attack(world, lambda _: None)
    assert refused(log) == ("schema", None)


def test_what_refuses_is_named_where_it_is_gone_and_put_back_as_the_page_says(world: World, log: Log) -> None:
    page, file = (ROOT / "docs" / "assurance.md").read_text(), isinstance(log.store, SQLiteStore)
    made = re.findall(
        r'sqlite3 audit.db "((?:DROP|CREATE) .+?)"' if file else r"^((?:CREATE TRIGGER|ALTER TABLE) [^;]+);$",
        page,
        DOTS,
    )
    with world.shell() as db:
        db.run("DROP TRIGGER leaf_refuses_update" if file else "DROP TRIGGER refuses_update ON leaf")
        with pytest.raises(VerificationError, match=r"schema: \w*refuses_update of \S+ is .*docs/assurance.md"):
            verify_log(log, log.verifier)
        for statement in made:
            db.run(statement)
    verify_log(log, log.verifier)


def test_a_line_that_was_changed_is_put_back_as_the_page_says(
    file_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside the alarm, which no copy has."""
    log = file_world.log
    log.append(happened(reason=f"{number}") for number in range(10))
    with file_world.shell() as db:
        db.run("VACUUM INTO ?", str(file_world.folder / "copy.db"))
        db.disarm()
        db.run("UPDATE leaf SET line = ?, hash = ? WHERE seq = 7", b"x", leaf_hash(b"x"))
    assert Monitor(log).check()
    assert log.head().size == 11
    page = (ROOT / "docs" / "assurance.md").read_text()
    monkeypatch.chdir(file_world.folder)
    with closing(apsw.Connection("audit.db")) as shell:
        for statement in re.findall(r'sqlite3 audit.db "(.+?)"', page, DOTS):
            shell.execute(statement)
    assert verify_log(log, log.verifier, files=False).signed == 11


@pytest.mark.parametrize("name", ATTACKS)
def test_each_attack_is_found_and_named(world: World, log: Log, name: str) -> None:
    attack(world, ATTACKS[name].do)
    assert refused(log) == (ATTACKS[name].kind, ATTACKS[name].seq)


def test_a_sound_log_is_reported_with_size_and_root(log: Log) -> None:
    report = verify_log(log, log.verifier)
    assert (report.origin, report.size, report.signed, report.root) == ("audit.example/test", 10, 10, log.head().root)


def test_a_log_cut_with_its_checkpoints_is_found_by_one_that_left_the_machine(world: World, log: Log) -> None:
    kept = log.checkpoint()
    attack(world, lambda db: cut(db, 6, checkpoints=True))
    log.store.key_path.with_name(log.store.key_path.name + ".state").unlink()  # the signer's memory would tell
    assert verify_log(log, log.verifier, files=False).size == 6  # nothing of the rows can
    assert refused(log, kept) == ("truncated", 6)


def test_a_log_made_anew_is_found_by_a_checkpoint_that_left_the_machine(log: Log, tmp_path: Path) -> None:
    kept = log.checkpoint()
    shutil.copy(log.store.key_path, tmp_path / "other.db.key")  # the attacker has the key as well
    with Log.create(f"sqlite:///{tmp_path}/other.db") as forged:
        forged.append(happened() for _ in range(12))
        assert forged.verifier == log.verifier
        assert refused(forged, kept) == ("changed", 0)


def test_a_key_that_is_not_the_one_pinned_is_refused(log: Log) -> None:
    other = SigningKey.generate("audit.example/test").verifier
    with pytest.raises(VerificationError, match="does not open with the key") as caught:
        verify_log(log, other)
    assert caught.value.kind == "re-signed"


@pytest.mark.parametrize(
    ("name", "said"), [("verifier", "the log says that its first key is"), ("origin", "lost its origin")]
)
def test_what_a_log_says_of_itself_is_held_against_the_key(world: World, log: Log, name: str, said: str) -> None:
    pinned, other = log.verifier, SigningKey.generate(log.origin).verifier
    with world.shell() as db:
        db.disarm()
        if name == "verifier":
            db.run("UPDATE property SET value = ? WHERE name = ?", db.text(str(other)), name)
        else:
            db.run("DELETE FROM property WHERE name = ?", name)
    with pytest.raises(VerificationError, match=said), Log.open(world.log_url, sign=False) as again:
        verify_log(again, pinned)


def test_a_checkpoint_signed_again_with_another_key_is_refused(world: World, log: Log) -> None:
    head = log.head()
    note = Checkpoint(log.origin, head.size, head.root).sign(SigningKey.generate(log.origin))
    attack(world, lambda db: db.run("UPDATE checkpoint SET note = ? WHERE size = 10", db.text(note)))
    assert refused(log) == ("re-signed", None)
    assert refused(log, note) == ("re-signed", None)


@pytest.mark.parametrize("note", ["", "\n\n", "a\nb\n\n— x y\n", "x" * 2_000_000, "\ud800\n\n— a AAAAAAA=\n"])
def test_a_checkpoint_that_is_none_is_refused(log: Log, note: str) -> None:
    assert refused(log, note) == ("re-signed", None)


def test_checkpoints_are_opened_one_at_a_time_as_the_lines_reach_them() -> None:
    """There are as many as there were batches: a server that verifies for years must not hold them all."""
    ours, opened = Frontier(), list[int]()

    def signed() -> Iterator[Checkpoint]:
        for seq in range(50):
            ours.append(leaf_hash(b"%d" % seq))
            opened.append(seq + 1)
            yield Checkpoint("o", seq + 1, ours.root())

    tree = Rebuilt(signed())
    for seq in range(50):
        assert len(opened) == seq + 1
        tree.add(seq, b"%d" % seq)
    tree.finish()
    assert tree.signed == 50


def test_an_older_checkpoint_still_holds(log: Log) -> None:
    (note,) = [note for size, note in log.store.checkpoints() if size == 4]
    assert verify_log(log, log.verifier, note).signed == 10


def test_verifying_while_another_thread_appends_is_never_a_false_alarm(log: Log) -> None:
    done = threading.Event()

    def work() -> None:
        for _ in range(60):
            log.append([happened() for _ in range(29)])
        done.set()

    thread = threading.Thread(target=work)
    thread.start()
    sizes = []
    while not done.is_set():
        sizes.append(verify_log(log, log.verifier, log.checkpoint()).size)
    thread.join()
    assert len(sizes) > 3
    assert len(check_signed(log)) == 10 + 60 * 29


def test_names_that_come_while_it_is_verified_are_no_false_alarm(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two entities are renamed with each batch that is looked at; the last names are of entries behind the end."""
    look, named = log.store.index_rows, count()

    def renamed(start: int, stop: int) -> object:
        log.append([happened(entity=Entity("License", "3", f"{next(named)}")) for _ in range(3)])
        return look(start, stop)

    log.append([happened(entity=Entity("License", f"{n % 9}", f"{n}")) for n in range(2000)])
    monkeypatch.setattr(log.store, "index_rows", renamed)
    assert verify_log(log, log.verifier).size == 2010
    assert next(named) == 6
    verify_log(log, log.verifier)


def test_a_log_that_nobody_signed_yet_is_sound_and_says_so(world: World) -> None:
    assert verify_log(world.log, world.log.verifier).size == 0
    with world.log.appending() as appending:
        appending.add(happened())
    report = verify_log(world.log, world.log.verifier)
    assert (report.size, report.signed) == (1, 0)


def test_what_was_verified_before_is_not_signed_by_that(log: Log) -> None:
    with log.appending() as appending:
        for _ in range(3):
            appending.add(happened())
    first = verify_log(log, log.verifier)
    again = verify_log(log, log.verifier, known=Checkpoint(log.origin, first.size, first.root))
    assert (first.size, first.signed) == (again.size, again.signed) == (13, 10)


def export(log: Log, to: Path) -> list[bytes]:
    exported = [line + b"\n" for line in lines(log, Query())]
    to.write_bytes(b"".join(exported))
    return exported


Lines = list[bytes]
EXPORTS: dict[str, tuple[Callable[[Lines], Lines], str, int | None]] = {
    "cut at an entry": (lambda e: e[:6], "truncated", 6),
    "cut inside an entry": (lambda e: [*e[:9], e[9][:-10]], "truncated", None),
    "last line end missing": (lambda e: [*e[:9], e[9][:-1]], "truncated", None),
    "edited": (lambda e: [*e[:5], e[5].replace(b"dana", b"kimm"), *e[6:]], "changed", 0),
    "edited beyond reading": (lambda e: [*e[:5], b"{}\n", *e[6:]], "changed", None),
    "blank line": (lambda e: [*e[:5], b"\n", *e[5:]], "changed", None),
    "carriage returns": (lambda e: [line.replace(b"\n", b"\r\n") for line in e], "changed", 0),
    "byte order mark": (lambda e: [b"\xef\xbb\xbf", *e], "changed", None),
    "filtered": (lambda e: e[::2], "missing", 1),
    "first missing": (lambda e: e[1:], "missing", 0),
    "swapped": (lambda e: [e[1], e[0], *e[2:]], "missing", 0),
    "repeated": (lambda e: [e[0], *e], "missing", 1),
    "empty": (lambda _: [], "truncated", 0),
}  # fmt: skip


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_that_is_not_the_whole_log_is_refused(log: Log, tmp_path: Path, name: str) -> None:
    path = tmp_path / "export.jsonl"
    change, kind, seq = EXPORTS[name]
    path.write_bytes(b"".join(change(export(log, path))))
    with pytest.raises(VerificationError) as caught:
        verify_file(path, log.verifier, log.checkpoint() or "")
    assert (caught.value.kind, caught.value.seq) == (kind, seq)


def test_a_whole_export_is_the_log_and_one_that_is_not_there_is_not_found(log: Log, tmp_path: Path) -> None:
    export(log, tmp_path / "export.jsonl")
    report = verify_file(tmp_path / "export.jsonl", log.verifier, log.checkpoint() or "")
    assert (report.size, report.signed, report.root) == (10, 10, log.head().root)
    with pytest.raises(NotFoundError):
        verify_file(tmp_path / "none.jsonl", log.verifier, log.checkpoint() or "")


def test_a_key_that_is_none_is_malformed() -> None:
    with pytest.raises(MalformedError, match="is no verifier key"):
        Verifier.parse("audit.example/test+0000+AAAA")
