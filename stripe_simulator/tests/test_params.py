"""The simulator's reading of Stripe's bracketed form fields."""

import pytest

from stripe_simulator.engine.errors import ApiError
from stripe_simulator.resources.params import (
    Raw,
    Reader,
    amount,
    boolean,
    clearable,
    currency,
    email,
    fields,
    integer,
    list_of,
    merge_metadata,
    metadata,
    one_of,
    parse,
    percent,
    text,
    time_range,
    url,
)


def test_brackets_become_a_tree() -> None:
    pairs = [
        ("a", "1"),
        ("b[c]", "2"),
        ("b[d][e]", "3"),
        ("l[0][x]", "4"),
        ("l[1][x]", "5"),
        ("s[]", "6"),
        ("s[]", "7"),
    ]
    assert parse(pairs) == {
        "a": "1",
        "b": {"c": "2", "d": {"e": "3"}},
        "l": {"0": {"x": "4"}, "1": {"x": "5"}},
        "s": {"0": "6", "1": "7"},
    }


def test_a_field_cannot_be_both_a_value_and_a_hash() -> None:
    with pytest.raises(ApiError):
        parse([("a", "1"), ("a[b]", "2")])


def test_a_list_keeps_its_order_past_ten() -> None:
    pairs = [(f"l[{number}]", str(number)) for number in range(12)]
    assert list_of(integer)(parse(pairs)["l"], "l") == list(range(12))


def test_metadata_may_have_numbers_as_keys() -> None:
    assert fields({"metadata": metadata})(parse([("metadata[0]", "zero")]), "") == {"metadata": {"0": "zero"}}


def test_a_nested_parameter_is_named_in_full() -> None:
    read = fields({"line_items": list_of(fields({"quantity": integer}, required=["quantity"]))})
    with pytest.raises(ApiError) as refused:
        read(parse([("line_items[0][quantity]", "one")]), "")
    assert refused.value.error["param"] == "line_items[0][quantity]"


def test_all_unknown_parameters_are_named() -> None:
    with pytest.raises(ApiError, match="Received unknown parameters: a, b"):
        fields({})({"a": "1", "b": "2"}, "")


@pytest.mark.parametrize(
    ("reader", "raw", "value"),
    [
        (integer, "-5", -5),
        (amount, "0", 0),
        (boolean, "true", True),
        (boolean, "false", False),
        (percent, "12.5", 12.5),
        (currency, "USD", "usd"),
        (email, "a@b.co", "a@b.co"),
        (url, "https://shop.test/a?b={C}", "https://shop.test/a?b={C}"),
        (one_of("a", "b"), "b", "b"),
        (clearable(text), "", None),
        (metadata, "", {}),
        (time_range, "5", {"gte": 5, "lte": 5}),
        (time_range, {"gt": "1", "lte": "9"}, {"gt": 1, "lte": 9}),
    ],
)
def test_a_valid_value_is_read(reader: Reader, raw: Raw, value: object) -> None:
    assert reader(raw, "p") == value


@pytest.mark.parametrize(
    ("reader", "raw"),
    [
        (integer, "1.5"),
        (integer, "٣"),
        (integer, {"0": "1"}),
        (amount, "-1"),
        (amount, "100000000"),
        (boolean, "True"),
        (percent, "0"),
        (percent, "101"),
        (percent, "nan"),
        (percent, "half"),
        (currency, "dollars"),
        (email, "a@b"),
        (url, "/relative"),
        (url, "javascript:alert(1)"),
        (one_of("a", "b"), "c"),
        (text, ""),
        (text, {"a": "b"}),
        (text, "x" * 5001),
        (list_of(text), "x"),
        (list_of(text), {"a": "x"}),
        (metadata, "x"),
        (metadata, {"a": {"b": "c"}}),
        (time_range, {"since": "1"}),
    ],
)
def test_an_invalid_value_is_refused(reader: Reader, raw: Raw) -> None:
    with pytest.raises(ApiError) as refused:
        reader(raw, "p")
    assert refused.value.status == 400


def test_metadata_is_merged_key_by_key() -> None:
    assert merge_metadata({"a": "1", "b": "2"}, {"b": "", "c": "3"}) == {"a": "1", "c": "3"}
    assert merge_metadata({"a": "1"}, {}) == {}
