"""Before the first change, everything that is missing is listed at once, each with its command."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.parts import PARTS, RELEASE
from deploy.preflight import local
from deploy.preflight.project import PERMISSIONS
from tests.deploy.project import Project
from topology.functions import ROOT


def environment(**changes: object) -> Callable[[Project], None]:
    def change(project: Project) -> None:
        project.environment = replace(project.environment, **changes)  # type: ignore[arg-type]

    return change


def state(**changes: object) -> Callable[[Project], None]:
    return lambda project: project.state.update(changes)


def versions(**changes: str) -> Callable[[Project], None]:
    return lambda project: project.state["versions"].update(
        {key.replace("_", " "): value for key, value in changes.items()}
    )


def without(component: str) -> Callable[[Project], None]:
    return lambda project: project.state["versions"].pop(component)


def policy(constraint: str, **rule: object) -> Callable[[Project], None]:
    return lambda project: project.state["org_policies"].update({constraint: [rule]})


def without_google_and_address(project: Project) -> None:
    environment(support_email="")(project)
    del project.state["sign_in"]["providers"]


MISSING: dict[str, tuple[Callable[[Project], None], str, str]] = {
    # what → (what is done, what is said, the command that helps)
    "old gcloud": (versions(Google_Cloud_SDK="480.0.0"), "gcloud is 480.0.0; 528.0.0", "gcloud components update"),
    "alpha": (without("alpha"), "component alpha is missing", "gcloud components install alpha"),
    "beta": (without("beta"), "component beta is missing", "gcloud components install beta"),
    "sign-in": (state(account=""), "nobody is signed in", "gcloud auth login"),
    "project": (state(project="another"), "the project token-economy-prod does not exist", "gcloud projects create"),
    "billing": (state(billing=False), "has no billing account", "gcloud billing projects link token-economy-prod"),
    "a permission": (
        state(lacking=["run.services.setIamPolicy"]),
        "ada@company.test lacks run.services.setIamPolicy",
        "ask an owner",
    ),
    "Firebase": (state(firebase=[]), "Firebase is not added", "firebase projects:addfirebase token-economy-prod"),
    "Firebase's terms": (
        state(firebase=[]),
        "Firebase is not added",
        "accept the terms once at https://console.firebase",
    ),
    "support address": (
        without_google_and_address,
        "[prod] support_email is empty, but Google's sign-in window",
        "add your address",
    ),
    "a secret": (
        state(secret_values={"stripe-secret-key": ["sk"]}),
        "stripe-webhook-secret has no value",
        "./setup_stripe_secrets.sh prod",
    ),
    "prices": (environment(prices={}), "lacks STRIPE_TOKEN_STARTER_PRICE_ID", "python -m deploy.stripe_setup prod"),
    "region": (
        environment(region="europe-west1"),
        "firebase.json points to functions in us-central1",
        "use the same region",
    ),
    "placeholder address": (
        environment(alert_emails=("oncall@example.com",)),
        "[prod] alert_emails is a placeholder",
        "put the real one there",
    ),
    "placeholder caller": (
        environment(callers={"spend_tokens": ("serviceAccount:token-backend@example.com",)}),
        "[prod] callers is a placeholder",
        "put the real one there",
    ),
    "callers of what is no private function": (
        environment(callers={"get_balance": ("serviceAccount:backend@company.test",)}),
        "[prod] callers: get_balance is not a private function",
        "name one of",
    ),
    "everybody as a caller": (
        environment(callers={"spend_tokens": ("allAuthenticatedUsers",)}),
        "[prod] callers: spend_tokens may be called by allAuthenticatedUsers, which is everybody",
        "name your backends",
    ),
    "a group of callers": (
        environment(callers={"spend_tokens": ("group:backends@company.test",)}),
        "[prod] callers: spend_tokens may be called by group:backends@company.test, whose members no function can",
        "name each account",
    ),
    "another project in the shell": (
        lambda project: setattr(project, "project_in_shell", "token-economy-dev"),
        "GOOGLE_CLOUD_PROJECT is token-economy-dev, which python -m ops would change, but [prod] is",
        "export GOOGLE_CLOUD_PROJECT=token-economy-prod",
    ),
    "nobody to tell": (environment(alert_emails=()), "alert_emails is empty", "add an address"),
    "public functions forbidden": (
        policy("run.managed.requireInvokerIam", enforce=True),
        "run.managed.requireInvokerIam forbids public functions",
        "gcloud org-policies reset run.managed.requireInvokerIam",
    ),
    "ingress forbidden": (
        policy("run.allowedIngress", values={"allowedValues": ["internal"]}),
        "run.allowedIngress forbids ingress all and internal",
        "gcloud org-policies reset run.allowedIngress",
    ),
    "location forbidden": (
        policy("gcp.resourceLocations", values={"allowedValues": ["in:eu-locations"]}),
        "gcp.resourceLocations forbids the location us-central1",
        "gcloud org-policies reset gcp.resourceLocations",
    ),
    "accounts forbidden": (
        policy("iam.disableServiceAccountCreation", enforce=True),
        "iam.disableServiceAccountCreation forbids new service accounts",
        "gcloud org-policies reset",
    ),
}


@pytest.fixture
def ready(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A deployed project, and pages that are built."""
    monkeypatch.setattr(local, "pages_are_built", lambda: True)
    monkeypatch.setenv("VITE_SUPPORT_URL", "https://company.test/help")
    monkeypatch.setenv("VITE_START_URL", "https://app.company.test")
    return project


ALL = tuple(PARTS)


def test_a_ready_project_lacks_nothing(ready: Project) -> None:
    findings = ready.preflight(*ALL)
    assert list(findings.lines()) == []
    assert findings.number == "123456789012"


@pytest.mark.parametrize("what", MISSING)
def test_what_is_missing_is_said_with_its_command_and_changes_nothing(ready: Project, what: str) -> None:
    remove, said, command = MISSING[what]
    remove(ready)

    problems = ready.preflight(*ALL).problems

    assert len(problems) == 1 or what == "location forbidden", problems
    assert said in problems[0].what
    assert command in problems[0].fix
    assert ready.google.changes() == []


def test_every_part_says_which_permissions_it_needs() -> None:
    assert PERMISSIONS.keys() == PARTS.keys()
    assert all(PERMISSIONS.values())


def test_everything_that_is_missing_is_in_one_list(ready: Project) -> None:
    for remove in ("old gcloud", "billing", "Firebase", "a secret", "prices", "placeholder address"):
        MISSING[remove][0](ready)

    assert len(ready.preflight(*ALL).problems) == 6


def test_a_placeholder_of_the_pages_is_found(ready: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(local, "ROOT", tmp_path)
    pages = tmp_path / "web"
    pages.mkdir()
    (pages / ".env.production").write_text("VITE_SUPPORT_URL=mailto:support@example.com\n")
    (tmp_path / "firebase.json").write_text((ROOT / "firebase.json").read_text())

    (problem,) = ready.preflight(*ALL).problems
    assert "web/.env.production VITE_SUPPORT_URL is a placeholder" in problem.what


def test_the_same_project_in_the_shell_is_no_problem(ready: Project) -> None:
    ready.project_in_shell = ready.environment.project

    assert ready.preflight(*ALL).problems == []


def with_two_private_functions(project: Project) -> None:
    row = next(row for row in project.functions if row.name == "spend_tokens")
    project.functions = [*project.functions, replace(row, name="mint_tokens")]
    backends = ("serviceAccount:backend@company.test",)
    environment(callers={"spend_tokens": backends, "mint_tokens": backends})(project)


def test_of_live_money_who_may_spend_may_not_mint(ready: Project) -> None:
    with_two_private_functions(ready)

    (problem,) = ready.preflight(*ALL).problems
    assert problem.what == (
        "[prod] callers: mint_tokens may be called by serviceAccount:backend@company.test, "
        "which may call spend_tokens, too"
    )


def test_in_development_one_caller_may_call_both(ready: Project) -> None:
    with_two_private_functions(ready)
    environment(livemode=False)(ready)

    assert ready.preflight(*ALL).problems == []


@pytest.mark.parametrize("name", ["VITE_SUPPORT_URL", "VITE_START_URL"])
def test_pages_that_would_link_to_a_placeholder_are_found(
    ready: Project, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(name)

    (problem,) = ready.preflight(*ALL).problems
    assert (problem.what, problem.fix) == (
        f"{name} is not set: the pages would link to a placeholder",
        "set it in web/.env.production",
    )


def test_a_policy_that_keeps_the_sign_in_away_is_found(
    ready: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(local, "ROOT", tmp_path)
    config = (ROOT / "firebase.json").read_text()
    (tmp_path / "firebase.json").write_text(config.replace("https://token-economy-prod.firebaseapp.com", ""))

    problems = [one for one in ready.preflight(*ALL).problems if "sign-in" in one.what]
    assert [one.fix for one in problems] == ["name https://token-economy-prod.firebaseapp.com in its frame-src"]


def test_in_development_placeholders_are_no_problem(ready: Project) -> None:
    environment(livemode=False, alert_emails=(), callers={"spend_tokens": ("user:x@example.com",)})(ready)

    assert ready.preflight(*ALL).problems == []


def test_what_a_part_does_not_need_is_not_asked_for(ready: Project) -> None:
    """setup_stripe_secrets.sh runs before there are prices and secrets, and before Firebase is of use."""
    state(secret_values={}, firebase=[])(ready)
    environment(prices={})(ready)

    assert ready.preflight("apis", "accounts", "secrets").problems == []


def test_what_cannot_be_checked_yet_is_a_note(new_project: Project) -> None:
    """The APIs for policies and quotas are enabled by the first deployment."""
    new_project.state["kinds"]["services"]["secretmanager.googleapis.com"] = {}  # by setup_stripe_secrets.sh

    findings = new_project.preflight()

    assert findings.problems == []
    assert any("run.managed.requireInvokerIam could not be checked" in note for note in findings.notes)


def test_a_small_quota_is_a_note(ready: Project) -> None:
    state(quota=20_000)(ready)

    (note,) = ready.preflight(*ALL).notes
    assert "take 222 CPUs; us-central1 grants 20" in note


RELEASED: dict[str, tuple[list[str], str]] = {
    "web app": (["site", "link"], "there is no web app"),
    "site": (["app"], "Hosting has no site token-economy-prod"),
    "link": (["app", "site"], "is linked to no web app"),
}


@pytest.mark.parametrize("what", RELEASED)
def test_a_release_needs_what_an_owners_deployment_creates(ready: Project, what: str) -> None:
    present, said = RELEASED[what]
    state(firebase=present)(ready)

    (problem,) = ready.preflight(*RELEASE).problems
    assert said in problem.what
    assert problem.fix == "./deploy.sh prod --only firebase"
    assert ready.preflight(*ALL).problems == []


def test_a_google_sign_in_that_somebody_set_up_needs_no_address(ready: Project) -> None:
    environment(support_email="")(ready)

    assert ready.preflight(*ALL).problems == []


def test_without_gcloud_the_rest_is_not_tried(ready: Project) -> None:
    state(refuse={"^gcloud": "command not found"})(ready)

    findings = ready.preflight(*ALL)
    assert [problem.what for problem in findings.problems] == ["gcloud is missing"]
    assert findings.problems[0].fix == "https://cloud.google.com/sdk/docs/install"


@pytest.mark.parametrize("allowed", ["us-central1", "in:us-locations", "in:us-central1-locations"])
def test_a_location_that_a_policy_allows_is_no_problem(ready: Project, allowed: str) -> None:
    policy("gcp.resourceLocations", values={"allowedValues": [allowed, "nam5"]})(ready)

    assert ready.preflight(*ALL).problems == []
