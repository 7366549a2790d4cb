"""functions/reconcile: it publishes lost events again, alerts on forged purchases and drift, and may end early."""

import base64
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.cloud import firestore as google_firestore

from shared.adapters.firestore.audit import LedgerAudit
from shared.adapters.firestore.database import Database
from shared.adapters.firestore.ledger import Ledger
from shared.adapters.firestore.store import AccountRead, AccountStore
from shared.domain.change import Stored
from shared.domain.entry import NewEntry
from shared.domain.errors import StripeRefused, Unavailable
from shared.domain.payment_events import fact_of
from shared.domain.purchase import Hold, HoldReason
from shared.domain.reconciliation import BalanceCheck, Report, begin, days_to_check
from tests.deployed import Deployed, deployed
from tests.fakes.firestore import FakeFirestore
from tests.ledgers import ledger_of
from tests.purchases import NO_LIMITS, purchase
from tests.wallets import Wallet

SETTINGS = {"GOOGLE_CLOUD_PROJECT": "demo", "STRIPE_SECRET_KEY": "sk_test_1"}
PAID_AT = int(time.time()) - 3600
METADATA = {"purchase_type": "token_package", "firebase_uid": "ada", "package_id": "popular", "tokens": "110"}


def event(type_: str, stripe_object: Mapping[str, Any], **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - a field's value
    id_ = f"evt_{type_}_{stripe_object['id']}".replace(".", "_")
    data = {"object": dict(stripe_object)}
    return {"id": id_, "type": type_, "created": PAID_AT, "livemode": False, "data": data, **changes}


def session(id_: str = "cs_1", **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - a field's value
    return {
        "id": id_,
        "object": "checkout.session",
        "livemode": False,
        "created": PAID_AT - 60,
        "payment_status": "paid",
        "amount_subtotal": 999,
        "amount_total": 999,
        "currency": "usd",
        "customer": "cus_ada",
        "payment_intent": f"pi_{id_}",
        "metadata": METADATA,
        **changes,
    }


def refund(status: str) -> dict[str, Any]:
    return {"id": "re_1", "object": "refund", "payment_intent": "pi_cs_1", "amount": 500, "status": status}


def dispute(status: str, *, payment: str | None = "pi_cs_1") -> dict[str, Any]:
    withdrawn = {"id": "txn_1", "amount": -999, "currency": "usd"}
    return {
        "id": "dp_1",
        "object": "dispute",
        "payment_intent": payment,
        "amount": 999,
        "currency": "usd",
        "status": status,
        "balance_transactions": [withdrawn],
    }


COMPLETED = event("checkout.session.completed", session())
REFUNDED = event(
    "charge.refunded", {"id": "ch_1", "payment_intent": "pi_cs_1", "amount_refunded": 500, "metadata": METADATA}
)
REFUND_CREATED = event("refund.created", refund("succeeded"))
REFUND_FAILED = event("refund.failed", refund("failed"))
DISPUTED = event("charge.dispute.created", dispute("needs_response"))
LOST = event("charge.dispute.closed", dispute("lost"))
NOT_PAID = event("checkout.session.async_payment_failed", session(payment_status="unpaid"))


class FakeStripe:
    """Events, newest first; sessions, which are paid unless `sessions` says otherwise; and the metadata of payments."""

    def __init__(self) -> None:
        self.history: list[dict[str, Any]] = []
        self.sessions: dict[str, dict[str, Any] | None] = {}
        self.payments: dict[str, dict[str, str]] = {}
        self.asked_since: list[int] = []
        self.asked_sessions: list[str] = []
        self.away_after: int | None = None
        self.refuses = False

    def events(self, types: Iterable[str], *, since: int, after: str | None = None) -> Iterator[dict[str, Any]]:
        self.asked_since.append(since)
        ids = [one["id"] for one in self.history]
        start = 0 if after is None else ids.index(after) + 1
        for number, one in enumerate(self.history[start:]):
            if number == self.away_after:
                raise Unavailable("stripe_unavailable")
            if one["type"] in types:
                yield deepcopy(one)

    def metadata_of_payment(self, payment_intent_id: str) -> dict[str, str]:
        if self.refuses:
            raise StripeRefused
        return self.payments.get(payment_intent_id, {})

    def session(self, session_id: str) -> dict[str, Any] | None:
        self.asked_sessions.append(session_id)
        if self.refuses:
            raise StripeRefused
        return self.sessions.get(session_id, session(session_id))


class FakeTopic:
    """Takes what is published, unless it is away."""

    def __init__(self) -> None:
        self.published: list[str] = []
        self.away = False

    def publish(
        self, payload: bytes, event: Mapping[str, Any], purchase_type: str, *, source: str | None = None
    ) -> str:
        if self.away:
            raise Unavailable("not_published")
        assert json.loads(payload) == event
        assert (purchase_type, source) == ("token_package", "stripe_api")
        self.published.append(event["id"])
        return str(len(self.published))


@pytest.fixture
def firestore() -> FakeFirestore:
    return FakeFirestore()


@pytest.fixture
def ledger(firestore: FakeFirestore) -> Ledger:
    return ledger_of(firestore.as_client())


@pytest.fixture
def stripe() -> FakeStripe:
    return FakeStripe()


@pytest.fixture
def topic() -> FakeTopic:
    return FakeTopic()


@pytest.fixture
def function(ledger: Ledger, stripe: FakeStripe, topic: FakeTopic) -> Iterator[Deployed]:
    with deployed("reconcile", SETTINGS, parts=(ledger, stripe, topic)) as function:
        yield function


def run(function: Deployed, **body: int) -> dict[str, Any]:
    answer = function.post(body)
    assert answer.status_code == 200
    assert answer.json is not None
    return dict(answer.json)


def credit(ledger: Ledger, *session_ids: str) -> None:
    for session_id in session_ids:
        ledger.credit(purchase(session_id), NO_LIMITS)


def give_account(ledger: Ledger, uid: str) -> None:
    ledger.post(uid, NewEntry(f"grant:{uid}", "grant", 1, {"reason": "test"}), create_account=True)


def set_balance(firestore: FakeFirestore, uid: str, balance: int) -> None:
    """Write a balance as nobody but an intruder would."""
    firestore.put(f"accounts/{uid}", {**(firestore.fields_of(f"accounts/{uid}") or {}), "balance": balance})


def last_report(ledger: Ledger) -> Report:
    report = LedgerAudit(ledger.store).last_report()
    assert report is not None
    return report


# --- what the ledger lacks


@pytest.mark.parametrize(
    "lost",
    [COMPLETED, event("checkout.session.async_payment_succeeded", session()), REFUNDED, NOT_PAID],
    ids=lambda lost: lost["type"],
)
def test_an_event_that_the_ledger_does_not_know_is_published_again(
    function: Deployed, stripe: FakeStripe, topic: FakeTopic, lost: dict[str, Any]
) -> None:
    stripe.history = [lost]

    answer = run(function)

    assert topic.published == [lost["id"]]
    assert answer == {
        "success": True,
        "done": True,
        "settled": 0,
        "events": 1,
        "republished": 1,
        "purchases_checked": 0,
        "unknown_purchases": [],
        "users_checked": 1,
        "drifted": [],
    }


def test_a_paid_session_that_is_to_be_held_is_published_again(
    function: Deployed, stripe: FakeStripe, topic: FakeTopic
) -> None:
    lost = event("checkout.session.completed", session(amount_subtotal=1, amount_total=1))
    stripe.history = [lost]

    run(function)

    assert topic.published == [lost["id"]]


@pytest.mark.parametrize(
    "lost", [REFUNDED, REFUND_CREATED, REFUND_FAILED, DISPUTED, LOST], ids=lambda lost: lost["type"]
)
def test_a_reversal_of_a_known_purchase_is_published_again(
    function: Deployed, ledger: Ledger, stripe: FakeStripe, topic: FakeTopic, lost: dict[str, Any]
) -> None:
    credit(ledger, "cs_1")
    stripe.history = [lost, COMPLETED]

    run(function)

    assert topic.published == [lost["id"]]


def test_what_the_ledger_knows_is_not_published_again(
    function: Deployed, ledger: Ledger, stripe: FakeStripe, topic: FakeTopic
) -> None:
    credit(ledger, "cs_1")
    facts = [REFUNDED, REFUND_CREATED, REFUND_FAILED, DISPUTED, LOST]
    for one in facts:
        learn(ledger, one)
    stripe.history = [*facts, NOT_PAID, COMPLETED]

    answer = run(function)

    assert (answer["events"], answer["republished"], topic.published) == (7, 0, [])


def learn(ledger: Ledger, event: Mapping[str, Any]) -> None:
    found = fact_of(event)
    assert found is not None
    ledger.reverse("ada", *found)


def test_a_held_purchase_is_known(function: Deployed, ledger: Ledger, stripe: FakeStripe, topic: FakeTopic) -> None:
    for id_, uid in (("cs_1", "ada"), ("cs_2", None)):
        ledger.hold(Hold(id_, HoldReason.TERMS_MISMATCH, "no terms", uid, PAID_AT))
    nobodys = session("cs_2", metadata={"purchase_type": "token_package"})
    stripe.history = [COMPLETED, event("checkout.session.completed", nobodys)]

    assert run(function)["republished"] == 0


def test_a_delayed_payment_that_arrived_is_published_again_though_the_account_waits_for_it(
    function: Deployed, ledger: Ledger, stripe: FakeStripe, topic: FakeTopic
) -> None:
    ledger.set_open_purchase("ada", "cs_1", "waiting")
    stripe.history = [event("checkout.session.async_payment_succeeded", session())]

    assert run(function)["republished"] == 1


def test_a_payment_that_failed_is_published_again_while_the_account_waits_for_it(
    function: Deployed, ledger: Ledger, stripe: FakeStripe
) -> None:
    ledger.set_open_purchase("ada", "cs_1", "waiting")
    stripe.history = [NOT_PAID]

    assert run(function)["republished"] == 1


def test_a_payment_that_is_known_to_have_failed_is_not_published_again(
    function: Deployed, ledger: Ledger, stripe: FakeStripe
) -> None:
    ledger.set_open_purchase("ada", "cs_1", "failed")
    stripe.history = [NOT_PAID]

    assert run(function)["republished"] == 0


@pytest.mark.parametrize(
    "other",
    [
        event("checkout.session.completed", session(metadata={"purchase_type": "shirt"})),
        event("checkout.session.completed", session(payment_status="unpaid")),
        event("checkout.session.completed", session(), livemode=True),
        event("checkout.session.async_payment_failed", session(metadata={"purchase_type": "token_package"})),
        event("charge.dispute.created", dispute("lost", payment="pi_shirt")),
        event("charge.dispute.created", dispute("lost", payment=None)),
        {**COMPLETED, "account": "acct_connected"},
        {**REFUNDED, "account": "acct_connected"},
    ],
    ids=[
        "another product",
        "unpaid",
        "the other mode",
        "no user",
        "a shirt's dispute",
        "no payment",
        "a connected account's purchase",
        "a connected account's refund",
    ],
)
def test_what_does_not_concern_the_ledger_is_only_counted(
    function: Deployed, stripe: FakeStripe, other: dict[str, Any]
) -> None:
    stripe.history = [other]

    answer = run(function)

    assert (answer["events"], answer["republished"]) == (1, 0)


def test_a_dispute_of_a_purchase_that_is_lost_too_is_found_by_its_payment(
    function: Deployed, stripe: FakeStripe, topic: FakeTopic
) -> None:
    stripe.history = [DISPUTED]
    stripe.payments = {"pi_cs_1": session()["metadata"]}

    run(function)

    assert topic.published == [DISPUTED["id"]]


def test_a_lost_reversal_of_a_purchase_without_a_buyer_is_published_again_until_it_is_noted(
    function: Deployed, ledger: Ledger, stripe: FakeStripe, topic: FakeTopic
) -> None:
    """Whoever releases its hold has to see the dispute."""
    stripe.history = [DISPUTED]
    stripe.payments = {"pi_cs_1": {"purchase_type": "token_package"}}
    assert run(function)["republished"] == 1

    found = fact_of(DISPUTED)
    assert found is not None
    ledger.note_fact(*found)

    assert run(function)["republished"] == 0


def test_an_event_whose_object_lacks_a_field_does_not_stop_the_others(
    function: Deployed, stripe: FakeStripe, topic: FakeTopic
) -> None:
    stripe.history = [event("charge.refunded", {"id": "ch_1", "payment_intent": "pi_cs_1"}), COMPLETED]

    assert run(function)["done"]

    assert topic.published == [COMPLETED["id"]]


def test_what_was_published_again_and_processed_is_not_missing_any_more(
    function: Deployed, ledger: Ledger, stripe: FakeStripe
) -> None:
    """The events that reconcile publishes are what credit_tokens processes."""
    stripe.history = [LOST, DISPUTED, REFUND_FAILED, REFUND_CREATED, REFUNDED, COMPLETED]
    stripe.payments = {"pi_cs_1": METADATA}
    assert run(function)["republished"] == 6

    with deployed("credit_tokens", SETTINGS, parts=(ledger, lambda: stripe)) as credit_tokens:
        for one in stripe.history:
            data = base64.b64encode(json.dumps(one).encode()).decode()
            assert credit_tokens.post({"message": {"data": data}}).status_code == 200

    again = run(function)
    assert (again["republished"], again["drifted"], again["unknown_purchases"]) == (0, [], [])


# --- the other way round: what Stripe does not confirm


def unknown_alerts(firestore: FakeFirestore) -> list[str]:
    return [path for path in firestore.paths("security_alerts") if "unknown_purchase" in path]


def test_a_purchase_that_stripe_does_not_know_raises_one_alert(
    function: Deployed,
    ledger: Ledger,
    firestore: FakeFirestore,
    stripe: FakeStripe,
    capsys: pytest.CaptureFixture[str],
) -> None:
    credit(ledger, "cs_genuine", "cs_forged")
    stripe.sessions = {"cs_forged": None}

    answer = run(function)
    assert run(function)["unknown_purchases"] == ["cs_forged"]

    assert (answer["purchases_checked"], answer["unknown_purchases"]) == (2, ["cs_forged"])
    assert unknown_alerts(firestore) == ["security_alerts/unknown_purchase:cs_forged"]
    alert = firestore.fields_of("security_alerts/unknown_purchase:cs_forged")
    assert alert is not None
    assert (alert["type"], alert["severity"], alert["userId"]) == ("unknown_purchase", "critical", "ada")
    assert alert["seen"] == {"sessionId": "cs_forged", "tokens": 110}
    logged = [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()]
    assert (logged.count("reconcile.unknown_purchase"), logged.count("alert.raised")) == (2, 1)
    report = firestore.fields_of(f"reconciliation_reports/{datetime.now(UTC):%Y-%m-%d}")
    assert report is not None
    assert (report["purchasesChecked"], report["unknownPurchases"]) == (4, ["cs_forged"])


@pytest.mark.parametrize(
    "in_stripe",
    [
        session("cs_1", payment_status="unpaid"),
        session("cs_1", metadata={**METADATA, "firebase_uid": "bob"}),
        session("cs_1", metadata={**METADATA, "tokens": "50"}),
        session("cs_1", amount_total=499),
        session("cs_1", currency="jpy"),
        session("cs_1", metadata=None),
    ],
    ids=["unpaid", "another buyer's", "fewer tokens", "less money", "other money", "not for tokens"],
)
def test_a_purchase_that_stripe_reports_otherwise_raises_an_alert(
    function: Deployed, ledger: Ledger, stripe: FakeStripe, in_stripe: dict[str, Any]
) -> None:
    """Whoever forges an event may name a session that exists, and that nobody paid."""
    credit(ledger, "cs_1")
    stripe.sessions = {"cs_1": in_stripe}

    assert run(function)["unknown_purchases"] == ["cs_1"]


def test_a_purchase_that_was_released_to_another_user_is_confirmed_by_its_payment(
    function: Deployed, ledger: Ledger, stripe: FakeStripe
) -> None:
    entry = purchase("cs_1").new_entry()
    released = NewEntry(entry.id, entry.type, 100, {**entry.details, "released": True})
    ledger.post("bob", released, create_account=True)

    assert run(function)["unknown_purchases"] == []

    stripe.sessions = {"cs_1": None}
    assert run(function)["unknown_purchases"] == ["cs_1"]


def test_purchases_whose_events_were_read_cost_no_call_and_two_reads_each(
    function: Deployed, ledger: Ledger, firestore: FakeFirestore, stripe: FakeStripe
) -> None:
    ids = [f"cs_{number}" for number in range(20)]
    credit(ledger, *ids)
    stripe.history = [event("checkout.session.completed", session(id_)) for id_ in ids]
    run(function)
    firestore.forget()

    answer = run(function, users=0)

    assert (answer["events"], answer["purchases_checked"], stripe.asked_sessions) == (20, 20, [])
    # Per purchase, its entry twice. The rest: the last report, ada's balance (3 reads, 20 entries summed, of which the
    # fake bills each and Firestore one per 1,000), an empty query for yesterday, the report that is saved, and 16
    # empty queries for accounts in which something expires.
    assert firestore.reads == 20 * 2 + 1 + 3 + 20 + 1 + 1 + 16


def test_purchases_are_checked_once_over_several_calls(
    firestore: FakeFirestore, ledger: Ledger, stripe: FakeStripe, topic: FakeTopic
) -> None:
    """Each look at the clock finds the time used up: one purchase per call."""
    yesterday = datetime.now(UTC) - timedelta(days=1)
    credit(ledger_of(firestore.as_client(), clock=lambda: yesterday), "cs_1", "cs_2")
    credit(ledger, "cs_3")
    stripe.sessions = {"cs_2": None, "cs_3": None}

    with deployed("reconcile", SETTINGS, parts=(ledger, stripe, topic, TimeIsUp().seconds)) as function:
        answers = [run(function, users=0) for _ in range(4)]

    assert [answer["done"] for answer in answers] == [False, False, False, True]
    assert [answer["purchases_checked"] for answer in answers] == [1, 1, 1, 0]
    assert [answer["unknown_purchases"] for answer in answers] == [[], ["cs_2"], ["cs_3"], []]
    assert stripe.asked_sessions == ["cs_1", "cs_2", "cs_3"]


def test_more_purchases_than_a_page_has_are_all_checked(
    function: Deployed, ledger: Ledger, stripe: FakeStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(function.main, "_PAGE", 2)
    credit(ledger, *(f"cs_{number}" for number in range(5)))

    assert run(function)["purchases_checked"] == 5
    assert sorted(stripe.asked_sessions) == [f"cs_{number}" for number in range(5)]


def test_a_session_that_stripe_refuses_to_show_does_not_stop_the_others(
    function: Deployed, ledger: Ledger, stripe: FakeStripe, capsys: pytest.CaptureFixture[str]
) -> None:
    credit(ledger, "cs_1", "cs_2")
    stripe.refuses = True

    answer = run(function)

    assert (answer["done"], answer["purchases_checked"], answer["unknown_purchases"]) == (True, 2, [])
    logged = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    skipped = [one["session_id"] for one in logged if one["event"] == "reconcile.skipped"]
    assert skipped == ["cs_1", "cs_2"]


def test_a_pass_checks_the_purchases_of_its_day_and_of_the_day_before() -> None:
    report = Report(NOW, 3)
    assert days_to_check(report) == ["2026-11-20", "2026-11-21"]
    report.last_purchase = "2026-11-21/purchase:cs_1"
    assert days_to_check(report) == ["2026-11-21"]
    assert report.last_purchase_on("2026-11-21") == "purchase:cs_1"
    assert report.last_purchase_on("2026-11-20") is None


# --- drift


def test_a_balance_that_is_not_the_sum_of_the_entries_raises_an_alert(
    function: Deployed, ledger: Ledger, firestore: FakeFirestore, capsys: pytest.CaptureFixture[str]
) -> None:
    credit(ledger, "cs_1")
    set_balance(firestore, "ada", 111)
    give_account(ledger, "bob")

    assert run(function)["drifted"] == ["ada"]
    assert run(function)["drifted"] == ["ada"]

    [path] = firestore.paths("security_alerts")  # one per day, or a closed one would hide the next
    assert path == f"security_alerts/drift:ada:{datetime.now(UTC):%Y-%m-%d}"
    alert = firestore.fields_of(path)
    assert alert is not None
    assert (alert["type"], alert["severity"], alert["status"]) == ("ledger_drift", "critical", "open")
    assert alert["seen"] == {"balance": 111, "sumOfEntries": 110, "shown": 110, "faults": []}
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    drift = next(record for record in records if record["event"] == "ledger.drift")
    assert (drift["severity"], drift["user_id"]) == ("ERROR", "ada")


@pytest.fixture
def past(firestore: FakeFirestore) -> Wallet:
    """Ada's tokens of two days ago."""
    wallet = Wallet(firestore.as_client(), now=datetime.now(UTC) - timedelta(days=2))
    wallet.buy(100)
    return wallet


def test_what_has_expired_in_an_idle_account_is_settled(function: Deployed, past: Wallet) -> None:
    past.reserve("job", 30, on_expiry="capture_used", expires_in_s=60)
    past.renew("job", used=20, expires_in_s=60)
    past.grant("gift", 50, expires_in_days=30)

    assert run(function)["settled"] == 1

    account = past.account
    assert (account.balance, account.reserved, account.lots[0].left) == (130, 0, 30)
    assert run(function)["settled"] == 0


@pytest.mark.parametrize(
    ("path", "name", "value", "fault"),
    [
        ("accounts/ada", "lots", [], "the owner sees"),
        ("users/ada", "tokensReserved", 0, "the owner sees 0 as tokensReserved instead of 30"),
        ("users/ada", "reservations", [], "the owner sees [] as reservations instead of"),
        ("reservations/ada:job", "amount", 31, "the reservation job is not as reservations/ada:job says"),
        ("reservations/ada:job", "state", "released", "the reservation job is not as reservations/ada:job says"),
        (
            "transactions/spend:ada:other",
            "details",
            {"from": {"grant:ada:gift": 9}},
            "grant:ada:gift has 40 tokens left, the entries say 41",
        ),
    ],
)
def test_lots_and_reservations_that_are_not_as_recorded_raise_an_alert(
    function: Deployed, firestore: FakeFirestore, path: str, name: str, value: object, *, fault: str
) -> None:
    wallet = Wallet(firestore.as_client(), now=datetime.now(UTC))
    credit(wallet.ledger, "cs_1")
    wallet.grant("gift", 50, expires_in_days=30)
    wallet.spend("other", 10)
    wallet.reserve("job", 30)
    assert run(function)["drifted"] == []

    firestore.put(path, {**(firestore.fields_of(path) or {}), name: value})

    assert run(function)["drifted"] == ["ada"]
    alert = firestore.fields_of(f"security_alerts/drift:ada:{datetime.now(UTC):%Y-%m-%d}")
    assert alert is not None
    assert fault in " ".join(alert["seen"]["faults"])


def test_a_user_of_several_events_is_checked_once(
    function: Deployed, ledger: Ledger, firestore: FakeFirestore, stripe: FakeStripe
) -> None:
    credit(ledger, "cs_1")
    set_balance(firestore, "ada", 0)
    stripe.history = [REFUNDED, COMPLETED]

    answer = run(function)

    assert (answer["users_checked"], answer["drifted"]) == (1, ["ada"])


class BusyStore(AccountStore):
    """A store beside which things happen right after it has read an account."""

    def __init__(self, client: google_firestore.Client, meanwhile: list[Callable[[], object]]) -> None:
        super().__init__(Database(client))
        self._meanwhile = meanwhile

    def read(self, uid: str, *, assume_new: bool = False) -> AccountRead:
        found = super().read(uid, assume_new=assume_new)
        if self._meanwhile:
            self._meanwhile.pop()()
        return found


def test_a_change_between_the_reads_is_not_drift(ledger: Ledger, firestore: FakeFirestore) -> None:
    """Another instance credits after the account was read and before its entries are summed, twice."""
    credit(ledger, "cs_1")
    busy = BusyStore(firestore.as_client(), [lambda: credit(ledger, "cs_2"), lambda: credit(ledger, "cs_3")])

    check = LedgerAudit(busy).check_balance("ada")

    assert check == BalanceCheck(330, 330, 330)
    assert not check.drifted


def test_an_account_that_never_rests_is_left_for_the_next_time(
    firestore: FakeFirestore,
    ledger: Ledger,
    stripe: FakeStripe,
    topic: FakeTopic,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shared.adapters.firestore.audit._CHECK_TIMEOUT_S", 0.05)
    credit(ledger, "cs_1")
    busy = BusyStore(firestore.as_client(), [lambda: ledger.credit(purchase(), NO_LIMITS)] * 1000)

    with deployed("reconcile", SETTINGS, parts=(Ledger(busy), stripe, topic)) as function:
        answer = run(function)

    assert (answer["done"], answer["users_checked"], answer["drifted"]) == (True, 0, [])


# --- a pass over several calls


def test_accounts_are_checked_in_rotation(function: Deployed, ledger: Ledger) -> None:
    for uid in "abcde":
        give_account(ledger, uid)

    lasts = []
    for _ in range(4):
        assert run(function, users=2)["done"]
        lasts.append(last_report(ledger).last_user)

    assert lasts == ["b", "d", None, "b"]


def test_the_next_call_continues_where_one_ran_out_of_time(
    ledger: Ledger, stripe: FakeStripe, topic: FakeTopic
) -> None:
    """Each look at the clock finds the time used up: one event, then one user, per call."""
    stripe.history = [event("checkout.session.completed", session(f"cs_{number}")) for number in range(3)]
    give_account(ledger, "bob")

    with deployed("reconcile", SETTINGS, parts=(ledger, stripe, topic, TimeIsUp().seconds)) as function:
        answers = [run(function) for _ in range(6)]

    assert [answer["done"] for answer in answers[:4]] == [False] * 4
    assert [answer["events"] for answer in answers] == [1, 1, 1, 0, 0, 1]
    assert answers[4]["done"]  # and the sixth call began a new pass
    assert topic.published == [one["id"] for one in (*stripe.history, stripe.history[0])]
    assert len(stripe.asked_since) == 5  # the fifth call had only users left
    assert len({*stripe.asked_since[:4]}) == 1


def test_progress_is_saved_when_stripe_does_not_answer(
    function: Deployed, ledger: Ledger, stripe: FakeStripe, topic: FakeTopic
) -> None:
    stripe.history = [event("checkout.session.completed", session(f"cs_{number}")) for number in range(3)]
    stripe.away_after = 2

    assert function.post({}).status_code == 503
    report = last_report(ledger)
    assert (report.events, report.last_event, report.events_done) == (2, stripe.history[1]["id"], False)

    stripe.away_after = None
    assert run(function)["done"]
    assert topic.published == [one["id"] for one in stripe.history]


def test_an_event_whose_payment_stripe_refuses_to_show_does_not_stop_the_others(
    function: Deployed, stripe: FakeStripe, topic: FakeTopic, capsys: pytest.CaptureFixture[str]
) -> None:
    stripe.history = [DISPUTED, COMPLETED]
    stripe.refuses = True

    assert run(function)["done"]

    assert topic.published == [COMPLETED["id"]]
    skipped = next(json.loads(line) for line in capsys.readouterr().out.splitlines() if "reconcile.skipped" in line)
    assert (skipped["severity"], skipped["event_id"]) == ("ERROR", DISPUTED["id"])


class TimeIsUp:
    """A clock that advances by a day whenever it is read."""

    def __init__(self) -> None:
        self._now = 0.0

    def seconds(self) -> float:
        self._now += 86_400
        return self._now


NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
UNFINISHED = Report(
    NOW - timedelta(hours=13),
    3,
    "bob",
    "evt_9",
    saved_at=NOW,
    last_purchase="2026-11-20/purchase:cs_1",
    events=7,
    drifted=("ada",),
)


def test_an_unfinished_pass_continues_where_it_was_also_past_midnight() -> None:
    report = begin(UNFINISHED, 3, NOW)

    assert report == Report(UNFINISHED.started_at, 3, "bob", "evt_9", last_purchase="2026-11-20/purchase:cs_1")
    assert report.since == int((NOW - timedelta(hours=13, days=3)).timestamp())


@pytest.mark.parametrize(
    "last", [UNFINISHED.saved(NOW, done=True), Report(NOW, 30, "bob", "evt_9")], ids=["done", "over other days"]
)
def test_a_new_pass_continues_only_the_rotation_of_accounts(last: Report) -> None:
    assert begin(last, 3, NOW) == Report(NOW, 3, "bob")


def test_the_days_report_adds_up_its_calls(
    function: Deployed, ledger: Ledger, firestore: FakeFirestore, stripe: FakeStripe
) -> None:
    stripe.history = [COMPLETED]
    give_account(ledger, "bob")
    set_balance(firestore, "bob", 5)

    run(function)
    run(function)

    [path] = firestore.paths("reconciliation_reports")
    report = firestore.fields_of(path)
    assert report is not None
    assert path == f"reconciliation_reports/{datetime.now(UTC):%Y-%m-%d}"
    counts = {name: report[name] for name in ("eventsSeen", "republished", "usersChecked", "drifted")}
    assert counts == {"eventsSeen": 2, "republished": 2, "usersChecked": 4, "drifted": ["bob"]}
    assert report["startedAt"] <= report["finishedAt"] == report["savedAt"]


@pytest.mark.parametrize("before", [0, 1])
def test_reports_of_two_calls_at_once_both_count(firestore: FakeFirestore, ledger: Ledger, before: int) -> None:
    """Another instance saves its report between the read and the commit of ours."""
    report = Report(NOW, 3, events=1).saved(NOW, done=True)
    audit = LedgerAudit(ledger.store)
    for _ in range(before):
        audit.add_report("2026-11-21", report)
    meanwhile = [lambda: audit.add_report("2026-11-21", report)]

    class Overtaken(Database):
        def get(self, collection: str, id_: str) -> Stored | None:
            found = super().get(collection, id_)
            if meanwhile:
                meanwhile.pop()()
            return found

    LedgerAudit(AccountStore(Overtaken(firestore.as_client()))).add_report("2026-11-21", report)

    stored = firestore.fields_of("reconciliation_reports/2026-11-21")
    assert stored is not None
    assert stored["eventsSeen"] == before + 2


def test_an_event_that_could_not_be_published_is_published_next_time(
    function: Deployed, ledger: Ledger, stripe: FakeStripe, topic: FakeTopic
) -> None:
    stripe.history = [COMPLETED]
    topic.away = True

    assert function.post({}).status_code == 503
    report = last_report(ledger)
    assert (report.events, report.republished, report.last_event) == (0, 0, None)

    topic.away = False
    assert run(function)["republished"] == 1


# --- the request


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"days": 0}, "invalid_days"),
        ({"days": 31}, "invalid_days"),
        ({"days": True}, "invalid_days"),
        ({"days": "3"}, "invalid_days"),
        ({"budget_s": 0}, "invalid_budget_s"),
        ({"users": -1}, "invalid_users"),
        ({"users": 10_001}, "invalid_users"),
    ],
)
def test_a_wrong_value_is_named(function: Deployed, body: dict[str, Any], code: str) -> None:
    answer = function.post(body)

    assert answer.json is not None
    assert (answer.status_code, answer.json["error"]["code"]) == (400, code)


def test_cloud_scheduler_sends_no_body(function: Deployed, stripe: FakeStripe) -> None:
    answer = function.post(headers={"User-Agent": "Google-Cloud-Scheduler"})

    assert answer.status_code == 200
    [since] = stripe.asked_since
    assert abs(since - (datetime.now(UTC) - timedelta(days=3)).timestamp()) < 60


def test_what_a_call_did_is_logged(function: Deployed, stripe: FakeStripe, capsys: pytest.CaptureFixture[str]) -> None:
    stripe.history = [COMPLETED]

    run(function)

    lost, finished = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (lost["event"], lost["severity"], lost["object_id"]) == ("reconcile.republished", "WARNING", "cs_1")
    assert (finished["event"], finished["republished"], finished["done"]) == ("reconcile.finished", 1, True)
