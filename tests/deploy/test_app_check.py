"""App Check is enforced on Firestore and sign-in exactly where the functions require it."""

from dataclasses import replace

import pytest

from tests.deploy.project import Project

SERVICES = ("firestore.googleapis.com", "identitytoolkit.googleapis.com")


@pytest.fixture
def strict(project: Project) -> Project:
    project.environment = replace(project.environment, more_settings={"APP_CHECK": "required"})
    return project


def test_where_functions_require_it_firestore_and_sign_in_do_too(strict: Project) -> None:
    assert strict.check("app-check").missing == [f"App Check of {service}" for service in SERVICES]

    strict.deploy("app-check")

    assert strict.state["app_check"] == dict.fromkeys(SERVICES, "ENFORCED")
    assert strict.check("app-check").is_empty
    assert strict.deploy("app-check") == []


def test_enforcement_that_somebody_relaxed_is_put_back(strict: Project) -> None:
    strict.deploy("app-check")
    strict.state["app_check"][SERVICES[0]] = "UNENFORCED"

    assert list(strict.check("app-check").different) == [f"App Check of {SERVICES[0]}"]
    assert len(strict.deploy("app-check")) == 1
    assert strict.check("app-check").is_empty


def test_elsewhere_enforcement_by_hand_is_reported_because_it_stops_the_pages(project: Project) -> None:
    project.state["app_check"] = {
        SERVICES[0]: "ENFORCED",
        SERVICES[1]: "UNENFORCED",
        "other.googleapis.com": "ENFORCED",
    }

    assert [one.name for one in project.check("app-check").orphans] == [SERVICES[0]]
    project.deploy("app-check", prune=True)
    assert project.state["app_check"][SERVICES[0]] == "OFF"
    assert project.state["app_check"]["other.googleapis.com"] == "ENFORCED"
    assert project.check("app-check").is_empty
