"""Firebase's web app and Hosting site are created and linked, so that nobody has to click."""

import pytest

from tests.deploy.project import Project


@pytest.mark.parametrize(
    ("present", "made"),
    [
        (["added"], ["firebase apps:create WEB", "--request POST", "?siteId=token-economy-prod"]),
        (["app"], ["--request POST", "?siteId=token-economy-prod"]),
        (["app", "site"], ["--request PATCH", "?updateMask=appId"]),
        (["site"], ["firebase apps:create WEB", "--request PATCH", "?updateMask=appId"]),
        (["app", "site", "link"], []),
    ],
)
def test_what_is_missing_is_created_and_linked(project: Project, present: list[str], made: list[str]) -> None:
    project.state["firebase"] = present

    report = project.check("firebase")
    changes = "\n".join(project.deploy("firebase"))

    assert report.is_empty == (not made)
    assert all(words in changes for words in made)
    assert bool(changes) == bool(made)
    assert {"app", "site", "link"} <= set(project.state["firebase"])
    assert project.check("firebase").is_empty
    assert project.deploy("firebase") == []
