"""The commands of the local stack, as far as they can run without starting it."""

import subprocess
import sys
from pathlib import Path

import pytest

from local.__main__ import _print_addresses
from local.stack import Endpoints

ROOT = Path(__file__).parents[2]


def run(*command: str, where: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=where, capture_output=True, text=True, check=False, timeout=60)


def endpoints(web: str) -> Endpoints:
    return Endpoints(
        web=web,
        examples="http://localhost:8081",
        firestore="127.0.0.1:8180",
        pubsub="127.0.0.1:8085",
        auth="127.0.0.1:9099",
        stripe="http://127.0.0.1:12111",
        project="demo-token-economy",
        webhook_secret="whsec_1",
        stripe_secret_key="sk_test_local",
        catalog="default",
    )


def test_an_unknown_catalog_stops_the_start_with_one_line(tmp_path: Path) -> None:
    directory = tmp_path / "stack"
    started = run(sys.executable, "-m", "local", "--directory", str(directory), "--catalog", "nonsense", where=ROOT)

    assert started.returncode == 1
    assert started.stderr == "No catalog 'nonsense' in catalog.toml; there are: default, classic, international\n"
    assert started.stdout == ""
    assert not directory.exists()


def test_reconcile_without_a_stack_says_how_to_start_one(tmp_path: Path) -> None:
    outcome = run("make", "--file", str(ROOT / "Makefile"), "reconcile", where=tmp_path)

    assert outcome.returncode != 0
    assert "No stack runs here: start one with make run\n" in outcome.stderr
    assert "Traceback" not in outcome.stderr


@pytest.mark.parametrize(
    ("web", "shown"),
    [
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://localhost:23456", "http://localhost:23456 (8080 was taken)"),
    ],
)
def test_the_addresses_say_if_the_usual_port_was_taken(
    web: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _print_addresses(endpoints(web), Path(".local"))

    first = capsys.readouterr().out.splitlines()[0]
    assert first.split(maxsplit=4)[4] == shown
