"""The package builds from a clone without the network, is typed, and needs only what it names."""

import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1]
ROOT = PACKAGE.parents[1]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source distribution."""
    folder = tmp_path_factory.mktemp("built")
    uv = Path(sys.executable).with_name("uv")
    subprocess.run(
        (uv, "build", "--offline", "--no-cache", "--quiet", "--out-dir", folder, PACKAGE),
        check=True,
        capture_output=True,
    )
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    [wheel] = built.glob("*.whl")
    return wheel


def test_the_wheel_has_every_module_and_says_that_it_is_typed(wheel: Path) -> None:
    source = PACKAGE / "src"
    files = {file.relative_to(source).as_posix() for file in source.rglob("*") if file.suffix in {".py", ".typed"}}

    names = set(zipfile.ZipFile(wheel).namelist())

    assert "token_economy/py.typed" in files
    assert {name for name in names if ".dist-info/" not in name and not name.endswith("/")} == files


def test_the_source_distribution_has_what_a_build_needs(built: Path) -> None:
    [archive] = built.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        names = {Path(name).relative_to(Path(name).parts[0]).as_posix() for name in tar.getnames()}

    assert {"pyproject.toml", "README.md", "LICENSE", "src/token_economy/__init__.py"} <= names


def test_the_package_has_the_version_of_the_project_and_names_what_it_needs(wheel: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    archive = zipfile.ZipFile(wheel)
    [metadata] = [name for name in archive.namelist() if name.endswith("/METADATA")]
    fields = Parser().parsestr(archive.read(metadata).decode())

    assert fields["Version"] == project["version"]
    assert fields["Requires-Python"] == project["requires-python"]
    assert fields["License-Expression"] == "MIT"
    assert fields.get_all("Requires-Dist") == [
        "httpx>=0.27,<1",
        "google-auth[requests]>=2.38,<3 ; extra == 'cloud-run'",
    ]
    assert fields.get_payload() == (PACKAGE / "README.md").read_text()
    assert (PACKAGE / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()


def test_the_wheel_works_by_itself(wheel: Path, tmp_path: Path) -> None:
    """With httpx alone: neither google-auth nor this project is imported until an https address is used."""
    program = (
        "import sys, token_economy as t; t.Tokens('http://localhost:1'); t.AsyncTokens('http://localhost:1');"
        "print(t.__file__, {'google.auth', 'shared'} & set(sys.modules))"
    )
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)

    done = subprocess.run((sys.executable, "-c", program), cwd=tmp_path, capture_output=True, text=True, check=True)

    assert done.stdout == f"{tmp_path}/token_economy/__init__.py set()\n"


def test_an_https_address_without_google_auth_names_the_extra_to_install() -> None:
    program = (
        "import sys; sys.modules['google.auth'] = None; import token_economy as t\n"
        "try: t.Tokens('https://spend.example')\n"
        "except ImportError as error: print(error)"
    )

    done = subprocess.run(
        (sys.executable, "-c", program), cwd=PACKAGE / "src", capture_output=True, text=True, check=True
    )

    assert done.stdout == "An https address needs google-auth: pip install 'token-economy[cloud-run]'\n"
