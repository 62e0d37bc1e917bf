"""The page of jobs: what runs by itself, when it did last, and what came of it. For who may see every organization."""

from collections.abc import Sequence
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from indelible.upkeep import Upkeep
from indelible.viewer import Viewer
from indelible.web.frame import Frame

LISTED = 60


class Jobs:
    """What they write in the database concerns everybody, so an organization's viewer does not see them."""

    def __init__(self, frame: Frame, upkeep: Upkeep) -> None:
        self._frame = frame
        self._upkeep = upkeep

    def routes(self) -> Sequence[BaseRoute]:
        return [Route("/jobs/", self._frame.page(self.list))]

    def list(self, request: Request, viewer: Viewer) -> Response:
        if not viewer.manages or viewer.organization is not None:
            return self._frame.missing(request, viewer)
        scheduler, now = self._upkeep.desk.scheduler, datetime.now(UTC)
        jobs = [
            (each, next(iter(scheduler.runs.newest(1, each.name)), None), each.times.next(now))
            for each in sorted(scheduler.jobs, key=lambda job: job.name)
        ]
        told = [run for run in scheduler.runs.newest(LISTED) if run.state != "idle"]
        return self._frame.show(request, "Jobs", "jobs.html", {"jobs": jobs, "runs": told, "viewer": viewer})
