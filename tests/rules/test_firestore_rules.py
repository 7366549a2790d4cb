"""firestore.rules on the official emulator: what an owner, another user and somebody signed out can do, and no more."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar

import httpx
import pytest
from google.cloud import firestore

from tests.rules.firestore_rest import Fields, RestClient, newest_first, where

OK, DENIED = 200, 403

ACCOUNT = {
    "tokenBalance": 110,
    "totalTokensPurchased": 110,
    "totalTokensEarned": 0,
    "totalTokensSpent": 0,
    "stripeCustomerId": "cus_ada",
    "recentPurchases": [1_760_000_000],
    "openPurchases": {"cs_late": "waiting"},
    "reversals": {},
    "lastEntryAt": datetime(2025, 10, 25, tzinfo=UTC),
    "subscription": {"status": "active"},
    "displayName": "Ada",
}
PURCHASE = {
    "userId": "ada",
    "type": "purchase",
    "amount": 110,
    "balanceAfter": 110,
    "timestamp": datetime(2025, 10, 25, tzinfo=UTC),
    "details": {"packageId": "popular", "stripeSessionId": "cs_1"},
}
TOKEN_FIELDS = sorted(ACCOUNT.keys() - {"displayName"})
BALANCES = ["tokenBalance", "totalTokensPurchased", "totalTokensEarned", "totalTokensSpent"]
SERVER_ONLY = ["held_purchases", "security_alerts", "anything_new"]


@pytest.fixture
def world(firestore_client: firestore.Client) -> firestore.Client:
    """A database with two users, an entry of each, and what only the server sees."""
    documents: dict[str, dict[str, Any]] = {
        "users/ada": ACCOUNT,
        "users/bob": ACCOUNT | {"displayName": "Bob"},
        "transactions/purchase:cs_1": PURCHASE,
        "transactions/purchase:cs_2": PURCHASE | {"userId": "bob", "details": {"stripeSessionId": "cs_2"}},
        "users/ada/private/note": {"text": "a subcollection"},
        **{f"{collection}/1": {"userId": "ada"} for collection in SERVER_ONLY},
    }
    batch = firestore_client.batch()
    for path, fields in documents.items():
        batch.set(firestore_client.document(path), fields)
    batch.commit()
    return firestore_client


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=30) as client:
        yield client


@pytest.fixture
def ada(http: httpx.Client, world: firestore.Client, firestore_emulator: str) -> RestClient:
    return RestClient(http, firestore_emulator, world.project, "ada")


@pytest.fixture
def newcomer(ada: RestClient) -> RestClient:
    """Somebody signed in whom the server has not written about yet."""
    return replace(ada, uid="cleo")


@pytest.fixture
def stranger(ada: RestClient) -> RestClient:
    """Somebody signed out."""
    return replace(ada, uid=None)


def account_of(world: firestore.Client, uid: str = "ada") -> dict[str, Any]:
    return world.document(f"users/{uid}").get().to_dict() or {}


class TestReading:
    def test_an_owner_reads_the_own_account(self, ada: RestClient) -> None:
        assert ada.get("users/ada") == OK

    def test_an_account_that_does_not_exist_yet_can_be_listened_to(self, newcomer: RestClient) -> None:
        assert newcomer.get("users/cleo") == 404

    def test_an_owner_reads_the_own_entries_one_by_one(self, ada: RestClient) -> None:
        assert ada.get("transactions/purchase:cs_1") == OK

    def test_an_owner_queries_the_own_entries_newest_first(self, ada: RestClient) -> None:
        mine = ada.found("transactions", where("userId", "ada"), orderBy=newest_first("timestamp"))
        assert mine == ["purchase:cs_1"]

    def test_the_success_page_can_wait_for_an_entry_that_does_not_exist_yet(self, ada: RestClient) -> None:
        mine = where("userId", "ada")
        assert ada.found("transactions", mine, where("details.stripeSessionId", "cs_new")) == []
        assert ada.found("transactions", mine, where("details.stripeSessionId", "cs_1")) == ["purchase:cs_1"]

    def test_whether_an_entry_exists_is_its_owners_to_know(self, ada: RestClient) -> None:
        assert ada.get("transactions/purchase:cs_2") == DENIED
        assert ada.get("transactions/purchase:none") == DENIED

    def test_anothers_account_is_out_of_reach(self, ada: RestClient) -> None:
        assert ada.get("users/bob") == DENIED
        assert ada.list_documents("users") == DENIED
        assert ada.query("users", where("displayName", "Bob")) == DENIED

    def test_anothers_entries_are_out_of_reach(self, ada: RestClient) -> None:
        assert ada.query("transactions", where("userId", "bob")) == DENIED
        assert ada.query("transactions") == DENIED
        assert ada.query("transactions", where("type", "purchase")) == DENIED
        assert ada.list_documents("transactions") == DENIED
        assert ada.count("transactions") == DENIED
        assert ada.query("transactions", where("details.stripeSessionId", "cs_2")) == DENIED
        assert ada.found("transactions", where("userId", "ada"), where("details.stripeSessionId", "cs_2")) == []

    @pytest.mark.parametrize("collection", SERVER_ONLY)
    def test_other_collections_are_out_of_reach(self, ada: RestClient, collection: str) -> None:
        assert ada.get(f"{collection}/1") == DENIED
        assert ada.query(collection, where("userId", "ada")) == DENIED

    def test_a_subcollection_of_the_own_account_is_out_of_reach(self, ada: RestClient) -> None:
        assert ada.get("users/ada/private/note") == DENIED
        assert ada.create("users/ada/private/other", {"text": "mine"}) == DENIED


class TestProfile:
    def test_an_owner_changes_the_own_profile(self, ada: RestClient, world: firestore.Client) -> None:
        assert ada.update("users/ada", {"displayName": "Countess"}) == OK
        assert account_of(world) == ACCOUNT | {"displayName": "Countess"}

    def test_an_owner_removes_a_profile_field(self, ada: RestClient) -> None:
        assert ada.update("users/ada", {}, removing=["displayName"]) == OK

    def test_a_newcomer_begins_a_profile(self, newcomer: RestClient) -> None:
        assert newcomer.create("users/cleo", {"displayName": "Cleo", "locale": "fr"}) == OK

    @pytest.mark.parametrize(("field", "most"), [("displayName", 200), ("photoURL", 2000), ("locale", 40)])
    def test_a_profile_field_is_a_short_text(
        self, ada: RestClient, newcomer: RestClient, field: str, most: int
    ) -> None:
        """A document that its owner has filled would have no room for a refund."""
        assert ada.update("users/ada", {field: "x" * most}) == OK
        assert ada.update("users/ada", {field: "x" * (most + 1)}) == DENIED
        assert ada.update("users/ada", {field: 1}) == DENIED
        assert newcomer.create("users/cleo", {field: "x" * (most + 1)}) == DENIED

    def test_a_field_that_nobody_has_allowed_is_refused(self, ada: RestClient) -> None:
        assert ada.update("users/ada", {"isAdmin": True}) == DENIED

    def test_anothers_profile_cannot_be_changed(self, ada: RestClient) -> None:
        assert ada.update("users/bob", {"displayName": "Ada"}) == DENIED


class TestBalance:
    """Nothing that a client does changes a field of the server's."""

    @pytest.fixture(autouse=True)
    def _accounts_stay_as_they_are(self, world: firestore.Client) -> Iterator[None]:
        yield
        assert account_of(world) == ACCOUNT
        assert not account_of(world, "cleo")

    @pytest.mark.parametrize("field", TOKEN_FIELDS)
    def test_it_is_not_written(self, ada: RestClient, field: str) -> None:
        assert ada.update("users/ada", {field: 1_000_000}) == DENIED

    @pytest.mark.parametrize("field", TOKEN_FIELDS)
    def test_it_is_not_removed(self, ada: RestClient, field: str) -> None:
        assert ada.update("users/ada", {}, removing=[field]) == DENIED

    @pytest.mark.parametrize("field", BALANCES)
    @pytest.mark.parametrize("transform", ["increment", "maximum", "minimum"])
    def test_it_is_not_transformed(self, ada: RestClient, field: str, transform: str) -> None:
        amount = {"integerValue": "-1" if transform == "minimum" else "1000000"}
        assert ada.transform("users/ada", fieldPath=field, **{transform: amount}) == DENIED

    def test_it_is_not_written_beside_a_profile_field(self, ada: RestClient) -> None:
        assert ada.update("users/ada", {"displayName": "Ada", "tokenBalance": 1_000_000}) == DENIED

    def test_it_is_not_dropped_by_overwriting_the_document(self, ada: RestClient) -> None:
        assert ada.overwrite("users/ada", {"displayName": "Ada"}) == DENIED

    def test_a_key_within_a_map_is_not_written(self, ada: RestClient) -> None:
        assert ada.update("users/ada", {"openPurchases": {"cs_late": "credited"}}) == DENIED

    def test_the_account_is_not_deleted(self, ada: RestClient) -> None:
        assert ada.delete("users/ada") == DENIED

    @pytest.mark.parametrize("field", TOKEN_FIELDS)
    def test_a_newcomer_does_not_begin_with_it(self, newcomer: RestClient, field: str) -> None:
        assert newcomer.create("users/cleo", {"displayName": "Cleo", field: 100}) == DENIED

    def test_a_newcomer_does_not_begin_with_it_in_a_commit(self, newcomer: RestClient) -> None:
        assert newcomer.commit(("users/cleo", {"tokenBalance": 100})) == DENIED
        assert newcomer.transform("users/cleo", fieldPath="tokenBalance", increment={"integerValue": "100"}) == DENIED

    def test_one_forbidden_write_stops_the_allowed_one_beside_it(self, ada: RestClient) -> None:
        entry = {"userId": "ada", "type": "grant", "amount": 5}
        assert ada.commit(("users/ada", {"displayName": "Ada"}), ("transactions/grant:me", entry)) == DENIED


class TestEntries:
    NEW: ClassVar[Fields] = {"userId": "ada", "type": "grant", "amount": 1_000_000, "balanceAfter": 1_000_110}

    def test_a_client_makes_none(self, ada: RestClient) -> None:
        assert ada.create("transactions/grant:ada", self.NEW) == DENIED

    def test_a_client_changes_none(self, ada: RestClient) -> None:
        assert ada.update("transactions/purchase:cs_1", {"amount": 1_000_000}) == DENIED

    def test_a_client_deletes_none(self, ada: RestClient) -> None:
        assert ada.delete("transactions/purchase:cs_1") == DENIED

    @pytest.mark.parametrize("collection", SERVER_ONLY)
    def test_a_client_writes_to_no_other_collection(self, ada: RestClient, collection: str) -> None:
        assert ada.create(f"{collection}/2", {"userId": "ada"}) == DENIED
        assert ada.update(f"{collection}/1", {"status": "released"}) == DENIED
        assert ada.delete(f"{collection}/1") == DENIED


class TestSignedOut:
    PATHS = ("users/ada", "transactions/purchase:cs_1", *(f"{collection}/1" for collection in SERVER_ONLY))

    @pytest.mark.parametrize("path", PATHS)
    def test_nothing_is_read_or_written(self, stranger: RestClient, path: str) -> None:
        collection = path.split("/", maxsplit=1)[0]
        assert stranger.get(path) == DENIED
        assert stranger.list_documents(collection) == DENIED
        assert stranger.query(collection, where("userId", "ada")) == DENIED
        assert stranger.create(f"{collection}/new", {"displayName": "?"}) == DENIED
        assert stranger.update(path, {"displayName": "?"}) == DENIED
        assert stranger.delete(path) == DENIED
