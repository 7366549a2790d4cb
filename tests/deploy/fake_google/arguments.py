"""A gcloud command taken apart."""

import re
from dataclasses import dataclass


class GcloudError(Exception):
    """What gcloud prints on stderr when it fails."""


@dataclass(frozen=True)
class Arguments:
    """The words of a command, and its flags; a flag without a value has the value ""."""

    words: tuple[str, ...]
    flags: dict[str, list[str]]

    def get(self, flag: str, default: str = "") -> str:
        return self.flags.get(flag, [default])[-1]

    def has(self, flag: str) -> bool:
        return flag in self.flags

    def pairs(self, flag: str) -> dict[str, str]:
        """Return a flag's key=value pairs; ^X^ at the start names the separator, as gcloud has it."""
        text = self.get(flag)
        separator = ","
        if found := re.match(r"\^(.)\^", text):
            separator, text = found[1], text[3:]
        return dict(pair.split("=", 1) for pair in text.split(separator)) if text else {}


def parse(command: tuple[str, ...]) -> Arguments:
    """Take a command apart; the program and the release track are left out."""
    words: list[str] = []
    flags: dict[str, list[str]] = {}
    waiting = ""
    for token in command[1:]:
        if waiting and token == "":
            flags[waiting][-1] = ""
        elif token.startswith("--"):
            flag, _, value = token.partition("=")
            flags.setdefault(flag, []).append(value)
        else:
            words.append(token)
        waiting = token if token.startswith("--") and "=" not in token else ""
    if words[0] in ("alpha", "beta"):
        words.pop(0)
    return Arguments(tuple(words), flags)


def seconds(text: str) -> str:
    """Return 31d, 10s and 60 as the APIs write them."""
    found = re.fullmatch(r"(\d+)([ds]?)", text)
    assert found, text
    return f"{int(found[1]) * (86_400 if found[2] == 'd' else 1)}s"
