"""Verifies an exported audit log without trusting who exported it. Python 3.11, and `pip install cryptography`.

    python verify.py [FILE.zip | FOLDER] --key KEY

KEY is the verifier key of the log, as you were given it when the log was made, not as it comes with the files. Says
"ok", how many entries there are, and the root of their tree; and as of when that is. Or names the first entry that is
not what was signed, and exits with 3; with 2 where it cannot begin, as by a file that is not there. Read it: it is
short, and nothing of it comes from the program that wrote the files.

What it checks, by RFC 6962 and C2SP signed-note and tlog-checkpoint:
- `keys` has the changes of the log's key, each signed by the old one and the new one; from KEY on they lead to another;
- `checkpoint` is signed with the key that was to sign it, and says how many entries there were, and the root of their
  Merkle tree: of the whole log, or of one organization, by the tree of its entries alone;
- `hashes` has so many leaf hashes, and they give that root;
- each line of `entries.jsonl` has the hash that stands for it there, and says the number at which it stands; of an
  organization, that it is of this one, and a number behind that of the line before.

Of some entries, those that a search found, there are `proofs` in the place of `hashes`: for each line the hashes that
lead from its own to that root (RFC 9162 2.1.3). Each is shown to be what was signed; not that there are no others.
"""

import argparse
import base64
import hashlib
import importlib.util
import json
import lzma
import posixpath
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, NamedTuple
from urllib.parse import unquote

ENTRIES, HASHES, PROOFS, CHECKPOINT, KEYS = "entries.jsonl", "hashes", "proofs", "checkpoint", "keys"
DASH = "— "  # before each signature
KEY_CHANGE = "indelible/key-change/v1"
HASH_SIZE = 32
ED25519 = 1  # the signature type byte


class Refused(Exception):  # noqa: N818 - what is refused is the log
    """The files are not what was signed.

    `place` is where the first bad line stands in `entries.jsonl`, from 0; `seq` the number of its entry: of a part of
    the log the line itself says that.
    """

    def __init__(self, kind: str, message: str, place: int | None = None, seq: int | None = None) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.message = message
        self.place = place
        self.seq = seq


class Checked(NamedTuple):
    """`entries` are there, of `size` that were signed with this root; `whole`: these are all.

    The log had `among` entries then; `newest` is when the last of those that are there happened.
    """

    origin: str
    size: int
    root: bytes
    entries: int
    whole: bool
    among: int
    newest: str


def check(files: "Files", key: str) -> Checked:
    """What they are, if all is as it was signed. Raises Refused."""
    origin, size, root, among, organization = signed(files.text(CHECKPOINT), key, files.changes())
    if files.has(PROOFS):
        count, line = check_some(files, size, root)
        return Checked(origin, size, root, count, whole=False, among=among, newest=when(line))
    found = tree(hashes(files))
    if found != (size, root):
        kind = "truncated" if found[0] < size else "added" if found[0] > size else "changed"
        raise Refused(
            kind, f"`{HASHES}` has {found[0]} entries, and not the root that was signed for {size} of {origin}."
        )
    count, last, line, stored = 0, -1, b"", hashes(files)
    for line in lines(files):
        hash_ = next(stored, None)
        if hash_ is None:
            message = f"`{ENTRIES}` goes on behind the {size} entries that were signed."
            raise Refused("added", message, count, count if organization is None else number(line))
        last = check_line(count, hash_, line, last, organization)
        count += 1
    if count != size:
        missing = count if organization is None else None
        raise Refused("truncated", f"{size} entries were signed, {count} are there.", count, missing)
    return Checked(origin, size, root, size, whole=True, among=among, newest=when(line))


def check_some(files: "Files", size: int, root: bytes) -> tuple[int, bytes]:
    """Each line by its own proof; gives how many there are, and the last one."""
    count, last, line, proofs = 0, -1, b"", paths(files)
    for line in lines(files):
        path = next(proofs, None)
        if path is None:
            message = f"`{ENTRIES}` goes on behind the {count} entries that have a proof."
            raise Refused("added", message, count, number(line))
        seq = number(line)
        if seq is None or root_of(hashlib.sha256(b"\x00" + line).digest(), seq, size, path) != root:
            raise bad("changed", "is not the line that was signed", count, seq)
        if seq <= last:
            raise bad("reordered", f"stands behind the entry {last}", count, seq)
        count, last = count + 1, seq
    if next(proofs, None) is not None:
        raise Refused("truncated", f"there are more proofs than the {count} entries.", count)
    return count, line


def bad(kind: str, what: str, place: int, seq: int | None) -> Refused:
    """Names an entry as it is named elsewhere, and where it is to be found in the file."""
    line = f"line {place + 1} of `{ENTRIES}`"
    return Refused(kind, f"{line if seq is None else f'entry {seq} ({line})'} {what}.", place, seq)


def number(line: bytes) -> int | None:
    """Of the entry, as its line says."""
    try:
        said = int(json.loads(line)["seq"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
    return said if 0 <= said < sys.maxsize else None


def when(line: bytes) -> str:
    """It happened, by a line that was signed."""
    return str(json.loads(line)["occurred_at"]) if line else ""


def root_of(hash_: bytes, seq: int, size: int, path: list[bytes]) -> bytes | None:
    """Where the hashes lead to from leaf `seq` of `size`: RFC 9162 2.1.3.2."""
    if not 0 <= seq < size:
        return None
    place, last = seq, size - 1
    for other in path:
        if last == 0:
            return None
        if place & 1 or place == last:
            hash_ = hashlib.sha256(b"\x01" + other + hash_).digest()
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            hash_ = hashlib.sha256(b"\x01" + hash_ + other).digest()
        place, last = place >> 1, last >> 1
    return hash_ if last == 0 else None


def check_line(place: int, hash_: bytes, line: bytes, last: int, organization: str | None) -> int:
    """Gives the entry's number."""
    if hashlib.sha256(b"\x00" + line).digest() != hash_:  # RFC 6962 2.1
        seq = place if organization is None else number(line)
        raise bad("changed", "is not the line that was signed", place, seq)
    entry = json.loads(line)  # it was signed, so it is one
    said = int(entry["seq"])
    if said <= last or (organization is None and said != place):
        raise Refused("reordered", f"in line {place + 1} of `{ENTRIES}` stands the entry {said}.", place, said)
    if organization is not None and (entry["organization"] or {}).get("id") != organization:
        raise bad("added", "is not of this organization", place, said)
    return said


def signed(note: str, key: str, changes: list[str]) -> tuple[str, int, bytes, int, str | None]:
    """Origin, size and root of a checkpoint that was signed by whom it was to be; the log's size, and whose it is."""
    name, _, _ = parse_key(key)
    try:
        origin, size, root, *more = note.rpartition("\n\n")[0].split("\n")
        head = origin, int(size), base64.b64decode(root, validate=True)
        among = int(more[0].removeprefix("log ")) if more else head[1]  # an organization's, among so many of all
    except ValueError:
        raise Refused("re-signed", f"`{CHECKPOINT}` is no checkpoint.") from None
    if origin != name and not origin.startswith(f"{name}/org/"):
        raise Refused("re-signed", f"`{CHECKPOINT}` is of {origin}; the key is of {name}. Is it another log's key?")
    if not any(first <= among <= last and signs(each, note) for each, first, last in chain(key, changes)):
        raise Refused("re-signed", f"`{CHECKPOINT}` is not signed with the key {key}, nor with one that it led to.")
    if origin == name:
        return *head, among, None
    return *head, among, unquote(origin.removeprefix(f"{name}/org/"))


def chain(key: str, changes: list[str]) -> list[tuple[str, int, int]]:
    """The log's keys, KEY among them, and from which size to which the word of each counts."""
    keys, firsts, lasts = [key.strip()], [0], [sys.maxsize]
    for note in changes:
        size, good, old, new = change(note)
        # A key that was revoked leads to another only as far as its own word is good: its thief has it, too.
        if (len(keys) > 1 and keys[-1] != old) or not firsts[-1] <= good <= size:
            raise Refused("re-signed", f"`{KEYS}` has changes of the log's key that are no chain.")
        keys[-1:] = [old, new]
        firsts, lasts = [*firsts, size], [*lasts[:-1], good, sys.maxsize]
    if key.strip() not in keys:
        raise Refused("re-signed", f"`{KEYS}` does not lead from the key {key}.")
    return list(zip(keys, firsts, lasts, strict=True))


def change(note: str) -> tuple[int, int, str, str]:
    """Size, last good size, old and new key of a change that both have signed, of the same name."""
    text = note.rpartition("\n\n")[0]
    try:
        _, name, size, good, old, new = text.split("\n")
        said = int(size), int(good), old, new
    except ValueError:
        raise Refused("re-signed", f"`{KEYS}` has what is no change of the log's key.") from None
    names = {name, parse_key(old)[0], parse_key(new)[0]}
    spelled = "\n".join([KEY_CHANGE, name, *map(str, said)])
    if text != spelled or len(names) > 1 or not (signs(old, note) and signs(new, note)):
        raise Refused("re-signed", f"`{KEYS}` has what is no change of the log's key.")
    return said


def signs(key: str, note: str) -> bool:
    """Whether the key has signed the note, and each signature that claims to be by it is."""
    name, public, id_ = parse_key(key)
    text, blank, last = note.rpartition("\n\n")
    *signatures, end = last.split("\n")
    found = list[bool]()
    for line in signatures:
        by, _, encoded = line.removeprefix(DASH).partition(" ")
        signature = decoded(encoded)
        named = by and not any(c.isspace() or c == "+" for c in by)
        if not line.startswith(DASH) or not named or len(signature) <= len(id_):
            return False  # signed-note: a line that is no signature spoils the note
        if (by, signature[:4]) == (name, id_):
            found.append(verifies(public, signature[4:], f"{text}\n"))
    return bool(blank) and not end and bool(found) and all(found)


def parse_key(key: str) -> tuple[str, bytes, bytes]:
    """Name, public key and key id of `name+id+base64`."""
    name, _, rest = key.strip().partition("+")
    wanted, _, encoded = rest.partition("+")
    data = decoded(encoded)
    id_ = hashlib.sha256(name.encode() + b"\n" + data).digest()[:4]
    if data[:1] != bytes([ED25519]) or len(data) != 1 + HASH_SIZE or id_.hex() != wanted:
        formed = len(wanted) == len(id_.hex()) and encoded and id_.hex() != wanted
        why = "the id in it is not that of its key: it was mistyped, or cut" if formed else "name+id+base64 is expected"
        raise Refused("re-signed", f"{key[:200]!r} is no verifier key: {why}.")
    return name, data[1:], id_


def verifies(public: bytes, signature: bytes, text: str) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, text.encode())
    except InvalidSignature:
        return False
    return True


def decoded(text: str) -> bytes:
    """Nothing for what is not as it would be written: the last letter has bits that stand for nothing."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        return b""
    return data if base64.b64encode(data).decode() == text else b""


def tree(leaves: Iterator[bytes]) -> tuple[int, bytes]:
    """How many there are, and their root: RFC 6962 2.1, by the roots of perfect subtrees, the largest first."""
    size, roots = 0, list[bytes]()
    for leaf in leaves:
        node, rest = leaf, size
        while rest & 1:
            node = hashlib.sha256(b"\x01" + roots.pop() + node).digest()
            rest >>= 1
        roots.append(node)
        size += 1
    node = roots.pop() if roots else hashlib.sha256(b"").digest()
    while roots:
        node = hashlib.sha256(b"\x01" + roots.pop() + node).digest()
    return size, node


class Files:
    """A bundle: a ZIP file, or the folder that was made of it. Raises Refused."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._zip = zipfile.ZipFile(path) if path.is_file() else None
        except (zipfile.BadZipFile, NotImplementedError) as error:
            raise Refused("changed", f"{path} is no ZIP file, or damaged: {error}.") from error
        # Of two that are unpacked to one file this program would read another one than people do.
        names = [posixpath.normpath(each).casefold() for each in self._zip.namelist()] if self._zip else []
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise Refused("added", f"`{twice[0]}` is there twice.")

    def open(self, name: str) -> IO[bytes]:
        try:
            return self._zip.open(name) if self._zip else (self._path / name).open("rb")
        except (KeyError, OSError):
            raise Refused("missing", f"`{name}` is not there.") from None
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            raise Refused("changed", f"`{name}` cannot be opened: {error}.") from error

    def has(self, name: str) -> bool:
        return name in self._zip.namelist() if self._zip else (self._path / name).exists()

    def changes(self) -> list[str]:
        """Of the log's key."""
        try:
            return [str(note) for note in json.loads(self.text(KEYS))]
        except (ValueError, TypeError, RecursionError):
            raise Refused("re-signed", f"`{KEYS}` cannot be read.") from None

    def text(self, name: str) -> str:
        with self.open(name) as file:
            return b"".join(intact(lambda: file.read(1_000_000))).decode("utf-8", "replace")


def hashes(files: Files) -> Iterator[bytes]:
    with files.open(HASHES) as file:
        yield from intact(lambda: file.read(HASH_SIZE))


def paths(files: Files) -> Iterator[list[bytes]]:
    """A line for each entry: hashes in base64, from the leaf's sibling up."""
    with files.open(PROOFS) as file:
        for line in intact(file.readline):
            yield [decoded(each) for each in line.decode("ascii", "replace").split()]


def lines(files: Files) -> Iterator[bytes]:
    """Without their ends. A last line without one was cut: it is given so that it cannot fit."""
    with files.open(ENTRIES) as file:
        for line in intact(file.readline):
            yield line[:-1] if line.endswith(b"\n") else line + b"\n"


def intact(read: Callable[[], bytes]) -> Iterator[bytes]:
    """What is read, up to where the file is damaged; there, what cannot fit."""
    try:
        while piece := read():
            yield piece
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError):  # bzip2's own is an OSError
        yield b"damaged"


def main() -> int:
    parser = argparse.ArgumentParser(description="Verifies an exported audit log.")
    parser.add_argument("path", nargs="?", type=Path, default=Path(__file__).parent, metavar="FILE.zip | FOLDER")
    parser.add_argument("--key", required=True, help="the verifier key, as you were given it when the log was made")
    arguments = parser.parse_args()
    if importlib.util.find_spec("cryptography") is None:
        parser.error("the package `cryptography` is not there: pip install cryptography")
    if not arguments.path.exists():
        parser.error(f"there is no file {arguments.path}: name the bundle that you were given.")
    try:
        parse_key(arguments.key)
    except Refused as error:
        parser.error(error.message)
    try:
        checked = check(Files(arguments.path), arguments.key)
    except Refused as error:
        sys.stderr.write(f"verify.py: {error}\n")
        return 3
    told = f"{checked.size}" if checked.whole else f"{checked.entries} of {checked.size}"
    sys.stdout.write(f"ok {told} {checked.root.hex()}\n")
    sys.stderr.write(f"verify.py: {held(checked)}.\n")
    return 0


def held(checked: Checked) -> str:
    """What was shown, and as of when."""
    origin, size, _, entries, whole, among, newest = checked
    log = "" if whole and among == size else f" when the log had {among}"
    if not entries:
        return f"0 entries are here, of {size} of {origin} that were signed: there was nothing to verify"
    if whole:
        return f"these are all {size} entries of {origin} that were signed{log}; the last is of {newest}"
    each = f"each of these {entries} entries of {origin} is as it was signed{log}; the last of them is of {newest}"
    return f"{each}. That there are no others is not proved"


if __name__ == "__main__":
    sys.exit(main())
