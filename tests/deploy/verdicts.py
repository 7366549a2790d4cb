"""What deploy.sh prints, and the verdicts of gcloud's and firebase-tools' own parsers on commands."""

import fcntl
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterable
from functools import cache
from typing import Any

from deploy.parts.identities import CUSTOM_ROLES
from topology.functions import ROOT, load_functions

_ROWS = "|".join(f"{row.service}|{row.name}" for row in load_functions())
# Names, which gcloud's parser accepts whatever they are. Commands that differ in nothing else are checked once.
_NAMES = re.compile(
    rf"token-economy-(dev|prod)|stripe-(events|\w+-secret|\w+-key)(-dead)?|\b({_ROWS}|{'|'.join(CUSTOM_ROLES)})\b"
    r"|\b(pubsub-push|scheduler|tester|releaser|auditor|exporter|function-builder)\b|token-economy-(api|page)"
    r"|(?<= delete )[^\s-]\S*|(?<=fields update )\S+|(?<=--title=)'.*?'|(?<=--permissions=)\S+|(?<=/)(dev|prod)(?=/)"
    r"|(?<=enable )\S+|(?<=--member=)\S+|(?<=--role=)\S+|(?<=--description=)'.*?'|https:\S+"
    r"|(?<=/)(metric|alert)-\w+(?=\.json)|(?<=--set-env-vars=)'.*?'|(?<=metrics create )\w+|(?<=metrics update )\w+"
    r"|ALERT_\w+|(?<=--field-config=)\S+|(?<=--collection-group=)\w+"
)


@cache
def printed(environment: str, *arguments: str) -> str:
    """Return what a dry run prints without credentials and settings."""
    folder = ROOT / ".local"
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as home, (folder / "dry-run.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another process of these tests would lay out the same files
        command = ("./deploy.sh", environment, "--dry-run", *arguments)
        bare = {"PATH": os.environ["PATH"], "HOME": home, "CLOUDSDK_CONFIG": home}
        return subprocess.run(command, cwd=ROOT, env=bare, check=True, text=True, capture_output=True).stdout


def commands(text: str, program: str) -> list[str]:
    """Return the lines that run a program."""
    return [line for line in text.splitlines() if line.startswith(f"{program} ")]


def refused(gcloud_commands: Iterable[str]) -> dict[str, str]:
    """Return the commands that gcloud's parser rejects, each with its error. Works offline.

    The parser takes 0.2 s per command, so commands that differ only in names are checked once.
    """
    checked = list({_NAMES.sub("name", command): command for command in gcloud_commands}.values())
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump([{"command_string": command} for command in checked], file)
        file.flush()
        lint = ("gcloud", "meta", "lint-gcloud-commands", f"--commands-file={file.name}")
        done = subprocess.run(lint, check=True, text=True, capture_output=True)
    verdicts: list[dict[str, Any]] = json.loads(done.stdout)
    assert len(verdicts) == len(checked), "gcloud skipped some commands"
    return {one["command_string"]: str(one["error_message"]) for one in verdicts if not one["success"]}


def unknown_to_firebase(words: Iterable[str]) -> list[str]:
    """Return the words of a firebase command that firebase-tools does not define: the command itself, or a flag."""
    command, *rest = words
    library = ROOT / "node_modules" / "firebase-tools" / "lib"
    own = library / "commands" / f"{command.replace(':', '-')}.js"
    if not own.exists():
        return [command]
    defined = own.read_text() + (library / "index.js").read_text()
    flags = [word.partition("=")[0] for word in rest if word.startswith("--")]
    return [flag for flag in flags if not re.search(rf'option\("(-\w, )?{flag}[ "]', defined)]
