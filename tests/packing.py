"""Content codings by the libraries themselves, by their names in HTTP."""

import gzip
import sys
from collections.abc import Callable

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PACK: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "zstd": zstd.compress}
UNPACK: dict[str | None, Callable[[bytes], bytes]] = {"gzip": gzip.decompress, "zstd": zstd.decompress, None: bytes}


def zstd_of_window(log2: int, body: bytes) -> bytes:
    """A frame whose reader has to keep 2**`log2` bytes of what it has unpacked."""
    return zstd.compress(body, options={zstd.CompressionParameter.window_log: log2})
