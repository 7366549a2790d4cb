"""functions/reconcile: what the ledger lacks goes back on the topic, drift raises an alert, a call can be cut short."""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from shared.domain.reversal import Disputed, Refunded, RefundFailed

from shared.adapters.firestore.audit import LedgerAudit
from shared.domain.errors import StripeRefused, Unavailable
from shared.domain.purchase import Hold, HoldReason
from shared.domain.reconciliation import Report, begin
from tests.deployed import Deployed, deployed
from tests.fakes.firestore import FakeFirestore
from tests.purchases import NO_LIMITS, PAID_AT, purchase

SETTINGS = {"GOOGLE_CLOUD_PROJECT": "demo", "STRIPE_SECRET_KEY": "sk_test_1"}


def event(type_: str, seen: Mapping[str, Any], **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - a field's value
    id_ = f"evt_{type_}_{seen['id']}".replace(".", "_")
    return {"id": id_, "type": type_, "created": PAID_AT, "livemode": False, "data": {"object": dict(seen)}, **changes}


def session(id_: str = "cs_1", **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - a field's value
    metadata = {"purchase_type": "token_package", "firebase_uid": "ada", "package_id": "popular", "tokens": "110"}
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
        "metadata": metadata,
        **changes,
    }


COMPLETED = event("checkout.session.completed", session())
REFUNDED = event(
    "charge.refunded",
    {"id": "ch_1", "payment_intent": "pi_cs_1", "amount_refunded": 500, "metadata": session()["metadata"]},
)
REFUND_FAILED = event("refund.failed", {"id": "re_1", "payment_intent": "pi_cs_1", "amount": 500, "status": "failed"})
DISPUTED = event(
    "charge.dispute.created", {"id": "dp_1", "payment_intent": "pi_cs_1", "amount": 999, "status": "needs_response"}
)
LOST = event("charge.dispute.closed", {"id": "dp_1", "payment_intent": "pi_cs_1", "amount": 999, "status": "lost"})
NOT_COMING = event("checkout.session.async_payment_failed", session(payment_status="unpaid"))


class FakeStripe:
    """Events, newest first, and the metadata of payments."""

    def __init__(self) -> None:
        self.kept: list[dict[str, Any]] = []
        self.payments: dict[str, dict[str, str]] = {}
        self.asked_since: list[int] = []
        self.away_after: int | None = None
        self.refuses = False

    def events(self, types: Iterable[str], *, since: int, after: str | None = None) -> Iterator[dict[str, Any]]:
        self.asked_since.append(since)
        ids = [one["id"] for one in self.kept]
        start = 0 if after is None else ids.index(after) + 1
        for number, one in enumerate(self.kept[start:]):
            if number == self.away_after:
                raise Unavailable("stripe_unavailable")
            if one["type"] in types:
                yield deepcopy(one)

    def metadata_of_payment(self, payment_intent_id: str) -> dict[str, str]:
        if self.refuses:
            raise StripeRefused
        return self.payments.get(payment_intent_id, {})


class FakeBus:
    def __init__(self) -> None:
        self.published: list[str] = []
        self.away = False

    def publish(self, payload: bytes, told: Mapping[str, Any], purchase_type: str) -> str:
        if self.away:
            raise Unavailable("not_published")
        assert json.loads(payload) == told
        assert purchase_type == "token_package"
        self.published.append(told["id"])
        return str(len(self.published))


@pytest.fixture
def firestore() -> FakeFirestore:
    return FakeFirestore()


@pytest.fixture
def ledger(firestore: FakeFirestore) -> AuditedLedger:
    return LedgerAudit(firestore.as_client())


@pytest.fixture
def stripe() -> FakeStripe:
    return FakeStripe()


@pytest.fixture
def bus() -> FakeBus:
    return FakeBus()


@pytest.fixture
def function(ledger: AuditedLedger, stripe: FakeStripe, bus: FakeBus) -> Iterator[Deployed]:
    with deployed("reconcile", SETTINGS, parts=(ledger, stripe, bus)) as function:
        yield function


def run(function: Deployed, **body: int) -> dict[str, Any]:
    answer = function.post(body)
    assert answer.status_code == 200
    assert answer.json is not None
    return dict(answer.json)


def user(firestore: FakeFirestore, uid: str, balance: int = 0) -> None:
    firestore.put(f"users/{uid}", {"tokenBalance": balance})


# --- what the ledger lacks


@pytest.mark.parametrize(
    "lost",
    [COMPLETED, event("checkout.session.async_payment_succeeded", session()), REFUNDED, NOT_COMING],
    ids=lambda lost: lost["type"],
)
def test_an_event_that_the_ledger_knows_nothing_of_goes_back(
    function: Deployed, stripe: FakeStripe, bus: FakeBus, lost: dict[str, Any]
) -> None:
    stripe.kept = [lost]

    answer = run(function)

    assert bus.published == [lost["id"]]
    assert answer == {
        "success": True,
        "done": True,
        "events": 1,
        "republished": 1,
        "users_checked": 1,
        "drifted": [],
    }


def test_a_paid_session_that_is_to_be_held_goes_back_too(function: Deployed, stripe: FakeStripe, bus: FakeBus) -> None:
    lost = event("checkout.session.completed", session(amount_subtotal=1, amount_total=1))
    stripe.kept = [lost]

    run(function)

    assert bus.published == [lost["id"]]


@pytest.mark.parametrize("lost", [REFUNDED, REFUND_FAILED, DISPUTED, LOST], ids=lambda lost: lost["type"])
def test_a_reversal_of_a_known_purchase_goes_back(
    function: Deployed, ledger: AuditedLedger, stripe: FakeStripe, bus: FakeBus, lost: dict[str, Any]
) -> None:
    ledger.credit(purchase("cs_1", payment_intent_id="pi_cs_1"), NO_LIMITS)
    stripe.kept = [lost, COMPLETED]

    run(function)

    assert bus.published == [lost["id"]]


def test_what_the_ledger_knows_stays_where_it_is(
    function: Deployed, ledger: AuditedLedger, stripe: FakeStripe, bus: FakeBus
) -> None:
    ledger.credit(purchase("cs_1", payment_intent_id="pi_cs_1"), NO_LIMITS)
    ledger.reverse("ada", "pi_cs_1", Refunded("ch_1", 500, PAID_AT))
    ledger.reverse("ada", "pi_cs_1", RefundFailed("re_1", 500, PAID_AT))
    ledger.reverse("ada", "pi_cs_1", Disputed("dp_1", 999, "open"))
    ledger.reverse("ada", "pi_cs_1", Disputed("dp_1", 999, "lost"))
    stripe.kept = [LOST, DISPUTED, REFUND_FAILED, REFUNDED, NOT_COMING, COMPLETED]

    answer = run(function)

    assert (answer["events"], answer["republished"], bus.published) == (6, 0, [])


def test_a_held_purchase_is_known(function: Deployed, ledger: AuditedLedger, stripe: FakeStripe, bus: FakeBus) -> None:
    for id_, uid in (("cs_1", "ada"), ("cs_2", None)):
        ledger.hold(Hold(id_, HoldReason.TERMS_MISMATCH, "no terms", uid, PAID_AT))
    nobodys = session("cs_2", metadata={"purchase_type": "token_package"})
    stripe.kept = [COMPLETED, event("checkout.session.completed", nobodys)]

    assert run(function)["republished"] == 0


def test_a_delayed_payment_that_came_goes_back_though_the_account_waits_for_it(
    function: Deployed, ledger: AuditedLedger, stripe: FakeStripe, bus: FakeBus
) -> None:
    ledger.set_open_purchase("ada", "cs_1", "waiting")
    stripe.kept = [event("checkout.session.async_payment_succeeded", session())]

    assert run(function)["republished"] == 1


def test_a_payment_that_did_not_come_goes_back_while_the_account_waits_for_it(
    function: Deployed, ledger: AuditedLedger, stripe: FakeStripe
) -> None:
    ledger.set_open_purchase("ada", "cs_1", "waiting")
    stripe.kept = [NOT_COMING]

    assert run(function)["republished"] == 1


def test_a_payment_that_is_known_to_have_failed_stays(
    function: Deployed, ledger: AuditedLedger, stripe: FakeStripe
) -> None:
    ledger.set_open_purchase("ada", "cs_1", "failed")
    stripe.kept = [NOT_COMING]

    assert run(function)["republished"] == 0


@pytest.mark.parametrize(
    "other",
    [
        event("checkout.session.completed", session(metadata={"purchase_type": "shirt"})),
        event("checkout.session.completed", session(payment_status="unpaid")),
        event("checkout.session.completed", session(), livemode=True),
        event("checkout.session.async_payment_failed", session(metadata={"purchase_type": "token_package"})),
        event("charge.dispute.created", {"id": "dp_2", "payment_intent": "pi_shirt", "amount": 5, "status": "lost"}),
        event("charge.dispute.created", {"id": "dp_3", "payment_intent": None, "amount": 5, "status": "lost"}),
        event("refund.updated", {"id": "re_2", "payment_intent": "pi_cs_1", "amount": 5, "status": "succeeded"}),
    ],
    ids=["another product", "unpaid", "the other mode", "no user", "a shirt's dispute", "no payment", "went through"],
)
def test_what_is_no_business_of_the_ledger_is_only_counted(
    function: Deployed, stripe: FakeStripe, other: dict[str, Any]
) -> None:
    stripe.kept = [other]

    answer = run(function)

    assert (answer["events"], answer["republished"]) == (1, 0)


def test_a_dispute_of_a_purchase_that_is_lost_too_is_found_by_its_payment(
    function: Deployed, stripe: FakeStripe, bus: FakeBus
) -> None:
    stripe.kept = [DISPUTED]
    stripe.payments = {"pi_cs_1": session()["metadata"]}

    run(function)

    assert bus.published == [DISPUTED["id"]]


def test_what_went_back_and_was_taken_is_not_lost_any_more(
    function: Deployed, firestore: FakeFirestore, stripe: FakeStripe, bus: FakeBus
) -> None:
    """The events that reconcile publishes are what credit_tokens takes."""
    stripe.kept = [LOST, DISPUTED, REFUND_FAILED, REFUNDED, COMPLETED]
    stripe.payments = {"pi_cs_1": session()["metadata"]}
    assert run(function)["republished"] == 5

    with deployed("credit_tokens", SETTINGS) as credit_tokens:
        credit_tokens.main.parts = lambda: (LedgerAudit(firestore.as_client()), stripe)  # type: ignore[attr-defined]
        for told in stripe.kept:
            data = base64.b64encode(json.dumps(told).encode()).decode()
            assert credit_tokens.post({"message": {"data": data}}).status_code == 200

    again = run(function)
    assert (again["republished"], again["drifted"]) == (0, [])


# --- drift


def test_a_balance_that_is_not_the_sum_of_the_entries_raises_an_alert(
    function: Deployed, ledger: AuditedLedger, firestore: FakeFirestore, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger.credit(purchase("cs_1"), NO_LIMITS)
    firestore.put("users/ada", {**(firestore.fields_of("users/ada") or {}), "tokenBalance": 111})
    user(firestore, "bob")

    assert run(function)["drifted"] == ["ada"]
    assert run(function)["drifted"] == ["ada"]

    [path] = firestore.paths("security_alerts")  # one a day, or a closed one would hide the next
    assert path == f"security_alerts/drift:ada:{datetime.now(UTC):%Y-%m-%d}"
    alert = firestore.fields_of(path)
    assert alert is not None
    assert (alert["type"], alert["severity"], alert["status"]) == ("ledger_drift", "critical", "open")
    assert alert["seen"] == {"balance": 111, "sumOfEntries": 110}
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    drift = next(record for record in records if record["event"] == "ledger.drift")
    assert (drift["severity"], drift["user_id"]) == ("ERROR", "ada")


def test_a_user_met_among_the_events_is_checked_once(
    function: Deployed, ledger: AuditedLedger, firestore: FakeFirestore, stripe: FakeStripe
) -> None:
    ledger.credit(purchase("cs_1", payment_intent_id="pi_cs_1"), NO_LIMITS)
    firestore.put("users/ada", {"tokenBalance": 0})
    stripe.kept = [REFUNDED, COMPLETED]

    answer = run(function)

    assert (answer["users_checked"], answer["drifted"]) == (1, ["ada"])


def test_a_change_between_the_reads_is_no_drift(ledger: AuditedLedger, firestore: FakeFirestore) -> None:
    """Another instance credits after the account was read and before its entries are summed, twice."""
    ledger.credit(purchase(), NO_LIMITS)
    other = LedgerAudit(firestore.as_client())
    auditor = MeddledLedger(firestore, [lambda: other.credit(purchase(), NO_LIMITS)] * 2)

    audit = auditor.audit("ada")

    assert audit is not None
    assert (audit.balance, audit.entries, audit.drifted) == (330, 330, False)


def test_an_account_that_never_holds_still_is_left_for_the_next_time(
    firestore: FakeFirestore, stripe: FakeStripe, bus: FakeBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.adapters.firestore.audit._AUDIT_TIMEOUT_S", 0.05)
    other = LedgerAudit(firestore.as_client())
    other.credit(purchase(), NO_LIMITS)
    busy = MeddledLedger(firestore, [lambda: other.credit(purchase(), NO_LIMITS)] * 1000)

    with deployed("reconcile", SETTINGS, parts=(busy, stripe, bus)) as function:
        answer = run(function)

    assert (answer["done"], answer["users_checked"], answer["drifted"]) == (True, 0, [])


class MeddledLedger(AuditedLedger):
    """A ledger beside which things happen right after it has read an account."""

    def __init__(self, firestore: FakeFirestore, meanwhile: list[Any]) -> None:
        super().__init__(firestore.as_client())
        self._meanwhile = meanwhile

    def _read_account(self, uid: str) -> tuple[Any, Any]:
        found = super()._read_account(uid)
        if self._meanwhile:
            self._meanwhile.pop()()
        return found


# --- a pass over several calls


def test_the_users_come_by_in_turn(function: Deployed, firestore: FakeFirestore, ledger: AuditedLedger) -> None:
    for uid in "abcde":
        user(firestore, uid)

    lasts = []
    for _ in range(4):
        assert run(function, users=2)["done"]
        report = ledger.last_report()
        assert report is not None
        lasts.append(report.last_user)

    assert lasts == ["b", "d", None, "b"]


def test_a_call_that_runs_out_of_time_is_gone_on_with(
    function: Deployed, firestore: FakeFirestore, stripe: FakeStripe, bus: FakeBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each look at the clock finds the time used up: one event, then one user, a call."""
    stripe.kept = [event("checkout.session.completed", session(f"cs_{number}")) for number in range(3)]
    user(firestore, "bob", 0)
    monkeypatch.setattr(function.main.handle, "__kwdefaults__", {"seconds": TimeIsUp().seconds})

    answers = [run(function) for _ in range(6)]

    assert [answer["done"] for answer in answers[:4]] == [False] * 4
    assert [answer["events"] for answer in answers] == [1, 1, 1, 0, 0, 1]
    assert answers[4]["done"]  # and the sixth call began a new pass
    assert bus.published == [one["id"] for one in (*stripe.kept, stripe.kept[0])]
    assert len(stripe.asked_since) == 5  # the fifth call had only users left
    assert len({*stripe.asked_since[:4]}) == 1


def test_what_was_reached_is_kept_when_stripe_goes_away(
    function: Deployed, ledger: AuditedLedger, stripe: FakeStripe, bus: FakeBus
) -> None:
    stripe.kept = [event("checkout.session.completed", session(f"cs_{number}")) for number in range(3)]
    stripe.away_after = 2

    assert function.post({}).status_code == 503
    report = ledger.last_report()
    assert report is not None
    assert (report.events, report.last_event, report.events_done) == (2, stripe.kept[1]["id"], False)

    stripe.away_after = None
    assert run(function)["done"]
    assert bus.published == [one["id"] for one in stripe.kept]


def test_an_event_of_which_stripe_tells_nothing_does_not_stop_the_others(
    function: Deployed, stripe: FakeStripe, bus: FakeBus, capsys: pytest.CaptureFixture[str]
) -> None:
    stripe.kept = [DISPUTED, COMPLETED]
    stripe.refuses = True

    assert run(function)["done"]

    assert bus.published == [COMPLETED["id"]]
    skipped = next(json.loads(line) for line in capsys.readouterr().out.splitlines() if "reconcile.skipped" in line)
    assert (skipped["severity"], skipped["event_id"]) == ("ERROR", DISPUTED["id"])


class TimeIsUp:
    """A clock that goes on by a day whenever it is looked at."""

    def __init__(self) -> None:
        self._now = 0.0

    def seconds(self) -> float:
        self._now += 86_400
        return self._now


NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
UNFINISHED = Report(NOW - timedelta(hours=13), 3, "bob", "evt_9", saved_at=NOW, events=7, drifted=("ada",))


def test_an_unfinished_pass_goes_on_where_it_was_also_past_midnight() -> None:
    report = begin(UNFINISHED, 3, NOW)

    assert report == Report(UNFINISHED.started_at, 3, "bob", "evt_9")
    assert report.since == int((NOW - timedelta(hours=13, days=3)).timestamp())


@pytest.mark.parametrize(
    "last", [UNFINISHED.saved(NOW, done=True), Report(NOW, 30, "bob", "evt_9")], ids=["done", "over other days"]
)
def test_a_new_pass_goes_on_with_the_users_only(last: Report) -> None:
    assert begin(last, 3, NOW) == Report(NOW, 3, "bob")


def test_the_days_report_adds_up_its_calls(function: Deployed, firestore: FakeFirestore, stripe: FakeStripe) -> None:
    stripe.kept = [COMPLETED]
    user(firestore, "bob", 5)

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
def test_reports_of_two_calls_at_once_both_count(firestore: FakeFirestore, ledger: AuditedLedger, before: int) -> None:
    """Another instance saves its report between the read and the commit of ours."""
    report = Report(NOW, 3, events=1).saved(NOW, done=True)
    for _ in range(before):
        ledger.add_report("2026-11-21", report)
    meanwhile = [lambda: LedgerAudit(firestore.as_client()).add_report("2026-11-21", report)]

    class Overtaken(AuditedLedger):
        def _get(self, collection: str, id_: str) -> Any:  # noqa: ANN401 - a snapshot
            found = super()._get(collection, id_)
            if meanwhile:
                meanwhile.pop()()
            return found

    Overtaken(firestore.as_client()).add_report("2026-11-21", report)

    kept = firestore.fields_of("reconciliation_reports/2026-11-21")
    assert kept is not None
    assert kept["eventsSeen"] == before + 2


def test_when_the_topic_is_away_nothing_is_taken_for_done(
    function: Deployed, ledger: AuditedLedger, stripe: FakeStripe, bus: FakeBus
) -> None:
    stripe.kept = [COMPLETED]
    bus.away = True

    assert function.post({}).status_code == 503
    report = ledger.last_report()
    assert report is not None
    assert (report.events, report.republished, report.last_event) == (0, 0, None)

    bus.away = False
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
def test_a_wrong_wish_is_named(function: Deployed, body: dict[str, Any], code: str) -> None:
    answer = function.post(body)

    assert answer.json is not None
    assert (answer.status_code, answer.json["error"]["code"]) == (400, code)


def test_cloud_scheduler_sends_no_body(function: Deployed, stripe: FakeStripe) -> None:
    answer = function.post(headers={"User-Agent": "Google-Cloud-Scheduler"})

    assert answer.status_code == 200
    [since] = stripe.asked_since
    assert abs(since - (datetime.now(UTC) - timedelta(days=3)).timestamp()) < 60


def test_what_a_call_did_is_logged(function: Deployed, stripe: FakeStripe, capsys: pytest.CaptureFixture[str]) -> None:
    stripe.kept = [COMPLETED]

    run(function)

    lost, finished = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (lost["event"], lost["severity"], lost["object_id"]) == ("reconcile.republished", "WARNING", "cs_1")
    assert (finished["event"], finished["republished"], finished["done"]) == ("reconcile.finished", 1, True)
