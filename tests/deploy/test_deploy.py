"""deploy.sh as a whole: the script itself, its commands before gcloud's own parser, and what the tables say."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.environment import DeployError, load_environment
from deploy.preflight.local import MINIMUM_GCLOUD
from tests.deploy import verdicts
from tests.deploy.scripts import Scripts
from topology.functions import ROOT, Function, load_functions


def test_every_printed_gcloud_command_passes_gclouds_own_parser() -> None:
    printed = [line for name in ("dev", "prod") for line in verdicts.commands(verdicts.printed(name), "gcloud")]
    assert len(printed) > 500
    assert verdicts.refused(printed) == {}


def test_every_flag_is_known_to_the_oldest_gcloud_that_the_preflight_takes() -> None:
    """The parser above is that version's, as long as the machine has no newer one."""
    done = subprocess.run(("gcloud", "version"), check=True, text=True, capture_output=True)
    installed = re.search(r"Google Cloud SDK (\d+)", done.stdout)
    assert installed
    assert int(installed[1]) == MINIMUM_GCLOUD, "lint with that version, or raise MINIMUM_GCLOUD to the installed one"


def test_every_printed_firebase_command_exists_in_firebase_tools() -> None:
    printed = [line for name in ("dev", "prod") for line in verdicts.commands(verdicts.printed(name), "firebase")]
    assert printed
    for command in {tuple(shlex.split(line)[1:]) for line in printed}:
        assert verdicts.unknown_to_firebase(command) == []


def test_each_deployment_says_whether_a_function_is_public() -> None:
    rows = {row.service: row for row in load_functions()}
    deployments = [line for line in verdicts.commands(verdicts.printed("prod"), "gcloud") if " run deploy " in line]
    assert {line.split()[3] for line in deployments} == rows.keys()
    for line in deployments:
        row = rows[line.split()[3]]
        assert ("--no-invoker-iam-check" in line) == bool(row.path)
        assert ("--invoker-iam-check" in line.split()) == (not row.path)
        assert f"--ingress={row.ingress} " in line


def test_only_who_is_called_by_google_alone_is_internal() -> None:
    assert {row.name for row in load_functions() if row.ingress == "internal"} == {
        "credit_tokens",
        "sync_subscription",
        "reconcile",
    }


def test_nothing_is_granted_to_everybody() -> None:
    assert not re.search(r"add-iam-policy-binding .*(allUsers|allAuthenticatedUsers)", verdicts.printed("prod"))


def test_functions_toml_lists_every_folder_and_no_other() -> None:
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/main.py")}
    assert {row.name for row in load_functions()} == folders


def test_functions_that_sell_are_those_that_know_stripes_prices() -> None:
    assert {row.name for row in load_functions() if row.sells} == {"list_packages", "create_checkout"}


def test_production_is_protected_warm_and_live_and_development_is_not() -> None:
    prod, dev = verdicts.printed("prod"), verdicts.printed("dev")
    for flag in ("--enable-pitr", "--delete-protection", "--recurrence=daily", "--min=1", "STRIPE_LIVEMODE=true"):
        assert flag in prod
        assert flag not in dev


@pytest.mark.parametrize("row", load_functions(), ids=lambda row: row.name)
def test_a_function_gets_its_own_settings_and_secrets_only_by_name(row: Function) -> None:
    variables = load_environment("prod").variables(row)
    assert variables.pop("FUNCTION_TARGET") == row.name
    assert (ROOT / variables.pop("FUNCTION_SOURCE")).is_file()
    assert int(variables.pop("THREADS")) == row.concurrency
    assert all(row.reads(name) for name in variables)
    assert set(row.needs) <= variables.keys()
    for setting in {"STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"} & variables.keys():
        assert re.fullmatch(r"projects/[^/]+/secrets/[a-z-]+/versions/latest", variables[setting])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('project = "token-economy-dev"', "No project: put its id into deploy/environments.toml, [dev]"),
        ("[dev]", "There is no environment 'dev'. Choose one of: staging, prod"),
    ],
)
def test_a_table_that_lacks_something_is_explained(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "deploy").mkdir()
    shutil.copy(ROOT / "deploy" / "environments.toml", tmp_path / "deploy")
    table = tmp_path / "deploy" / "environments.toml"
    table.write_text(table.read_text().replace(text, {"[dev]": "[staging]"}.get(text, 'project = ""')))

    with pytest.raises(DeployError, match=re.escape(says)):
        load_environment("dev", root=tmp_path)


def test_a_third_environment_is_another_table(tmp_path: Path) -> None:
    (tmp_path / "deploy").mkdir()
    text = (ROOT / "deploy" / "environments.toml").read_text()
    dev = text[text.index("[dev]") : text.index("[prod]")]
    (tmp_path / "deploy" / "environments.toml").write_text(text + dev.replace("[dev]", "[staging]"))

    assert load_environment("staging", root=tmp_path).name == "staging"


# --- the script


@pytest.fixture
def scripts(tmp_path: Path) -> Scripts:
    return Scripts(tmp_path, "dev")


def test_the_script_deploys_and_a_second_run_changes_nothing(scripts: Scripts) -> None:
    parts = ("--only", "apis", "--only", "accounts", "--only", "topics")
    first = scripts.run("./deploy.sh", "dev", *parts)
    assert first.returncode == 0, first.stdout + first.stderr
    assert any(change.startswith("pubsub topics create") for change in scripts.changes())
    second = scripts.run("./deploy.sh", "dev", *parts)
    assert second.stdout.endswith("Done: 0 changes.\n")
    assert scripts.changes() == []


def test_the_script_ends_with_2_when_something_differs(scripts: Scripts) -> None:
    assert scripts.run("./deploy.sh", "dev", "--check", "--only", "topics").returncode == 2


def test_the_script_names_everything_that_is_missing(scripts: Scripts) -> None:
    scripts.change(billing=False)
    run = scripts.run("./deploy.sh", "dev", "--preflight", "--only", "topics", "--only", "functions")
    assert run.returncode == 1
    for command in ("gcloud billing projects link", "./setup_stripe_secrets.sh dev", "deploy.stripe_setup dev"):
        assert command in run.stderr
    assert scripts.changes() == []


def test_the_script_does_not_deploy_beside_the_project_that_ops_would_change(scripts: Scripts) -> None:
    run = scripts.run("./deploy.sh", "dev", "--only", "apis", extra={"GOOGLE_CLOUD_PROJECT": "demo-tokens"})
    assert run.returncode == 1
    assert "GOOGLE_CLOUD_PROJECT is demo-tokens" in run.stderr
    assert scripts.changes() == []


@pytest.mark.parametrize(
    ("project", "arguments", "says"),
    [
        ("token-economy-prod", ("prod", "--yes"), "prod is never destroyed"),
        ("token-economy-prod", ("dev", "--project", "token-economy-prod", "--yes"), "dev is never destroyed"),
        ("token-economy-dev", ("dev",), "--destroy needs --yes"),
    ],
)
def test_the_script_destroys_nothing(scripts: Scripts, project: str, arguments: tuple[str, ...], says: str) -> None:
    scripts.change(project=project)
    run = scripts.run("./deploy.sh", *arguments, "--destroy")
    assert (run.returncode, says in run.stderr) == (1, True), run.stderr
    assert scripts.changes() == []


def test_the_script_destroys_dev(scripts: Scripts) -> None:
    assert scripts.run("./deploy.sh", "dev", "--only", "apis", "--only", "topics", "--only", "accounts").returncode == 0
    run = scripts.run("./deploy.sh", "dev", "--destroy", "--yes")
    assert run.returncode == 0, run.stderr
    assert run.stdout.index("To be deleted, with all data in it:") < run.stdout.index("deleting   topic stripe-events")
    assert "gcloud projects delete token-economy-dev" in run.stdout


def test_the_script_says_which_environments_there_are(scripts: Scripts) -> None:
    run = scripts.run("./deploy.sh", "staging", "--dry-run")
    assert run.returncode == 1
    assert "There is no environment 'staging'. Choose one of: dev, prod" in run.stderr


def test_a_dry_run_needs_neither_credentials_nor_tools(scripts: Scripts, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("python3", "bash", "dirname"):
        (tools / tool).symlink_to(sys.executable if tool == "python3" else shutil.which(tool) or "")
    run = scripts.run("./deploy.sh", "dev", "--dry-run", extra={"PATH": str(tools)})
    assert run.returncode == 0, run.stderr
    assert "gcloud run deploy" in run.stdout


def test_shellcheck_accepts_the_scripts() -> None:
    shellcheck = Path(sys.executable).with_name("shellcheck")
    done = subprocess.run([shellcheck, *ROOT.glob("*.sh")], check=False, text=True, capture_output=True)
    assert done.stdout == ""
