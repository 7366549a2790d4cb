"""Checks documents against Google's own definitions of its APIs, which come with gcloud."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

# Runs in its own process, because gcloud's libraries must not be on the path of this one.
_CHECK = """
import json, sys
from apitools.base.py import encoding
from googlecloudsdk.generated_clients.apis.%(package)s import %(module)s as messages

def unknown(message, where):
    for path, names in encoding.UnrecognizedFieldIter(message):
        yield from (".".join([where, *map(str, path), name]) for name in names)

faults = []
for where, document in json.load(sys.stdin).items():
    try:
        faults += unknown(encoding.DictToMessage(document, messages.%(kind)s), where)
    except Exception as error:
        faults.append(f"{where}: {type(error).__name__} {error}")
print(json.dumps(faults))
"""


def faults(api: str, version: str, kind: str, documents: dict[str, Any]) -> list[str]:
    """Return the fields and values of these documents that the API's message `kind` does not accept."""
    gcloud = shutil.which("gcloud")
    assert gcloud
    library = Path(gcloud).resolve().parents[1] / "lib"
    if not library.is_dir():  # a package's gcloud is a script that calls the real one
        root = subprocess.run(
            (gcloud, "info", "--format=value(installation.sdk_root)"), check=True, text=True, capture_output=True
        )
        library = Path(root.stdout.strip()) / "lib"
    script = _CHECK % {"package": f"{api}.{version}", "module": f"{api}_{version}_messages", "kind": kind}
    done = subprocess.run(
        (sys.executable, "-c", script),
        input=json.dumps(documents),
        env={"PYTHONPATH": f"{library}:{library / 'third_party'}", "PYTHONWARNINGS": "ignore"},
        check=True,
        text=True,
        capture_output=True,
    )
    found: list[str] = json.loads(done.stdout)
    return found
