"""Every query in the code has its index: the emulator requires none, production rejects a query without it."""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.firestore import documents, owner_view
from shared.domain.account import Account, OpenPurchase
from shared.domain.change import PaymentRecord
from shared.domain.limits import PurchaseTime
from shared.domain.lots import Lot
from shared.domain.payment_facts import PaymentFacts, RefundMade
from shared.domain.reservation import Reservation
from shared.domain.reserving import stored_fields
from shared.domain.spend_requests import ReservationKey, ReservationRequest
from shared.domain.subscription import Subscription
from topology.functions import ROOT

INDEXES: dict[str, Any] = json.loads((ROOT / "firestore.indexes.json").read_text())
SOURCES = [source for folder in ("shared", "functions", "ops") for source in sorted((ROOT / folder).rglob("*.py"))]
QUERY_METHODS = {"where", "order_by"}
EQUAL = {"==", "in", "array_contains"}


@dataclass(frozen=True)
class Query:
    """A query in the code: (field, operator) of its filters, (field, direction) of its orders."""

    place: str
    collection: str
    filters: tuple[tuple[str, str], ...]
    orders: tuple[tuple[str, str], ...]

    @property
    def fields(self) -> set[str]:
        return {name for name, _ in (*self.filters, *self.orders)}

    def index(self) -> list[tuple[str, str]] | None:
        """Return the composite index that the query needs: fields compared for equality first, then the sorted one.

        Filters for equality alone need none: each field has an automatic index.
        Source: https://firebase.google.com/docs/firestore/query-data/index-overview
        """
        equal = [(name, "ASCENDING") for name, operator in self.filters if operator in EQUAL]
        ranged = [(name, "ASCENDING") for name, operator in self.filters if operator not in EQUAL]
        # Every automatic index ends with the document's name.
        orders = [order for order in self.orders if order != ("__name__", "ASCENDING")]
        rest = list(orders or dict.fromkeys(ranged))
        return equal + rest if rest and len(equal) + len(rest) > 1 else None


def queries_in(source: Path) -> Iterator[Query]:
    """Find chains such as client.collection(NAME).where(filter=FieldFilter(...)).order_by(...)."""
    tree = ast.parse(source.read_text())
    inner = {
        id(node.func.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and id(node) not in inner:
            links = list(_links(node))
            if QUERY_METHODS & {name for name, _ in links}:
                yield _query(f"{source.relative_to(ROOT)}:{node.lineno}", links)


def _links(node: ast.expr) -> Iterator[tuple[str, ast.Call]]:
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        yield node.func.attr, node
        node = node.func.value


def _query(place: str, links: list[tuple[str, ast.Call]]) -> Query:
    collection, filters, orders = None, [], []
    for name, call in reversed(links):
        if name == "collection":
            collection = _text(call.args[0])
        elif name == "where":
            condition = next(keyword.value for keyword in call.keywords if keyword.arg == "filter")
            assert isinstance(condition, ast.Call), place
            filters.append((_text(condition.args[0]), _text(condition.args[1])))
        elif name == "order_by":
            direction = next((ast.unparse(keyword.value) for keyword in call.keywords), "ASCENDING")
            orders.append((_text(call.args[0]), direction.rsplit(".", 1)[-1].strip("'\"")))
        elif name == "sum":  # the index must also contain the summed field
            orders.append((_text(call.args[0]), "ASCENDING"))
    assert collection, (
        f"{place}: write the query as one chain that starts at its collection, so that this test can read it"
    )
    return Query(place, collection, tuple(filters), tuple(orders))


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    return str(getattr(documents, ast.unparse(node).rsplit(".", 1)[-1]))


QUERIES = [query for source in SOURCES for query in queries_in(source)]


def declared() -> list[tuple[str, list[tuple[str, str]]]]:
    return [
        (index["collectionGroup"], [(part["fieldPath"], part["order"]) for part in index["fields"]])
        for index in INDEXES["indexes"]
    ]


def exempt() -> set[tuple[str, str]]:
    return {(row["collectionGroup"], row["fieldPath"]) for row in INDEXES["fieldOverrides"] if not row["indexes"]}


def is_exempt(collection: str, field: str) -> bool:
    """Tell whether a field has no automatic index. A field within a map follows the map unless it has a row of its own.

    Source: https://firebase.google.com/docs/firestore/query-data/index-overview#map-fields
    """
    rows = {(row["collectionGroup"], row["fieldPath"]) for row in INDEXES["fieldOverrides"]}
    names = field.split(".")
    paths = [".".join(names[:length]) for length in range(len(names), 0, -1)]
    nearest = next((path for path in paths if (collection, path) in rows), None)
    return (collection, nearest) in exempt()


def test_the_search_finds_the_history() -> None:
    assert any(query.collection == "transactions" and query.orders for query in QUERIES)


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.place)
def test_a_query_has_its_index(query: Query) -> None:
    index = query.index()
    assert index is None or (query.collection, index) in declared()


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.place)
def test_a_query_without_composite_index_uses_no_exempt_field(query: Query) -> None:
    if query.index() is None:
        assert [field for field in query.fields if is_exempt(query.collection, field)] == []


@pytest.mark.parametrize("source", sorted((ROOT / "web" / "src").rglob("*.ts")), ids=lambda source: source.name)
def test_a_page_queries_by_equality_of_indexed_fields(source: Path) -> None:
    """The automatic indexes serve these; a page that sorts needs an index and a test here."""
    text = source.read_text()
    filters = re.findall(r"\bwhere\(\"([^\"]+)\", \"([^\"]+)\"", text)
    assert len(filters) == text.count("where("), (
        "write a filter's field and operator as literals, so that this test can read them"
    )
    assert {operator for _, operator in filters} <= {"=="}
    assert not {("transactions", field) for field, _ in filters} & exempt()
    assert "orderBy(" not in text


def test_the_rising_timestamp_has_no_single_field_index() -> None:
    """It would limit the ledger to 500 entries per second: https://firebase.google.com/docs/firestore/best-practices."""
    assert ("transactions", "timestamp") in exempt()


NOW = datetime(2026, 11, 21, tzinfo=UTC)
SUBSCRIPTION = Subscription("sub_1", "active", "price_1", NOW, cancel_at_period_end=False, synced_at=NOW)
ACCOUNT = Account(
    "ada",
    recent_purchases=(PurchaseTime(1, 2),),
    open_purchases={"cs_1": OpenPurchase("held", 1)},
    reversed_early=("pi_1",),
    subscription=SUBSCRIPTION,
    last_entry_at=NOW,
    lots=(Lot("grant:ada:1", 5, 1, 0, 0),),
    reservations={"job-1": Reservation(5, 0, 1, "release", "render")},
)
ASKED = ReservationRequest(ReservationKey("ada", "job-1"), 5, 5, "render", 900, "release")
RECORD = PaymentRecord(PaymentFacts(frozenset({RefundMade("re_1", 1)})), first_version={"refunded": None})
STORED: dict[str, Mapping[str, Any]] = {
    "accounts": documents.account_fields(ACCOUNT),
    "users": owner_view.view_fields(ACCOUNT),
    "payments": documents.payment_fields("ada", RECORD),
    "reservations": stored_fields(ASKED, ACCOUNT.reservations["job-1"], NOW),
}


@pytest.mark.parametrize("collection", STORED)
def test_what_rises_or_grows_in_a_document_of_every_change_is_not_indexed(collection: str) -> None:
    """An index on a rising time limits all accounts to 500 writes per second; one on a map has an entry per key."""
    stored = dict(STORED[collection])
    if collection == "users":  # its few fields are indexed one by one: a query finds users by subscription.id
        stored |= {f"subscription.{name}": value for name, value in stored.pop("subscription").items()}
    growing = {name for name, value in stored.items() if isinstance(value, datetime | dict | list)}

    assert growing == {name for group, name in exempt() if group == collection}


def test_every_declared_index_is_used() -> None:
    used = [(query.collection, query.index()) for query in QUERIES]
    assert [index for index in declared() if index not in used] == []
