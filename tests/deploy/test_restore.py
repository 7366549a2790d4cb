"""The restore drill of the runbook: its steps are in an order in which nothing is lost, and do what they must."""

import re
import shlex

from deploy.__main__ import parser
from tests.deploy.project import Project
from topology.functions import ROOT

RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()


def drill() -> list[str]:
    """Return the commands for a database that is lost."""
    section = RUNBOOK.split("**The whole database is lost:**", 1)[1]
    block: str = re.findall(r"```bash\n(.*?)```", section, re.DOTALL)[0]
    return block.replace("\\\n", " ").splitlines()


def step(*words: str) -> int:
    """Return the number of the only step with these words."""
    (number,) = [number for number, line in enumerate(drill()) if all(word in line for word in words)]
    return number


def test_the_intake_stops_first_and_starts_when_the_data_is_back() -> None:
    assert step("webhook --disable") == 0
    assert step("firestore import") < step("deploy.stripe_setup") < step("ops replay") < step("ops audit")


def test_the_database_is_guarded_before_it_has_data() -> None:
    assert step("deploy.sh") < step("firestore import")
    assert step("buckets create") < step("firestore export") < step("firestore import")


def test_the_step_that_creates_the_database_creates_all_that_guards_it(project: Project) -> None:
    kinds = project.state["kinds"]
    for kind in ("databases", "backups schedules", "indexes composite", "indexes fields"):
        kinds[f"firestore {kind}"] = {}
    project.state["rules"] = ""
    parts = parser().parse_args(shlex.split(drill()[step("deploy.sh")].replace("$ENVIRONMENT", "prod"))[1:]).only

    changes = project.deploy(*parts)

    assert set(parts) == {"firestore", "rules", "indexes"}
    assert changes[0].startswith("firestore databases create")
    assert project.check().is_empty
    assert project.deploy(*parts) == []
