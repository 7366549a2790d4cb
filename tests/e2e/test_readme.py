"""The README's way from the command line, word for word."""

import json
import re
import subprocess
from pathlib import Path

import httpx

from local.stack import Stack
from tests.e2e.pages.shopper import Account
from topology.functions import ROOT

_BASH = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_readmes_commands_buy_and_spend(stack: Stack, web: httpx.Client, tmp_path: Path) -> None:
    buyer = Account.demo(stack.endpoints, web).buyer
    before = buyer.balance()
    (tmp_path / ".local").symlink_to(stack.directory)
    section = (ROOT / "README.md").read_text().split("## HTTP API", 1)[1]
    commands = "\n".join(_BASH.findall(section))

    done = subprocess.run(
        ("bash", "-euo", "pipefail", "-c", commands),
        cwd=tmp_path,
        text=True,
        capture_output=True,
        timeout=60,
        check=True,
    )

    spent = json.loads(done.stdout[done.stdout.rindex('{"success"') :])
    assert spent["balance"] == before + 100
    assert [entry["amount"] for entry in buyer.transactions(limit=2)] == [-10, 110]
