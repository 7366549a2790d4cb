"""Small, dangerous changes of firestore.rules, made textually: the cases must notice every one of them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.rules.cases import SERVER_ONLY

# A token of the rules, and what takes its place.
_SWAPS: Mapping[str, tuple[str, ...]] = {
    "&&": ("||",),
    "||": ("&&",),
    "==": ("!=",),
    "!=": ("==",),
    "<=": ("<", ">=", "!="),
    "hasOnly": ("hasAny", "hasAll"),
    "affectedKeys": ("addedKeys", "changedKeys", "removedKeys"),
    "addedKeys": ("removedKeys",),
    "changedKeys": ("removedKeys",),
    "union": ("intersection", "difference"),
    "string": ("list", "map", "number"),
    "timestamp": ("string", "map"),
    "null": ("0",),
    "true": ("false",),
    "resource.data, request": ("request.resource.data, request", "{}, request"),
    "{}, request": ("request.resource.data, request",),
    ".userId": (".type", ".uid"),
    "allow get": ("allow read", "allow get, list", "allow get, delete", "allow get, write"),
    "allow create": ("allow write", "allow create, delete", "allow create, list"),
    "allow update": ("allow write", "allow update, delete"),
    "allow list": ("allow read", "allow list, create", "allow list, delete", "allow list, write"),
    "match /users/{uid}": ("match /users/{uid=**}", "match /{any}/{uid}", "match /{path=**}/users/{uid}"),
    "match /transactions/{entryId}": ("match /{path=**}/transactions/{entryId}", "match /{any}/{entryId}"),
}
_CONDITION = r"(?<=: if )[^;]+(?=;)"
_CONJUNCTS = (r"(?<=: if )[^;&]+ && ", r"(?<=return )[^;&|]+ (&&|\|\|) ", r" (&&|\|\|) [^;&|]+(?=;)")
_NUMBER = r"(?<=[ (])\d+(?=[);])"
_PROFILE_LINE = r"(?m)^ +'\w+': (?P<check>.+?),?$\n"
_LAST_MATCH = "    match /transactions"
_VERBS = ("get", "list", "create", "update", "delete")

_NO_QUERY = "only a query has request.query; without it the condition is an error, which refuses"
_NO_DOCUMENT = "only a write that leaves a document has request.resource; without it the condition is an error"
_ONE_DOCUMENT = "the condition can hold for the owner's document alone, which they may get"

# Changes that leave every answer as it is, and why.
EQUIVALENT: Mapping[str, str] = {
    "null -> 0 in return request.auth != null && request.auth.uid == uid;": "to read the uid of null is an error too",
    "request.auth != null && -> nothing in return request.auth != null && request.auth.uid == uid;": "the same",
    "allow get -> allow read in allow get: if isOwner(uid);": _ONE_DOCUMENT,
    "allow get -> allow get, list in allow get: if isOwner(uid);": _ONE_DOCUMENT,
    **dict.fromkeys(("allow create -> allow create, delete", "allow create -> allow create, list"), _NO_DOCUMENT),
    **dict.fromkeys(("allow update -> allow write", "allow update -> allow update, delete"), _NO_DOCUMENT),
    **dict.fromkeys(("allow list -> allow read", "allow list -> allow list, create"), _NO_QUERY),
    **dict.fromkeys(("allow list -> allow list, delete", "allow list -> allow list, write"), _NO_QUERY),
}


@dataclass(frozen=True)
class Mutant:
    """The rules with one change, which `name` describes."""

    name: str
    rules: str

    @property
    def is_equivalent(self) -> bool:
        return any(self.name.startswith(change) for change in EQUIVALENT)


def mutants_of(rules: str) -> list[Mutant]:
    """Return every mutant of the rules once, the equivalent ones included."""
    made = [*_swapped(rules), *_conditions(rules), *_numbers(rules), *_profile(rules), *_opened(rules)]
    return list({mutant.rules: mutant for mutant in made if mutant.rules != rules}.values())


def _swapped(rules: str) -> Iterator[Mutant]:
    for token, others in _SWAPS.items():
        end = r"\b" if token[-1].isalnum() else ""
        for place in _places(rules, re.escape(token) + end):
            yield from (_mutant(rules, place, other) for other in others)


def _conditions(rules: str) -> Iterator[Mutant]:
    """A whole condition replaced, or one of its parts gone."""
    for place in _places(rules, _CONDITION):
        for other in ("true", "false", "request.auth != null", "request.auth == null"):
            yield _mutant(rules, place, other)
    for pattern in _CONJUNCTS:
        yield from (_mutant(rules, place, "") for place in _places(rules, pattern) if _is_balanced(place[0]))


def _numbers(rules: str) -> Iterator[Mutant]:
    for place in _places(rules, _NUMBER):
        for other in (int(place[0]) + 1, int(place[0]) - 1):
            yield _mutant(rules, place, str(other))


def _profile(rules: str) -> Iterator[Mutant]:
    """A profile field that is missing, that may hold anything, or that belongs to the server."""
    lines = list(_places(rules, _PROFILE_LINE))
    for line in lines:
        yield _mutant(rules, line, "")
        yield _mutant(rules, line, line[0].replace(line["check"], "true"))
    for field in ("tokenBalance", "stripeCustomerId", "openPurchases", "isAdmin", "role"):
        yield _mutant(rules, lines[0], f"        '{field}': true,\n{lines[0][0]}")


def _opened(rules: str) -> Iterator[Mutant]:
    """Something of the server's that is open to anyone signed in, or to anyone signed out."""
    for path in (*SERVER_ONLY, "users/{uid}/private", "{any}"):
        verbs = _VERBS if path == "{any}" else ("read, write",)
        openings = [f"{verb}: if request.auth != null" for verb in verbs]
        for opening in (*openings, "read, write: if request.auth == null"):
            rule = f"    match /{path}/{{id}} {{ allow {opening}; }}\n"
            yield Mutant(f"{path} {opening}", rules.replace(_LAST_MATCH, rule + _LAST_MATCH))


def _is_balanced(text: str) -> bool:
    return text.count("(") == text.count(")")


def _places(rules: str, pattern: str) -> Iterator[re.Match[str]]:
    """Find a pattern outside of comments."""
    for place in re.finditer(pattern, rules):
        if "//" not in rules[: place.start()].rpartition("\n")[2]:
            yield place


def _mutant(rules: str, place: re.Match[str], other: str) -> Mutant:
    start, end = rules.rfind("\n", 0, place.start()) + 1, rules.find("\n", place.end() - 1)
    line = " ".join(rules[start:end].split())
    change = f"{' '.join(place[0].split())} -> {' '.join(other.split()) or 'nothing'}"
    return Mutant(f"{change} in {line}", rules[: place.start()] + other + rules[place.end() :])
