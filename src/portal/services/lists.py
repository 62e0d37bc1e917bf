"""Lists, newest first, paged by position: page ten thousand costs what the first did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from sqlalchemy import Select, select, tuple_

from portal.errors import NotFoundError
from portal.models import Configuration, License, Organization, User

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

PAGE_SIZE = 50
_Row = TypeVar("_Row", Organization, User, License)
_Entity = TypeVar("_Entity", Organization, User, License, Configuration)


@dataclass(frozen=True)
class Page(Generic[_Row]):
    rows: list[_Row]
    older: str | None  # where the next page starts; None at the end
    first: bool


def newest(db: Session, query: Select[Any], model: type[_Row], before: str = "") -> Page[_Row]:
    """One page of the query. A position that cannot be read means the first page."""
    position = _position(before)
    if position:
        query = query.where(tuple_(model.created_at, model.id) < tuple_(*position))
    query = query.order_by(model.created_at.desc(), model.id.desc()).limit(PAGE_SIZE + 1)
    rows = list(db.scalars(query))
    more = len(rows) > PAGE_SIZE
    rows = rows[:PAGE_SIZE]
    return Page(rows, _written(rows[-1]) if more else None, position is None)


def find(db: Session, model: type[_Entity], entity_id: str) -> _Entity:
    row = db.scalar(select(model).where(model.id == entity_id)) if entity_id.isprintable() else None
    if row is None:
        raise NotFoundError
    return row


def _written(row: Organization | User | License) -> str:
    return f"{row.created_at.isoformat()}~{row.id}"


def _position(text: str) -> tuple[datetime, str] | None:
    moment, _, entity_id = text.partition("~")
    try:
        when = datetime.fromisoformat(moment)
    except ValueError:
        return None
    return (when, entity_id) if when.tzinfo and entity_id.isprintable() else None
