"""What is written down of jobs: since when each is known, and its runs."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from indelible.event import EPOCH, micros
from indelible.work.promise import Work

KEPT = timedelta(days=90)
TRIES = 3
AGAIN = timedelta(minutes=5)  # after which a run that failed is tried again


class Run(NamedTuple):
    """`state`: running, done, idle (there was nothing to do), failed, interrupted."""

    job: str
    due_at: datetime
    started_at: datetime
    ended_at: datetime | None
    state: str
    tries: int
    told: str | None

    @property
    def took(self) -> float | None:
        """Seconds."""
        return None if self.ended_at is None else (self.ended_at - self.started_at).total_seconds()


@dataclass(frozen=True)
class Runs:
    work: Work

    def known_since(self, job: str, now: datetime) -> datetime:
        """When it was first seen: what was due earlier is none of its business.

        Not later than now: a clock that was ahead then and was put right would keep it from running until it is there.
        """
        with self.work.transaction() as statements:
            ((since,),) = statements.run("know_job", job=job, now=micros(now))
        return _moment(since)

    def claim(self, job: str, due: datetime, now: datetime) -> bool:
        """True once: whoever gets it runs it. Again only where it was interrupted, or failed some minutes ago."""
        with self.work.transaction() as statements:
            return bool(
                statements.run(
                    "claim_run", job=job, due_at=micros(due), now=micros(now), tries=TRIES, before=micros(now - AGAIN)
                )
            )

    def end(self, job: str, due: datetime, now: datetime, state: str, told: str | None) -> None:
        """Of runs that had nothing to do the last one is kept."""
        with self.work.transaction() as statements:
            statements.run("end_run", job=job, due_at=micros(due), now=micros(now), state=state, told=told)
            statements.run("forget_idle", job=job, due_at=micros(due))

    def interrupt(self, now: datetime) -> None:
        """Those that still run, by whoever alone may run them: nobody does."""
        with self.work.transaction() as statements:
            statements.run("interrupt_runs", now=micros(now))

    def forget(self, now: datetime) -> None:
        with self.work.transaction() as statements:
            statements.run("forget_runs", before=micros(now - KEPT))

    def newest(self, limit: int = 50, job: str | None = None) -> list[Run]:
        """Newest first."""
        with self.work.transaction() as statements:
            rows = (
                statements.run("runs", limit=limit) if job is None else statements.run("runs_of", job=job, limit=limit)
            )
        return [_run(row) for row in rows]


def _run(row: tuple[object, ...]) -> Run:
    job, due, started, ended, state, tries, told = row
    return Run(job, _moment(due), _moment(started), None if ended is None else _moment(ended), state, tries, told)  # type: ignore[arg-type]  # as the schema has them


def _moment(at: object) -> datetime:
    return EPOCH + timedelta(microseconds=int(at))  # type: ignore[call-overload, no-any-return]  # likewise
