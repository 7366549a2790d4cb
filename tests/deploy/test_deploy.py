"""deploy.sh: a dry run prints what gcloud accepts; a second run changes nothing; what is missing stops it at once."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.cloud import Gcloud
from deploy.environment import Deployed, DeployError, load_deployed, load_environment
from tests.deploy import dry_run
from tests.deploy.fake_cloud import FAKES, FakeCloud
from topology.functions import ROOT


@pytest.fixture
def cloud(tmp_path: Path) -> FakeCloud:
    """Production: it has all that development has, and more."""
    return FakeCloud(tmp_path, "prod")


def test_a_first_run_does_what_a_dry_run_printed_and_a_second_changes_nothing(cloud: FakeCloud) -> None:
    cloud.prepare()
    dry = cloud.run("--dry-run").stdout
    assert cloud.changes() == []
    first = cloud.run()
    assert first.returncode == 0, first.stdout + first.stderr
    lines = [line for program in ("gcloud", "firebase") for line in dry_run.commands(dry, program)]
    told = [" ".join(shlex.split(line)[1:]) for line in lines]
    # Two names are given by Google: the project's number, and a notification channel's.
    given = {
        "projects/123456789012/channels/channels-1": "CHANNEL_ONCALL@EXAMPLE.COM",
        "123456789012": "PROJECT_NUMBER",
    }
    done = cloud.changes()
    for name, stand_in in given.items():
        done = [change.replace(name, stand_in) for change in done]
    assert len(done) > 50
    assert [line for line in done if line not in told] == []
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


def test_what_drifted_is_mended_and_nothing_else(tmp_path: Path) -> None:
    cloud = FakeCloud(tmp_path, "dev")
    assert cloud.run("--only", "topics", "--only", "subscriptions").returncode == 0
    cloud.changes()
    state = cloud.read()
    state["kinds"]["pubsub subscriptions"]["credit-tokens"]["retryPolicy"]["minimumBackoff"] = "1s"
    cloud.write(**state)
    assert cloud.run("--only", "topics", "--only", "subscriptions").returncode == 0
    (change,) = cloud.changes()
    assert change.startswith("pubsub subscriptions update credit-tokens")


def test_a_filter_which_cannot_change_stops_the_run(tmp_path: Path) -> None:
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
def test_what_is_not_known_everywhere_yet_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str
) -> None:
    tried = tmp_path / "tried"
    gcloud = tmp_path / "gcloud"
    gcloud.write_text(f"#!/bin/sh\n[ -e {tried} ] && echo '[]' && exit\ntouch {tried}\necho '{says}' >&2\nexit 1\n")
    gcloud.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    slept: list[float] = []

    assert Gcloud(sleep=slept.append).read(("gcloud", "things", "list")) == []

    assert slept == [5]


def test_a_new_metric_is_waited_for_as_long_as_it_may_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Google says up to 10 minutes."""
    gcloud = tmp_path / "gcloud"
    gcloud.write_text("#!/bin/sh\necho 'Cannot find metric(s)' >&2\nexit 1\n")
    gcloud.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    slept: list[float] = []

    with pytest.raises(DeployError, match="Cannot find metric"):
        Gcloud(sleep=slept.append).read(("gcloud", "things", "list"))

    assert sum(slept) >= 600


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ("environment", "There is no environment 'staging'; there are: dev, prod"),
        ("no project", "No project: write its id into deploy/environments.toml, [dev], or give --project=ID"),
        ("unknown project", "gcloud auth login"),
        ("secret", "The secret stripe-secret-key has no value. Run: ./setup_stripe_secrets.sh dev"),
        ("prices", "lacks STRIPE_TOKEN_STARTER_PRICE_ID"),
        (
            "region",
            "firebase.json leads to functions in us-central1, but deploy/environments.toml deploys them to europe-",
        ),
        ("gcloud", "gcloud is missing: https://cloud.google.com/sdk/docs/install"),
    ],
)
def test_what_is_missing_stops_the_run_before_it_changes_anything(tmp_path: Path, broken: str, says: str) -> None:
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


def test_every_gcloud_command_that_is_printed_passes_gclouds_own_parser() -> None:
    printed = [line for name in ("dev", "prod") for line in dry_run.commands(dry_run.printed(name), "gcloud")]
    assert len(printed) > 150
    assert dry_run.refused(printed) == {}


def test_every_firebase_command_that_is_printed_is_one_of_firebase_tools() -> None:
    printed = [line for name in ("dev", "prod") for line in dry_run.commands(dry_run.printed(name), "firebase")]
    assert printed
    for command in {tuple(shlex.split(line)[1:]) for line in printed}:
        assert dry_run.unknown_to_firebase(command) == []


def test_every_folder_in_functions_is_a_row_and_every_row_a_folder() -> None:
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/main.py")}
    assert {row.name for row in load_deployed()} == folders


def test_accounts_get_no_more_than_they_need() -> None:
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
        *("datastore.user", "datastore.viewer"),
        *("run.builder", "pubsub.serviceAgent"),
    }


def test_only_who_is_meant_to_may_call_a_function() -> None:
    rows = load_deployed()
    printed = dry_run.printed("prod", "--only", "invokers")
    callers = dict(re.findall(r"add-iam-policy-binding (\S+) --member=(\S+) --role=roles/run.invoker", printed))
    assert {row.service for row in rows if row.path} == {name for name, who in callers.items() if who == "allUsers"}
    assert callers["credit-tokens"] == "serviceAccount:pubsub-push@token-economy-prod.iam.gserviceaccount.com"
    assert callers["spend-tokens"] == "group:token-backends@example.com"


def test_production_is_guarded_and_warm_and_live_and_development_is_not() -> None:
    prod, dev = dry_run.printed("prod"), dry_run.printed("dev")
    for flag in ("--enable-pitr", "--delete-protection", "--recurrence=daily", "--min=1", "STRIPE_LIVEMODE=true"):
        assert flag in prod
        assert flag not in dev


@pytest.mark.parametrize("row", load_deployed(), ids=lambda row: row.name)
def test_settings_are_those_of_the_row_and_secrets_only_names(row: Deployed) -> None:
    environment = row.environment(load_environment("prod"))
    assert int(environment.pop("THREADS")) == row.concurrency
    assert all(row.reads(name) for name in environment)
    assert set(row.needs) <= environment.keys()
    for setting in {"STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"} & environment.keys():
        assert re.fullmatch(r"projects/[^/]+/secrets/[a-z-]+/versions/latest", environment[setting])


def test_a_subscriber_has_until_its_timeout_to_answer() -> None:
    printed = dry_run.printed("dev", "--only", "subscriptions")
    for row in load_deployed():
        if row.subscription:
            assert re.search(f"subscriptions create {row.subscription.name} .*--ack-deadline={row.timeout_s} ", printed)


def test_scripts_are_clean_in_shellchecks_eyes() -> None:
    scripts = [*ROOT.glob("*.sh"), *FAKES.glob("make"), *FAKES.glob("curl")]
    shellcheck = Path(sys.executable).with_name("shellcheck")
    done = subprocess.run([shellcheck, *scripts], check=False, text=True, capture_output=True)
    assert done.stdout == ""
