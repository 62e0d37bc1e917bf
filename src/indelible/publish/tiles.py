"""The log as tiles (c2sp.org/tlog-tiles): what is read by whoever makes proofs by themselves, or keeps a mirror."""

from indelible.errors import NotFoundError
from indelible.log import Log
from indelible.merkle.tile import Tile, bundle


def read_tile(log: Log, tile: Tile) -> bytes:
    """The bytes of a tile, or of a bundle of entries. Raises NotFoundError for what is not all signed.

    A tile never changes: what is served of it may be kept for as long as one likes.
    """
    places = tile.places
    if not tile.within(log.signed_size()):
        raise NotFoundError(f"{tile} is not among what is signed.")
    if tile.level == "entries":
        return bundle(line for _, _, line in log.leaves(places.start, places.stop))
    return b"".join(log.store.nodes(tile.level, places.start, places.stop))
