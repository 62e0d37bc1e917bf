"""An export that takes long is made once, whole, whatever is killed; and given to who may have it."""

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from indelible.background import Hold
from indelible.errors import LogError, NotFoundError, QueryError, UsageError
from indelible.event import Actor
from indelible.export import FORMATS, format_of, write
from indelible.exports.exports import MOST, Export, Exports
from indelible.exports.writing import Writer
from indelible.log import Log
from indelible.search.page import lines
from indelible.search.query import parse
from indelible.work.announcements import By
from indelible.work.place import open_work
from indelible.work.promise import Work
from tests.checking import check_signed, refusing
from tests.exports.conftest import ENTRIES
from tests.store.test_log import happened

DANA, KIM = By(actor=Actor(id="u1", name="Dana")), By(actor=Actor(id="u2", name="Kim"))
ACME = By(actor=Actor(id="u1", name="Dana"), organization="acme")


class _Held:
    """As a connection that is lost after so many questions."""

    def __init__(self, times: int = 10**9) -> None:
        self.left = times

    def kept(self) -> bool:
        self.left -= 1
        return self.left >= 0

    def release(self) -> None: ...


def make(log: Log, work: Work, hold: Hold | None = None) -> None:
    Writer(log, work, hold or _Held(), step=0).run()


def expected(log: Log, export: Export) -> bytes:
    found = lines(log, export.search, organization=export.organization, end=export.size)
    return b"".join(write([list(found)], export.form, log.origin))


def made(exports: Exports, log: Log, export: Export) -> None:
    """It is done, and just what a download would have been."""
    (found,) = [each for each in exports.all() if each.id == export.id]
    data = exports.path(found).read_bytes()
    told = json.loads(found.told or "")
    assert (found.state, data) == ("done", expected(log, export))
    assert (told["sha256"], told["bytes"], told["entries"]) == (
        hashlib.sha256(data).hexdigest(),
        len(data),
        found.entries,
    )
    assert (found.bytes, found.reached) == (len(data), found.size)
    assert told.get("among") == (found.size if found.organization is None else None)


@pytest.mark.parametrize("form", FORMATS)
def test_the_file_is_what_a_download_would_have_been(exports: Exports, log: Log, work: Work, form: str) -> None:
    whole, some = exports.add(DANA, form=form), exports.add(ACME, form=form, query="-user:kim", until="2030-01-01")
    none = exports.add(DANA, form=form, query="action:NOTHING_*")
    log.append([happened()])
    make(log, work)
    for export, entries in ((whole, ENTRIES), (some, None), (none, 0)):
        made(exports, log, export)
        assert entries in (None, exports.get(export.id, By(actor=DANA.actor, organization=export.organization)).entries)
    assert oct(exports.path(whole).stat().st_mode & 0o777) == "0o600"


def test_a_query_that_is_refused_today_is_made_as_it_was_asked_for(exports: Exports, log: Log, work: Work) -> None:
    export = exports.add(DANA, form="jsonl", query="dana or kim")
    with work.transaction() as statements:
        statements.run("remove_export", id=export.id)
        statements.run("add_export", **msgspec.structs.asdict(msgspec.structs.replace(export, query="dana OR kim")))
    make(log, work)
    assert exports.get(export.id, DANA).state == "done"


def test_columns_are_those_that_were_chosen(exports: Exports, log: Log, work: Work) -> None:
    export = exports.add(DANA, form="csv", columns=["reason", "seq"])
    make(log, work)
    assert exports.path(export).read_bytes().startswith(b'reason,seq\r\n"say ""0""",0\r\n')
    made(exports, log, export)


@pytest.mark.parametrize("form", ["json", "csv", "jsonl"])
def test_broken_off_anywhere_it_goes_on_and_becomes_the_same(exports: Exports, log: Log, work: Work, form: str) -> None:
    """Each time it gets one step further than the time before."""
    export = exports.add(DANA, form=form)
    for times in range(1, 8):
        with suppress(LogError):
            make(log, work, _Held(times))
        if not exports.waiting():
            break
        with exports.path(export).open("ab") as file:
            file.write(b"what was not on the disk yet")
    make(log, work)
    made(exports, log, export)


KILLED = """
import os, signal, sys
left, fsync = int(sys.argv[1]), os.fsync
def killing(descriptor):
    global left
    left -= 1
    if left == 0: os.kill(os.getpid(), signal.SIGKILL)
    fsync(descriptor)
os.fsync = killing
from indelible.exports import apart, writing
writing.STEP = writing.Writer.__init__.__kwdefaults__["step"] = 0
from indelible.background import Hold, apart as run
raise SystemExit(run(apart.work))
"""


@pytest.mark.parametrize("form", ["json", "csv"])
def test_killed_at_any_step_the_next_process_goes_on(exports: Exports, log: Log, log_url: str, form: str) -> None:
    export = exports.add(DANA, form=form)
    codes = []
    for kill_at in (1, 2, 4, 0):
        process = subprocess.run([sys.executable, "-c", KILLED, str(kill_at)], input=log_url.encode(), check=False)
        codes.append(process.returncode)
    assert (codes[0], codes[-1]) == (-signal.SIGKILL, 0)
    made(exports, log, export)


def test_what_is_removed_while_it_is_made_leaves_nothing(exports: Exports, log: Log, work: Work) -> None:
    export = exports.add(DANA, form="jsonl")

    class Removing(_Held):
        def kept(self) -> bool:
            if self.left == 10**9 - 2:
                exports.remove(export.id, DANA)
            return super().kept()

    make(log, work, Removing())
    assert exports.all() == []
    assert list(exports.path(export).parent.iterdir()) == []
    assert [entry.action for entry in check_signed(log)][-2:] == ["AUDIT_EXPORTED", "AUDIT_EXPORT_REMOVED"]


def test_where_the_disk_is_full_it_fails_and_takes_no_room_and_can_be_made_again(
    exports: Exports, log: Log, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    export = exports.add(DANA, form="csv")
    with monkeypatch.context() as patched:
        patched.setattr("indelible.exports.writing.os.fsync", full)
        make(log, work)
    (failed,) = exports.all()
    assert (failed.state, failed.bytes) == ("failed", 0)
    assert "No space left" in str(failed.told)
    assert "Make room" in str(failed.told)
    assert not exports.path(export).exists()
    with pytest.raises(NotFoundError, match="not there"):
        exports.take(export.id, DANA)
    exports.resume(export.id, DANA)
    make(log, work)
    made(exports, log, export)


def test_where_the_folder_is_none_it_fails_and_can_be_removed_or_made_again(
    exports: Exports, log: Log, work: Work, tmp_path: Path
) -> None:
    (tmp_path / "exports").write_text("no folder")
    export, unwanted = exports.add(DANA, form="csv"), exports.add(DANA, form="json")
    make(log, work)
    for each in exports.all():
        assert each.state == "failed"
        assert str(each.told).startswith("The file cannot be written: Not a directory. Make room, or let INDELIBLE_EX")
    exports.remove(unwanted.id, DANA)
    assert check_signed(log)[-1].action == "AUDIT_EXPORT_REMOVED"
    (tmp_path / "exports").unlink()
    exports.resume(export.id, DANA)
    make(log, work)
    made(exports, log, export)


def test_the_last_of_the_disk_is_left_to_the_log(
    exports: Exports, log: Log, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    exports.add(DANA, form="csv")
    monkeypatch.setattr("indelible.exports.writing.RESERVE", 2**62)
    make(log, work)
    assert "MB are left" in str(exports.all()[0].told)


def test_what_fails_in_the_log_goes_on_from_there(
    exports: Exports, log: Log, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = exports.add(DANA, form="csv", query="-user:kim")
    read, times = log.store.lines, iter(range(10**9))

    def gone(wanted: list[int], organization: str | None = None) -> list[bytes]:
        if next(times) == 2:
            raise LogError("The database went away.")
        return read(wanted, organization)

    with monkeypatch.context() as patched:
        patched.setattr(log.store, "lines", gone)
        make(log, work)
    (failed,) = exports.all()
    assert (failed.state, failed.told) == ("failed", "The database went away.")
    assert 0 < failed.reached < ENTRIES
    exports.resume(export.id, DANA)
    make(log, work)
    made(exports, log, export)


def test_each_time_that_the_file_is_taken_is_an_entry(exports: Exports, log: Log, work: Work) -> None:
    export = exports.add(ACME, form="jsonl", query="license", since="2026-01-01")
    make(log, work)
    taken, path = exports.take(export.id, ACME)
    assert (taken.id, path.read_bytes()) == (export.id, expected(log, export))
    asked, got = check_signed(log)[-2:]
    assert (asked.action, got.action) == ("AUDIT_EXPORTED", "AUDIT_EXPORT_DOWNLOADED")
    for entry in (asked, got):
        assert (entry.entity.type, entry.entity.id, entry.operation) == ("Export", export.id, "export")
        assert (entry.actor.name, entry.organization and entry.organization.id) == ("Dana", "acme")
        assert entry.metadata == {
            "format": "jsonl", "query": "license", "since": "2026-01-01", "up_to_entry": ENTRIES - 1,
        }  # fmt: skip


def test_of_an_empty_log_no_last_entry_is_told(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/empty.db"
    with Log.create(url) as log:
        work = open_work(url)
        Exports(log, work).add(DANA, form="jsonl")
        work.close()
        assert [entry.metadata for entry in check_signed(log)] == [{"format": "jsonl"}]


def test_it_is_there_for_who_asked_and_for_who_manages(exports: Exports, log: Log, work: Work) -> None:
    acme, all_ = exports.add(ACME, form="jsonl"), exports.add(DANA, form="jsonl")
    make(log, work)
    kim_of_acme = By(actor=KIM.actor, organization="acme")
    for by, manages, ids in (
        (ACME, False, {acme.id}), (DANA, False, {all_.id}), (KIM, False, set()), (kim_of_acme, False, set()),
        (kim_of_acme, True, {acme.id}), (KIM, True, {acme.id, all_.id}),
        (By(actor=KIM.actor, organization="globex"), True, set()),
    ):  # fmt: skip
        assert {each.id for each in exports.seen(by, manages=manages)} == ids
        for hidden in {acme.id, all_.id} - ids:
            for change in (exports.take, exports.remove, exports.resume, exports.get):
                with pytest.raises(NotFoundError):
                    change(hidden, by, manages=manages)
    assert len(exports.all()) == 2


def test_after_a_week_it_is_gone(exports: Exports, log: Log, work: Work) -> None:
    export = exports.add(DANA, form="jsonl")
    make(log, work)
    stray = exports.path(export).with_name("ex_stray.csv")
    stray.write_text("left over by what was removed on another machine")
    now = datetime.now(UTC)
    exports.forget(now + timedelta(days=6))
    assert exports.path(export).exists()
    assert not stray.exists()
    exports.forget(now + timedelta(days=8))
    assert exports.all() == []
    assert list(exports.path(export).parent.iterdir()) == []


def test_a_file_that_is_not_here_may_be_on_another_machine(exports: Exports, log: Log, work: Work) -> None:
    export = exports.add(DANA, form="jsonl")
    make(log, work)
    exports.path(export).unlink()
    with pytest.raises(NotFoundError, match="INDELIBLE_EXPORTS"):
        exports.take(export.id, DANA)


def test_what_cannot_be_exported_is_refused(exports: Exports, log: Log) -> None:
    before = log.head().size
    for refused in ({"form": "xls"}, {"form": "json", "columns": ["seq"]}, {"form": "csv", "columns": ["nose"]},
                    {"form": "csv", "columns": ["seq", "seq"]}, {"form": "csv", "since": "soon"}):  # fmt: skip
        with pytest.raises(UsageError):
            exports.add(DANA, **refused)
    with pytest.raises(QueryError):
        exports.add(DANA, form="csv", query="nokey:1")
    with pytest.raises(UsageError, match="could not be given"):
        exports.add(By(actor=Actor(type="unknown")), form="csv")
    for _ in range(MOST):
        exports.add(DANA, form="csv")
    with pytest.raises(UsageError, match=f"{MOST} exports"):
        exports.add(DANA, form="csv")
    exports.add(KIM, form="csv")
    assert log.head().size == before + MOST + 1


def test_one_whose_entry_could_not_be_sealed_is_on_record_with_the_next(
    exports: Exports, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    with refusing(log, monkeypatch), suppress(LogError):
        exports.add(DANA, form="csv")
    exports.add(DANA, form="json")
    assert [entry.metadata["format"] for entry in check_signed(log)[-2:]] == ["csv", "json"]


def test_a_query_means_what_it_meant_when_it_was_asked_for(exports: Exports) -> None:
    export = exports.add(DANA, form="csv", query="since:7d", until="today")
    asked = datetime.fromtimestamp(export.asked_at / 1e6, UTC)
    assert export.search.since == parse("since:7d", asked).since
    assert format_of("csv") == export.form


def test_a_file_that_was_lost_is_made_anew(exports: Exports, log: Log, work: Work) -> None:
    export = exports.add(DANA, form="json")
    with suppress(LogError):
        make(log, work, _Held(3))
    assert exports.all()[0].bytes > 0
    exports.path(export).unlink()
    make(log, work)
    made(exports, log, export)


def test_who_lost_the_right_to_make_it_removes_nothing_that_another_made(
    exports: Exports, log: Log, work: Work
) -> None:
    export = exports.add(DANA, form="jsonl")

    class Overtaken(_Held):
        """Asked whether it has the right yet, it has; meanwhile another process has done it all."""

        def kept(self) -> bool:
            if self.left == 10**9 - 2:
                make(log, work)
            return super().kept()

    with pytest.raises(LogError, match="Another process"):
        make(log, work, Overtaken())
    made(exports, log, export)


def test_two_logs_in_one_folder_leave_each_other_s_files(
    exports: Exports, log: Log, work: Work, tmp_path: Path
) -> None:
    export = exports.add(DANA, form="jsonl")
    make(log, work)
    url = f"sqlite:///{tmp_path}/other.db"
    with Log.create(url) as other:
        others = open_work(url)
        Exports(other, others).forget(datetime.now(UTC) + timedelta(days=30))
        others.close()
    made(exports, log, export)


def test_of_an_organization_the_manifest_tells_nothing_of_the_whole_log(exports: Exports, log: Log, work: Work) -> None:
    exports.add(ACME, form="jsonl")
    make(log, work)
    told = json.loads(exports.all()[0].told or "")
    assert {"among", "checkpoint"} & told.keys() == set()
