"""The README's example is the one that runs, and its tables name what there is."""

import inspect
import re
from pathlib import Path

import token_economy
from token_economy import AsyncTokens, Tokens

PACKAGE = Path(__file__).parents[1]
README = (PACKAGE / "README.md").read_text()
LINES_MAX = 10


def test_the_example_is_the_file_and_has_at_most_ten_lines() -> None:
    [block] = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)

    assert block == (PACKAGE / "examples" / "chat.py").read_text()
    assert len([line for line in block.splitlines() if line]) <= LINES_MAX


def test_every_error_is_in_the_table() -> None:
    errors = {name for name in token_economy.__all__ if issubclass(getattr(token_economy, name), Exception)}
    section = README.split("## Errors\n", 1)[1].split("\n## ", 1)[0]

    assert errors - set(re.findall(r"`(\w+)`", section)) == set()


def test_both_clients_have_the_same_methods_with_the_same_arguments() -> None:
    def signatures(client: type) -> dict[str, list[str]]:
        methods = inspect.getmembers(client, inspect.isfunction)
        return {name: list(inspect.signature(method).parameters) for name, method in methods if name[0] != "_"}

    assert signatures(Tokens) == signatures(AsyncTokens)


def test_every_method_is_in_the_readme() -> None:
    methods = {name for name, _ in inspect.getmembers(Tokens, inspect.isfunction) if name[0] != "_"} - {"close"}

    assert methods - set(re.findall(r"`[\w.]*?(\w+)\(", README)) == {"reserve"}
    assert "tokens.reserve(" in README
