"""Firebase Authentication: how users sign in, from which domains, and with which passwords."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from deploy.commands import Command
from deploy.deployment import Deployment
from deploy.environment import Environment
from deploy.google_cloud import rest
from deploy.resource import Exact, Kind, Resource, State, always, last_part

GOOGLE = "google.com"
METHODS: Mapping[str, str] = {"password": "email", "phone": "phoneNumber", "anonymous": "anonymous"}
"""The ways to sign in that need nobody else, by Firebase's names, each with its field of the configuration."""

MIN_PASSWORD = 8
"""Characters of a new password; the pages say so. Composition rules make passwords worse (NIST SP 800-63B)."""

_API = "https://identitytoolkit.googleapis.com/admin/v2"
# Nothing else is read, because it would be recorded: the configuration also has the key of all password hashes, and
# the providers have their clients' secrets.
_CONFIG = (
    "fields=name,signIn(email,phoneNumber,anonymous,allowDuplicateEmails),authorizedDomains,emailPrivacyConfig,"
    "passwordPolicyConfig,client/permissions"
)
_PROVIDERS = "defaultSupportedIdpConfigs"
_MASK = ",".join(
    (
        "signIn.email",
        "signIn.phoneNumber",
        "signIn.anonymous",
        "signIn.allowDuplicateEmails",
        "authorizedDomains",
        "emailPrivacyConfig",
        "passwordPolicyConfig",
        "client.permissions.disabledUserSignup",
    )
)


def providers_look(project: str) -> Command:
    """Return the command that lists who else may sign users in, such as Google."""
    return rest("GET", f"{_API}/projects/{project}/{_PROVIDERS}?fields={_PROVIDERS}(name,enabled)")


def sign_in(deployment: Deployment) -> None:
    """Let users sign in in the environment's ways, from its domains only, with passwords of a decent length."""
    _configuration(deployment)
    _providers(deployment)


def _configuration(deployment: Deployment) -> None:
    environment = deployment.environment
    url = f"{_API}/projects/{environment.project}/config"
    kind = Kind("sign-in", rest("GET", f"{url}?{_CONFIG}"), lambda _: "configuration")
    wanted = configuration(environment)
    update = rest("PATCH", f"{url}?updateMask={_MASK}&{_CONFIG}", wanted)
    deployment.executor.ensure(
        Resource(
            kind,
            "configuration",
            _turn_on(deployment, "password", {"emailPassword": True}),
            always(update),
            desired=_desired(wanted),
            reread=True,
        )
    )


def configuration(environment: Environment) -> dict[str, Any]:
    """Return the configuration as the API takes it."""
    methods = {field: {"enabled": name in environment.sign_in} for name, field in METHODS.items()}
    # Without it, a link sent by email signs a user in: whoever reads the mail.
    methods["email"]["passwordRequired"] = True
    return {
        "signIn": {**methods, "allowDuplicateEmails": False},
        "authorizedDomains": sorted(domains(environment)),
        "emailPrivacyConfig": {"enableImprovedEmailPrivacy": True},  # does not tell strangers who has an account
        "passwordPolicyConfig": {
            "passwordPolicyEnforcementState": "ENFORCE",
            "forceUpgradeOnSignin": False,
            "passwordPolicyVersions": [{"customStrengthOptions": {"minPasswordLength": MIN_PASSWORD}}],
        },
        "client": {"permissions": {"disabledUserSignup": False}},
    }


def _desired(wanted: dict[str, Any]) -> dict[str, Any]:
    sign_in, policy = wanted["signIn"], wanted["passwordPolicyConfig"]
    strength = Exact(policy["passwordPolicyVersions"][0]["customStrengthOptions"])
    return {
        **wanted,
        # A test number signs in with a fixed code that never reaches a phone.
        "signIn": {**sign_in, "phoneNumber": {**sign_in["phoneNumber"], "testPhoneNumbers": None}},
        "authorizedDomains": frozenset(wanted["authorizedDomains"]),
        "passwordPolicyConfig": {**policy, "passwordPolicyVersions": [{"customStrengthOptions": strength}]},
    }


def domains(environment: Environment) -> set[str]:
    """Return the domains whose pages may sign users in by another provider's window."""
    project = environment.project
    origins = [environment.app_base_url, *filter(None, environment.allowed_origins.split(","))]
    found = {urlsplit(origin.strip()).hostname or "" for origin in origins}
    local = set() if environment.livemode else {"localhost"}
    return found | local | {f"{project}.firebaseapp.com", f"{project}.web.app"}


def _turn_on(deployment: Deployment, name: str, providers: dict[str, Any]) -> Command:
    """Return the command that turns on Firebase Authentication and a provider, and changes nothing else."""
    file = deployment.file(f"auth-{name}.json")
    file.write_text(json.dumps({"auth": {"providers": providers}}))
    config = f"--config={deployment.path(file)}"
    return ("firebase", "deploy", "--only=auth", config, deployment.project, "--non-interactive")


def _turn_on_google(deployment: Deployment) -> Command | None:
    """Return the command that makes Google's client and its consent screen, which shows users the address."""
    environment = deployment.environment
    if not environment.support_email:
        return None
    handler = f"https://{environment.project}.firebaseapp.com/__/auth/handler"
    google = {"supportEmail": environment.support_email, "authorizedRedirectUris": [handler]}
    return _turn_on(deployment, "google", {"googleSignIn": google})


def _providers(deployment: Deployment) -> None:
    """Let exactly the named providers sign users in; one that somebody turned on by hand is an orphan."""
    environment = deployment.environment
    url = f"{_API}/projects/{environment.project}/{_PROVIDERS}"

    def turn(state: State, *, enabled: bool) -> Command:
        address = f"{url}/{last_part(state)}?updateMask=enabled&fields=name,enabled"
        return rest("PATCH", address, {"enabled": enabled})

    kind = Kind(
        "sign-in provider",
        providers_look(environment.project),
        last_part,
        lambda state: bool(state.get("enabled")),
        lambda state: turn(state, enabled=False),
        items=_PROVIDERS,
    )
    deployment.executor.own(kind)
    for name in environment.sign_in:
        if name not in METHODS:
            hint = f"Firebase console → Authentication → Sign-in method → {name}: it needs a client of that provider."
            deployment.executor.ensure(
                Resource(
                    kind,
                    name,
                    _turn_on_google(deployment) if name == GOOGLE else None,
                    lambda state: [turn(state, enabled=True)],
                    desired={"enabled": True},
                    hint=hint if name != GOOGLE else "Set support_email in deploy/environments.toml.",
                )
            )
