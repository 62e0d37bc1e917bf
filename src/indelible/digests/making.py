"""The round in which digests are made: of each, what it covers, its letter and its entry are written together."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from indelible.digests.contents import Contents, collect
from indelible.digests.digests import TIMES, Digest, Digests, Frequency, announce_digest, digest_of
from indelible.digests.writing import Told, write
from indelible.errors import MailError
from indelible.event import EPOCH, Actor, clip, micros
from indelible.log import Log
from indelible.schedule.times import parse_times
from indelible.search.match import matching
from indelible.search.query import parse
from indelible.work.announcements import By, settle
from indelible.work.letters import Letter, Send, send_due, write_letter
from indelible.work.promise import Statements, Work

MOST_TOLD = 500  # characters of why a mail was not taken
_BY = By(actor=Actor.system("digests"))


class Maker:
    """`pages`: where others reach the audit pages, for links and for unsubscribing."""

    def __init__(self, log: Log, work: Work, digests: Digests, pages: str) -> None:
        self._log = log
        self._work = work
        self._digests = digests
        self._pages = pages.rstrip("/")

    def make(self, frequency: Frequency, wanted: Callable[[Digest], bool] = lambda _: True) -> str | None:
        """All of one frequency, or some; gives how many, in words. Raises LogError, UsageError."""
        made = sum(self._make(each) for each in self._digests.all() if each.frequency == frequency and wanted(each))
        settle(self._work, self._log)
        return f"{made} {'digest' if made == 1 else 'digests'}" if made else None

    def make_due(self, frequency: Frequency) -> str | None:
        """Those that were not made since it was last due: a run that was interrupted, or failed, has made some."""
        now = datetime.now(UTC)
        due = micros(parse_times(TIMES[frequency]).last(now))
        return self.make(frequency, lambda each: not due <= each.covered_at <= micros(now))

    def send(self, send: Send) -> int:
        """Letters that are due, whatever they tell of: how many were taken. Raises LogError, MailError."""
        try:
            return send_due(self._work, send, _give_up)
        except MailError:
            settle(self._work, self._log)
            raise

    def _make(self, digest: Digest) -> bool:
        """False: another process was faster, or it was removed meanwhile."""
        until, stop = datetime.now(UTC), self._log.signed_size()
        match = matching(parse(digest.query, until, kept=True), digest.organization)
        contents = collect(self._log, match, digest.cursor, stop)
        letter, now = self._letter(digest, contents, until), micros(until)
        with self._work.transaction() as statements:
            covered = {"was": digest.cursor, "was_covered_at": digest.covered_at}
            if not statements.run("cover_digest", id=digest.id, cursor=stop, covered_at=now, **covered):
                return False
            write_letter(statements, letter, now)
            metadata = {
                "job": f"digests-{digest.frequency}", "schedule": TIMES[digest.frequency], "entries": contents.total,
                "from": contents.start, "until": contents.stop,
            }  # fmt: skip
            announce_digest(statements, "DIGEST_SENT", "send", digest, _BY, metadata=metadata)
        return True

    def _letter(self, digest: Digest, contents: Contents, until: datetime) -> Letter:
        token, unsubscribe = self._digests.token(digest.id), ""
        if self._pages:
            unsubscribe = f"{self._pages}/digests/{digest.id}/unsubscribe?token={token}"
        told = Told(
            name=digest.name, query=digest.query, since=EPOCH + timedelta(microseconds=digest.covered_at), until=until,
            pages=self._pages, unsubscribe=unsubscribe,
        )  # fmt: skip
        subject, plain, html = write(contents, told)
        return Letter(
            id=f"{digest.id} {digest.cursor} {digest.covered_at}", recipient=digest.recipient, subject=subject,
            plain=plain, html=html, unsubscribe=unsubscribe or None,
        )  # fmt: skip


def _give_up(statements: Statements, letter: Letter, failure: MailError) -> None:
    """What was told to be sent was not. A digest that is gone by now, or a letter of something else, has no entry."""
    for row in statements.run("digest", id=letter.id.partition(" ")[0]):
        told = clip(str(failure), MOST_TOLD)
        announce_digest(statements, "DIGEST_FAILED", "send", digest_of(row), _BY, failure=told)
