"""The tables that are printed, in Markdown, and what misses its target."""

import statistics
from collections.abc import Iterator
from typing import NamedTuple

from benchmarks.cost.plan import FLOOR, Kind, cheaper, kinds, most, variants
from benchmarks.cost.subject import Engine
from benchmarks.cost.turns import Cell, Round

OURS, PGHISTORY, JSONB = "indelible", "django-pghistory", "jsonb trigger"
NOTE = "° records nothing of it."

Found = list[dict[str, Cell]]  # of each round: by variant


class Target(NamedTuple):
    text: str
    met: bool


def lines(host: str, engine: Engine, rounds: list[Round]) -> Iterator[str]:
    """A line for each kind of write: the time without capture, then each variant as a ratio to it."""
    others = variants(host, engine)[1:]
    yield f"| {host}, {engine} | none | {' | '.join(others)} | target |"
    yield "| --- " * (len(others) + 3) + "|"
    for kind in kinds(host):
        found = [each[kind.method] for each in rounds]
        none = _time(statistics.median(each["none"].seconds or 0 for each in found))
        wanted = targets(host, engine, kind, found)
        asked = "; ".join(target.text + ("" if target.met else ", **missed**") for target in wanted)
        yield f"| {kind.title} | {none} | {' | '.join(_shown(found, variant) for variant in others)} | {asked} |"


def targets(host: str, engine: Engine, kind: Kind, found: Found) -> list[Target]:
    ours, asked = _ratio(found, OURS) or 0, []
    if (limit := most(host, engine, kind.method)) is not None:
        asked.append(Target(f"≤ {limit:.2f}", round(ours, 2) <= limit))
    if (times := cheaper(engine, kind.method)) is not None:
        less = ((_ratio(found, JSONB) or 1) - 1) / max(ours - 1, 0.01)
        asked.append(Target(f"{less:.1f} times cheaper than the {JSONB}, ≥ {times:.0f}", less >= times))
    if PGHISTORY in found[0] and (theirs := _ratio(found, PGHISTORY)):
        asked.append(Target(f"≤ {PGHISTORY}", ours <= theirs))
    return asked


def _ratio(found: Found, variant: str) -> float | None:
    """None where the variant made a write fail."""
    ratios = [_over(each[variant].seconds, each["none"].seconds) for each in found]
    known = [each for each in ratios if each is not None]
    return statistics.median(known) if len(known) == len(ratios) else None


def _over(seconds: float | None, none: float | None) -> float | None:
    return None if seconds is None or none is None else seconds / none


def _shown(found: Found, variant: str) -> str:
    if variant not in found[0]:
        return ""
    ratio = _ratio(found, variant)
    if ratio is None:
        return "fails"
    silent = variant != FLOOR and not any(each[variant].recorded for each in found)
    return f"{ratio:.2f}{' °' if silent else ''}"


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds >= 0.01 else f"{seconds * 1e6:.0f} µs"
