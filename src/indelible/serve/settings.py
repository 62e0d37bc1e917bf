"""What a server is told: by a flag, else by the environment, else by a TOML file, else it is as usual."""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, NamedTuple

from indelible.errors import UsageError
from indelible.urls import shown

MAX_PORT = 65_535
HEADERS = "user_header", "email_header", "organization_header"
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2


class Option(NamedTuple):
    """`variable` is its name in the environment; in the file it has its own. `several`: with commas, or a list."""

    variable: str
    usual: str
    about: str
    several: bool = False
    secret: bool = False


OPTIONS = {
    "log": Option("INDELIBLE_LOG", "", "The log's URL", secret=True),
    "replica": Option("INDELIBLE_REPLICA", "", "A copy of the log's database, for searches", secret=True),
    "app": Option("INDELIBLE_APP", "", "Databases: what they capture is sealed", several=True, secret=True),
    "host": Option("INDELIBLE_HOST", "127.0.0.1", "The address to listen on"),
    "port": Option("INDELIBLE_PORT", "8080", "The port; 0 takes any free one"),
    "proxies": Option("INDELIBLE_PROXIES", "", "Networks of proxies that are believed: 10.0.0.0/8", several=True),
    "user_header": Option("INDELIBLE_USER_HEADER", "", "In it such a proxy says who looks: X-Forwarded-User"),
    "email_header": Option("INDELIBLE_EMAIL_HEADER", "", "In it, their e-mail address: X-Forwarded-Email"),
    "organization_header": Option("INDELIBLE_ORGANIZATION_HEADER", "", "In it, whose entries alone they see"),
    "managers": Option("INDELIBLE_MANAGERS", "", "Who of them manages: users, as the header names them", several=True),
    "logs": Option("INDELIBLE_LOGS", "text", "How the server tells what it does: text or json"),
}  # fmt: skip


class Setting(NamedTuple):
    """A value, and where it is from: flag, environment, file or usual."""

    values: tuple[str, ...]
    origin: str

    @property
    def value(self) -> str:
        return self.values[0] if self.values else ""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """As they hold. `told` is each as it was given, for whoever asks."""

    log: str
    replica: str
    apps: tuple[str, ...]
    host: str
    port: int
    proxies: tuple[IPv4Network | IPv6Network, ...]
    user_header: str
    email_header: str
    organization_header: str
    managers: frozenset[str]
    json_logs: bool
    told: Mapping[str, Setting]

    @classmethod
    def read(
        cls, flags: Mapping[str, Any], file: Path | None, environment: Mapping[str, str] = os.environ
    ) -> "Settings":
        """`flags`: those that were given. Raises UsageError, with the setting and where it is from."""
        written = _file(file) if file else {}
        told = {name: _setting(name, flags, written, environment) for name in OPTIONS}
        if told["logs"].value not in ("text", "json"):
            raise _wrong("logs", told, "It is text or json.")
        for name in HEADERS:
            if told[name].values and not _TOKEN.fullmatch(told[name].value):
                raise _wrong(name, told, "It is the name of a header, as X-Forwarded-User.")
        named = [bool(told[name].values) for name in ("user_header", "proxies")]
        others = any(told[name].values for name in (*HEADERS, "managers"))
        if named[0] != named[1] or (others and not named[0]):
            raise UsageError(
                "user_header and proxies go together, and the other headers and managers need both: a header is "
                "believed of nobody but the proxy that writes it."
            )
        return cls(
            log=told["log"].value, replica=told["replica"].value, apps=told["app"].values,
            host=told["host"].value, port=_port(told), proxies=_networks(told),
            user_header=told["user_header"].value, email_header=told["email_header"].value,
            organization_header=told["organization_header"].value,
            managers=frozenset(told["managers"].values), json_logs=told["logs"].value == "json", told=told,
        )  # fmt: skip

    def shown(self) -> dict[str, Setting]:
        """Without passwords."""
        return {
            name: setting._replace(values=tuple(map(_without_password, setting.values)))
            if OPTIONS[name].secret
            else setting
            for name, setting in self.told.items()
        }


def _setting(
    name: str, flags: Mapping[str, Any], written: Mapping[str, Any], environment: Mapping[str, str]
) -> Setting:
    option = OPTIONS[name]
    given = (flags.get(name), "flag"), (environment.get(option.variable), "environment"), (written.get(name), "file")
    for value, origin in given:
        if value not in (None, "", [], ()):
            return Setting(_values(value, option), origin)
    return Setting((option.usual,) if option.usual else (), "usual")


def _values(value: Any, option: Option) -> tuple[str, ...]:
    """A list is one; a text is split at commas where several are meant. URLs have commas in them, too: list these."""
    if isinstance(value, list | tuple):
        return tuple(map(str, value))
    return tuple(each.strip() for each in str(value).split(",") if each.strip()) if option.several else (str(value),)


def _file(path: Path) -> dict[str, Any]:
    try:
        written = tomllib.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise UsageError(f"The settings in {path} cannot be read: {error}.") from error
    unknown = sorted(set(written) - set(OPTIONS))
    if unknown:
        raise UsageError(f"{path} has {unknown[0]!r}, which is no setting. There are: {', '.join(OPTIONS)}.")
    for name, value in written.items():
        _check_kind(name, value)
    return written


def _check_kind(name: str, value: Any) -> None:
    """Raises UsageError; what may hold a password is not shown."""
    option = OPTIONS[name]
    listed = value if option.several and isinstance(value, list) else [value]
    if not all(isinstance(each, str) or (name == "port" and type(each) is int) for each in listed):
        one = "a number" if name == "port" else "one text, in quotes"
        wanted = "texts in a list, or one" if option.several else one
        is_ = "" if option.secret else f" is {str(value)[:60]!r}, by file. It"
        raise UsageError(f"{name}{is_} is to be {wanted}.")


def _port(told: Mapping[str, Setting]) -> int:
    text = told["port"].value
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MAX_PORT)) and int(text) <= MAX_PORT):
        raise _wrong("port", told, f"It is a number from 0 to {MAX_PORT}.")
    return int(text)


def _networks(told: Mapping[str, Setting]) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(each) for each in told["proxies"].values)
    except ValueError as error:
        raise _wrong("proxies", told, f"{error}. Give networks as 10.0.0.0/8,127.0.0.1/32.") from error


def _wrong(name: str, told: Mapping[str, Setting], said: str) -> UsageError:
    return UsageError(f"{name} is {told[name].value[:60]!r}, by {told[name].origin}. {said}")


def _without_password(url: str) -> str:
    return shown(url).strip("'") if "@" in url or "password" in url else url
