"""A request's parameters: Stripe's bracketed form fields become checked Python values.

`line_items[0][price]=price_1&metadata[a]=b&expand[]=customer` parses to a tree of dicts. Each operation describes the
tree that it takes with readers. A reader gets the raw value and the parameter's full name, and returns the value or
raises the 400 that Stripe answers.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

from stripe_simulator.engine.errors import invalid, missing

Raw = str | dict[str, Any]
Reader = Callable[[Raw, str], Any]

METADATA_KEYS_MAX = 50
METADATA_KEY_CHARACTERS_MAX = 40
METADATA_VALUE_CHARACTERS_MAX = 500
TEXT_CHARACTERS_MAX = 5000

_KEY = re.compile(r"\[([^\[\]]*)\]")


def parse(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Build a tree from form fields. A list stays a dict of its indexes: only a reader knows that it is a list."""
    tree: dict[str, Any] = {}
    for name, value in pairs:
        head, bracket, rest = name.partition("[")
        path = [head, *_KEY.findall(bracket + rest)]
        node = tree
        for key, following in pairwise(path):
            child = node.setdefault(_next_index(node) if key == "" else key, {})
            if not isinstance(child, dict):
                raise invalid(f"Invalid object: {head} is given both as a value and as a hash", param=following)
            node = child
        last = path[-1]
        node[_next_index(node) if last == "" else last] = value
    return tree


def _next_index(node: dict[str, Any]) -> str:
    return str(len(node))


def text(raw: Raw, path: str) -> str:
    """Read a string that must not be empty."""
    if not isinstance(raw, str):
        raise invalid(f"Invalid string: {raw}", param=path)
    if raw == "":
        message = (
            f"You passed an empty string for '{path}'. We assume empty values are an attempt to unset a parameter; "
            f"however '{path}' cannot be unset. You should remove '{path}' from your request or supply a non-empty "
            "value."
        )
        raise invalid(message, code="parameter_invalid_empty", param=path)
    if len(raw) > TEXT_CHARACTERS_MAX:
        raise invalid(f"Invalid string: {raw[:10]}...; must be at most {TEXT_CHARACTERS_MAX} characters", param=path)
    return raw


def integer(raw: Raw, path: str) -> int:
    """Read an integer."""
    if not isinstance(raw, str) or not re.fullmatch(r"-?[0-9]{1,18}", raw):
        raise invalid(f"Invalid integer: {raw}", code="parameter_invalid_integer", param=path)
    return int(raw)


def between(least: int, most: int) -> Reader:
    """Return a reader of integers within limits, both included."""

    def read(raw: Raw, path: str) -> int:
        number = integer(raw, path)
        if number < least:
            message = f"This value must be greater than or equal to {least} (it currently is '{number}')."
            raise invalid(message, code="parameter_invalid_integer", param=path)
        if number > most:
            message = f"This value must be less than or equal to {most} (it currently is '{number}')."
            raise invalid(message, code="parameter_invalid_integer", param=path)
        return number

    return read


AMOUNT_MAX = 99_999_999
amount = between(0, AMOUNT_MAX)
positive_amount = between(1, AMOUNT_MAX)


def percent(raw: Raw, path: str) -> float:
    """Read a percentage above 0, at most 100."""
    try:
        number = float(raw) if isinstance(raw, str) else 0.0
    except ValueError:
        number = 0.0
    if not 0 < number <= 100:  # noqa: PLR2004 - what a percentage is
        raise invalid(f"Invalid decimal: {raw}; must be above 0 and at most 100", param=path)
    return number


def boolean(raw: Raw, path: str) -> bool:
    """Read `true` or `false`."""
    if raw not in ("true", "false"):
        raise invalid(f"Invalid boolean: {raw}", param=path)
    return raw == "true"


def one_of(*choices: str) -> Reader:
    """Return a reader of one of these words."""

    def read(raw: Raw, path: str) -> str:
        if raw not in choices:
            raise invalid(f"Invalid {path}: must be one of {', '.join(choices)}", param=path)
        return str(raw)

    return read


def currency(raw: Raw, path: str) -> str:
    """Read a currency's three letters; the value is in lower case."""
    code = text(raw, path)
    if not re.fullmatch(r"[A-Za-z]{3}", code):
        raise invalid(f"Invalid currency: {code}", param=path)
    return code.lower()


def by_currency(reader: Reader) -> Reader:
    """Return a reader of hashes with a value for each currency."""

    def read(raw: Raw, path: str) -> dict[str, Any]:
        if not isinstance(raw, dict):
            raise invalid("Invalid hash", param=path)
        return {currency(code, path): reader(value, f"{path}[{code}]") for code, value in raw.items()}

    return read


def url(raw: Raw, path: str) -> str:
    """Read an absolute http or https address."""
    address = text(raw, path)
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise invalid("Not a valid URL", code="url_invalid", param=path)
    return address


def email(raw: Raw, path: str) -> str:
    """Read an email address, as loosely as Stripe checks it."""
    address = text(raw, path)
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", address):
        raise invalid(f"Invalid email address: {address}", code="email_invalid", param=path)
    return address


def clearable(reader: Reader) -> Reader:
    """Return a reader that also takes the empty string, which unsets the field."""
    return lambda raw, path: None if raw == "" else reader(raw, path)


def metadata(raw: Raw, path: str) -> dict[str, str]:
    """Read up to 50 keys of 40 characters with values of 500 (https://docs.stripe.com/api/metadata)."""
    if raw == "":
        return {}
    if not isinstance(raw, dict) or not all(isinstance(value, str) for value in raw.values()):
        raise invalid("Invalid hash", param=path)
    if len(raw) > METADATA_KEYS_MAX:
        raise invalid(
            f"You can only have {METADATA_KEYS_MAX} metadata keys, but you tried to set {len(raw)}.", param=path
        )
    for key, value in raw.items():
        if len(key) > METADATA_KEY_CHARACTERS_MAX:
            message = (
                f"Metadata keys can have up to {METADATA_KEY_CHARACTERS_MAX} characters, but '{key}' has {len(key)}."
            )
            raise invalid(message, param=path)
        if len(value) > METADATA_VALUE_CHARACTERS_MAX:
            message = (
                f"Metadata values can have up to {METADATA_VALUE_CHARACTERS_MAX} characters, but you passed in a value "
                f"that is {len(value)} characters. Invalid value: {value}"
            )
            raise invalid(message, param=f"{path}[{key}]")
    return dict(raw)


def anything(raw: Raw, path: str) -> Raw:  # noqa: ARG001 - a reader's signature
    """Accept whatever was sent: a setting that changes nothing here."""
    return raw


def list_of(reader: Reader) -> Reader:
    """Return a reader of lists; each item is named by its index, as in `line_items[0]`."""

    def read(raw: Raw, path: str) -> list[Any]:
        if not isinstance(raw, dict) or not all(key.isdigit() for key in raw):
            raise invalid("Invalid array", param=path)
        return [reader(raw[key], f"{path}[{key}]") for key in sorted(raw, key=int)]

    return read


def fields(readers: Mapping[str, Reader], *, required: Iterable[str] = ()) -> Reader:
    """Return a reader of hashes that refuses unknown keys and insists on the required ones."""

    def read(raw: Raw, path: str) -> dict[str, Any]:
        if not isinstance(raw, dict):
            raise invalid("Invalid hash", param=path)
        names = {key: f"{path}[{key}]" if path else key for key in {*raw, *required}}
        unknown = [names[key] for key in raw if key not in readers]
        if unknown:
            plural = "s" if len(unknown) > 1 else ""
            message = f"Received unknown parameter{plural}: {', '.join(unknown)}"
            raise invalid(message, code="parameter_unknown", param=unknown[0])
        for key in required:
            if key not in raw:
                raise missing(names[key])
        return {key: readers[key](value, names[key]) for key, value in raw.items()}

    return read


def time_range(raw: Raw, path: str) -> dict[str, int]:
    """Read `created=N` or `created[gte|gt|lte|lt]=N`, in UTC seconds, as a dict of bounds."""
    if isinstance(raw, str):
        moment = integer(raw, path)
        return {"gte": moment, "lte": moment}
    bounds: dict[str, int] = fields({"gt": integer, "gte": integer, "lt": integer, "lte": integer})(raw, path)
    return bounds


def merge_metadata(current: dict[str, str], change: dict[str, str]) -> dict[str, str]:
    """Return metadata after Stripe's update: an empty value unsets its key, an empty hash unsets all of them."""
    if not change:
        return {}
    return {key: value for key, value in {**current, **change}.items() if value != ""}
