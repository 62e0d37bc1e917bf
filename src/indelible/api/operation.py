"""An operation of the API: how it is asked for, who may, and what it answers."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from indelible.api.problems import Fault, ProblemError
from indelible.errors import QueryError, UsageError
from indelible.keys.keys import Key, Scope
from indelible.sent import escaped, unread, wrong
from indelible.viewer import context_of
from indelible.work.announcements import By

Kind = Literal["string", "integer", "boolean"]
MAX_INTEGER = 2**53  # what every reader of JSON has exactly
JSON = "application/json"
SOURCE = "api"  # in entries of what programs do

_encode = msgspec.json.Encoder().encode
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)


@dataclass(frozen=True)
class Parameter:
    """Of the address: in its path, or behind `?`."""

    name: str
    about: str
    kind: Kind = "string"
    where: Literal["query", "path"] = "query"
    choices: tuple[str, ...] = ()
    least: int = 0
    most: int = MAX_INTEGER
    longest: int = 1000  # characters; a server takes addresses of up to 64 KB
    pattern: str = ""
    check: Callable[[str], object] | None = None  # of a text; raises QueryError, UsageError

    def read(self, text: str) -> str | int | bool:
        """Raises ValueError with what is wrong, and what `check` raises."""
        if self.kind == "boolean":
            if text not in ("true", "false"):
                raise ValueError(f"{text[:40]!r} is neither true nor false.")
            return text == "true"
        if self.kind == "integer":
            number = int(text) if text.isascii() and text.isdigit() and len(text) < 17 else -1  # noqa: PLR2004 - digits of 2**53
            if not self.least <= number <= self.most:
                raise ValueError(f"{text[:40]!r} is no number from {self.least} to {self.most}.")
            return number
        if self.choices and text not in self.choices:
            raise ValueError(f"{text[:40]!r} is none of {', '.join(self.choices)}.")
        if self.pattern and not re.search(self.pattern, text):
            raise ValueError(f"{text[:40]!r} is not of the form {self.pattern}.")
        if len(text) > self.longest:
            raise ValueError(f"It has {len(text)} characters; up to {self.longest} fit.")
        if self.check is not None:
            self.check(text)
        return text


@dataclass(frozen=True)
class Answer:
    """What comes back: a struct for the document, or another type of content."""

    about: str
    shape: Any = None
    media_types: tuple[str, ...] = (JSON,)


FILE = Answer("The file", None, ("text/csv", JSON, "application/x-ndjson"))
PART = Answer("What `Range` asks for of it", None, (*FILE.media_types, "multipart/byteranges"))


@dataclass(frozen=True)
class Call:
    """A request that was let in."""

    request: Request
    key: Key
    values: Mapping[str, Any]  # of the parameters that were given
    body: Any = None

    @property
    def organization(self) -> str | None:
        """Whose entries it is about: the key says so, nothing else does."""
        return self.key.organization

    @property
    def by(self) -> By:
        return By(actor=self.key.actor, organization=self.key.organization, context=context_of(self.request, SOURCE))

    @property
    def base(self) -> str:
        """Where the API is."""
        return str(self.request.scope.get("root_path", ""))


@dataclass(frozen=True)
class Operation:
    """`scope` None: for everybody who has a key."""

    method: str
    path: str
    name: str
    about: str
    scope: Scope | None
    run: Callable[[Call], Response]
    parameters: tuple[Parameter, ...] = ()
    body: Any = None  # the type that it is decoded to
    answers: Mapping[int, Answer] = field(default_factory=dict)
    raw: bool = False  # it reads the body itself
    leads: tuple[str, ...] = ()  # to these operations, with the id that it answers

    def values(self, request: Request) -> dict[str, Any]:
        """Those that are given. Raises ProblemError with every one that is wrong."""
        values, faults = {}, list[Fault]()
        given = [*request.path_params.items(), *request.query_params.multi_items()]
        known = {parameter.name: parameter for parameter in self.parameters}
        for name, text in given:
            parameter = known.get(name)
            if parameter is None or name in values:
                there = f"There is no such parameter. There are: {', '.join(known) or 'none'}."
                faults.append(Fault("It is given twice." if parameter else there, parameter=name[:40]))
                continue
            try:
                values[name] = parameter.read(text)
            except (ValueError, QueryError, UsageError) as error:
                faults.append(Fault(str(error.args[0]), parameter=name))
        if faults:
            said = " ".join(f"{fault.parameter}: {fault.detail}" for fault in faults)
            raise ProblemError(400, "The request cannot be read", said, faults)
        return values

    def decoded(self, body: bytes) -> Any:
        """Raises ProblemError."""
        if self.raw or self.body is None:
            return body
        return decode(body, self.body)


def decode(body: bytes, shape: Any) -> Any:
    """What JSON says, of that shape. Raises ProblemError with where it is not."""
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        faults = faults_in(body, shape) or [_fault_of(str(error))]
        raise ProblemError(422, "The body is not what is expected", faults[0].detail, faults) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProblemError(400, "The body is no JSON", f"{unread(error, body)}.") from error


def faults_in(raw: bytes | msgspec.Raw, shape: Any, under: str = "") -> list[Fault]:
    """Every field that is not as that shape has it; `under`: where this stands in the body."""
    found = wrong(raw, shape)
    return [_fault_of(text, f"{under}/{escaped(field)}" if field else under) for field, text in found]


def _fault_of(said: str, under: str = "") -> Fault:
    """Msgspec says `Expected ... - at `$.events[0].action``; RFC 6901 says `/events/0/action`."""
    detail, _, place = said.partition(" - at `$")
    place = place.rstrip("`")
    if not place.startswith("/"):  # else it is a pointer: what stands under a name, as this has it
        place = place.replace("[...]", "").replace("[", "/").replace("]", "").replace(".", "/")
    unknown = _UNKNOWN.fullmatch(detail)
    return Fault(f"{detail}.", f"{under}{place}" + (f"/{escaped(unknown[1])}" if unknown else ""))


def reply(told: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON; nobody keeps it."""
    kept = {"Cache-Control": "no-store", **(headers or {})}
    return Response(_encode(told), status, media_type=JSON, headers=kept)
