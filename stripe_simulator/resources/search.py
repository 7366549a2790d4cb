"""Stripe's search, which is eventually consistent (https://docs.stripe.com/search).

A query is one or more clauses, joined by spaces or AND, or all by OR: `email:"ada@example.com"`, `name~"Ada"`,
`metadata["plan"]:"pro"`, `metadata["plan"]:null`, `created>1700000000`; `-` negates a clause. Matching ignores case.
Search sees each customer as it was `search_lag_s` ago.
"""

import copy
import operator
import re
from collections.abc import Callable

from stripe_simulator.engine.errors import ApiError, invalid
from stripe_simulator.engine.objects import StripeObject
from stripe_simulator.engine.simulator import Account

_TEXT_FIELDS = ("email", "name", "phone")
_SUBSTRING_CHARACTERS_MIN = 3
_CLAUSE = re.compile(
    r"""\s*(?P<negation>-)?
    (?P<field>\w+)(?:\[(["'])(?P<key>.+?)\3\])?
    (?P<sign>:|~|>=|<=|>|<)
    (?:(["'])(?P<text>(?:\\.|(?!\6).)*)\6|(?P<number>\d+)|(?P<null>null))
    (?:\s+(?P<joint>AND|OR)(?=\s))?""",
    re.VERBOSE | re.IGNORECASE,
)
_COMPARE: dict[str, Callable[[int, int], bool]] = {
    ":": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}

Clause = Callable[[StripeObject], bool]


def index_customer(account: Account, customer: StripeObject) -> None:
    """Let search find a customer in its current state, once the lag has passed."""
    states = account.store.search_index.setdefault(customer["id"], [])
    states.append((account.clock.exact(), copy.deepcopy(customer)))


def find_customers(account: Account, query: str) -> list[StripeObject]:
    """Return the customers that match a query as far as search can see, newest first, as they are now.

    Raises:
        ApiError: 400; the query cannot be parsed.
    """
    matches = parse_query(query)
    visible_until = account.clock.exact() - account.behavior.search_lag_s
    found = []
    for customer in account.store.newest("customer", lambda customer: not customer.get("deleted")):
        states = account.store.search_index[customer["id"]]
        visible = [state for written_at, state in states if written_at <= visible_until]
        if visible and matches(visible[-1]):
            found.append(customer)
    return found


def parse_query(query: str) -> Clause:
    """Return a function that says whether a customer matches the query.

    Raises:
        ApiError: 400; the query cannot be parsed.
    """
    clauses: list[Clause] = []
    joints: set[str] = set()
    rest = query
    joint: str | None = "first"
    while rest.strip():
        found = _CLAUSE.match(rest)
        if found is None:
            raise _unparsable(query)
        clauses.append(_clause(found, query))
        rest, joint = rest[found.end() :], found["joint"]
        if rest.strip():
            joints.add((joint or "and").lower())
    if joint or len(joints) > 1:
        raise _unparsable(query)
    combine = any if joints == {"or"} else all
    return lambda customer: combine(clause(customer) for clause in clauses)


def _clause(found: re.Match[str], query: str) -> Clause:
    """Return one clause as a function, negated where it starts with `-`."""
    positive = _created_clause(found, query) if found["field"] == "created" else _text_clause(found, query)
    return (lambda customer: not positive(customer)) if found["negation"] else positive


def _created_clause(found: re.Match[str], query: str) -> Clause:
    compare = _COMPARE.get(found["sign"])
    if found["number"] is None or compare is None:
        raise _unparsable(query)
    bound = int(found["number"])
    return lambda customer: compare(customer["created"], bound)


def _text_clause(found: re.Match[str], query: str) -> Clause:
    value_of = _value_of(found["field"], found["key"])
    if found["null"]:
        return lambda customer: value_of(customer) is None
    if found["text"] is None or found["sign"] not in (":", "~"):
        raise _unparsable(query)
    phrase = re.sub(r"\\(.)", r"\1", found["text"]).casefold()
    if found["sign"] == ":":
        return lambda customer: (value_of(customer) or "").casefold() == phrase
    if len(phrase) < _SUBSTRING_CHARACTERS_MIN:
        raise invalid("Substring search requires at least 3 characters.", param="query")
    return lambda customer: phrase in (value_of(customer) or "").casefold()


def _value_of(field: str, key: str | None) -> Callable[[StripeObject], str | None]:
    if field == "metadata" and key is not None:
        return lambda customer: customer["metadata"].get(key)
    if field in _TEXT_FIELDS and key is None:
        return lambda customer: customer[field]
    raise invalid(f"Field `{field}` is an unsupported search field for resource `customers`.", param="query")


def _unparsable(query: str) -> ApiError:
    message = (
        f'We were unable to parse your search query: `{query}`. Try using the format `metadata["key"]:"value"` to '
        'query for metadata or `field:"value"` to query for other fields.'
    )
    return invalid(message, param="query")
