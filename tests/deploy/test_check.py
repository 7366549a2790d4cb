"""--check compares and changes nothing; --record writes down what was run, without secrets."""

import json
from pathlib import Path
from typing import Any

import pytest

from deploy import __main__
from deploy.checkout import Checkout
from deploy.environment import load_environment
from deploy.parts import PARTS
from deploy.shell import Completed, Transcript, without_secrets
from tests.deploy.project import Project

READS = {"list", "list-configs", "describe", "get-iam-policy", "print-access-token"}


def drift(project: Project) -> None:
    """Something missing, something different, something that is not ours."""
    del project.state["kinds"]["scheduler jobs"]["reconcile"]
    project.resource("pubsub topics", "stripe-events")["messageRetentionDuration"] = "600s"
    project.state["policies"]["run services credit-tokens"]["bindings"].append(
        {"role": "roles/run.invoker", "members": ["allUsers"]}
    )
    project.functions = [row for row in project.functions if row.name != "sync_subscription"]


def test_a_check_lists_what_is_missing_different_and_not_ours(project: Project) -> None:
    drift(project)

    report = json.loads(project.check().to_json())

    assert report["missing"] == ["job reconcile"]
    assert report["different"].keys() == {"topic stripe-events", "log sink token-economy-audit"}
    assert report["different"]["topic stripe-events"] == [
        {"field": "messageRetentionDuration", "actual": "600s", "desired": "2678400s"}
    ]
    assert {"kind": "right", "name": "roles/run.invoker on credit-tokens for allUsers"} in report["not_ours"]
    assert {"kind": "function", "name": "sync-subscription"} in report["not_ours"]


def test_people_read_the_same(project: Project) -> None:
    drift(project)

    text = project.check().to_text()

    assert text.startswith(
        "Missing:\n  job reconcile\nDifferent:\n  topic stripe-events\n    messageRetentionDuration: "
    )
    assert "  right roles/run.invoker on credit-tokens for allUsers" in text
    assert "  function sync-subscription (removed by --prune)" in text


def test_a_check_changes_nothing_and_reads_only(project: Project, new_project: Project) -> None:
    for one in (project, new_project):
        drift(one) if one is project else None
        one.google.changes()
        one.state["commands"].clear()

        one.check(*PARTS)

        assert one.google.changes() == []
        commands = [command.split() for command in one.state["commands"]]
        assert commands
        for words in commands:
            assert words[0] in ("gcloud", "curl", "git"), words
            assert words[0] != "gcloud" or READS & set(words), words
            assert words[0] != "curl" or "GET" in words or words[-1].endswith("/version.json"), words


# --- the command line


class CommandLine:
    """deploy.sh's own main, on the fake."""

    def __init__(self, project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._project = project
        self._capsys = capsys
        monkeypatch.delenv("GOOGLE_CLOUD_PROJECT", raising=False)
        monkeypatch.setattr(__main__, "load_environment", lambda *_: project.environment)
        monkeypatch.setattr(__main__, "load_functions", lambda: project.functions)
        monkeypatch.setattr(__main__, "Checkout", lambda shell: Checkout(shell, project.repository.folder))

    def __call__(self, *arguments: str) -> tuple[int | str, str, str]:
        """Return the exit status, and what was printed on stdout and stderr."""
        with pytest.raises(SystemExit) as ended:
            __main__.main(("prod", *arguments), shell=self._project.google, sleep=self._project.slept.append)
        printed = self._capsys.readouterr()
        return ended.value.code or 0, printed.out, printed.err


@pytest.fixture
def deploy(project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(project, monkeypatch, capsys)


def test_no_drift_is_status_0_and_drift_is_status_2(deploy: CommandLine, project: Project) -> None:
    assert deploy("--check", "--skip", "hosting") == (0, "No differences.\n", "")
    drift(project)
    status, out, _ = deploy("--check", "--skip", "hosting")
    assert (status, "Missing:" in out) == (2, True)
    status, out, _ = deploy("--check", "--json", "--skip", "hosting")
    assert (status, json.loads(out)["missing"]) == (2, ["job reconcile"])


def test_pages_are_built_with_the_catalog_and_the_address_of_the_environment(
    deploy: CommandLine, project: Project
) -> None:
    deploy("--check", "--only", "hosting")
    environment = project.environment
    built = f"TOKEN_CATALOG={environment.catalog} VITE_SITE_URL={environment.app_base_url}"
    assert f"make --silent web/dist/index.html {built}" in project.state["commands"]


def test_a_check_that_fails_is_neither(deploy: CommandLine, project: Project) -> None:
    project.state["refuse"] = {"pubsub topics list": "UNAVAILABLE"}
    status, _, _ = deploy("--check", "--only", "topics")
    assert "UNAVAILABLE" in str(status)


def test_a_wrong_flag_is_no_drift(deploy: CommandLine) -> None:
    status, _, err = deploy("--chekc")
    assert (status, "unrecognized arguments" in err) == (64, True)


def test_a_deployment_says_how_much_it_changed(deploy: CommandLine, project: Project) -> None:
    project.resource("pubsub topics", "stripe-events")["messageRetentionDuration"] = "600s"
    parts = ("--only", "topics")
    assert deploy(*parts)[1].endswith("Done: 1 changes.\n")
    assert deploy(*parts)[1].endswith("Done: 0 changes.\n")


def test_bootstrap_and_release_are_all_parts_and_share_none() -> None:
    def selected(*arguments: str) -> set[str]:
        return set(__main__._selected(__main__.parser().parse_args(["dev", *arguments])))

    assert selected("--bootstrap") | selected("--release") == selected()
    assert not selected("--bootstrap") & selected("--release")
    assert selected("--release", "--skip", "hosting") == selected("--release") - {"hosting"}


def test_a_release_without_its_bootstrap_is_refused_by_name(deploy: CommandLine, project: Project) -> None:
    del project.state["kinds"]["iam service-accounts"]["credit-tokens"]
    project.google.changes()

    status, _, _ = deploy("--release", "--skip", "hosting")

    assert "service account credit-tokens is missing: ./deploy.sh prod --bootstrap" in str(status)
    assert project.google.changes() == []


# --- transcripts

SECRETS = (
    "sk_live_4eC39HqLyjWDarjtT1zdp7dc",  # pragma: allowlist secret
    "rk_test_4eC39HqLyjWDarjtT1zdp7dc",  # pragma: allowlist secret
    "whsec_Abc/def+123=",
    "ya29.a0AfH6SMBx-_x.y",
    "AIzaSyA1234567890abcdefghijklmnopqrstuv",  # pragma: allowlist secret
    "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl",  # pragma: allowlist secret
)


@pytest.mark.parametrize("secret", SECRETS)
def test_a_transcript_holds_no_secret(tmp_path: Path, secret: str) -> None:
    def shell(command: tuple[str, ...], stdin: str = "") -> Completed:
        return Completed(command, 0, f"value: {secret}", f"error with {secret}\n")

    file = tmp_path / "transcript"
    Transcript(shell, file)(("gcloud", f"--key={secret}"), stdin=secret)

    assert secret not in file.read_text()
    assert file.read_text().count("(secret)") >= 3


def test_a_transcript_holds_every_command_with_its_result(
    deploy: CommandLine, project: Project, tmp_path: Path
) -> None:
    file = tmp_path / "transcript"
    project.state["commands"].clear()

    deploy("--check", "--skip", "hosting", "--record", str(file))

    records: list[dict[str, Any]] = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(records) == len(project.state["commands"])
    assert all({"at", "seconds", "command", "exit_code", "stdout", "stderr"} == record.keys() for record in records)
    assert any("gcloud pubsub topics list" in record["command"] for record in records)
    assert "ya29" not in file.read_text()


def test_ordinary_text_stays_as_it_is() -> None:
    text = "projects/p/secrets/stripe-secret-key/versions/latest price_1 whsec"
    assert without_secrets(text) == text


# --- what runs is what was printed


def test_a_first_deployment_does_what_a_dry_run_printed_and_a_second_does_nothing(
    new_project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    new_project.run().dry()
    printed = {unquoted(line) for line in capsys.readouterr().out.splitlines()}

    changes = new_project.deploy()

    # Google names a channel; a commit and an image have no name before they exist.
    named = {
        "projects/token-economy-prod/channels/channels-1": "(new channel)",
        "billingAccounts/012345-6789AB-CDEF01": "billingAccounts/ACCOUNT",  # pragma: allowlist secret
        new_project.run().checkout.commit(): "COMMIT",
    }
    digest = new_project.service("get-balance")["spec"]["template"]["spec"]["containers"][0]["image"].split("@")[1]
    text = "\n".join(changes)
    for name, placeholder in (named | {digest: "sha256:DIGEST"}).items():
        text = text.replace(name, placeholder)
    lines = [unquoted(line) for line in text.splitlines()]
    assert [line for line in lines if line not in printed and f"gcloud {line}" not in printed] == []
    assert len(changes) > 100
    assert new_project.deploy() == []


def unquoted(line: str) -> str:
    return line.replace("'\"'\"'", "").replace("'", "")


def test_every_environment_of_the_table_can_be_loaded() -> None:
    for name in ("dev", "prod"):
        assert load_environment(name).images_project == "token-economy-dev"
