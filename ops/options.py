"""The options and arguments that commands share, with what is refused before anything is read."""

import os
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import click

from ops.alert_record import Attribution
from ops.connection import Connection, connect_local
from ops.connection import connect as connect_by_environment
from shared.domain.entry import is_uid
from shared.domain.errors import SettingsError
from topology.topics import RETENTION

TOKENS_MAX = 1_000_000_000

P = ParamSpec("P")
R = TypeVar("R")

_WHOLE = re.compile(r"[+-]?[0-9]{1,20}")  # as long as anybody types by mistake
_SESSION = re.compile(r"cs_[A-Za-z0-9_]{1,250}")
_KEY = re.compile(r"[A-Za-z0-9._-]{1,100}")
_ALERT = re.compile(r"(?!\.{1,2}$|__.*__$)[^/\x00\ud800-\udfff]{1,300}")
_TEXT_MAX = 500


@dataclass(frozen=True, slots=True)
class ChangeOptions:
    """The options of every command that changes something."""

    by: Attribution
    yes: bool
    json: bool


class _Checked(click.ParamType[Any]):
    """A text that a function reads, or refuses with ValueError."""

    def __init__(self, name: str, read: Callable[[str], Any]) -> None:
        self.name = name
        self._read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401 - as click
        if not isinstance(value, str):
            return value
        try:
            return self._read(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _tokens(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is not a whole number of tokens")
    amount = int(text)
    if not 1 <= amount <= TOKENS_MAX:
        raise ValueError(f"{text} is not between 1 and {TOKENS_MAX}")
    return amount


def _signed_tokens(text: str) -> int:
    return -_tokens(text.removeprefix("-")) if text.startswith("-") else _tokens(text)


def _uid(text: str) -> str:
    if not is_uid(text):
        raise ValueError(f"{text[:40]!r} is not a user id")
    return text


def _matching(pattern: re.Pattern[str], what: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError(f"{text[:40]!r} is not {what}")
        return text

    return read


def _line(text: str) -> str:
    line = text.strip()
    if not line:
        raise ValueError("it is empty")
    if len(line) > _TEXT_MAX or not line.isprintable():
        raise ValueError(f"it is longer than {_TEXT_MAX} characters, or not one line of text")
    return line


def _past_time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text[:40]!r} is not a time such as 2026-11-20T18:00:00Z") from error
    if time.tzinfo is None:
        raise ValueError(f"{text!r} lacks its time zone: end it with Z for UTC")
    now = datetime.now(UTC)
    if time > now:
        # Seeking to a future time would acknowledge, unseen, everything that was not delivered yet.
        raise ValueError(f"{text!r} is in the future")
    if time < now - RETENTION:
        raise ValueError(f"{text!r} is more than {RETENTION.days} days ago, which is all that the topic retains")
    return time


def _who(text: str) -> str:
    if not is_uid(text):
        raise ValueError(f"{text[:40]!r} is not a user id, an e-mail address or an id of Stripe's")
    return text


TOKENS = _Checked("tokens", _tokens)
SIGNED_TOKENS = _Checked("tokens", _signed_tokens)
UID = _Checked("uid", _uid)
WHO = _Checked("who", _who)
SESSION = _Checked("session", _matching(_SESSION, "the id of a Checkout Session (cs_…)"))
ALERT = _Checked("alert", _matching(_ALERT, "the id of an alert"))
PAST_TIME = _Checked("time", _past_time)
_LINE = _Checked("text", _line)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
key_option = click.option(
    "--key",
    type=_Checked("key", _matching(_KEY, "a key: at most 100 letters, digits, '.', '_' and '-'")),
    default=lambda: uuid.uuid4().hex,
    help="Makes the command safe to repeat: one key makes one entry. Random, and printed, unless given.",
)


def limit_option(default: int, most: int = 1000) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return the option --limit."""
    return click.option(
        "--limit", type=click.IntRange(1, most), default=default, show_default=True, help="How many at most."
    )


def change_options(command: Callable[Concatenate[ChangeOptions, P], R]) -> Callable[..., R]:
    """Give a command --operator, --reason, --yes and --json, and pass them as one ChangeOptions, first."""

    @click.option("--operator", type=_LINE, help="Your name, for the audit record.  [required]")
    @click.option("--reason", type=_LINE, help="Why, for whoever reads the record later.  [required]")
    @click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
    @json_option
    @wraps(command)
    def with_options(
        *args: Any,  # noqa: ANN401 - the command's own
        operator: str | None,
        reason: str | None,
        yes: bool,
        as_json: bool,
        **kwargs: Any,  # noqa: ANN401 - the command's own
    ) -> R:
        if operator is None or reason is None:
            # click would name one, and the other at the next try.
            missing = [name for name, value in (("--operator", operator), ("--reason", reason)) if value is None]
            raise click.UsageError(f"Missing {' and '.join(missing)}")
        return command(ChangeOptions(Attribution(operator, reason), yes, as_json), *args, **kwargs)

    return with_options


def connected(command: Callable[Concatenate[Connection, P], R]) -> Callable[P, R]:
    """Pass a command the connection, first. It is made when a command runs, so that --help needs none."""

    @wraps(command)
    def with_connection(*args: P.args, **kwargs: P.kwargs) -> R:
        root = click.get_current_context().find_root()
        if root.obj is None:
            root.obj = connect(root)
        return command(root.obj, *args, **kwargs)

    return with_connection


def connect(root: click.Context) -> Connection:
    """Connect as the options before the command say."""
    endpoints = root.params["endpoints"]
    if root.params["local"]:
        return connect_local(endpoints)
    try:
        return connect_by_environment(os.environ)
    except SettingsError as error:
        if not endpoints.exists():
            raise
        raise SettingsError(f"{error}. A local stack is running: ops --local works on that") from error
