"""The commands that a deployment runs, and how they look in a shell."""

import shlex

Command = tuple[str, ...]

_QUIET = "--quiet"
_JSON = "--format=json"


def gcloud(*words: str) -> Command:
    """Return a gcloud command that never prompts."""
    return ("gcloud", *words, _QUIET)


def listing(*words: str) -> Command:
    """Return a gcloud command that prints JSON."""
    return gcloud(*words, _JSON)


def shell_text(command: Command) -> str:
    """Return a command as it is typed in a shell; quotes surround a flag's value, not the flag."""
    return " ".join(_quoted(word) for word in command)


def _quoted(word: str) -> str:
    flag, equals, value = word.partition("=") if word.startswith("--") else ("", "", word)
    return flag + equals + (shlex.quote(value) if value or not flag else "")
