"""Workload Identity Federation: GitHub's jobs act as our service accounts, without any key."""

from deploy.commands import gcloud
from deploy.deployment import Deployment
from deploy.resource import MARK, Kind, Resource, always, described, last_part

POOL = "github"
_ISSUER = "https://token.actions.githubusercontent.com"
_POOLS = ("iam", "workload-identity-pools")
_PROVIDERS = (*_POOLS, "providers")


def federation(deployment: Deployment) -> None:
    """Let the jobs of one GitHub repository's main branch act as the releaser and the auditor, if it is named."""
    pools = Kind(
        "identity pool",
        deployment.listing(*_POOLS, "list", "--location=global"),
        last_part,
        described(),
        lambda state: gcloud(*_POOLS, "delete", last_part(state), *_where(deployment)),
    )
    deployment.executor.own(pools)
    if deployment.environment.github_repository:
        deployment.executor.ensure(_pool(deployment, pools))
        deployment.executor.ensure(_provider(deployment, deployment.environment.github_repository))


def _pool(deployment: Deployment, pools: Kind) -> Resource:
    description = f"Jobs of GitHub. {MARK}"
    pool = (POOL, *_where(deployment), f"--description={description}")
    return Resource(
        pools,
        POOL,
        gcloud(*_POOLS, "create", *pool),
        always(gcloud(*_POOLS, "update", *pool, "--no-disabled")),
        desired={"description": description, "disabled": False},
    )


def _provider(deployment: Deployment, repository: str) -> Resource:
    mapping = {"google.subject": "assertion.sub", "attribute.environment": "assertion.environment"}
    # The job's environment at GitHub says what it may do; its protection rules, such as reviewers, are GitHub's.
    condition = f"assertion.repository == '{repository}' && assertion.ref == 'refs/heads/main'"
    provider = (
        POOL,
        f"--workload-identity-pool={POOL}",
        *_where(deployment),
        f"--issuer-uri={_ISSUER}",
        f"--attribute-mapping={','.join(f'{key}={value}' for key, value in mapping.items())}",
        f"--attribute-condition={condition}",
    )
    providers = Kind(
        "identity provider",
        deployment.listing(*_PROVIDERS, "list", f"--workload-identity-pool={POOL}", "--location=global"),
        last_part,
    )
    return Resource(
        providers,
        POOL,
        gcloud(*_PROVIDERS, "create-oidc", *provider),
        always(gcloud(*_PROVIDERS, "update-oidc", *provider, "--no-disabled")),
        desired={
            "attributeMapping": mapping,
            "attributeCondition": condition,
            "oidc": {"issuerUri": _ISSUER},
            "disabled": False,
        },
    )


def _where(deployment: Deployment) -> tuple[str, str]:
    return "--location=global", deployment.project


def jobs_of(deployment: Deployment, github_environment: str) -> set[str]:
    """Return the jobs of an environment at GitHub, as members of IAM policies; none without a repository."""
    if not deployment.environment.github_repository:
        return set()
    pool = f"projects/{deployment.environment.number}/locations/global/workloadIdentityPools/{POOL}"
    return {f"principalSet://iam.googleapis.com/{pool}/attribute.environment/{github_environment}"}
