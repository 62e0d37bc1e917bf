"""The walls between organizations: whatever found an entry, it is handed out only where it is theirs.

Blocks and dictionaries are files and rows that somebody may damage, and a plan is code that somebody may change. What
they let through is asked of the store for one organization, which gives no other's; and each line is read once more.
"""

from collections.abc import Sequence

import msgspec

from indelible.errors import Error, LogError, NotFoundError, VerificationError
from indelible.log import Log


class _Owner(msgspec.Struct):
    id: str


class _Owned(msgspec.Struct):
    """Enough of a line."""

    seq: int
    organization: _Owner | None


_decode = msgspec.json.Decoder(_Owned).decode


def own(log: Log, wanted: Sequence[int], organization: str | None) -> Sequence[bytes]:
    """The lines at these places, if each is this organization's; None: whoever's.

    Raises VerificationError, or LogError where a copy of the log lacks what is asked for; then nothing is handed out.
    """
    lines = log.store.lines(wanted, organization) if wanted else []
    if organization is None:
        if len(lines) < len(wanted):
            raise lacking(log, wanted)
        return lines
    owned = [each for each in map(_decode, lines) if each.organization and each.organization.id == organization]
    if others := sorted(set(wanted) - {each.seq for each in owned}):
        if len(log.store.lines(others)) < len(others):
            raise lacking(log, others)
        message = f"a search of one organization found entry {others[0]}, which is not its own. Nothing was shown."
        raise VerificationError("index", f"{message} Find out why: indelible verify LOG", others[0])
    return lines


def lacking(log: Log, wanted: Sequence[int]) -> Error:
    """Some of these are not there: a copy that is behind has not heard of them, or the log itself has lost them."""
    if max(wanted) >= log.store.head().size:
        return LogError(f"{log.store}, as it is read here, is behind what was found in it. Ask again.")
    message = f"the log lacks some of its entries from {min(wanted)} to {max(wanted)}."
    return VerificationError("truncated", f"{message} Find out which: indelible verify LOG")


def own_line(log: Log, seq: int | None, organization: str | None) -> bytes:
    """The line of one entry. Raises NotFoundError; another organization's is as one that is not there."""
    found = [] if seq is None or not 0 <= seq < 2**63 else log.store.lines([seq], organization)
    owner = _decode(found[0]).organization if found else None
    if not found or organization not in (None, owner and owner.id):
        raise NotFoundError(f"There is no entry {'of that number' if seq is None else seq} to be seen here.")
    return found[0]
