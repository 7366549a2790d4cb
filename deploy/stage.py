"""Lays out what a function is built from: main.py, shared/, topology/, and its requirements, all pinned."""

import hashlib
import re
import shutil
from pathlib import Path

from topology.functions import ROOT

_PIN = re.compile(r"^([a-z0-9._-]+)==[^ ]+", re.IGNORECASE)
_ASKED_FOR_BY = re.compile(r"^    # (?:via |  )([a-z0-9._-]+)$", re.IGNORECASE)


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
    """Return the lock's lines for these requirements and for all that they need.

    uv writes under each pin who asked for it ("# via"), which is the dependency graph, extras included.
    """
    lines: dict[str, str] = {}
    needs: dict[str, set[str]] = {}
    name = ""
    for line in lock.splitlines():
        if found := _PIN.match(line):
            name = found[1].lower()
            lines[name] = line
        elif asker := _ASKED_FOR_BY.match(line):
            needs.setdefault(asker[1].lower(), set()).add(name)
    wanted: set[str] = set()
    todo = [found[1].lower() for line in direct.splitlines() if (found := _PIN.match(line))]
    while todo:
        package = todo.pop()
        if package not in wanted:
            wanted.add(package)
            todo += needs.get(package, ())
    return [line for package, line in lines.items() if package in wanted]


def digest(source: Path, *also: str) -> str:
    """Return a short fingerprint of a file or of a folder's files, and of what else makes up a deployment."""
    seen = hashlib.sha256("\0".join(also).encode())
    files = [source] if source.is_file() else sorted(path for path in source.rglob("*") if path.is_file())
    for file in files:
        seen.update(f"{file.relative_to(source)}\0".encode() + file.read_bytes())
    return seen.hexdigest()[:16]
