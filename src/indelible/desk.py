"""Who hears of the log, and what is done at set times: all that works beside it, opened together."""

from dataclasses import dataclass
from functools import partial
from typing import Self

from indelible.digests.digests import TIMES, Digests
from indelible.digests.making import Maker as DigestMaker
from indelible.errors import UsageError
from indelible.exports.exports import Exports
from indelible.exports.maker import Maker as ExportMaker
from indelible.keys.keys import Keys
from indelible.log import Log
from indelible.schedule.scheduler import Scheduler
from indelible.views.views import Views
from indelible.webhooks.secret import Secrets, key_path
from indelible.webhooks.service import Webhooks
from indelible.work.letters import Send
from indelible.work.place import open_work
from indelible.work.promise import Work


@dataclass(frozen=True)
class Desk:
    """`start` delivers and runs jobs, unless another process does; `close` ends that and lets go of the database."""

    work: Work
    secrets: Secrets
    webhooks: Webhooks
    digests: Digests
    views: Views
    digest_maker: DigestMaker
    keys: Keys
    exports: Exports
    export_maker: ExportMaker
    scheduler: Scheduler

    @classmethod
    def open(cls, log: Log, log_url: str, pages: str) -> Self:
        """Made if it is not there. `pages`: where the audit pages are, as others reach them.

        Raises LogError, UsageError.
        """
        work = open_work(log_url)
        try:
            secrets = Secrets.kept(key_path(log.store.key_path), work)
            digests = Digests(log, work, secrets)
            webhooks = Webhooks.of(log, work, pages)
            exports = Exports(log, work)
            return cls(
                work=work, secrets=secrets, webhooks=webhooks, digests=digests, views=Views(log, work),
                digest_maker=DigestMaker(log, work, digests, pages), exports=exports,
                keys=Keys(log, work), export_maker=ExportMaker(exports, work, log_url), scheduler=Scheduler(work),
            )  # fmt: skip
        except BaseException:
            work.close()
            raise

    def schedule_digests(self) -> None:
        for frequency, times in TIMES.items():
            self.scheduler.add(f"digests-{frequency}", times, partial(self.digest_maker.make_due, frequency))

    def send_letters(self, send: Send) -> str | None:
        """For a scheduler."""
        count = self.digest_maker.send(send)
        return f"{count} sent" if count else None

    def start(self) -> None:
        """Raises UsageError where somebody waits for a webhook, and what sends it is not installed."""
        self.scheduler.start()
        self.export_maker.start()
        try:
            self.webhooks.start()
        except UsageError:
            if self.webhooks.endpoints.all():
                raise

    def stop(self) -> None:
        self.scheduler.stop()
        self.export_maker.stop()
        self.webhooks.stop()

    def close(self) -> None:
        self.stop()
        self.work.close()
