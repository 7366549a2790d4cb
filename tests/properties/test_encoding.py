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


def assert_same(ours: Callable[[], None], theirs: Callable[[], None]) -> bool:
    """Make both calls; tell whether they were accepted. What the library refuses, ours refuses as well."""
    try:
        theirs()
    except ValueError as error:
        with pytest.raises(ValueError, match=re.escape(str(error))):
            ours()
        return False
    ours()
    return True


def assert_equal(ours: firestore.WriteBatch, theirs: firestore.WriteBatch) -> None:
    assert ours._write_pbs == theirs._write_pbs
    assert len(ours) == len(theirs) == 1


@given(documents)
@example(ODD[0])
@example(ODD[2])
@example(ODD[3])
@example(ODD[4])
@example(ODD[5])
@example(ODD[6])
def test_a_created_document_is_the_library_s(fields: dict[str, Any]) -> None:
    ours, theirs = OURS.batch(), LIBRARY.batch()

    if assert_same(
        lambda: ours.create(OURS.document("transactions/spend:ada:ключ"), fields),
        lambda: theirs.create(LIBRARY.document("transactions/spend:ada:ключ"), fields),
    ):
        assert_equal(ours, theirs)


@given(documents)
@example(ODD[0])
@example(ODD[1])
@example(ODD[2])
@example(ODD[4])
def test_an_update_is_the_library_s(fields: dict[str, Any]) -> None:
    ours, theirs = OURS.batch(), LIBRARY.batch()

    if assert_same(
        lambda: ours.update(OURS.document("accounts/ada"), fields, OURS.write_option(last_update_time=READ_AT)),
        lambda: theirs.update(LIBRARY.document("accounts/ada"), fields, LIBRARY.write_option(last_update_time=READ_AT)),
    ):
        assert_equal(ours, theirs)


def test_an_update_of_whatever_is_there_is_the_library_s() -> None:
    ours, theirs = OURS.batch(), LIBRARY.batch()

    ours.update(OURS.document("accounts/ada"), {"balance": 1})
    theirs.update(LIBRARY.document("accounts/ada"), {"balance": 1})

    assert_equal(ours, theirs)


@given(documents)
@example(ODD[0])
@example(ODD[1])
@example(ODD[2])
@example(ODD[4])
def test_a_merge_is_the_library_s(fields: dict[str, Any]) -> None:
    ours, theirs = OURS.batch(), LIBRARY.batch()

    if assert_same(
        lambda: ours.set(OURS.document("users/ada"), fields, merge=list(fields)),
        lambda: theirs.set(LIBRARY.document("users/ada"), fields, merge=list(fields)),
    ):
        assert_equal(ours, theirs)


@pytest.mark.parametrize("merge", [False, True, ["balance"]])
def test_any_other_set_is_the_library_s(merge: bool | list[str]) -> None:
    fields = {"balance": 1, "profile": {"name": "Ada"}}
    ours, theirs = OURS.batch(), LIBRARY.batch()

    ours.set(OURS.document("users/ada"), fields, merge=merge)
    theirs.set(LIBRARY.document("users/ada"), fields, merge=merge)

    assert_equal(ours, theirs)


@pytest.mark.parametrize("value", [2**63, object(), firestore.SERVER_TIMESTAMP, LIBRARY.document("users/ada"), b"x"])
def test_what_is_not_plain_is_left_to_the_library(value: object) -> None:
    ours, theirs = OURS.batch(), LIBRARY.batch()
    fields = {"balance": 1, "odd": [value] if value is not firestore.SERVER_TIMESTAMP else value}

    try:
        theirs.create(LIBRARY.document("users/ada"), fields)
    except (TypeError, ValueError) as error:
        with pytest.raises(type(error)):
            ours.create(OURS.document("users/ada"), fields)
        assert ours._write_pbs == []
    else:
        ours.create(OURS.document("users/ada"), fields)
        assert_equal(ours, theirs)
