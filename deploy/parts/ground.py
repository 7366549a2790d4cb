"""What everything else stands on: the APIs, the service accounts with their roles, and storage for deployments."""

import json

from deploy.commands import Command, gcloud
from deploy.deployment import Deployment
from deploy.parts.federation import jobs_of
from deploy.parts.identities import AUDITOR, BUILDER, CUSTOM_ROLES, RELEASER, Account, accounts
from deploy.policy import PUBLIC, Policy
from deploy.resource import LABELS, MARK, Kind, Resource, State, always, at_path, described, labeled, last_part

_APIS = (
    "artifactregistry",
    "billingbudgets",
    "cloudbuild",
    "cloudquotas",
    "cloudresourcemanager",
    "cloudscheduler",
    "firebase",
    "firebaseappcheck",
    "firebasehosting",
    "firebaserules",
    "firestore",
    "iam",
    "iamcredentials",
    "identitytoolkit",
    "logging",
    "monitoring",
    "orgpolicy",
    "pubsub",
    "run",
    "secretmanager",
    "sts",
)
REPOSITORY = "token-economy"
_PUBSUB_AGENT_ROLE = "roles/pubsub.serviceAgent"


def bucket(project: str) -> str:
    """Return the bucket for the lock and the sources of builds."""
    return f"{project}-deployments"


def label_flags(flag: str = "--labels") -> str:
    """Return the flag that sets our labels."""
    return f"{flag}={','.join(f'{key}={value}' for key, value in LABELS.items())}"


def apis(deployment: Deployment) -> None:
    """Enable the Google Cloud APIs in use."""
    kind = Kind("API", deployment.listing("services", "list", "--enabled"), last_part)
    for api in (f"{name}.googleapis.com" for name in _APIS):
        create = gcloud("services", "enable", api, deployment.project)
        deployment.executor.ensure(Resource(kind, api, create))


def service_accounts(deployment: Deployment) -> None:
    """Create one service account per function, and those that build, push, schedule, test, audit and release."""
    words = ("iam", "service-accounts")
    domain = f"@{deployment.environment.project}.iam.gserviceaccount.com"

    def delete(state: State) -> Command:
        return gcloud(*words, "delete", str(state["email"]), deployment.project)

    def key(state: State) -> str | None:
        email = str(state.get("email", ""))
        return email.removesuffix(domain) if email.endswith(domain) else None

    kind = Kind("service account", deployment.listing(*words, "list"), key, described(), delete)
    deployment.executor.own(kind)
    table = accounts(deployment.functions)
    for account in table:
        email = deployment.environment.account(account.name)
        description = f"{account.text}. {MARK}"
        describe = gcloud(*words, "update", email, f"--description={description}", deployment.project)
        enable = gcloud(*words, "enable", email, deployment.project)

        def update(state: State, describe: Command = describe, enable: Command = enable) -> list[Command]:
            return [enable, describe] if state.get("disabled") else [describe]

        deployment.executor.ensure(
            Resource(
                kind,
                account.name,
                gcloud(*words, "create", account.name, f"--description={description}", deployment.project),
                update,
                desired={"description": description, "disabled": False},
            )
        )
    jobs = {
        RELEASER: jobs_of(deployment, deployment.environment.name),
        AUDITOR: jobs_of(deployment, f"{deployment.environment.name}-check"),
    }
    for account in table:  # after all of them exist
        users = {deployment.member(account.user)} if account.user else set()
        grants = {
            "roles/iam.serviceAccountUser": users,
            "roles/iam.workloadIdentityUser": jobs.get(account.name, set()),
        }
        deployment.ensure_policy((*words, deployment.environment.account(account.name)), grants)


def roles(deployment: Deployment) -> None:
    """Create the project's own roles, and give each account exactly its roles in the project."""
    project = deployment.environment.project
    words = ("iam", "roles")

    def delete(state: State) -> Command:
        return gcloud(*words, "delete", last_part(state), deployment.project)

    for name, (title, description, permissions) in CUSTOM_ROLES.items():
        # Listed, a role shows no permissions.
        kind = Kind("role", deployment.listing(*words, "describe", name), last_part, delete=delete)
        flags = (
            f"--title={title}",
            f"--description={description} {MARK}",
            f"--permissions={','.join(sorted(permissions))}",
            "--stage=GA",
            deployment.project,
        )

        def update(state: State, name: str = name, flags: tuple[str, ...] = flags) -> list[Command]:
            undelete = [gcloud(*words, "undelete", name, deployment.project)] if state.get("deleted") else []
            return [*undelete, gcloud(*words, "update", name, *flags)]

        deployment.executor.ensure(
            Resource(
                kind,
                name,
                gcloud(*words, "create", name, *flags),
                update,
                desired={
                    "title": title,
                    "description": f"{description} {MARK}",
                    "includedPermissions": permissions,
                    "stage": "GA",
                    "deleted": False,
                },
                view=_with_permissions,
            )
        )
    _pubsub_agent(deployment)
    deployment.executor.ensure_policy(_project_policy(deployment, accounts(deployment.functions), project))


def _with_permissions(state: State) -> State:
    """Return a role with its permissions as a set: their order means nothing."""
    return {**state, "includedPermissions": frozenset(state.get("includedPermissions", ()))}


def _project_policy(deployment: Deployment, table: list[Account], project: str) -> Policy:
    """Return the part of the project's policy that concerns our accounts, and the public, who may do nothing."""
    ours = {deployment.member(account.name) for account in table}
    grants: dict[str, set[str]] = {_PUBSUB_AGENT_ROLE: {deployment.pubsub_agent}}
    for account in table:
        for role in account.roles:
            name = role if role.startswith("roles/") else f"projects/{project}/roles/{role}"
            grants.setdefault(name, set()).add(deployment.member(account.name))

    def owns(_role: str, member: str) -> bool:
        return member in ours or member in PUBLIC or member.startswith("deleted:serviceAccount:")

    return Policy(("projects", project), {role: frozenset(found) for role, found in grants.items()}, owns=owns)


def _pubsub_agent(deployment: Deployment) -> None:
    """Create Pub/Sub's own identity, which otherwise appears at its first use; its role lets it sign pushes.

    Source: https://cloud.google.com/iam/docs/create-service-agents
    """
    project = deployment.environment.project
    look = gcloud("projects", "get-iam-policy", project, "--flatten=bindings[].members", "--format=json")

    def key(state: State) -> str | None:
        member = at_path(state, "bindings.members")
        return str(member) if at_path(state, "bindings.role") == _PUBSUB_AGENT_ROLE else None

    create = gcloud("beta", "services", "identity", "create", "--service=pubsub.googleapis.com", deployment.project)
    deployment.executor.ensure(Resource(Kind("service agent", look, key), deployment.pubsub_agent, create))


def storage(deployment: Deployment) -> None:
    """Create the bucket for locks and sources, and the registry for images; old ones are deleted in time."""
    _bucket(deployment)
    _repository(deployment)


def _bucket(deployment: Deployment) -> None:
    name = bucket(deployment.environment.project)
    words = ("storage", "buckets")
    delete = gcloud("storage", "rm", f"gs://{name}", "--recursive", deployment.project)
    kind = Kind("bucket", deployment.listing(*words, "list"), last_part, labeled(), lambda _: delete)
    lifecycle = deployment.file("bucket-lifecycle.json")
    rule = {"action": {"type": "Delete"}, "condition": {"age": 30}}
    lifecycle.write_text(json.dumps({"rule": [rule]}))
    flags = (
        "--uniform-bucket-level-access",
        "--public-access-prevention",
        f"--lifecycle-file={deployment.path(lifecycle)}",
        label_flags("--update-labels"),
    )
    update = gcloud(*words, "update", f"gs://{name}", *flags, deployment.project)
    deployment.executor.ensure(
        Resource(
            kind,
            name,
            gcloud(
                *words,
                "create",
                f"gs://{name}",
                deployment.location,
                "--uniform-bucket-level-access",
                "--public-access-prevention",
                deployment.project,
            ),
            always(update),
            desired={
                "uniform_bucket_level_access": True,
                "public_access_prevention": "enforced",
                "lifecycle_config": {"rule": [rule]},
                "labels": LABELS,
            },
            reread=True,
        )
    )
    objects = {deployment.member(RELEASER), deployment.member(BUILDER)}
    deployment.executor.ensure_policy(
        Policy(
            (*words, f"gs://{name}"),
            {
                "roles/storage.objectAdmin": frozenset(objects),
                "roles/storage.legacyBucketReader": frozenset({deployment.member(RELEASER)}),
            },
            # A new bucket gives its project's owners, editors and viewers their legacy roles.
            owns=lambda _role, member: not member.startswith("project"),
        )
    )


def _repository(deployment: Deployment) -> None:
    words = ("artifacts", "repositories")
    delete = gcloud(*words, "delete", REPOSITORY, deployment.location, deployment.project)
    kind = Kind(
        "repository", deployment.listing(*words, "list", deployment.location), last_part, labeled(), lambda _: delete
    )
    flags = (f"--description=Images of the functions. {MARK}", deployment.location, deployment.project)
    policies = deployment.file("image-cleanup.json")
    # What runs is never deleted: Cloud Run has its own copy of the image of each revision.
    keep_newest = {"name": "keep-newest", "action": {"type": "Keep"}, "mostRecentVersions": {"keepCount": 20}}
    delete_old = {"name": "delete-old", "action": {"type": "Delete"}, "condition": {"olderThan": "7776000s"}}
    policies.write_text(json.dumps([keep_newest, delete_old]))
    deployment.executor.ensure(
        Resource(
            kind,
            REPOSITORY,
            gcloud(*words, "create", REPOSITORY, "--repository-format=docker", label_flags(), *flags),
            always(
                gcloud(*words, "update", REPOSITORY, label_flags("--update-labels"), *flags),
                gcloud(
                    *words,
                    "set-cleanup-policies",
                    REPOSITORY,
                    f"--policy={deployment.path(policies)}",
                    deployment.location,
                    deployment.project,
                ),
            ),
            desired={
                "labels": LABELS,
                "cleanupPolicies": {
                    "keep-newest": {"action": "KEEP", "mostRecentVersions": {"keepCount": 20}},
                    "delete-old": {"action": "DELETE", "condition": {"olderThan": "7776000s"}},
                },
            },
            immutable={"format": "DOCKER"},
            reread=True,
        )
    )
    grants = {
        "roles/artifactregistry.writer": {deployment.member(BUILDER)},
        "roles/artifactregistry.reader": set(deployment.environment.image_readers),
    }
    deployment.ensure_policy((*words, REPOSITORY), grants, deployment.location)
