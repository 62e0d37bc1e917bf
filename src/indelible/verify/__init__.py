"""Is the log what was signed? Trusts the bytes of the lines, a public key and checkpoints; nothing derived.

Every line is hashed anew onto a tree of our own, and the tree is held against every checkpoint on its way.
The first entry that does not fit is named.
"""

from indelible.verify.file import verify_file
from indelible.verify.live import verify_log
from indelible.verify.rebuilt import Progress, Report
from indelible.verify.tiles import verify_tiles

__all__ = ["Progress", "Report", "verify_file", "verify_log", "verify_tiles"]
