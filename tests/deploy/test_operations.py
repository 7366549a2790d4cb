"""The pages for operators: every command in them exists and accepts the arguments it is given."""

import os
import re
import shlex
from argparse import ArgumentParser
from collections.abc import Callable

import click
import pytest

from deploy import rollback, smoke
from deploy.__main__ import parser as deploy_parser
from deploy.parts import PARTS
from deploy.stripe_setup import main as stripe_setup
from ops.cli import cli
from tests.deploy import verdicts
from topology.functions import ROOT

DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
VALUES = {
    "ENVIRONMENT": "dev",
    "PROJECT": "token-economy-dev",
    "REGION": "us-central1",
    "USER": "ada",
    "role": "run.admin",
    "service": "create-checkout",
    "REPOSITORY": "projects/token-economy-dev/locations/us-central1/connections/github/repositories/token-economy",
    "DEPLOYER": "projects/token-economy-dev/serviceAccounts/deployer@token-economy-dev.iam.gserviceaccount.com",
    "WEB_API_KEY": "key",
    "VAULT": "token-economy-vault",
}
# Not ours, and not installed here: their own documentation has their arguments.
OTHERS = ("curl", "stripe", "cloudflared")
SHELL = ("export", "read", "for", "done", "SIGN_IN=", "ID_TOKEN=$(curl", "MASK=$(printf", "jq")

# A variable set for one command alone, or a secret passed through stdin, is not part of the command.
_BEFORE = re.compile(r"""^(?:(?:[A-Z_]+=[^\s(]+ )+|printf '%s' "\$[A-Z]+" \| )""")


def commands() -> list[str]:
    """Return every command of the pages' bash blocks, on one line, with the variables filled in."""
    found = []
    for page in PAGES:
        for block in re.findall(r"^ *```bash\n(.*?)^ *```", page.read_text(), re.DOTALL | re.MULTILINE):
            lines = re.sub(r"\s*\\\n\s*", " ", block).splitlines()
            written = (line.strip() for line in lines)
            found += [_filled(_BEFORE.sub("", line)) for line in written if line and not line.startswith("#")]
    return found


def _filled(line: str) -> str:
    return re.sub(r"\$(\w+)", lambda name: VALUES.get(name[1], name[0]), line)


def starting(program: str) -> list[str]:
    return [line for line in commands() if line.split(" ", 1)[0] == program]


def modules(name: str) -> list[list[str]]:
    found = [shlex.split(line)[3:] for line in starting(".venv/bin/python") if f" -m {name}" in line]
    return [words[: words.index(">")] if ">" in words else words for words in found]


def test_every_command_is_of_a_checked_kind() -> None:
    known = (*OTHERS, *SHELL, "gcloud", "make", "node_modules/.bin/firebase", ".venv/bin/python")
    scripts = ("./deploy.sh", "./setup_stripe_secrets.sh", "./smoke_test.sh", "./rollback.sh")
    assert [line for line in commands() if not line.startswith((*known, *scripts))] == []


def test_gcloud_accepts_its_commands() -> None:
    # Its linter does not know the commands for sign-in and components.
    own = [line for line in starting("gcloud") if not line.startswith(("gcloud auth", "gcloud components"))]
    assert len(own) > 25
    assert verdicts.refused(own) == {}


def test_firebase_accepts_its_commands() -> None:
    for line in starting("node_modules/.bin/firebase"):
        assert verdicts.unknown_to_firebase(shlex.split(line)[1:]) == []


@pytest.mark.parametrize("words", [words for words in modules("ops") if "--help" not in words], ids=" ".join)
def test_ops_accepts_its_commands(words: list[str]) -> None:
    command: click.Command = cli
    context = click.Context(cli)
    words = [word for word in words if word != "--local"]
    while isinstance(command, click.Group):
        name, *words = words
        found = command.get_command(context, name)
        assert found is not None, name
        command = found
    command.make_context(command.name, words)


@pytest.mark.parametrize("words", modules("deploy.stripe_setup"), ids=" ".join)
def test_stripe_setup_accepts_its_commands(words: list[str]) -> None:
    stripe_setup.make_context("stripe_setup", list(words))


@pytest.mark.parametrize(
    ("script", "parser_of"),
    [("./deploy.sh", deploy_parser), ("./rollback.sh", rollback.parser), ("./smoke_test.sh", smoke.parser)],
)
def test_our_scripts_accept_their_commands(script: str, parser_of: Callable[[], ArgumentParser]) -> None:
    lines = starting(script)
    assert lines
    assert os.access(ROOT / script, os.X_OK)
    for line in lines:
        parser_of().parse_args(shlex.split(line, comments=True)[1:])


def test_the_options_name_every_part() -> None:
    (row,) = re.findall(
        r"^\| `--only PART`.*choose parts: (.*) \|$", (DOCS / "deployment.md").read_text(), re.MULTILINE
    )
    assert row.split(", ") == list(PARTS)


def test_setting_the_keys_takes_an_environment() -> None:
    lines = starting("./setup_stripe_secrets.sh")
    assert lines
    assert all(len(shlex.split(line)) == 2 for line in lines)


def test_erasing_a_profile_erases_every_field_that_the_rules_allow() -> None:
    (profile,) = re.findall(r"let valid = \{(.*?)\};", (ROOT / "firestore.rules").read_text(), re.DOTALL)
    allowed = re.findall(r"^ +'(\w+)':", profile, re.MULTILINE)
    (erased,) = re.findall(
        r"updateMask\.fieldPaths=%s' (.*?)\)$", (DOCS / "runbook.md").read_text(), re.DOTALL | re.MULTILINE
    )
    assert len(allowed) > 3
    assert sorted(erased.replace("\\", "").split()) == sorted(allowed)


@pytest.mark.parametrize(
    ("page", "topic"),
    [
        *(
            ("runbook.md", topic)
            for topic in (
                "Tokens not credited",
                "Package validation failed",
                "Package not available",
                "Checkout fails at Stripe",
                "Duplicate credits",
                "Already processed but no tokens",
                "Limit false positives",
                "Signature failures",
                "Dead letters",
                "Recovery from a backup",
                "When a provider is down",
                "Emergency contacts",
                "A data subject's requests",
                "Reprocessing",
            )
        ),
        *(
            ("deployment.md", topic)
            for topic in ("First deployment", "Checklist before money", "Continuous deployment", "Roll back")
        ),
        ("local.md", "Test cards"),
    ],
)
def test_a_page_has_a_section_about(page: str, topic: str) -> None:
    assert re.search(rf"^#+ {topic}$", (DOCS / page).read_text(), re.MULTILINE)
