"""This checkout: which commit it is, and how that relates to the commits that are deployed."""

from collections.abc import Iterable
from pathlib import Path

from deploy.shell import Shell
from topology.functions import ROOT

_DIGITS = 12


class Checkout:
    """Asks git."""

    def __init__(self, shell: Shell, root: Path = ROOT) -> None:
        self._shell = shell
        self._root = str(root)

    def commit(self) -> str:
        """Return the first digits of the commit that is checked out; empty if this is not a git checkout."""
        done = self._shell(("git", "-C", self._root, "rev-parse", f"--short={_DIGITS}", "HEAD"))
        return done.stdout.strip()[:_DIGITS] if done.returncode == 0 else ""

    def is_changed(self) -> bool:
        """Return whether files differ from the commit."""
        return bool(self._shell(("git", "-C", self._root, "status", "--porcelain")).stdout.strip())

    def newer(self, commits: Iterable[str]) -> list[str]:
        """Return those commits that this one does not contain: deploying would take them back."""
        ancestor = ("git", "-C", self._root, "merge-base", "--is-ancestor")
        return [commit for commit in commits if self._shell((*ancestor, commit, "HEAD")).returncode]
