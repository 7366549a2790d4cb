"""Our encoding of documents against google-cloud-firestore's own, over any document."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from google.api_core.datetime_helpers import DatetimeWithNanoseconds
from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore
from hypothesis import example, given
from hypothesis import strategies as st

from shared.adapters.firestore.client import Client

LIBRARY = firestore.Client(project="demo", credentials=AnonymousCredentials())
OURS = Client(project="demo", credentials=AnonymousCredentials())
READ_AT = DatetimeWithNanoseconds(2026, 11, 1, 10, 30, nanosecond=123_456_789, tzinfo=UTC)

times = st.datetimes(
    min_value=datetime(1970, 1, 2),  # noqa: DTZ001 - hypothesis wants it without a zone
    max_value=datetime(2999, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=-5, minutes=30))]),
)
integers = st.integers(-(2**63), 2**63 - 1)
scalars = st.none() | st.booleans() | integers | st.floats(allow_nan=False) | st.text() | times | st.just(READ_AT)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
names = st.from_regex(r"[a-zA-Z_][a-zA-Z_0-9]*", fullmatch=True)
documents = st.dictionaries(names, values, min_size=1, max_size=5)

# What the product writes besides: a tuple, a field that is removed, an empty map or list, a name that needs quotes.
ODD: list[dict[str, Any]] = [
    {"lots": ({"left": 1}, {"left": 2})},
    {"kept": 1, "removed": firestore.DELETE_FIELD},
    {"openPurchases": {}, "recentPurchases": []},
    {"balance": True, "spent": 1.0},
    {"`": 1},
    {"in": {"a map": {"with.dots": None}}},
    {"in": {"": 1}},
]


def assert_same(write: Callable[[firestore.Client, firestore.WriteBatch], None]) -> None:
    """Write by both clients: they make the same message, or refuse alike and make none."""
    ours, theirs = OURS.batch(), LIBRARY.batch()
    try:
        write(LIBRARY, theirs)
    except (TypeError, ValueError) as error:
        with pytest.raises(type(error), match=re.escape(str(error))):
            write(OURS, ours)
    else:
        write(OURS, ours)
    assert ours._write_pbs == theirs._write_pbs
    assert len(ours) == len(theirs) == len(theirs._write_pbs)


@given(documents)
@example(ODD[0])
@example(ODD[2])
@example(ODD[3])
@example(ODD[4])
@example(ODD[5])
@example(ODD[6])
def test_a_created_document_is_the_library_s(fields: dict[str, Any]) -> None:
    assert_same(lambda client, batch: batch.create(client.document("transactions/spend:ada:ключ"), fields))


@given(documents)
@example(ODD[0])
@example(ODD[1])
@example(ODD[2])
@example(ODD[4])
def test_an_update_is_the_library_s(fields: dict[str, Any]) -> None:
    assert_same(
        lambda client, batch: batch.update(
            client.document("accounts/ada"), fields, client.write_option(last_update_time=READ_AT)
        )
    )


def test_an_update_of_whatever_is_there_is_the_library_s() -> None:
    assert_same(lambda client, batch: batch.update(client.document("accounts/ada"), {"balance": 1}))


@given(documents)
@example(ODD[0])
@example(ODD[1])
@example(ODD[2])
@example(ODD[4])
def test_a_merge_is_the_library_s(fields: dict[str, Any]) -> None:
    assert_same(lambda client, batch: batch.set(client.document("users/ada"), fields, merge=list(fields)))


@pytest.mark.parametrize("merge", [False, True, ["balance"]])
def test_any_other_set_is_the_library_s(merge: bool | list[str]) -> None:
    fields = {"balance": 1, "profile": {"name": "Ada"}}

    assert_same(lambda client, batch: batch.set(client.document("users/ada"), fields, merge=merge))


@pytest.mark.parametrize("value", [2**63, object(), firestore.SERVER_TIMESTAMP, LIBRARY.document("users/ada"), b"x"])
def test_what_is_not_plain_is_left_to_the_library(value: object) -> None:
    fields = {"balance": 1, "odd": value, "list": [] if value is firestore.SERVER_TIMESTAMP else [value]}

    assert_same(lambda client, batch: batch.create(client.document("users/ada"), fields))
