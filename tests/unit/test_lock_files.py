"""The lock files pin every version and name no registry, so that they install through any mirror."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_python_package_is_pinned_and_no_address_is_named() -> None:
    text = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8")
    packages = re.findall(r"^(?![ #]).+$", text, re.MULTILINE)
    assert len(packages) > 50
    assert [line for line in packages if not re.match(r"[a-z0-9][\w.-]*(\[[\w,-]+\])?==\d\S*( |$)", line)] == []
    assert "://" not in text


def test_every_node_package_is_pinned_and_no_address_is_named() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    packages = {path: package for path, package in lock["packages"].items() if path}
    assert len(packages) > 50
    assert [path for path, package in packages.items() if not package.get("version")] == []
    assert [path for path, package in packages.items() if "resolved" in package] == []
