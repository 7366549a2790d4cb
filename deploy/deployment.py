"""What every part of a deployment works with: the environment, the functions, and the executor."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from deploy.commands import Command, gcloud, listing
from deploy.environment import Deployed, Environment
from deploy.executor import Executor
from deploy.resource import Resource, State
from topology.functions import ROOT

STAGE = ROOT / ".local" / "deploy"
"""Where files are laid out that a command uploads."""


@dataclass(frozen=True)
class Deployment:
    """One environment being deployed."""

    executor: Executor
    environment: Environment
    functions: list[Deployed]

    @property
    def project(self) -> str:
        """The flag that names the project."""
        return f"--project={self.environment.project}"

    @property
    def region(self) -> str:
        """The flag that names the region."""
        return f"--region={self.environment.region}"

    @property
    def pubsub_agent(self) -> str:
        """Pub/Sub's own identity in this project, as a member of IAM policies."""
        return f"serviceAccount:service-{self.environment.number}@gcp-sa-pubsub.iam.gserviceaccount.com"

    def member(self, account: str) -> str:
        """Return a service account of this project, by its short name, as a member of IAM policies."""
        return f"serviceAccount:{self.environment.account(account)}"

    def listing(self, *words: str) -> Command:
        """Return a gcloud command that lists something of this project."""
        return listing(*words, self.project)

    def grant(self, resource: tuple[str, ...], member: str, role: str, *flags: str) -> None:
        """Grant a role on a resource, named as gcloud does: ("pubsub", "topics", "stripe-events")."""
        *kind, name = resource
        on_project = kind == ["projects"]
        where = flags if on_project else (*flags, self.project)
        binding = (f"--member={member}", f"--role={role}", *(("--condition=None",) if on_project else ()))
        self.executor.ensure(
            Resource(
                f"{role} on {name} for {member}",
                listing(*kind, "get-iam-policy", name, *where),
                binding_of(member, role),
                gcloud(*kind, "add-iam-policy-binding", name, *binding, *where),
            )
        )

    def firebase(self, what: str, only: str, *, unless: Callable[[], bool] | None = None) -> None:
        """Deploy targets of firebase.json."""
        command = ("firebase", "deploy", f"--only={only}", self.project, "--non-interactive")
        self.executor.run(what, command, unless=unless)


def binding_of(member: str, role: str) -> Callable[[Any], State | None]:
    """Find an unconditional binding in an IAM policy; gcloud prints a policy without bindings as an empty list."""

    def find(policy: Any) -> State | None:  # noqa: ANN401 - JSON
        bindings = policy.get("bindings", []) if isinstance(policy, dict) else []
        matching = (
            one for one in bindings if one["role"] == role and member in one["members"] and "condition" not in one
        )
        return next(matching, None)

    return find
