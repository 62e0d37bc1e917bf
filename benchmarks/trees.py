"""Our proofs against pymerkle's and sigstore's check, on random trees: all are to agree on every one.

    pip install pymerkle==7.0.0 sigstore==4.5.1
    python benchmarks/trees.py [--trees 10000]

Neither is among this project's dependencies; the tests hold our proofs against a slow transcription of RFC 6962.
"""

import argparse
import sys
from functools import cache
from pathlib import Path
from random import Random
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).parent.parent))

import pymerkle  # type: ignore[import-not-found]  # not a dependency: see above
from sigstore._internal.merkle import verify_merkle_inclusion  # type: ignore[import-not-found]  # likewise
from sigstore.errors import VerificationError  # type: ignore[import-not-found]  # likewise

from indelible.merkle.proof import consistency, inclusion, root_from_inclusion, roots_from_consistency
from indelible.merkle.tree import Frontier, leaf_hash

LEAVES = [b"%d" % number for number in range(1500)]
HASHES = [leaf_hash(leaf) for leaf in LEAVES]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trees", type=int, default=10_000)
    count = parser.parse_args().trees
    theirs, random = pymerkle.InmemoryTree(algorithm="sha256"), Random(1)
    for leaf in LEAVES:
        theirs.append_entry(leaf)
    for _ in range(count):
        size = random.randrange(1, len(LEAVES) + 1)
        agree(theirs, random.randrange(size), random.randrange(1, size + 1), size)
    print(
        f"{count} trees of up to {len(LEAVES)} leaves: roots, inclusion and consistency agree; sigstore accepts ours."
    )


def agree(theirs: pymerkle.InmemoryTree, index: int, old: int, size: int) -> None:
    before, after = theirs.get_root(old), theirs.get_root(size)
    path = [root(run) for run in inclusion(index, size)]
    assert [bytes(each) for each in theirs.prove_inclusion(index + 1, size).path] == [HASHES[index], *path]
    assert root_from_inclusion(HASHES[index], index, size, path) == after
    accepted_by_sigstore(index, size, path, after)
    proof = [root(run) for run in consistency(old, size)]
    assert roots_from_consistency(old, size, before, proof) == (before, after)


def accepted_by_sigstore(index: int, size: int, path: list[bytes], root: bytes) -> None:
    """Ours is; one with a bit of the leaf changed is not."""

    def entry(leaf: bytes) -> SimpleNamespace:
        proof = SimpleNamespace(log_index=index, tree_size=size, hashes=path, root_hash=root)
        return SimpleNamespace(_inner=SimpleNamespace(inclusion_proof=proof, canonicalized_body=leaf))

    verify_merkle_inclusion(entry(LEAVES[index]))
    try:
        verify_merkle_inclusion(entry(bytes([LEAVES[index][0] ^ 1]) + LEAVES[index][1:]))
    except VerificationError:
        return
    raise AssertionError("sigstore accepted another leaf")


@cache
def root(run: range) -> bytes:
    frontier = Frontier()
    for hash_ in HASHES[run.start : run.stop]:
        frontier.append(hash_)
    return frontier.root()


if __name__ == "__main__":
    main()
