"""Firebase Authentication: who may sign in, and how, is what the environment says, field by field."""

import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from deploy.environment import DeployError
from deploy.parts.sign_in import MIN_PASSWORD, configuration, domains
from deploy.shell import Transcript
from tests.deploy.fake_google import authentication
from tests.deploy.project import Project
from topology.functions import ROOT


def config(project: Project) -> dict[str, Any]:
    found: dict[str, Any] = project.state["sign_in"]["configuration"]
    return found


def set_field(path: str, value: object) -> Callable[[Project], None]:
    def by_hand(project: Project) -> None:
        inside = config(project)
        *parents, last = path.split(".")
        for key in parents:
            inside = inside.setdefault(key, {})
        inside[last] = value

    return by_hand


def weaken(project: Project) -> None:
    strength = {"minPasswordLength": 6}
    config(project)["passwordPolicyConfig"]["passwordPolicyVersions"] = [{"customStrengthOptions": strength}]


def demand_symbols(project: Project) -> None:
    (version,) = config(project)["passwordPolicyConfig"]["passwordPolicyVersions"]
    version["customStrengthOptions"]["containsNonAlphanumericCharacter"] = True


DRIFT: dict[str, tuple[str, Callable[[Project], None]]] = {
    "password off": ("signIn.email.enabled", set_field("signIn.email.enabled", False)),
    "link by email": ("signIn.email.passwordRequired", set_field("signIn.email.passwordRequired", False)),
    "anonymous": ("signIn.anonymous.enabled", set_field("signIn.anonymous.enabled", True)),
    "phone": ("signIn.phoneNumber.enabled", set_field("signIn.phoneNumber.enabled", True)),
    "test number": (
        "signIn.phoneNumber.testPhoneNumbers",
        set_field("signIn.phoneNumber.testPhoneNumbers", {"+15555550100": "123456"}),
    ),
    "duplicate emails": ("signIn.allowDuplicateEmails", set_field("signIn.allowDuplicateEmails", True)),
    "domain": ("authorizedDomains", lambda project: config(project)["authorizedDomains"].append("phishing.test")),
    "lost domain": ("authorizedDomains", lambda project: config(project)["authorizedDomains"].pop()),
    "enumeration": (
        "emailPrivacyConfig.enableImprovedEmailPrivacy",
        set_field("emailPrivacyConfig.enableImprovedEmailPrivacy", False),
    ),
    "no policy": (
        "passwordPolicyConfig.passwordPolicyEnforcementState",
        set_field("passwordPolicyConfig.passwordPolicyEnforcementState", "OFF"),
    ),
    "forced change": (
        "passwordPolicyConfig.forceUpgradeOnSignin",
        set_field("passwordPolicyConfig.forceUpgradeOnSignin", True),
    ),
    "short passwords": (
        "passwordPolicyConfig.passwordPolicyVersions[0].customStrengthOptions.minPasswordLength",
        weaken,
    ),
    "composition": (
        "passwordPolicyConfig.passwordPolicyVersions[0].customStrengthOptions.containsNonAlphanumericCharacter",
        demand_symbols,
    ),
    "no new users": (
        "client.permissions.disabledUserSignup",
        set_field("client.permissions.disabledUserSignup", True),
    ),
}


@pytest.mark.parametrize("what", DRIFT)
def test_drift_is_reported_and_put_back_once(project: Project, what: str) -> None:
    field, by_hand = DRIFT[what]
    by_hand(project)

    report = project.check("sign-in")
    changes = project.deploy("sign-in")

    assert [one.field for one in report.different["sign-in configuration"]] == [field]
    assert len(changes) == 1
    assert project.check("sign-in").is_empty
    assert project.deploy("sign-in") == []


def test_the_first_deployment_turns_it_on_without_a_click(new_project: Project) -> None:
    new_project.deploy()

    assert config(new_project)["signIn"]["email"] == {"enabled": True, "passwordRequired": True}
    assert new_project.state["sign_in"]["providers"]["google.com"]["enabled"]
    assert new_project.check("sign-in").is_empty


def test_what_somebody_started_in_the_console_is_finished(new_project: Project) -> None:
    authentication.turn_on(new_project.state, {"emailPassword": True})
    new_project.deploy()

    assert new_project.check("sign-in").is_empty


def test_a_provider_that_was_turned_off_is_turned_on(project: Project) -> None:
    project.state["sign_in"]["providers"]["google.com"]["enabled"] = False

    assert list(project.check("sign-in").different) == ["sign-in provider google.com"]
    project.deploy("sign-in")
    assert project.check("sign-in").is_empty


def test_a_provider_that_no_table_names_is_an_orphan_and_is_turned_off(project: Project) -> None:
    provider = authentication.put_provider(project.state, "facebook.com")

    assert [(one.kind, one.name) for one in project.check("sign-in").orphans] == [("sign-in provider", "facebook.com")]
    project.deploy("sign-in", prune=True)
    assert provider["enabled"] is False
    assert project.check("sign-in").is_empty


def test_a_provider_without_a_client_stops_the_run_before_the_first_change(project: Project) -> None:
    project.environment = replace(project.environment, sign_in=("password", "apple.com"))

    with pytest.raises(DeployError, match=r"sign-in provider apple\.com is missing\. Firebase console"):
        project.deploy()
    assert project.google.changes() == []


def test_google_alone_turns_passwords_off(project: Project) -> None:
    project.environment = replace(project.environment, sign_in=("google.com",))

    project.deploy("sign-in")

    assert config(project)["signIn"]["email"]["enabled"] is False


def test_only_the_environments_own_pages_may_sign_users_in(project: Project) -> None:
    environment = replace(
        project.environment,
        app_base_url="https://tokens.company.test",
        allowed_origins="https://app.company.test, https://other.company.test",
    )
    expected = {
        "tokens.company.test",
        "app.company.test",
        "other.company.test",
        "token-economy-prod.web.app",
        "token-economy-prod.firebaseapp.com",
    }
    assert domains(environment) == expected
    assert domains(replace(environment, livemode=False)) == expected | {"localhost"}


def test_no_secret_of_firebase_authentication_is_read(project: Project, tmp_path: Path) -> None:
    """Its configuration holds the key of all password hashes, and a provider its client's secret."""
    weaken(project)
    run = project.run(("sign-in",), yes=True)
    file = tmp_path / "transcript"
    run.cloud._shell = Transcript(project.google, file)

    run.deploy()

    recorded = file.read_text()
    assert "minPasswordLength" in recorded
    assert "google.com" in recorded
    assert "the key of all password hashes" not in recorded
    assert "the secret of a client" not in recorded


def test_the_pages_ask_for_passwords_as_long_as_the_policy_does() -> None:
    for language in ("en", "de"):
        text = (ROOT / "web" / "src" / "texts" / f"{language}.ts").read_text()
        lengths = re.findall(r"(\d+) (?:characters|Zeichen)", text)
        assert len(lengths) == 3
        assert set(lengths) == {str(MIN_PASSWORD)}


_SCHEMA = """
const spec = require(process.argv[1]).default.components.schemas;
const unknown = (value, name, path) => Object.entries(value).flatMap(([key, inner]) => {
  const field = (spec[name].properties || {})[key];
  if (!field) return [path + key];
  const ref = (field.$ref || (field.items || {}).$ref || "").split("/").pop();
  if (!ref) return [];
  return [inner].flat().flatMap((one) => unknown(one, ref, path + key + "."));
});
const body = JSON.parse(process.argv[2]);
console.log(JSON.stringify(unknown(body, "GoogleCloudIdentitytoolkitAdminV2Config", "")));
"""


def unknown_fields(body: dict[str, Any]) -> list[str]:
    """Return the fields that Google's own description of the API, which comes with firebase-tools, does not have."""
    spec = ROOT / "node_modules" / "firebase-tools" / "lib" / "emulator" / "auth" / "apiSpec.js"
    command = ("node", "-e", _SCHEMA, str(spec), json.dumps(body))
    found: list[str] = json.loads(subprocess.run(command, check=True, text=True, capture_output=True).stdout)
    return found


def test_the_configuration_has_only_fields_of_googles_api(project: Project) -> None:
    assert unknown_fields(configuration(project.environment)) == []
    assert unknown_fields({"signIn": {"email": {"password": True}}}) == ["signIn.email.password"]


def test_what_firebase_tools_reads_matches_its_schema(project: Project) -> None:
    run = project.run(("sign-in",))
    run.check()
    schema = json.loads((ROOT / "node_modules/firebase-tools/schema/firebase-config.json").read_text())
    for name in ("auth-password.json", "auth-google.json"):
        jsonschema.validate(json.loads((run.stage / name).read_text()), schema)
    google = json.loads((run.stage / "auth-google.json").read_text())["auth"]["providers"]
    assert google["googleSignIn"]["supportEmail"] == "support@company.test"
    assert "emailPassword" not in google  # firebase-tools would reset what the configuration says of passwords
