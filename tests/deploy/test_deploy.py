"""deploy.sh: gcloud accepts what a dry run prints; a second run changes nothing; a missing prerequisite stops it."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.apply import Apply
from deploy.environment import Deployed, DeployError, load_deployed, load_environment
from tests.deploy import dry_run
from tests.deploy.fake_cloud import FAKES, FakeCloud
from topology.functions import ROOT


@pytest.fixture
def cloud(tmp_path: Path) -> FakeCloud:
    """Production: it has everything that development has, and more."""
    return FakeCloud(tmp_path, "prod")


def test_a_first_run_does_what_a_dry_run_printed_and_a_second_changes_nothing(cloud: FakeCloud) -> None:
    cloud.prepare()
    dry = cloud.run("--dry-run").stdout
    assert cloud.changes() == []
    first = cloud.run()
    assert first.returncode == 0, first.stdout + first.stderr
    lines = [line for program in ("gcloud", "firebase") for line in dry_run.commands(dry, program)]
    printed = [" ".join(shlex.split(line)[1:]) for line in lines]
    # Google assigns two names: the project's number, and a notification channel's.
    assigned = {
        "projects/123456789012/channels/channels-1": "CHANNEL_ONCALL@EXAMPLE.COM",
        "123456789012": "PROJECT_NUMBER",
    }
    changes = cloud.changes()
    for name, placeholder in assigned.items():
        changes = [change.replace(name, placeholder) for change in changes]
    assert len(changes) > 50
    assert [line for line in changes if line not in printed] == []
    second = cloud.run()
    assert second.returncode == 0, second.stdout + second.stderr
    assert cloud.changes() == []
    assert "Done: 0 changes" in second.stdout


def test_parts_can_be_chosen_and_skipped(cloud: FakeCloud) -> None:
    assert cloud.run("--only", "topics", "--only", "subscriptions").returncode == 0
    assert all("pubsub" in change for change in cloud.changes())
    printed = cloud.run("--dry-run", "--skip", "hosting", "--skip", "functions").stdout
    assert "firebase deploy --only=hosting" not in printed
    assert "run deploy" not in printed


def test_drift_is_corrected_and_nothing_else_is_changed(tmp_path: Path) -> None:
    cloud = FakeCloud(tmp_path, "dev")
    assert cloud.run("--only", "topics", "--only", "subscriptions").returncode == 0
    cloud.changes()
    state = cloud.read()
    state["kinds"]["pubsub subscriptions"]["credit-tokens"]["retryPolicy"]["minimumBackoff"] = "1s"
    cloud.write(**state)
    assert cloud.run("--only", "topics", "--only", "subscriptions").returncode == 0
    (change,) = cloud.changes()
    assert change.startswith("pubsub subscriptions update credit-tokens")


def test_a_changed_filter_stops_the_run_because_it_is_immutable(tmp_path: Path) -> None:
    cloud = FakeCloud(tmp_path, "dev")
    cloud.run("--only", "topics", "--only", "subscriptions")
    table = cloud.checkout / "functions" / "functions.toml"
    table.write_text(table.read_text().replace('= "token_package"', '= "tokens"'))
    run = cloud.run("--only", "subscriptions")
    assert run.returncode == 1
    assert "cannot be changed" in run.stderr


def test_one_changed_function_is_deployed_alone_and_served_after_a_rollback(tmp_path: Path) -> None:
    cloud = FakeCloud(tmp_path, "dev")
    cloud.prepare()
    assert cloud.run("--only", "functions").returncode == 0
    cloud.changes()
    state = cloud.read()
    state["kinds"]["run services"]["get-balance"]["spec"]["traffic"] = [{"revisionName": "old", "percent": 100}]
    cloud.write(**state)
    with (cloud.checkout / "functions" / "list_packages" / "main.py").open("a") as main:
        main.write("# another version\n")
    assert cloud.run("--only", "functions").returncode == 0
    deployed, served = cloud.changes()
    assert deployed.startswith("run deploy list-packages ")
    assert served.startswith("run services update-traffic get-balance --to-latest")


def test_a_revision_that_does_not_start_is_deployed_again(tmp_path: Path) -> None:
    cloud = FakeCloud(tmp_path, "dev")
    cloud.prepare()
    assert cloud.run("--only", "functions").returncode == 0
    cloud.changes()
    state = cloud.read()
    state["kinds"]["run services"]["get-balance"]["status"] = {
        "latestCreatedRevisionName": "get-balance-00002",
        "latestReadyRevisionName": "get-balance-00001",
    }
    cloud.write(**state)

    assert cloud.run("--only", "functions").returncode == 0

    (deployed,) = cloud.changes()
    assert deployed.startswith("run deploy get-balance ")


def test_a_changed_dashboard_is_updated(tmp_path: Path) -> None:
    cloud = FakeCloud(tmp_path, "dev")
    assert cloud.run("--only", "dashboard").returncode == 0
    cloud.changes()
    dashboard = cloud.checkout / "monitoring" / "dashboard.json"
    dashboard.write_text(dashboard.read_text() + "\n")

    run = cloud.run("--only", "dashboard")

    assert run.returncode == 0, run.stderr
    (change,) = cloud.changes()
    assert change.startswith("monitoring dashboards update ")
    assert "Done: 0 changes" in cloud.run("--only", "dashboard").stdout


@pytest.mark.parametrize("says", ["SERVICE_DISABLED", "Cannot find metric(s)", "Service account x does not exist."])
def test_a_command_is_repeated_until_a_new_resource_is_visible_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str
) -> None:
    tried = tmp_path / "tried"
    gcloud = tmp_path / "gcloud"
    gcloud.write_text(f"#!/bin/sh\n[ -e {tried} ] && echo '[]' && exit\ntouch {tried}\necho '{says}' >&2\nexit 1\n")
    gcloud.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    slept: list[float] = []

    assert Apply(sleep=slept.append).read(("gcloud", "things", "list")) == []

    assert slept == [5]


def test_a_new_metric_gets_as_much_time_as_it_may_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Google says up to 10 minutes."""
    gcloud = tmp_path / "gcloud"
    gcloud.write_text("#!/bin/sh\necho 'Cannot find metric(s)' >&2\nexit 1\n")
    gcloud.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    slept: list[float] = []

    with pytest.raises(DeployError, match="Cannot find metric"):
        Apply(sleep=slept.append).read(("gcloud", "things", "list"))

    assert sum(slept) >= 600


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ("environment", "There is no environment 'staging'. Choose one of: dev, prod"),
        ("no project", "No project: put its id into deploy/environments.toml, [dev], or give --project=ID"),
        ("unknown project", "gcloud auth login"),
        ("secret", "The secret stripe-secret-key has no value. Run: ./setup_stripe_secrets.sh dev"),
        ("prices", "lacks STRIPE_TOKEN_STARTER_PRICE_ID"),
        (
            "region",
            "firebase.json points to functions in us-central1, but deploy/environments.toml deploys them to europe-",
        ),
        ("gcloud", "gcloud is missing: https://cloud.google.com/sdk/docs/install"),
    ],
)
def test_a_missing_prerequisite_stops_the_run_before_the_first_change(tmp_path: Path, broken: str, says: str) -> None:
    cloud = FakeCloud(tmp_path, "dev")
    cloud.prepare()
    path = None
    match broken:
        case "environment":
            cloud.environment = "staging"
        case "no project":
            table = cloud.checkout / "deploy" / "environments.toml"
            table.write_text(table.read_text().replace('project = "token-economy-dev"', 'project = ""'))
        case "region":
            table = cloud.checkout / "deploy" / "environments.toml"
            table.write_text(table.read_text().replace('region = "us-central1"', 'region = "europe-west1"'))
        case "unknown project":
            cloud.change(project="another")
        case "secret":
            cloud.change(secret_values={})
        case "prices":
            (cloud.checkout / "deploy" / "prices.dev.env").unlink()
        case "gcloud":
            tools = tmp_path / "tools"
            tools.mkdir()
            for tool in ("python3", "bash", "dirname"):
                (tools / tool).symlink_to(sys.executable if tool == "python3" else shutil.which(tool) or "")
            path = str(tools)
    run = cloud.run(path=path)
    assert run.returncode == 1
    assert says in run.stderr
    assert cloud.changes() == []


def test_every_printed_gcloud_command_passes_gclouds_own_parser() -> None:
    printed = [line for name in ("dev", "prod") for line in dry_run.commands(dry_run.printed(name), "gcloud")]
    assert len(printed) > 150
    assert dry_run.refused(printed) == {}


def test_every_printed_firebase_command_exists_in_firebase_tools() -> None:
    printed = [line for name in ("dev", "prod") for line in dry_run.commands(dry_run.printed(name), "firebase")]
    assert printed
    for command in {tuple(shlex.split(line)[1:]) for line in printed}:
        assert dry_run.unknown_to_firebase(command) == []


def test_functions_toml_lists_every_folder_and_no_other() -> None:
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/main.py")}
    assert {row.name for row in load_deployed()} == folders


def test_accounts_have_only_the_roles_they_need() -> None:
    granted: dict[str, set[str]] = {}
    for line in dry_run.commands(dry_run.printed("prod"), "gcloud"):
        if found := re.search(r"(.*) add-iam-policy-binding (\S+) --member=\w+:([^@ ]+).* --role=(\S+)", line):
            granted.setdefault(found[3], set()).add(f"{found[4].removeprefix('roles/')} on {found[2]}")
    assert granted["stripe-webhook"] == {
        "pubsub.publisher on stripe-events",
        "secretmanager.secretAccessor on stripe-webhook-secret",
    }
    assert granted["credit-tokens"] == {
        "datastore.user on token-economy-prod",
        "secretmanager.secretAccessor on stripe-secret-key",
    }
    assert granted["get-balance"] == {"datastore.viewer on token-economy-prod"}
    assert "list-packages" not in granted
    on_project = {role for roles in granted.values() for role in roles if role.endswith("token-economy-prod")}
    assert {role.split(" ")[0] for role in on_project} == {
        "datastore.user",
        "datastore.viewer",
        "run.builder",
        "pubsub.serviceAgent",
    }


def test_only_the_intended_callers_may_call_a_function() -> None:
    rows = load_deployed()
    printed = dry_run.printed("prod", "--only", "invokers")
    callers = dict(re.findall(r"add-iam-policy-binding (\S+) --member=(\S+) --role=roles/run.invoker", printed))
    assert {row.service for row in rows if row.path} == {
        name for name, caller in callers.items() if caller == "allUsers"
    }
    assert callers["credit-tokens"] == "serviceAccount:pubsub-push@token-economy-prod.iam.gserviceaccount.com"
    assert callers["spend-tokens"] == "group:token-backends@example.com"


def test_production_is_protected_warm_and_live_and_development_is_not() -> None:
    prod, dev = dry_run.printed("prod"), dry_run.printed("dev")
    for flag in ("--enable-pitr", "--delete-protection", "--recurrence=daily", "--min=1", "STRIPE_LIVEMODE=true"):
        assert flag in prod
        assert flag not in dev


@pytest.mark.parametrize("row", load_deployed(), ids=lambda row: row.name)
def test_a_function_gets_its_own_settings_and_secrets_only_by_name(row: Deployed) -> None:
    environment = row.variables(load_environment("prod"))
    assert int(environment.pop("THREADS")) == row.concurrency
    assert all(row.reads(name) for name in environment)
    assert set(row.needs) <= environment.keys()
    for setting in {"STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"} & environment.keys():
        assert re.fullmatch(r"projects/[^/]+/secrets/[a-z-]+/versions/latest", environment[setting])


def test_the_ack_deadline_is_the_functions_timeout() -> None:
    printed = dry_run.printed("dev", "--only", "subscriptions")
    for row in load_deployed():
        if row.subscription:
            assert re.search(f"subscriptions create {row.subscription.name} .*--ack-deadline={row.timeout_s} ", printed)


def test_shellcheck_accepts_the_scripts() -> None:
    scripts = [*ROOT.glob("*.sh"), *FAKES.glob("make"), *FAKES.glob("curl")]
    shellcheck = Path(sys.executable).with_name("shellcheck")
    done = subprocess.run([shellcheck, *scripts], check=False, text=True, capture_output=True)
    assert done.stdout == ""
