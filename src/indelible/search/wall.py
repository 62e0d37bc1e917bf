"""The second wall between organizations: whatever found an entry, its line says whose it is.

Blocks and dictionaries are files and rows that somebody may damage, and a plan is code that somebody may change. What
they let through is looked at once more, before any of it is handed out.
"""

from collections.abc import Sequence

import msgspec

from indelible.errors import VerificationError


class _Owner(msgspec.Struct):
    id: str


class _Owned(msgspec.Struct):
    """Enough of a line."""

    seq: int
    organization: _Owner | None


_decode = msgspec.json.Decoder(_Owned).decode


def own(lines: Sequence[bytes], organization: str | None) -> Sequence[bytes]:
    """They, if each is this organization's; None: whoever's. Raises VerificationError, and nothing is handed out."""
    if organization is None:
        return lines
    for line in map(_decode, lines):
        if line.organization is None or line.organization.id != organization:
            message = f"a search of one organization found entry {line.seq}, which is not its own. Nothing was shown."
            raise VerificationError("index", f"{message} Find out why: indelible verify LOG", line.seq)
    return lines
