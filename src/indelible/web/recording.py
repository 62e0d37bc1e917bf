"""That somebody looked at entries is one itself, where that is wanted.

Entries stay for good, and what somebody searched for may be somebody's name. So its words are hashed, with a key that
only this installation has: whoever has that can tell whether a certain word was searched for, and nobody else can.
"""

from typing import Any

from starlette.requests import Request

from indelible.log import Log
from indelible.search.query import Query, Term
from indelible.upkeep import Upkeep
from indelible.viewer import Viewer
from indelible.web.frame import by_of
from indelible.work.announcements import note


class Looks:
    """That somebody looked, where the setting says so."""

    def __init__(self, log: Log, upkeep: Upkeep) -> None:
        self._log = log
        self._upkeep = upkeep

    def searched(self, request: Request, viewer: Viewer, query: Query, since: str, until: str) -> None:
        """Raises LogError: what cannot be recorded is not shown."""
        if self._upkeep.records_views:
            terms = " ".join(self._hashed(term) for term in query.terms)
            self._view(request, viewer, {"query": terms, "since": since, "until": until})

    def opened(self, request: Request, viewer: Viewer, seq: int) -> None:
        if self._upkeep.records_views:
            self._view(request, viewer, {"entry": seq})

    def followed(self, request: Request, viewer: Viewer, term: Term) -> None:
        """The history of one thing, or of one user."""
        if self._upkeep.records_views:
            self._view(request, viewer, {"query": self._hashed(term)})

    def _view(self, request: Request, viewer: Viewer, details: dict[str, Any]) -> None:
        if request.method != "HEAD":
            note(self._log, by_of(request, viewer), "AUDIT_VIEWED", "view", details)

    def _hashed(self, term: Term) -> str:
        hashed = self._upkeep.desk.secrets.token(f"searched {term.value.casefold()}")[:16]
        return f"{'-' * term.negated}{term.key}:{hashed}"
