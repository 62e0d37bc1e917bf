"""What a server does for exports: another process makes them, and what fails once is tried again soon."""

import sys
import threading
import time

import pytest

from indelible.background import run_apart
from indelible.errors import LogError
from indelible.exports.exports import HOLD, Exports
from indelible.exports.maker import Maker
from indelible.log import Log
from indelible.work.promise import Work
from tests.exports.test_exports import DANA, made


def test_a_server_has_it_made_by_one_process(exports: Exports, log: Log, log_url: str, work: Work) -> None:
    export = exports.add(DANA, form="jsonl")
    holding = work.hold(HOLD)
    assert holding is not None
    maker = Maker(exports, work, log_url)
    maker.start()
    try:
        time.sleep(0.3)
        assert exports.all()[0].state == "waiting"  # somebody else makes them, as far as this one can tell
        holding.release()
        _wait(exports)
    finally:
        maker.stop()
    made(exports, log, export)
    assert threading.active_count() < 20


def test_what_could_not_be_started_once_is_made_soon(
    exports: Exports, log: Log, log_url: str, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = exports.add(DANA, form="jsonl")
    maker = Maker(exports, work, log_url)
    with monkeypatch.context() as gone:
        gone.setattr(sys, "executable", "/nowhere/python")  # as while it is replaced by a newer one
        maker.start()
        time.sleep(0.3)
        assert exports.all()[0].state == "waiting"
    try:
        _wait(exports)
    finally:
        maker.stop()
    made(exports, log, export)


def test_why_none_is_made_is_told_in_a_sentence_and_nothing_before_it() -> None:
    with pytest.raises(LogError) as refused:
        run_apart("indelible.exports.apart", "sqlite:////nowhere/audit.db", threading.Event())
    assert str(refused.value).startswith("There is no log")


def _wait(exports: Exports) -> None:
    until = time.monotonic() + 30
    while exports.waiting() and time.monotonic() < until:
        time.sleep(0.05)
