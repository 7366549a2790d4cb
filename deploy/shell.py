"""Runs commands on this machine, and records them for whoever has to read what happened."""

import json
import re
import subprocess
import time
from pathlib import Path
from typing import Protocol

from deploy.commands import Command, shell_text

Completed = subprocess.CompletedProcess[str]

# Stripe's keys and signing secrets, Google's access tokens and API keys, tokens in JWT form, private keys.
_SECRETS = re.compile(
    r"\b(?:sk|rk)_(?:live|test)_\w+|\bwhsec_[\w+/=]+|\bya29\.[\w.-]+|\bAIza[\w-]{30,}|\beyJ[\w-]+\.[\w-]+\.[\w-]+"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*-----END [A-Z ]*PRIVATE KEY-----"
)
_HEADERS = re.compile(r'(?i)(authorization: *bearer +)[^\s"]+')


class Shell(Protocol):
    """Runs a command and returns its result, whether it succeeded or not."""

    def __call__(self, command: Command, stdin: str = "") -> Completed:
        """Run the command; `stdin` may hold secrets, which belong on no command line."""


def run_here(command: Command, stdin: str = "") -> Completed:
    """Run a command on this machine."""
    try:
        return subprocess.run(command, input=stdin, check=False, text=True, capture_output=True)
    except FileNotFoundError:
        return Completed(command, 127, "", f"{command[0]}: command not found")


class Transcript:
    """A shell that writes every command and its result to a file, without secrets. stdin is never written."""

    def __init__(self, shell: Shell, file: Path) -> None:
        self._shell = shell
        self._file = file
        file.write_text("")

    def __call__(self, command: Command, stdin: str = "") -> Completed:
        """Run the command and record it."""
        started = time.time()
        done = self._shell(command, stdin)
        # The output of this command is nothing but a secret.
        stdout = "(access token)" if "print-access-token" in command else done.stdout
        record = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
            "seconds": round(time.time() - started, 2),
            "command": shell_text(command),
            "exit_code": done.returncode,
            "stdout": stdout,
            "stderr": done.stderr,
        }
        with self._file.open("a") as file:  # at once: what follows may fail
            file.write(without_secrets(json.dumps(record)) + "\n")
        return done


def without_secrets(text: str) -> str:
    """Return a text with everything masked that looks like a key, a token or a signing secret."""
    return _HEADERS.sub(r"\1(secret)", _SECRETS.sub("(secret)", text))
