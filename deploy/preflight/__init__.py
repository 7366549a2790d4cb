"""What has to be there before the first change: every check runs, and all that is missing is listed at once."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from deploy.checkout import Checkout
from deploy.environment import Environment
from deploy.google_cloud import GoogleCloud
from topology.functions import Function


@dataclass(frozen=True)
class Problem:
    """Something that is missing, and the command or the address that provides it."""

    what: str
    fix: str

    def __str__(self) -> str:
        """Return it as people read it."""
        return f"- {self.what}\n    {self.fix}"


@dataclass
class Findings:
    """What the checks found: problems, and what they could not find out."""

    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    number: str = ""

    def missing(self, what: str, fix: str) -> None:
        """Add a problem."""
        self.problems.append(Problem(what, fix))

    def note(self, text: str) -> None:
        """Add something that does not stop the deployment."""
        self.notes.append(text)

    def lines(self) -> Iterator[str]:
        """Return everything as people read it."""
        yield from (str(problem) for problem in self.problems)
        yield from (f"  note: {note}" for note in self.notes)


@dataclass(frozen=True)
class Subject:
    """What is about to be deployed.

    Attributes:
        cloud: where.
        environment: its settings.
        functions: what is deployed.
        parts: the parts that will be carried out.
        checkout: the commit.
        project_in_shell: GOOGLE_CLOUD_PROJECT of the shell; empty if it is not set.
    """

    cloud: GoogleCloud
    environment: Environment
    functions: list[Function]
    parts: frozenset[str]
    checkout: Checkout
    project_in_shell: str = ""

    def has(self, *parts: str) -> bool:
        """Return whether one of these parts will be carried out."""
        return not self.parts.isdisjoint(parts)
