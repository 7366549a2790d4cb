"""firestore.rules on the official emulator: what an owner, another user and somebody signed out can do, and no more."""

import uuid
from collections.abc import Iterator

import httpx
import pytest

from tests.rules.cases import CASES, DENIED, WORLD, Case
from tests.rules.firestore_rest import RestClient, documents_of, seed, where


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def world(http: httpx.Client, firestore_emulator: str) -> RestClient:
    """A database with users, entries and what only the server sees, as somebody signed out reaches it."""
    project = f"demo-{uuid.uuid4().hex[:12]}"
    seed(http, firestore_emulator, project, WORLD)
    return RestClient(http, firestore_emulator, project, None)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_rules_answer(world: RestClient, case: Case) -> None:
    assert case.request(world.as_user(case.uid, case.claims)) == case.status


def test_what_is_refused_changes_nothing(world: RestClient) -> None:
    before = documents_of(world)
    for case in CASES:
        if case.status == DENIED:
            case.request(world.as_user(case.uid, case.claims))

    assert documents_of(world) == before


def test_an_owner_finds_their_entries_and_no_others(world: RestClient) -> None:
    ada = world.as_user("ada")
    mine = where("userId", "ada")

    assert ada.found("transactions", mine, limit=100) == ["purchase:cs_1"]
    assert ada.found("transactions", mine, where("details.stripeSessionId", "cs_2"), limit=1) == []
