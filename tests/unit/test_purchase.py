"""What a Checkout Session is: every reason to credit it, to wait, to hold it, or to leave it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from shared.domain.catalog import Catalog, Package, Terms
from shared.domain.purchase import AwaitingPayment, Hold, HoldReason, NotOurs, Purchase, assess_session, over_limit
from shared.domain.times import DAY_S
from shared.runtime.catalog_file import load_catalog
from tests.purchases import PAID_AT, purchase
from tests.stripe_events import session_of

CATALOG = load_catalog()
INTERNATIONAL = load_catalog("international")
NOW = PAID_AT
FORMER = Terms(100, 0, 999, "usd", ended=date(2026, 6, 30))
CURRENT = Terms(110, 10, 999, "usd")
PROMOTED = Package("popular", "Popular Pack", "", (FORMER, CURRENT), promotions=True)


def verdict(session: dict[str, Any], catalog: Catalog = CATALOG, *, livemode: bool = False) -> object:
    return assess_session(session, paid_at=PAID_AT, now=PAID_AT, catalog=catalog, livemode=livemode)


def held(session: dict[str, Any], *, livemode: bool = False) -> tuple[HoldReason, str]:
    hold = verdict(session, livemode=livemode)
    assert isinstance(hold, Hold), hold
    assert hold.session_id == session["id"]
    return hold.reason, hold.message


# --- credited


def test_a_paid_session_at_its_packages_terms_is_a_purchase() -> None:
    assert verdict(session_of()) == Purchase(
        session_id="cs_test_popular",
        uid="ada",
        package_id="popular",
        tokens=110,
        bonus=10,
        subtotal_cents=999,
        paid_cents=999,
        currency="usd",
        customer_id="cus_ada",
        payment_intent_id="pi_popular",
        paid_at=PAID_AT,
    )


@pytest.mark.parametrize("package", CATALOG.packages, ids=lambda package: package.id)
def test_every_package_is_credited_at_its_price(package: Package) -> None:
    cents = package.current.price_cents
    claim = {"package_id": package.id, "tokens": str(package.current.tokens)}

    bought = verdict(session_of(metadata=claim, amount_subtotal=cents, amount_total=cents))

    assert isinstance(bought, Purchase)
    assert (bought.package_id, bought.tokens, bought.paid_cents) == (package.id, package.current.tokens, cents)


@pytest.mark.parametrize(("currency", "amount"), [("usd", 999), ("eur", 949), ("jpy", 1500), ("kwd", 3070)])
def test_a_package_is_credited_at_its_price_in_every_currency(currency: str, amount: int) -> None:
    session = session_of(currency=currency, amount_subtotal=amount, amount_total=amount)

    bought = verdict(session, INTERNATIONAL)

    assert isinstance(bought, Purchase)
    assert (bought.tokens, bought.subtotal_cents, bought.paid_cents, bought.currency) == (110, amount, amount, currency)


@pytest.mark.parametrize(("currency", "amount"), [("eur", 999), ("jpy", 999), ("jpy", 949), ("chf", 999), ("usd", 949)])
def test_the_price_in_one_currency_buys_nothing_in_another(currency: str, amount: int) -> None:
    hold = verdict(session_of(currency=currency, amount_subtotal=amount, amount_total=amount), INTERNATIONAL)

    assert isinstance(hold, Hold)
    assert hold.reason is HoldReason.TERMS_MISMATCH


@pytest.mark.parametrize(("days_later", "credited"), [(0, True), (1, False)])
def test_a_former_price_counts_until_its_day_in_every_currency(days_later: int, *, credited: bool) -> None:
    popular = INTERNATIONAL.find("popular")
    assert popular is not None
    last_day = datetime.fromtimestamp(PAID_AT, UTC).date() - timedelta(days=days_later)
    former = replace(popular.current, currency_options={"eur": 899}, ended=last_day)
    catalog = Catalog("changed", (replace(popular, terms=(former, popular.current)),))

    bought = verdict(session_of(currency="eur", amount_subtotal=899, amount_total=899), catalog)

    assert isinstance(bought, Purchase) is credited


def test_a_delayed_payment_that_came_is_a_purchase() -> None:
    assert isinstance(verdict(session_of("async_payment_succeeded")), Purchase)


def test_tax_on_top_of_the_price_is_paid_but_buys_nothing_more() -> None:
    bought = verdict(session_of("completed_taxed"))

    assert isinstance(bought, Purchase)
    assert (bought.tokens, bought.subtotal_cents, bought.paid_cents) == (110, 999, 1189)


def test_tax_within_the_price_is_no_discount() -> None:
    within = {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 160}

    assert isinstance(verdict(session_of(total_details=within)), Purchase)


def test_a_purchase_names_the_session_the_customer_and_what_was_paid() -> None:
    posting = purchase("cs_1", payment_intent_id="pi_1").new_entry()

    assert (posting.id, posting.type, posting.amount) == ("purchase:cs_1", "purchase", 110)
    assert posting.details == {
        "packageId": "popular",
        "bonus": 10,
        "stripeSessionId": "cs_1",
        "stripeCustomerId": "cus_ada",
        "stripePaymentIntentId": "pi_1",
        "paymentAmount": 999,
        "paymentAmountCents": 999,
        "subtotalCents": 999,
        "currency": "usd",
        "paymentAmountUSD": 9.99,
    }


def test_only_dollars_are_called_dollars() -> None:
    assert "paymentAmountUSD" not in purchase(currency="eur").new_entry().details


# --- promotions


@pytest.mark.parametrize(("name", "paid"), [("completed_discounted", 799), ("completed_free", 0)])
def test_a_discount_counts_where_promotions_are_allowed(name: str, paid: int) -> None:
    bought = verdict(session_of(name), Catalog("promoted", (PROMOTED,)))

    assert isinstance(bought, Purchase)
    assert (bought.tokens, bought.subtotal_cents, bought.paid_cents) == (110, 999, paid)


@pytest.mark.parametrize("name", ["completed_discounted", "completed_free"])
def test_a_discount_is_held_where_promotions_are_not_allowed(name: str) -> None:
    reason, message = held(session_of(name))

    assert reason is HoldReason.DISCOUNT_NOT_ALLOWED
    assert message.startswith("Package validation failed: ")


def test_less_than_the_price_is_held_though_no_discount_is_told() -> None:
    assert held(session_of(amount_total=1))[0] is HoldReason.DISCOUNT_NOT_ALLOWED


def test_more_off_than_the_told_discount_is_held() -> None:
    session = session_of("completed_discounted", amount_total=1)

    outcome = verdict(session, Catalog("promoted", (PROMOTED,)))

    assert isinstance(outcome, Hold)
    assert outcome.reason is HoldReason.DISCOUNT_NOT_ALLOWED


# --- waiting, and not ours


def test_an_unpaid_session_waits() -> None:
    assert verdict(session_of("completed_unpaid")) == AwaitingPayment("cs_test_delayed", "ada")


def test_an_unpaid_session_of_nobody_waits_too() -> None:
    assert verdict(session_of("completed_unpaid", metadata={"firebase_uid": None})) == AwaitingPayment(
        "cs_test_delayed", None
    )


@pytest.mark.parametrize("metadata", [None, {}, {"purchase_type": "shirt"}, {"purchase_type": ["token_package"]}, []])
def test_a_session_without_our_purchase_type_is_not_ours(metadata: object) -> None:
    assert verdict({**session_of(), "metadata": metadata}) == NotOurs()


def test_another_products_session_is_not_ours() -> None:
    assert verdict(session_of("completed_other_product")) == NotOurs()


# --- held


@pytest.mark.parametrize(("ours", "theirs"), [(False, True), (True, False), (False, None)])
def test_the_other_livemode_is_held(ours: bool, theirs: object) -> None:
    reason, message = held(session_of(livemode=theirs), livemode=ours)

    assert reason is HoldReason.WRONG_LIVEMODE
    assert message == f"Package validation failed: livemode is {theirs}"


@pytest.mark.parametrize("key", ["firebase_uid", "package_id", "tokens"])
@pytest.mark.parametrize("value", [None, ""])
def test_missing_metadata_is_held_and_named(key: str, value: str | None) -> None:
    assert held(session_of(metadata={key: value})) == (
        HoldReason.MISSING_METADATA,
        f"Missing required metadata for token purchase: {key}",
    )


def test_all_that_is_missing_is_named_at_once() -> None:
    _, message = held(session_of(metadata={"firebase_uid": None, "tokens": None}))

    assert message == "Missing required metadata for token purchase: firebase_uid, tokens"


@pytest.mark.parametrize("uid", ["a/b", ".", "..", "__all__", "x" * 129, "a\x00b", "\ud800", 7, ["ada"]])
def test_a_uid_that_could_name_no_document_is_held_for_nobody(uid: object) -> None:
    hold = verdict(session_of(metadata={"firebase_uid": uid}))

    assert isinstance(hold, Hold)
    assert (hold.reason, hold.uid) == (HoldReason.MISSING_METADATA, None)


@pytest.mark.parametrize("uid", ["ada", "x" * 128, "ä b", "...", "__", "a__b__"])
def test_a_uid_may_otherwise_be_any_text(uid: str) -> None:
    bought = verdict(session_of(metadata={"firebase_uid": uid}))

    assert isinstance(bought, Purchase)
    assert bought.uid == uid


@pytest.mark.parametrize(
    "tokens", ["-110", "110.0", "1e3", "0", "0110", " 110", "+110", "\u0661\u0661\u0660", "1" * 10, "many", 110]
)
def test_tokens_that_are_no_plain_whole_number_are_held(tokens: object) -> None:
    reason, message = held(session_of(metadata={"tokens": tokens}))

    assert reason is HoldReason.INVALID_TOKENS
    assert message == f"Invalid token amount: {str(tokens)!r}"


@pytest.mark.parametrize("package_id", ["gold", "Popular", "premium", 7])
def test_a_package_that_is_not_in_the_catalog_is_held(package_id: object) -> None:
    assert held(session_of(metadata={"package_id": package_id})) == (
        HoldReason.UNKNOWN_PACKAGE,
        f"Package validation failed: no package {str(package_id)!r}",
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"metadata": {"tokens": "99999"}}, "99999 tokens for 999 usd"),
        ({"metadata": {"package_id": "creator"}}, "110 tokens for 999 usd"),
        ({"amount_subtotal": 1, "amount_total": 1}, "110 tokens for 1 usd"),
        ({"amount_subtotal": 9999, "amount_total": 9999}, "110 tokens for 9999 usd"),
        ({"currency": "eur"}, "110 tokens for 999 eur"),
        ({"currency": None}, "110 tokens for 999 None"),
    ],
    ids=["more tokens", "a larger package", "a smaller price", "a higher price", "another currency", "no currency"],
)
def test_a_claim_that_is_not_the_packages_terms_is_held(changes: dict[str, Any], said: str) -> None:
    reason, message = held(session_of(**changes))

    assert reason is HoldReason.TERMS_MISMATCH
    assert message.startswith("Package validation failed: ")
    assert said in message


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("payment_status", None),
        ("payment_status", "mystery"),
        ("payment_status", "no_payment_required"),
        ("created", None),
        ("created", "yesterday"),
        ("created", 10**18),
        ("created", -1),
        ("amount_subtotal", None),
        ("amount_subtotal", 999.0),
        ("amount_total", None),
        ("amount_total", "999"),
        ("amount_total", True),
        ("amount_total", -999),
        ("amount_total", 2**63),
    ],
)
def test_a_session_that_cannot_be_read_is_held_and_says_why(field: str, value: Any) -> None:  # noqa: ANN401 - JSON
    assert held(session_of(**{field: value})) == (
        HoldReason.MALFORMED_SESSION,
        f"Package validation failed: the session's {field} cannot be read",
    )


def test_a_hold_keeps_claims_and_ids_but_nothing_personal() -> None:
    hold = verdict(session_of(metadata={"tokens": "99999"}))

    assert isinstance(hold, Hold)
    assert (hold.uid, hold.paid_at) == ("ada", PAID_AT)
    assert hold.evidence == {
        "packageId": "popular",
        "tokens": "99999",
        "amountTotal": 999,
        "amountSubtotal": 999,
        "amountTax": 0,
        "currency": "usd",
        "customerId": "cus_ada",
        "paymentIntentId": "pi_popular",
        "livemode": False,
    }
    assert "example" not in repr(hold)


def test_a_purchase_over_the_limit_is_held_with_all_a_person_needs_to_decide() -> None:
    hold = over_limit(purchase("cs_1", payment_intent_id="pi_1"))

    assert hold.reason is HoldReason.LIMIT_EXCEEDED
    assert hold.message == "Rate limit exceeded: user ada bought too often"
    assert (hold.evidence["tokens"], hold.evidence["paymentIntentId"]) == (110, "pi_1")


# --- times


@pytest.mark.parametrize(
    ("created", "paid_at", "plausible"),
    [
        (NOW, NOW, True),
        (NOW + 300, NOW + 300, True),
        (NOW + 301, NOW, False),
        (NOW, NOW + 301, False),
        (NOW - 31 * DAY_S, NOW - 31 * DAY_S, True),
        (NOW - 31 * DAY_S - 1, NOW, False),
        (NOW - 40 * DAY_S, NOW - 31 * DAY_S - 1, False),
    ],
    ids=["now", "clocks differ", "session ahead", "event ahead", "kept so long", "old session", "old event"],
)
def test_a_time_that_stripe_cannot_have_sent_is_held(created: int, paid_at: int, *, plausible: bool) -> None:
    """Whoever forges events chooses their times; the limits by payment time would never bind."""
    assessed = assess_session(session_of(created=created), paid_at=paid_at, now=NOW, catalog=CATALOG, livemode=False)

    if plausible:
        assert isinstance(assessed, Purchase)
    else:
        assert isinstance(assessed, Hold)
        assert assessed.reason is HoldReason.IMPLAUSIBLE_TIME


# --- former terms


def bought_at_former_terms(begun_at: datetime) -> object:
    begun = int(begun_at.timestamp())
    session = session_of(metadata={"tokens": "100"}, created=begun)
    return assess_session(session, paid_at=begun, now=begun, catalog=Catalog("changed", (PROMOTED,)), livemode=False)


@pytest.mark.parametrize("begun_at", [datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 6, 30, 23, 59, 59, tzinfo=UTC)])
def test_former_terms_are_honoured_until_their_last_day_is_over(begun_at: datetime) -> None:
    bought = bought_at_former_terms(begun_at)

    assert isinstance(bought, Purchase)
    assert (bought.tokens, bought.bonus) == (100, 0)


def test_former_terms_are_not_honoured_afterwards() -> None:
    hold = bought_at_former_terms(datetime(2026, 7, 1, tzinfo=UTC))

    assert isinstance(hold, Hold)
    assert hold.reason is HoldReason.TERMS_MISMATCH


def test_it_counts_when_the_purchase_was_begun_not_when_it_was_paid() -> None:
    begun = int(datetime(2026, 6, 30, 12, tzinfo=UTC).timestamp())
    session = session_of(metadata={"tokens": "100"}, created=begun)

    bought = assess_session(
        session,
        paid_at=begun + 3 * 86_400,
        now=begun + 3 * 86_400,
        catalog=Catalog("changed", (PROMOTED,)),
        livemode=False,
    )

    assert isinstance(bought, Purchase)
