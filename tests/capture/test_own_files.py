"""The log and the application have a file each, or a schema each: neither is taken for the other."""

from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from indelible import Audit
from indelible.capture.source import open_source
from indelible.errors import CaptureError, LogError
from indelible.log import Log
from indelible.work.place import open_work


def test_nothing_is_installed_in_a_log_nor_beside_one(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/audit.db"
    with Log.create(url), closing(open_work(url)):
        for name in ("audit.db", "audit.db.work"):
            with pytest.raises(CaptureError, match=rf"{name} is a log, or stands beside one"):
                open_source(f"sqlite:///{tmp_path}/{name}")


def test_the_applications_file_is_not_taken_for_a_log(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/portal.db")
    with pytest.raises(LogError, match=r"portal.db is not a log. A log has a file of its own, not the application's"):
        Audit(engine, f"sqlite:///{tmp_path}/portal.db")
    engine.dispose()


def test_a_logs_schema_in_the_applications_database_is_not_watched(pg_url: str) -> None:
    with Log.create(pg_url), closing(open_source(pg_url)) as source:
        assert source.watch(None, None) == []
        for name in ("leaf", "indelible_log.leaf"):
            with pytest.raises(CaptureError, match="There is no table"):
                source.watch([name], None)
