"""What else the transaction of an entry changed."""

from indelible.event import Entry, read
from indelible.log import Log
from indelible.search.wall import own

NEAR = 1000  # entries before and after: those of one transaction are sealed close together, if not side by side


def together(log: Log, entry: Entry, organization: str | None = None) -> list[Entry]:
    """The other entries of its transaction, oldest first, as far as they lie near; `organization` sees only its own."""
    transaction = entry.context.transaction_id
    if transaction is None:
        return []
    near = log.leaves(max(0, entry.seq - NEAR), entry.seq + NEAR + 1)
    likely = [read(line) for _, _, line in near if transaction.encode() in line]  # cheaper than reading them all
    found = [
        other.seq
        for other in likely
        if other.context.transaction_id == transaction
        and other.seq != entry.seq
        and organization in (None, other.organization and other.organization.id)
    ]
    return [read(line) for line in own(log, found, organization)]
