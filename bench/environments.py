"""Environments as a deployment builds them: a program's source apart from ours, with its own requirements alone.

They are kept under .local/bench: the second run builds none.
"""

import hashlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from deploy.stage import pinned
from topology.functions import ROOT

BASELINES = ROOT / "bench" / "baselines"
_CACHE = ROOT / ".local" / "bench"


@dataclass(frozen=True, slots=True)
class Environment:
    """Where a program's source is, and where the commands that run it are."""

    source: Path
    commands: Path


def of_function(name: str) -> Environment:
    """Return one function, with what it shares with the others and its own requirements alone."""
    source, staged = ROOT / "functions" / name, _CACHE / "staged" / name
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(parents=True)
    shutil.copy(source / "main.py", staged)
    for package in ("shared", "topology"):
        shutil.copytree(ROOT / package, staged / package, ignore=shutil.ignore_patterns("__pycache__"))
    _pin((source / "requirements.txt").read_text(), staged)
    return _built(staged)


def of_baseline(name: str) -> Environment:
    """Return one baseline, pinned by the same lock as the functions."""
    source = _CACHE / "staged" / name
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(BASELINES / name, source, ignore=shutil.ignore_patterns("__pycache__"))
    # The file names packages; each one's version is the lock's.
    direct = "".join(f"{package}==locked\n" for package in (source / "requirements.in").read_text().split())
    _pin(direct, source)
    return _built(source)


def _pin(direct: str, folder: Path) -> None:
    lock = (ROOT / "requirements-dev.txt").read_text()
    (folder / "requirements.txt").write_text("\n".join(pinned(direct, lock)) + "\n")


def _built(source: Path) -> Environment:
    requirements = source / "requirements.txt"
    digest = hashlib.sha256(f"{sys.version}\n{requirements.read_text()}".encode()).hexdigest()[:16]
    folder = _CACHE / "environments" / digest
    python = folder / "bin" / "python"
    complete = folder / ".complete"
    if not complete.exists():
        uv = str(Path(sys.executable).with_name("uv"))
        shutil.rmtree(folder, ignore_errors=True)
        _run(uv, "venv", "--quiet", "--python", sys.executable, str(folder))
        _run(
            *(uv, "pip", "install", "--quiet", "--compile-bytecode"),
            *("--python", str(python), "--requirement", str(requirements)),
        )
        complete.touch()
    # As Google's buildpack does with a function's source.
    _run(str(python), "-m", "compileall", "-q", "-f", str(source))
    return Environment(source, folder / "bin")


def _run(*command: str) -> None:
    subprocess.run(command, check=True)  # noqa: S603 - every word of it is ours
