"""What deploy.sh prints, and gcloud's own opinion of it."""

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from local.function_table import ROOT


_NAMES = re.compile(r"token-economy-(dev|prod)|[a-z-]+(?=@)|(?<=create |enable )[a-z-]+(\.googleapis\.com)?|'Runs [a-z_]+'")


@cache
def printed(environment: str, *arguments: str) -> str:
    """Return what a dry run prints where there are neither credentials nor settings."""
    with tempfile.TemporaryDirectory() as nobody:
        command = ("./deploy.sh", environment, "--dry-run", *arguments)
        bare = {"PATH": os.environ["PATH"], "HOME": nobody, "CLOUDSDK_CONFIG": nobody}
        return subprocess.run(command, cwd=ROOT, env=bare, check=True, text=True, capture_output=True).stdout


def commands(text: str, program: str) -> list[str]:
    """Return the lines that call a program."""
    return [line for line in text.splitlines() if line.startswith(f"{program} ")]


def refused(gcloud_commands: Iterable[str]) -> dict[str, str]:
    """Return those commands that gcloud's parser refuses, and what it says of each. Offline; one start for all.

    The parser takes 0.2 s a command, so those that differ in nothing but names are shown to it once.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        wanted = list({_NAMES.sub("name", command): command for command in gcloud_commands}.values())
        json.dump([{"command_string": command} for command in wanted], file)
        file.flush()
        lint = ("gcloud", "meta", "lint-gcloud-commands", f"--commands-file={file.name}")
        done = subprocess.run(lint, check=True, text=True, capture_output=True)
    verdicts = json.loads(done.stdout)
    assert len(verdicts) == len(wanted), "gcloud passed over some commands"
    return {one["command_string"]: str(one["error_message"]) for one in verdicts if not one["success"]}


FIREBASE = Path(ROOT / "node_modules" / ".bin" / "firebase")
