"""Who keeps which searches: each that is kept or given up is an entry."""

from datetime import UTC, datetime

import msgspec

from indelible.errors import NotFoundError, UsageError
from indelible.event import Actor, Entity, micros
from indelible.legible import without_joiners
from indelible.log import Log
from indelible.search.query import asked
from indelible.viewer import owner_of
from indelible.work.announcements import By, announce, happening, settle
from indelible.work.ids import id_of
from indelible.work.promise import Statements, Work

MAX_NAME = 80
MOST = 100  # that one person keeps in one organization


class View(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `saved_view`. `shared` and `opens` are 0 or 1."""

    id: str
    name: str
    owner: str
    organization: str | None
    shared: int
    opens: int
    query: str
    since: str
    until: str
    created_at: int


class Views:
    """Of one log."""

    def __init__(self, log: Log, work: Work) -> None:
        self._log = log
        self._work = work

    def add(  # noqa: PLR0913 - a view is just these
        self, by: By, *, name: str, query: str, since: str = "", until: str = "", shared: bool = False,
        opens: bool = False,
    ) -> View:  # fmt: skip
        """Shared it is seen by all who see what its owner sees. The same search under the same name is one view.

        Raises UsageError, QueryError, LogError.
        """
        now, name = datetime.now(UTC), check_view_name(name)
        owner = owner_of(by.actor)
        if owner is None:
            raise UsageError("Who has neither an id nor an e-mail cannot keep a view.")
        asked(query, since, until, now)
        id_ = id_of("vw", owner, by.organization, name, query, since, until)
        own = {each.id: each for each in self.seen(by.actor, by.organization) if _own(each, by.actor)}
        if len(own) >= MOST and id_ not in own:
            raise UsageError(f"You keep {MOST} views already. Remove one that nobody needs.")
        view = View(
            id=id_, name=name, owner=owner, organization=by.organization, shared=int(shared),
            opens=int(opens), query=query, since=since, until=until,
            created_at=own[id_].created_at if id_ in own else micros(now),
        )  # fmt: skip
        if view == own.get(id_):
            return view
        with self._work.transaction() as statements:
            if opens:
                statements.run("open_no_view", owner=owner, organization=by.organization)
            statements.run("add_view", **msgspec.structs.asdict(view))
            _announce(statements, "AUDIT_VIEW_SAVED", "create", view, by)
        settle(self._work, self._log)
        return view

    def seen(self, actor: Actor, organization: str | None) -> list[View]:
        """Their own, and those that are shared with them, by name."""
        with self._work.transaction() as statements:
            found = [View(**dict(zip(View.__struct_fields__, row, strict=True))) for row in statements.run("views")]
        return [view for view in found if view.organization == organization and (view.shared or _own(view, actor))]

    def first(self, actor: Actor, organization: str | None) -> View | None:
        """What they want to see first."""
        return next((view for view in self.seen(actor, organization) if view.opens and _own(view, actor)), None)

    def remove(self, id_: str, by: By, *, manages: bool = False) -> None:
        """One's own; who manages, also shared ones. Raises NotFoundError for what is not there, or another's."""
        view = next((each for each in self.seen(by.actor, by.organization) if each.id == id_), None)
        if view is None or not (manages or _own(view, by.actor)):
            raise NotFoundError(f"There is no view {id_[:40]!r} of yours.")
        with self._work.transaction() as statements:
            statements.run("remove_view", id=id_)
            _announce(statements, "AUDIT_VIEW_REMOVED", "delete", view, by)
        settle(self._work, self._log)


def check_view_name(name: str) -> str:
    """Raises UsageError."""
    name = name.strip()
    seen = without_joiners(name)
    if not seen.strip() or len(name) > MAX_NAME or not seen.isprintable():
        raise UsageError(f"A view needs a name, of up to {MAX_NAME} characters, all of them printable.")
    return name


def _own(view: View, actor: Actor) -> bool:
    return view.owner == owner_of(actor)


def _announce(statements: Statements, action: str, operation: str, view: View, by: By) -> None:
    told = {"query": view.query, "since": view.since, "until": view.until, "shared": bool(view.shared) or None}
    side = "old" if operation == "delete" else "new"
    changes = {name: {side: value} for name, value in told.items() if value}
    entity = Entity("View", view.id, view.name)
    announce(
        statements,
        happening(
            action, operation, entity, by.actor, organization=view.organization, changes=changes, context=by.context
        ),
    )
