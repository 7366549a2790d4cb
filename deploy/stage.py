"""Lays out what a function is built from: main.py, shared/, topology/, and its requirements, all pinned."""

import hashlib
import re
import shutil
from pathlib import Path

from topology.functions import ROOT

_PIN = re.compile(r"^([a-z0-9._-]+)==[^ ]+", re.IGNORECASE)
_REQUIRED_BY = re.compile(r"^    # (?:via |  )([a-z0-9._-]+)$", re.IGNORECASE)


def stage(function: str, folder: Path, root: Path = ROOT) -> Path:
    """Make `folder` hold exactly what is uploaded for one function, and return it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    source = root / "functions" / function
    shutil.copy(source / "main.py", folder)
    for package in ("shared", "topology"):
        shutil.copytree(root / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    direct = (source / "requirements.txt").read_text()
    lock = (root / "requirements-dev.txt").read_text()
    (folder / "requirements.txt").write_text("\n".join(pinned(direct, lock)) + "\n")
    return folder


def pinned(direct: str, lock: str) -> list[str]:
    """Return the lock's lines for these requirements and everything they depend on.

    Under each pin, uv writes which packages require it ("# via"): the dependency graph, extras included.
    """
    lines: dict[str, str] = {}
    dependencies: dict[str, set[str]] = {}
    name = ""
    for line in lock.splitlines():
        if pin := _PIN.match(line):
            name = pin[1].lower()
            lines[name] = line
        elif requirer := _REQUIRED_BY.match(line):
            dependencies.setdefault(requirer[1].lower(), set()).add(name)
    required: set[str] = set()
    pending = [pin[1].lower() for line in direct.splitlines() if (pin := _PIN.match(line))]
    while pending:
        package = pending.pop()
        if package not in required:
            required.add(package)
            pending += dependencies.get(package, ())
    return [line for package, line in lines.items() if package in required]


def digest(source: Path, *also: str) -> str:
    """Return a short fingerprint of a file or a folder's files, and of whatever else makes up a deployment."""
    fingerprint = hashlib.sha256("\0".join(also).encode())
    files = [source] if source.is_file() else sorted(path for path in source.rglob("*") if path.is_file())
    for file in files:
        fingerprint.update(f"{file.relative_to(source)}\0".encode() + file.read_bytes())
    return fingerprint.hexdigest()[:16]
