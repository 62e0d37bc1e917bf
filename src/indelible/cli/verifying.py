"""`indelible verify`: of a log by its URL, of what was exported by its path."""

from itertools import islice
from pathlib import Path
from zipfile import is_zipfile

from indelible.cli.output import progress, say, show, show_bytes
from indelible.cli.recognizing import need_verifiable
from indelible.errors import LogError, MalformedError, NotFoundError, UsageError, VerificationError
from indelible.export import alone
from indelible.log import Log
from indelible.memory import recall, remember
from indelible.merkle.key import Verifier
from indelible.merkle.keyring import Keyring
from indelible.merkle.tlog_proof import FIRST, TlogProof
from indelible.publish.publisher import Places
from indelible.verify import Report, verify_file, verify_log, verify_tiles
from indelible.verify.rebuilt import older

NO_CHANGES = "If the log's key was changed since, give the key of then: a proof shows no changes of it, a bundle does."


def verified(target: str, key: str | None, note: str | None) -> Report | None:
    """Verify a log by its URL, or an export by its path; of a bundle and a single entry all is said here."""
    return _verify_log(target, key, note) if "://" in target else _verify_file(Path(target), key, note)


def _verify_log(url: str, key: str | None, note: str | None) -> Report:
    with Log.open(url, sign=False) as log:
        if key is None:
            say("The key is the one the log itself shows. To trust nobody, give --key with the one you were given.")
        verifier = key_of(key) if key else log.verifier
        with progress("Verifying", log.head().size) as moved:
            report = verify_log(log, verifier, note, moved, known=recall(verifier))
        if key and report.size and not report.signed:
            raise VerificationError(
                "re-signed",
                f"of {report.size} entries none is signed with {verifier}, nor a key that it led to: no checkpoint is "
                "there. Restore the newest copy, or hold one against it that you kept (--checkpoint FILE).",
            )
        level, size, by = Places.configured().assurance(log)
        say(f"It is {level}" + (f", up to {size} entries, by {by}." if by else "."))
    _remember(verifier, report.size, report.root)
    return report


def _verify_file(path: Path, key: str | None, note: str | None) -> Report | None:
    if path.is_dir() and not (path / alone.ENTRIES).exists():
        return _verify_folder(path, key)
    if path.is_dir() or is_zipfile(path):
        _verify_bundle(path, key)
        return None
    need_verifiable(path, pinned=note is not None)
    if (proof := _read_proof(path)) is not None:
        _verify_proof(proof, key)
        return None
    if key is None or note is None:
        raise UsageError("JSON Lines are verified with --key and --checkpoint. The latter: indelible checkpoint LOG")
    verifier = key_of(key)
    with progress("Verifying", 0) as moved:
        report = verify_file(path, verifier, note, moved, known=recall(verifier))
    if report.signed == report.size:  # what stands behind that, whoever gave the file may have written
        _remember(verifier, report.size, report.root)
    return report


def _verify_folder(path: Path, key: str | None) -> Report:
    if key is None:
        raise UsageError(
            "A folder of tiles is verified with --key, the verifier key that you were given (indelible verifier LOG)."
        )
    verifier = key_of(key)
    with progress("Verifying", 0) as moved:
        report = verify_tiles(path, verifier, moved, known=recall(verifier))
    _remember(verifier, report.size, report.root)
    return report


def _verify_bundle(path: Path, key: str | None) -> None:
    """By the program that is in it, as it is here; and what was verified before is held against it."""
    if key is None:
        raise UsageError(
            "A bundle is verified with --key, the verifier key that you were given (indelible verifier LOG)."
        )
    verifier = key_of(key)
    try:
        files = alone.Files(path)
        checked = alone.check(files, key)
    except alone.Refused as error:
        raise VerificationError(error.kind, error.message, error.seq) from error
    if checked.whole:
        _compare(verifier, files, checked)
    show(f"ok {checked.size if checked.whole else f'{checked.entries} of {checked.size}'} {checked.root.hex()}")
    held = alone.held(checked)
    say(f"{held[0].upper()}{held[1:]}.")


def _compare(verifier: Verifier, files: alone.Files, checked: alone.Checked) -> None:
    """With what was verified before. A smaller one cannot be, and that is said."""
    known = recall(verifier, checked.origin)
    if known and known.size > checked.size:
        say(f"Of {checked.origin} {older(checked.size, known.size)}")
    elif known and alone.tree(islice(alone.hashes(files), known.size))[1] != known.root:
        raise VerificationError("changed", f"the first {known.size} entries are not those that were verified before.")
    _remember(verifier, checked.size, checked.root, checked.origin)


def _read_proof(path: Path) -> str | None:
    """The file's text, if it begins as a proof does."""
    try:
        with path.open("rb") as file:
            begins = file.read(len(FIRST)) == FIRST.encode()
        return path.read_bytes().decode() if begins else None
    except UnicodeDecodeError as error:
        raise MalformedError(f"{path} is no proof: {error}.") from error
    except OSError:
        return None  # who reads it next says so


def _verify_proof(text: str, key: str | None) -> None:
    """Of an entry alone: what was verified before is of another tree, and nothing to hold against it."""
    if key is None:
        raise UsageError(
            "A proof is verified with --key, the verifier key that you were given (indelible verifier LOG)."
        )
    proof = TlogProof.parse(text)
    if proof.extra is None:
        raise UsageError("This proof comes without its entry; it was not made by `indelible proof`.")
    try:
        checkpoint = proof.verify(proof.extra, Keyring(key_of(key)))
    except MalformedError as error:
        raise VerificationError("re-signed", f"{error} {NO_CHANGES}") from error
    show_bytes(proof.extra + b"\n")
    say(f"Entry {proof.index} of {checkpoint.origin}, as it was signed among {checkpoint.size}.")


def _remember(verifier: Verifier, size: int, root: bytes, origin: str = "") -> None:
    try:
        remember(verifier, size, root, origin)
    except LogError as error:
        say(str(error))  # what was found holds


def read_note(path: Path) -> str:
    try:
        return path.read_bytes().decode()  # as it is: line ends, too
    except (OSError, UnicodeDecodeError) as error:
        raise NotFoundError(f"The checkpoint {path} cannot be read: {error}.") from error


def key_of(text: str) -> Verifier:
    """Raises UsageError."""
    try:
        return Verifier.parse(text)
    except MalformedError as error:
        raise UsageError(f"--key: {error}") from error
