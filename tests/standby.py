"""A PostgreSQL server and its synchronous standby, both real, either of which may be killed."""

import shutil
import time
from collections.abc import Mapping
from urllib.parse import quote

import psycopg

from tests.postgres import SETTINGS, Server, new_folder


class Pair:
    """A primary and its synchronous standby. `url` leads to whichever of them takes writes."""

    def __init__(self, settings: Mapping[str, str] = SETTINGS) -> None:
        self._settings = settings
        self.folders = [new_folder(), new_folder()]
        self.primary = Server.start(self.folders[0], settings=settings)
        self.name = psycopg.conninfo.conninfo_to_dict(self.primary.database())["dbname"]
        self.url = self.leading_to("read-write")
        self.standby = Server.standby(self.primary, self.folders[1], settings)
        self.require(standby=True)

    def leading_to(self, kind: str) -> str:
        """`kind`: read-write, or prefer-standby."""
        hosts = ",".join(quote(str(folder), safe="") for folder in self.folders)
        return f"postgresql://postgres@/{self.name}?host={hosts}&port=5432,5432&target_session_attrs={kind}"

    def require(self, *, standby: bool) -> None:
        """Whether a commit waits for it; from now on."""
        with psycopg.connect(self.primary.url(), autocommit=True) as db:
            db.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{'standby' if standby else ''}'".encode())
            db.execute("SELECT pg_reload_conf()")
        until = time.monotonic() + 20
        while standby and time.monotonic() < until:
            with psycopg.connect(self.primary.url()) as db:
                if db.execute("SELECT sync_state FROM pg_stat_replication").fetchall() == [("sync",)]:
                    return
            time.sleep(0.02)
        assert not standby, "the standby did not become synchronous"

    def fail_over(self) -> None:
        """The primary is gone; the standby takes over."""
        self.primary.crash()
        self.standby.promote()

    def rebuild(self) -> None:
        """What was the primary becomes the standby of the other."""
        gone = self.primary._folder
        shutil.rmtree(gone)
        gone.mkdir(mode=0o700)
        self.primary, self.standby = self.standby, Server.standby(self.standby, gone, self._settings)
        self.require(standby=True)

    def stop(self) -> None:
        for server in self.primary, self.standby:
            server.stop()
        for folder in self.folders:
            shutil.rmtree(folder)
