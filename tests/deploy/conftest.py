"""Projects on the fake Google Cloud."""

import copy
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.project import Project, Repository


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """One for all tests that commit nothing."""
    return Repository(tmp_path_factory.mktemp("git") / "repository")


@pytest.fixture
def new_project(tmp_path: Path, repository: Repository) -> Project:
    """Production before its first deployment."""
    return Project(tmp_path, repository)


@pytest.fixture(scope="session")
def _deployed_state(tmp_path_factory: pytest.TempPathFactory, repository: Repository) -> dict[str, Any]:
    project = Project(tmp_path_factory.mktemp("deployed"), repository)
    project.deploy()
    return project.state


@pytest.fixture
def project(tmp_path: Path, repository: Repository, _deployed_state: dict[str, Any]) -> Project:
    """Production as its first deployment left it."""
    project = Project(tmp_path, repository)
    project.google.state = copy.deepcopy(_deployed_state)
    return project
