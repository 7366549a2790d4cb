"""Every command and option of the operator's command line is documented, and every documented call is one."""

import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest

from ops.cli import cli

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
COMMANDS_PAGE = (ROOT / "docs" / "operator-commands.md").read_text(encoding="utf-8")
# Options of every change and of every answer are described once, not at each command.
FOR_ALL = {"--operator", "--reason", "--yes", "--json", "--limit"}


def commands(group: click.Group = cli, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Yield every command that can be run, by its full name, and the root, which has options of its own."""
    if not path:
        yield "", group
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


COMMANDS = dict(commands())


@pytest.mark.parametrize("name", [name for name in COMMANDS if name])
def test_a_command_is_documented_with_its_arguments(name: str) -> None:
    arguments = [one.human_readable_name.upper() for one in COMMANDS[name].params if isinstance(one, click.Argument)]
    assert f"`{' '.join([name, *arguments])}`" in COMMANDS_PAGE


@pytest.mark.parametrize(
    ("name", "option"),
    [
        (name, option)
        for name, command in COMMANDS.items()
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for option in parameter.opts
    ],
)
def test_an_option_is_documented_with_its_command(name: str, option: str) -> None:
    """In the row of its command, in the text below the table beside its name, or in the rows for all."""
    if not name or option in FOR_ALL:
        assert f"`{option}" in COMMANDS_PAGE
    else:
        places = [
            line for block in COMMANDS_PAGE.split("\n\n") for line in (block.splitlines() if "|" in block else [block])
        ]
        assert any(f"`{name}" in place and f"{option}" in place for place in places)


def test_every_command_says_what_it_does() -> None:
    assert [name for name, command in COMMANDS.items() if not command.help] == []
    undescribed = [
        f"{name} {parameter.name}"
        for name, command in COMMANDS.items()
        for parameter in command.params
        if isinstance(parameter, click.Option) and not parameter.help
    ]
    assert undescribed == []


def documented_calls() -> list[str]:
    """Return what follows `bin/python -m ops` in every page, without what the shell takes for itself."""
    found = [call for page in PAGES for call in re.findall(r"bin/python -m ops ([^>|\n]+)", page.read_text("utf-8"))]
    return sorted({call.strip() for call in found if "--help" not in call})


@pytest.mark.parametrize("call", documented_calls())
def test_a_documented_call_is_one(call: str) -> None:
    """Its words are read as the command line reads them; a day that is written down is taken for yesterday."""
    yesterday = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
    words = shlex.split(re.sub(r"\d{4}-\d\d-\d\dT[\d:]+Z", yesterday, call), comments=True)
    name = "ops"
    command: click.Command = cli
    while isinstance(command, click.Group):
        while words[0] == "--local":
            words.pop(0)
        name = words.pop(0)
        command = command.commands[name]
    command.make_context(name, words)
