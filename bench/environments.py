"""Environments as a deployment builds them: one program's source, with its own requirements and no others.

They are cached in .local/bench, so a second run builds nothing.
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
    """A program's source folder, and the bin folder that runs it."""

    source: Path
    bin: Path


def of_function(name: str) -> Environment:
    """Return one function, with what it shares with the others and its own requirements alone."""
    source, staged = ROOT / "functions" / name, _CACHE / "staged" / name
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(parents=True)
    shutil.copy(source / "main.py", staged)
    for package in ("shared", "topology"):
        shutil.copytree(ROOT / package, staged / package, ignore=shutil.ignore_patterns("__pycache__"))
    lock = (ROOT / "requirements-dev.txt").read_text()
    (staged / "requirements.txt").write_text("\n".join(pinned((source / "requirements.txt").read_text(), lock)) + "\n")
    return _build(staged)


def of_baseline(name: str) -> Environment:
    """Return a baseline, with the same pinned versions as the functions."""
    source = _CACHE / "staged" / name
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(BASELINES / name, source, ignore=shutil.ignore_patterns("__pycache__"))
    (source / "requirements.txt").write_text("\n".join(pins_of(name)) + "\n")
    return _build(source)


def pins_of(baseline: str) -> list[str]:
    """Return a baseline's requirements with the versions of requirements-dev.txt: its own file only names packages."""
    names = (BASELINES / baseline / "requirements.in").read_text().split()
    lock = (ROOT / "requirements-dev.txt").read_text()
    return pinned("".join(f"{name}==locked\n" for name in names), lock)


def _build(source: Path) -> Environment:
    requirements = source / "requirements.txt"
    digest = hashlib.sha256(f"{sys.version}\n{requirements.read_text()}".encode()).hexdigest()[:16]
    folder = _CACHE / "environments" / digest
    python, complete = folder / "bin" / "python", folder / ".complete"
    if not complete.exists():
        uv = str(Path(sys.executable).with_name("uv"))
        shutil.rmtree(folder, ignore_errors=True)
        _run(uv, "venv", "--quiet", "--python", sys.executable, str(folder))
        _run(
            *(uv, "pip", "install", "--quiet", "--compile-bytecode"),
            *("--python", str(python), "--requirement", str(requirements)),
        )
        complete.touch()
    # Google's functions buildpack compiles the source the same way.
    _run(str(python), "-m", "compileall", "-q", "-f", str(source))
    return Environment(source, folder / "bin")


def _run(*command: str) -> None:
    subprocess.run(command, check=True)  # noqa: S603 - no part of the command comes from outside
