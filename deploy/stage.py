"""Lays out what the functions' image is built from: their code, shared/, topology/, and all requirements, pinned."""

import hashlib
import re
import shutil
from pathlib import Path

from topology.functions import ROOT

_PIN = re.compile(r"^([a-z0-9._-]+)==[^ ]+", re.IGNORECASE)
_REQUIRED_BY = re.compile(r"^    # (?:via |  )([a-z0-9._-]+)$", re.IGNORECASE)


def stage(folder: Path, root: Path = ROOT) -> Path:
    """Make `folder` hold exactly what the image is built from, and return it.

    The same content gives the same files, whatever was deployed before: their digest names the image.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copy(root / "deploy" / "image" / "Dockerfile", folder)
    for package in ("shared", "topology"):
        shutil.copytree(root / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    direct = []
    for source in sorted((root / "functions").glob("*/main.py")):
        function = folder / "functions" / source.parent.name
        function.mkdir(parents=True)
        shutil.copy(source, function)
        direct.append(source.with_name("requirements.txt").read_text())
    lock = (root / "requirements-dev.txt").read_text()
    (folder / "requirements.txt").write_text("\n".join(pinned("\n".join(direct), lock)) + "\n")
    return folder


def pinned(direct: str, lock: str) -> list[str]:
    """Return the lock's lines, hashes included, for these requirements and everything they depend on.

    Under each pin, uv writes which packages require it ("# via"): the dependency graph, extras included.
    """
    pins: dict[str, list[str]] = {}
    dependencies: dict[str, set[str]] = {}
    name = ""
    for line in lock.splitlines():
        if pin := _PIN.match(line):
            name = pin[1].lower()
            pins[name] = [line]
        elif line.startswith("    --hash="):
            pins[name].append(line)
        elif requirer := _REQUIRED_BY.match(line):
            dependencies.setdefault(requirer[1].lower(), set()).add(name)
    required: set[str] = set()
    pending = [pin[1].lower() for line in direct.splitlines() if (pin := _PIN.match(line))]
    while pending:
        package = pending.pop()
        if package not in required:
            required.add(package)
            pending += dependencies.get(package, ())
    return [line for package, lines in pins.items() if package in required for line in lines]


def digest(source: Path, *also: str) -> str:
    """Return a short fingerprint of a file or a folder's files, and of whatever else makes up a deployment."""
    fingerprint = hashlib.sha256("\0".join(also).encode())
    files = [source] if source.is_file() else sorted(path for path in source.rglob("*") if path.is_file())
    for file in files:
        fingerprint.update(f"{file.relative_to(source)}\0".encode() + file.read_bytes())
    return fingerprint.hexdigest()[:16]
