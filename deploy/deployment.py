"""What every part of a deployment works with: the environment, the functions, and the executor."""

from dataclasses import dataclass
from pathlib import Path

from deploy.commands import Command, listing
from deploy.environment import Environment
from deploy.executor import Executor
from deploy.policy import Policy
from topology.functions import ROOT, Function

STAGE = ROOT / ".local" / "deploy"
"""Where files are laid out that a command uploads: a folder per environment."""


@dataclass(frozen=True)
class Deployment:
    """One environment being deployed.

    Attributes:
        executor: carries it out, checks it or prints it.
        environment: where.
        functions: what.
        commit: the commit that is deployed: 12 hexadecimal digits.
        stage: the folder for files that commands upload.
    """

    executor: Executor
    environment: Environment
    functions: list[Function]
    commit: str = "COMMIT"
    stage: Path = STAGE

    @property
    def project(self) -> str:
        """The flag that names the project."""
        return f"--project={self.environment.project}"

    @property
    def region(self) -> str:
        """The flag that names the region of Cloud Run."""
        return f"--region={self.environment.region}"

    @property
    def location(self) -> str:
        """The flag that names the same region for other services."""
        return f"--location={self.environment.region}"

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

    def file(self, name: str) -> Path:
        """Return the path of a file to be staged; its folder exists."""
        self.stage.mkdir(parents=True, exist_ok=True)
        return self.stage / name

    def path(self, file: Path) -> str:
        """Return a file's path as commands name it: from the checkout's root, where it is in there."""
        return str(file.relative_to(ROOT) if file.is_relative_to(ROOT) else file)

    def ensure_policy(self, resource: tuple[str, ...], grants: dict[str, set[str]], *flags: str) -> None:
        """Give a resource of ours exactly these members of roles."""
        members = {role: frozenset(found) for role, found in grants.items()}
        self.executor.ensure_policy(Policy(resource, members, (*flags, self.project)))
