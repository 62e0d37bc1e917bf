"""Makes the blocks that are missing, in a process of its own.

    python -m indelible.index.apart      with the log's URL on stdin

Making one takes two seconds of Python. In the server's own process they would be taken from whoever seals. Killed
anywhere, what it had not finished is made the next time.
"""

import sys

from indelible.background import apart
from indelible.index.blocks import Blocks
from indelible.store.place import place_of


def work(url: str) -> None:
    store = place_of(url).open()
    blocks = Blocks(store)
    while blocks.full() and blocks.advance():
        pass
    store.close()


if __name__ == "__main__":
    sys.exit(apart(work))
