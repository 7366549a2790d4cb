"""README.md names every control and setting, and its examples work."""

import ast
import re
import shlex
from pathlib import Path

import httpx
import pytest

from stripe_simulator.controls import conditions, payments
from stripe_simulator.controls.frame import Control
from stripe_simulator.tests.shop import KEY, Json, Shop

FOLDER = Path(__file__).parents[1]
README = (FOLDER / "README.md").read_text(encoding="utf-8")
CONTROLS = [*payments.controls, *conditions.controls]
ROWS = re.findall(r"^\| `((?:GET|POST|DELETE) /_sim/[^`]*)` \|", README, re.MULTILINE)
BASH = [block for block in re.findall(r"```bash\n(.*?)```", README, re.DOTALL) if "/_sim/" in block]


def test_every_control_has_a_row_and_every_row_a_control() -> None:
    declared = {f"{control.method} {re.sub('<[^>]+>', 'ID', control.path)}" for control in CONTROLS}
    assert set(ROWS) == declared


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: f"{control.method} {control.path}")
def test_every_field_of_a_control_is_described(control: Control) -> None:
    assert [name for name in control.fields if f"`{name}`" not in README and f"`[{name}]`" not in README] == []


def test_every_setting_is_described() -> None:
    tree = ast.parse((FOLDER / "settings.py").read_text(encoding="utf-8"))
    constants = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    variables = {text for text in constants if isinstance(text, str) and re.fullmatch(r"[A-Z][A-Z0-9_]+", text)}
    assert "SIMULATOR_BASE_URL" in variables
    assert [name for name in variables if f"`{name}`" not in README] == []


@pytest.mark.parametrize("block", BASH)
def test_the_examples_work(shop: Shop, block: str) -> None:
    session = shop.open().id
    charge = shop.paid_charge().id
    names = {"cs_test_1": session, "ch_1": charge}
    for line in block.strip().splitlines():
        if "evt_1" in line:
            completed = [event for event in shop.events_about(session) if event["type"].endswith("completed")]
            names["evt_1"] = completed[0]["id"]
        words = shlex.split(line)
        answer = run(shop, [replaced(word, names) for word in words])
        assert answer.status_code == 200, (line, answer.text)
        body: Json = answer.json()
        if body.get("object") == "dispute":
            names["du_1"] = body["id"]


def replaced(word: str, names: dict[str, str]) -> str:
    for placeholder, value in names.items():
        word = word.replace(placeholder, value)
    return word


def run(shop: Shop, words: list[str]) -> httpx.Response:
    assert words[0] == "curl"
    assert words[2] == "--json"
    url = words[1].replace("localhost:12111", shop.url)
    return httpx.post(url, content=words[3], auth=(KEY, ""), verify=False)
