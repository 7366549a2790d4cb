"""Google Cloud as the deployment reaches it: what gcloud lists, what REST answers, and commands that change it."""

import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from deploy.commands import Command, gcloud, shell_text
from deploy.environment import DeployError
from deploy.shell import Completed, Shell

# Errors that pass, each with the seconds to wait between attempts: a resource created a moment ago is not visible
# everywhere at once, and two changes of one policy may meet.
_SHORT = (5, 10, 20, 40, 60, 60)
_METRIC = (5, 10, 20, 40, *[60] * 10)
_DISABLED = re.compile(r"SERVICE_DISABLED|has not been used in project|it is disabled")
_TRANSIENT: Mapping[re.Pattern[str], Sequence[int]] = {
    _DISABLED: _SHORT,
    # Only service accounts, which this deployment creates: a group that does not exist will not appear by waiting.
    re.compile(r"[Ss]ervice ?[Aa]ccount:? \S+ does not exist"): _SHORT,
    re.compile(r"Cannot find metric"): _METRIC,  # "it could take up to 10 minutes to become available"
    re.compile(r"concurrent policy changes|ABORTED|UNAVAILABLE|503 Service Unavailable"): _SHORT,
}
_EXISTS = re.compile(r"ALREADY_EXISTS|already exists", re.IGNORECASE)
_NOT_FOUND = re.compile(r"NOT_FOUND|not found|Cannot find|does not exist|HTTPError 404|error: 404", re.IGNORECASE)


class NotFoundError(DeployError):
    """The resource does not exist."""


class ExistsError(DeployError):
    """The resource to be created exists."""


class DisabledError(DeployError):
    """The API is not enabled in this project."""


class GoogleCloud:
    """Reads and changes a project with the gcloud and the curl on PATH.

    Reads are answered from memory until `forget`: a kind is listed once, however many of its resources are looked at.
    """

    def __init__(self, shell: Shell, project: str, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._shell = shell
        self._project = project
        self.sleep = sleep
        self._memory: dict[Command, Any] = {}
        self._token = ""

    def read(self, command: Command, *, patient: bool = False) -> Any:  # noqa: ANN401 - whatever JSON gcloud prints
        """Return the JSON that a command prints; an empty list if it prints none.

        Args:
            command: a command that changes nothing: of gcloud, or of `rest`.
            patient: whether to wait for an API that was enabled a moment ago.

        Raises:
            NotFoundError: the resource does not exist.
            DisabledError: the API is not enabled.
            DeployError: the command failed for another reason.
        """
        if command not in self._memory:
            done = self._run_patiently(command) if patient else self._shell(command, self._stdin_of(command))
            if done.returncode:
                raise _error_of(done, command)
            self._memory[command] = json.loads(done.stdout or "null") or []
        return self._memory[command]

    def get(self, url: str) -> Any:  # noqa: ANN401 - JSON
        """Return what a Google API answers to GET; None if the resource does not exist or the API is not enabled.

        Raises:
            DeployError: it failed for another reason.
        """
        try:
            return self.read(rest("GET", url))
        except (DisabledError, NotFoundError):
            return None

    def fetch(self, url: str) -> str:
        """Return a public page, or an empty text if it cannot be had."""
        done = self._shell(("curl", "--silent", "--fail", "--max-time", "10", url))
        return done.stdout if done.returncode == 0 else ""

    def change(self, what: str, command: Command, *, announce: str = "changing ") -> None:
        """Run a command that changes something, and repeat it while it fails with an error that is known to pass.

        Raises:
            ExistsError: what it creates exists.
            DeployError: it failed for another reason, or too often.
        """
        print(f"  {announce}  {what}\n             {shell_text(command)}", flush=True)
        done = self._run_patiently(command)
        sys.stderr.write(done.stdout + done.stderr)
        if done.returncode:
            kind = ExistsError if _EXISTS.search(_message_of(done)) else DeployError
            raise kind(f"{what}: the command above failed")

    def forget(self, command: Command) -> None:
        """Read this again the next time."""
        self._memory.pop(command, None)

    def forget_all(self) -> None:
        """Read everything again the next time."""
        self._memory.clear()

    def run(self, command: Command, stdin: str = "") -> Completed:
        """Run a command and return its result, whatever it is."""
        return self._shell(command, stdin)

    def _stdin_of(self, command: Command) -> str:
        """Return curl's configuration for a call of a Google API: on stdin, where nobody else can read it."""
        if command[0] != "curl":
            return ""
        if not self._token:
            done = self._shell(gcloud("auth", "print-access-token"))
            if done.returncode:
                raise _error_of(done, gcloud("auth", "print-access-token"))
            self._token = done.stdout.strip()
        return f'header = "Authorization: Bearer {self._token}"\nheader = "x-goog-user-project: {self._project}"\n'

    def _run_patiently(self, command: Command) -> Completed:
        stdin = self._stdin_of(command)
        waits: Iterator[int] | None = None
        while True:
            done = self._shell(command, stdin)
            error = next((found for pattern in _TRANSIENT if (found := pattern.search(_message_of(done)))), None)
            if done.returncode == 0 or error is None:
                return done
            waits = waits or iter(_TRANSIENT[error.re])
            wait_s = next(waits, None)
            if wait_s is None:
                return done
            print(f"  waiting    {wait_s} s: {error[0]}", flush=True)
            self.sleep(wait_s)


def rest(method: str, url: str, body: object = None) -> Command:
    """Return the command that calls a Google API; the authorization comes on stdin."""
    flags = ("--silent", "--show-error", "--fail-with-body", "--max-time", "60", "--config", "-")
    payload = () if body is None else ("--json", json.dumps(body))
    return ("curl", *flags, "--request", method, *payload, url)


def _message_of(done: Completed) -> str:
    """Return what a failed command said; a Google API answers an error as its body."""
    return f"{done.stdout}\n{done.stderr}" if done.args[0] == "curl" else done.stderr


def _error_of(done: Completed, command: Command) -> DeployError:
    text = _message_of(done)
    message = f"{text.strip()}\nThis command failed: {shell_text(command)}"
    if _DISABLED.search(text):
        return DisabledError(message)
    if _NOT_FOUND.search(text):
        return NotFoundError(message)
    return DeployError(message)
