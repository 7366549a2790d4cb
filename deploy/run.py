"""The ways to run a deployment: print it, compare it, or carry it out."""

import getpass
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from deploy.apply import Apply
from deploy.check import Check
from deploy.checkout import Checkout
from deploy.commands import listing
from deploy.deployment import STAGE, Deployment
from deploy.destroy import Destroy
from deploy.dry_run import DryRun
from deploy.environment import DeployError, Environment, guarded_projects
from deploy.executor import Executor
from deploy.google_cloud import DisabledError, GoogleCloud
from deploy.lock import locked
from deploy.parts import BOOTSTRAP, LEFT, PARTS, UNSEEN, Part
from deploy.parts.ground import bucket
from deploy.parts.services import services
from deploy.preflight import Findings, Subject, limits, local, project
from deploy.report import Report
from deploy.resource import at_path
from topology.functions import Function


@dataclass(frozen=True)
class Options:
    """How to run: what deploy.sh's flags say."""

    parts: Mapping[str, Part]
    prune: bool = False
    yes: bool = False
    allow_older: bool = False
    break_lock: bool = False


@dataclass(frozen=True)
class Run:
    """One run of deploy.sh on one environment.

    Attributes:
        ask: asks the person at the terminal; None if there is nobody.
        stage: the folder for files that commands upload.
        project_in_shell: GOOGLE_CLOUD_PROJECT of the shell, which `python -m ops` obeys; empty if it is not set.
    """

    cloud: GoogleCloud
    environment: Environment
    functions: list[Function]
    options: Options
    checkout: Checkout
    ask: Callable[[str], bool] | None = None
    stage: Path = STAGE
    project_in_shell: str = ""

    def dry(self) -> None:
        """Print every command that a deployment may run."""
        self._carry_out(DryRun(), "COMMIT")

    def preflight(self) -> Findings:
        """Check everything that has to be there, change nothing, and return what is missing."""
        parts = frozenset(self.options.parts)
        subject = Subject(self.cloud, self.environment, self.functions, parts, self.checkout, self.project_in_shell)
        findings = Findings()
        local.check(subject, findings)
        if not any(problem.what == "gcloud is missing" for problem in findings.problems):
            project.check(subject, findings)
            if findings.number:
                limits.check(subject, findings)
        return findings

    def check(self) -> Report:
        """Compare the project with this checkout, and change nothing."""
        executor = Check(self.cloud)
        self._carry_out(executor, self.checkout.commit())
        return executor.finish()

    def deploy(self) -> int:
        """Bring the project to the state that this checkout describes; return the number of changes.

        Raises:
            DeployError: something is in the way, and nothing was changed; or a command failed, which is printed.
        """
        name = bucket(self.environment.project)
        with locked(self.cloud, name, self._holder(), take_over=self.options.break_lock):
            self.cloud.forget_all()  # another deployment may have run while this one waited
            self._refuse_older()
            report = self.check()
            self._refuse_obstacles(report)
            self._confirm_removals(report)
            executor = Apply(self.cloud)
            self._carry_out(executor, self.checkout.commit())
            if self.options.prune:
                executor.prune()
            elif report.orphans:
                print("\nNot ours any more; --prune removes:")
                print("\n".join(f"  {one.kind} {one.name}" for one in report.orphans))
        return executor.changes

    def destroy(self) -> int:
        """Delete what deployments of this environment created, data included; return how much it was.

        Raises:
            DeployError: money or protected data may be there, or nobody agreed; nothing was changed.
        """
        environment = self.environment
        if environment.protected or environment.livemode or environment.project in guarded_projects():
            raise DeployError(f"{environment.name} is never destroyed: it is protected, or takes real money.")
        parts = {name: part for name, part in PARTS.items() if name not in LEFT}
        with locked(self.cloud, bucket(environment.project), self._holder(), take_over=self.options.break_lock):
            self.cloud.forget_all()
            executor = Destroy(self.cloud)
            self._carry_out(executor, self.checkout.commit(), parts)
            self._refuse_protected_data()
            print("\n".join(["To be deleted, with all data in it:", *executor.lines()]))
            if not self.options.yes:
                if self.ask is None:
                    raise DeployError("Nothing was changed: where nobody can be asked, --destroy needs --yes.")
                if not self.ask(f"Delete all of this from {environment.project}?"):
                    raise DeployError("Nothing was changed.")
            return executor.carry_out()

    def _refuse_protected_data(self) -> None:
        """Refuse where the project says what its table does not: that its database must not be deleted."""
        look = listing("firestore", "databases", "list", f"--project={self.environment.project}")
        try:
            databases = self.cloud.read(look)
        except DisabledError:
            return
        if any(one.get("deleteProtectionState") == "DELETE_PROTECTION_ENABLED" for one in databases):
            raise DeployError(f"Nothing was changed: the database of {self.environment.project} is protected.")

    def _holder(self) -> str:
        since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
        return f"{getpass.getuser()} on {socket.gethostname()}, commit {self.checkout.commit()}, since {since}"

    def _refuse_older(self) -> None:
        """Refuse to take a deployed commit back, and to deploy to a protected environment what no commit holds."""
        if "functions" not in self.options.parts:
            return
        if not self.checkout.commit():
            raise DeployError("This is not a git checkout: a deployment names its commit. Clone the repository.")
        if self.environment.protected and self.checkout.is_changed():
            raise DeployError(f"{self.environment.name} takes commits only: commit or stash your changes.")
        look = services(Deployment(DryRun(), self.environment, self.functions)).look
        try:
            deployed = {at_path(state, "metadata.labels.commit") for state in self.cloud.read(look)} - {None}
        except DisabledError:  # nothing is deployed yet
            return
        newer = self.checkout.newer(sorted(deployed))
        if newer and not self.options.allow_older:
            raise DeployError(
                f"This checkout does not contain {', '.join(newer)}, which is deployed: it is older, or of another "
                "branch. Run git pull, or git fetch --unshallow; or give --allow-older to take that commit back."
            )

    def _refuse_obstacles(self, report: Report) -> None:
        obstacles = list(report.obstacles)
        if BOOTSTRAP.keys().isdisjoint(self.options.parts):
            parts = {name: part for name, part in BOOTSTRAP.items() if name not in UNSEEN}
            bootstrap = replace(self, options=replace(self.options, parts=parts)).check()
            command = f"./deploy.sh {self.environment.name} --bootstrap"
            obstacles += [f"{title} is missing: {command}" for title in bootstrap.missing]
        if obstacles:
            listed = "\n".join(f"- {obstacle}" for obstacle in obstacles)
            raise DeployError(f"Nothing was changed, because of:\n{listed}")

    def _confirm_removals(self, report: Report) -> None:
        """Print what will be removed, and ask where money is real."""
        removals = [*report.rights, *(report.orphans if self.options.prune else ())]
        if not removals:
            return
        print("To be removed:")
        print("\n".join(f"  {one.kind} {one.name}" for one in removals))
        if not self.environment.protected or self.options.yes:
            return
        if self.ask is None:
            raise DeployError("Nothing was changed: where nobody can be asked, removals need --yes.")
        if not self.ask(f"Remove these from {self.environment.name}?"):
            raise DeployError("Nothing was changed.")

    def _carry_out(self, executor: Executor, commit: str, parts: Mapping[str, Part] | None = None) -> None:
        deployment = Deployment(executor, self.environment, self.functions, commit, self.stage)
        for name, part in (parts or self.options.parts).items():
            executor.begin(name, (part.__doc__ or "").splitlines()[0])
            part(deployment)
