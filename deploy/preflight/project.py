"""Checks of the project: who deploys it, its billing, Firebase in it, its secrets, and what they may do."""

import json
from typing import Any

from deploy.commands import listing
from deploy.environment import DeployError, secrets_of
from deploy.google_cloud import DisabledError, NotFoundError, rest
from deploy.parts.firebase import FIREBASE, HOSTING
from deploy.parts.ground import REPOSITORY
from deploy.parts.identities import AUDITOR, RELEASER
from deploy.parts.sign_in import GOOGLE, providers_look
from deploy.preflight import Findings, Subject

_RESOURCES = "https://cloudresourcemanager.googleapis.com/v1"

PERMISSIONS = {
    "apis": ("serviceusage.services.enable",),
    "federation": ("iam.workloadIdentityPools.create",),
    "accounts": ("iam.serviceAccounts.create", "iam.serviceAccounts.setIamPolicy"),
    "roles": ("iam.roles.create", "resourcemanager.projects.setIamPolicy"),
    "storage": ("storage.buckets.create", "artifactregistry.repositories.create"),
    "lien": ("resourcemanager.projects.updateLiens",),
    "firestore": ("datastore.databases.create",),
    "topics": ("pubsub.topics.create", "pubsub.topics.setIamPolicy"),
    "subscriptions": ("pubsub.subscriptions.create", "pubsub.subscriptions.setIamPolicy"),
    "secrets": ("secretmanager.secrets.create", "secretmanager.secrets.setIamPolicy"),
    "logs": ("logging.buckets.create", "logging.sinks.create"),
    "exports": ("cloudscheduler.jobs.create",),
    "budget": ("billing.resourcebudgets.write",),
    "firebase": ("firebase.clients.create", "firebasehosting.sites.create", "firebasehosting.sites.update"),
    "app-check": ("firebaseappcheck.services.update",),
    "sign-in": ("firebase.projects.update", "firebaseauth.configs.update"),
    "rules": ("firebaserules.rulesets.create", "firebaserules.releases.update"),
    "indexes": ("datastore.indexes.create",),
    "functions": ("run.services.create", "run.services.update"),
    "invokers": ("run.services.setIamPolicy",),
    "jobs": ("cloudscheduler.jobs.create",),
    "metrics": ("logging.logMetrics.create",),
    "uptime": ("monitoring.uptimeCheckConfigs.create",),
    "alerts": ("monitoring.alertPolicies.create", "monitoring.notificationChannels.create"),
    "dashboard": ("monitoring.dashboards.create",),
    "hosting": ("firebasehosting.sites.update",),
}
"""What each part needs, by its name."""


def check(subject: Subject, findings: Findings) -> None:
    """Check the project; if it cannot be seen, nothing else can be checked."""
    project = subject.environment.project
    accounts = subject.cloud.read(listing("auth", "list", "--filter=status:ACTIVE"))
    if not accounts:
        findings.missing("nobody is signed in to gcloud", "gcloud auth login")
        return
    try:
        state = subject.cloud.read(listing("projects", "describe", project))
    except DeployError as error:
        findings.missing(
            f"the project {project} does not exist, or {accounts[0]['account']} may not see it ({_first_line(error)})",
            f"gcloud projects create {project}   (or name yours in deploy/environments.toml, or: gcloud auth login)",
        )
        return
    findings.number = str(state["projectNumber"])
    if state.get("lifecycleState", "ACTIVE") != "ACTIVE":
        findings.missing(f"the project {project} is being deleted", f"gcloud projects undelete {project}")
    _billing(subject, findings)
    _permissions(subject, findings, accounts[0]["account"])
    if subject.has("rules", "hosting", "firebase", "sign-in"):
        _firebase(subject, findings)
    if subject.has("functions"):
        _secrets(subject, findings)
        if subject.environment.promotes:
            _images(subject, findings)


def _billing(subject: Subject, findings: Findings) -> None:
    project = subject.environment.project
    try:
        billing = subject.cloud.read(listing("billing", "projects", "describe", project))
    except DeployError as error:
        findings.note(f"billing could not be checked: {_first_line(error)}")
        return
    if not billing.get("billingEnabled"):
        findings.missing(
            f"the project {project} has no billing account",
            f"gcloud billing projects link {project} --billing-account=ACCOUNT   (gcloud billing accounts list)",
        )


def _permissions(subject: Subject, findings: Findings, account: str) -> None:
    project = subject.environment.project
    needed = sorted({name for part in subject.parts for name in PERMISSIONS.get(part, ())})
    url = f"{_RESOURCES}/projects/{project}:testIamPermissions"
    try:
        held = set(subject.cloud.read(rest("POST", url, {"permissions": needed})).get("permissions", ()))
    except DeployError as error:
        findings.note(f"permissions could not be checked: {_first_line(error)}")
        return
    if lacking := [name for name in needed if name not in held]:
        findings.missing(
            f"{account} lacks {', '.join(lacking)}",
            f"ask an owner of {project} for the rights (docs/deployment.md, 'First deployment'), or deploy as one",
        )


def _firebase(subject: Subject, findings: Findings) -> None:
    project = subject.environment.project
    if subject.cloud.get(f"{FIREBASE}/projects/{project}") is None:
        findings.missing(
            f"Firebase is not added to {project}",
            "accept the terms once at https://console.firebase.google.com, then: "
            f"firebase projects:addfirebase {project}",
        )
        return
    if subject.has("sign-in"):
        _google(subject, findings)
    if not subject.has("firebase") and subject.has("hosting"):
        _site(subject, findings)


def _site(subject: Subject, findings: Findings) -> None:
    """Check what an owner's deployment creates, and a release needs."""
    project = subject.environment.project
    bootstrap = f"./deploy.sh {subject.environment.name} --only firebase"
    apps: list[dict[str, Any]] = (subject.cloud.get(f"{FIREBASE}/projects/{project}/webApps") or {}).get("apps", [])
    if not apps:
        findings.missing("there is no web app", bootstrap)
    sites: list[dict[str, Any]] = (subject.cloud.get(f"{HOSTING}/projects/{project}/sites") or {}).get("sites", [])
    site = next((one for one in sites if one["name"].endswith(f"/sites/{project}")), None)
    if site is None:
        others = ", ".join(one["name"].rpartition("/")[2] for one in sites) or "none"
        findings.missing(
            f"Hosting has no site {project}, which https://{project}.web.app leads to (sites: {others})",
            bootstrap,
        )
    elif apps and not site.get("appId"):
        findings.missing(
            f"the site {project} is linked to no web app, so its pages cannot sign anybody in",
            bootstrap,
        )


def _google(subject: Subject, findings: Findings) -> None:
    """Check that Google's sign-in can be set up, unless somebody did it in the console."""
    environment = subject.environment
    if GOOGLE not in environment.sign_in or environment.support_email:
        return
    try:
        listed = subject.cloud.read(providers_look(environment.project))
    except (DisabledError, NotFoundError):
        listed = {}
    if GOOGLE not in json.dumps(listed):
        findings.missing(
            f"[{environment.name}] support_email is empty, but Google's sign-in window has to show one",
            "add your address, or that of a group of yours, in deploy/environments.toml",
        )


def _secrets(subject: Subject, findings: Findings) -> None:
    environment = subject.environment
    for secret in dict.fromkeys(secret for row in subject.functions for secret in secrets_of(row)):
        look = listing(
            "secrets", "versions", "list", secret, "--filter=state=ENABLED", f"--project={environment.project}"
        )
        try:
            versions = subject.cloud.read(look)
        except (DisabledError, NotFoundError):
            versions = []
        if not versions:
            findings.missing(f"the secret {secret} has no value", f"./setup_stripe_secrets.sh {environment.name}")


def _images(subject: Subject, findings: Findings) -> None:
    """Check that this project may read the images that it promotes: Cloud Run itself, the releases and the checks."""
    environment = subject.environment
    source = environment.promotes
    agent = f"service-{findings.number}@serverless-robot-prod.iam.gserviceaccount.com"
    accounts = (agent, environment.account(RELEASER), environment.account(AUDITOR))
    where = (f"--location={environment.region}", f"--project={environment.images_project}")
    try:
        policy = subject.cloud.read(listing("artifacts", "repositories", "get-iam-policy", REPOSITORY, *where))
    except (DisabledError, NotFoundError):
        return  # there is no image either, and that is said
    except DeployError as error:
        findings.note(f"who may read the images of {source} could not be checked: {_first_line(error)}")
        return
    readers = {member for binding in policy.get("bindings", ()) for member in binding["members"]}
    if lacking := [member for name in accounts if (member := f"serviceAccount:{name}") not in readers]:
        findings.missing(
            f"{environment.name} may not read the images of {source}, which it promotes: {', '.join(lacking)}",
            f"add these to image_readers of [{source}] in deploy/environments.toml, then: "
            f"./deploy.sh {source} --only storage",
        )


def _first_line(error: DeployError) -> str:
    return str(error).splitlines()[0]
