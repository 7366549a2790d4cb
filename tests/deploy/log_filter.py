"""Matches log entries against the part of Cloud Logging's query language that monitoring/metrics/ uses.

Comparisons with = and !=, and >= of severities, a list of values (a OR b), AND, OR, NOT and parentheses; a
comparison with a field that the entry lacks never matches. Source: https://cloud.google.com/logging/docs/view/logging-query-language
"""

import re
from collections.abc import Mapping
from typing import Any

_SEVERITIES = ("DEFAULT", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY")
_TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|!=|>=|=|\(|\)|[\w.]+)')


def matches(filter_: str, entry: Mapping[str, Any]) -> bool:
    """Whether an entry, as Cloud Logging stores it, matches."""
    parser = _Parser(filter_, entry)
    result = parser.disjunction()
    assert not parser.tokens, f"cannot parse: {parser.tokens}"
    return result


def field(entry: Mapping[str, Any], path: str) -> Any:  # noqa: ANN401 - a log entry's value
    """Return the value at a path such as jsonPayload.event; None if there is none."""
    value: Any = entry
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


class _Parser:
    def __init__(self, text: str, entry: Mapping[str, Any]) -> None:
        self.tokens = _TOKEN.findall(text)
        assert "".join(self.tokens) == re.sub(r"\s+(?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)", "", text), "unknown characters"
        self._entry = entry

    def disjunction(self) -> bool:
        result = self._conjunction()
        while self._take("OR"):
            result = self._conjunction() or result
        return result

    def _conjunction(self) -> bool:
        result = self._term()
        while self._take("AND"):
            result = self._term() and result
        return result

    def _term(self) -> bool:
        if self._take("NOT"):
            return not self._term()
        if self._take("("):
            result = self.disjunction()
            assert self._take(")")
            return result
        path, operator = self.tokens.pop(0), self.tokens.pop(0)
        values = self._values()
        value = field(self._entry, path)
        if operator == ">=":
            return value in _SEVERITIES and _SEVERITIES.index(value) >= _SEVERITIES.index(values[0])
        return value is not None and (str(value) in values) is (operator == "=")

    def _values(self) -> list[str]:
        if not self._take("("):
            return [self._value()]
        values = [self._value()]
        while self._take("OR"):
            values.append(self._value())
        assert self._take(")")
        return values

    def _value(self) -> str:
        return str(self.tokens.pop(0)).strip('"')

    def _take(self, token: str) -> bool:
        if self.tokens and self.tokens[0] == token:
            self.tokens.pop(0)
            return True
        return False
