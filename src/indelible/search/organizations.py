"""Which organizations the log knows: of a mistyped one everything would be empty, and look proved."""

from indelible.errors import NotFoundError
from indelible.log import Log

SHOWN = 3


def need_organization(log: Log, id_: str) -> None:
    """Raises NotFoundError for one that no entry is of, with the ids of those that are called so."""
    if log.store.keyed("organization", id_):
        return
    found = log.store.named({"organization": log.store.fitting("organization", id_.casefold())})
    near = sorted(found["organization"].values())
    meant = f"Did you mean {' or '.join(near[:SHOWN])}?" if near else "Ids are exact: indelible search LOG org:WORD"
    raise NotFoundError(f"The log has no entry of an organization with the id {id_!r}. {meant}")
