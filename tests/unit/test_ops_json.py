"""Every command answers in JSON: one document on stdout that a script can read, whatever goes to stderr."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import click
import pytest

from ops.cli import cli
from ops.topic_admin import DeadLetter, TopicAdmin
from shared.adapters.firestore.reservations import Reservations
from shared.domain.alert import Alert
from shared.domain.spend_requests import ReservationKey, ReservationRequest
from tests.first_version import DOCUMENTS
from tests.operators import WHO_AND_WHY, Operator
from tests.purchases import NO_LIMITS, invalid, purchase
from tests.stripe_events import session_of

YESTERDAY = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
LETTER = DeadLetter("1", "evt_1", "charge.refunded", "credit-tokens", datetime(2026, 11, 21, tzinfo=UTC))
PAID = session_of()


class FakeTopic:
    """A topic with one dead letter."""

    def __init__(self) -> None:
        self.letters = [LETTER]

    def check_subscription(self, name: str) -> None:
        assert name == "credit-tokens"

    def replay(self, name: str, since: datetime) -> None:
        assert name == "credit-tokens"

    def dead_letters(self, limit: int) -> list[DeadLetter]:
        return self.letters[:limit]

    def redrive(self, limit: int) -> Iterator[DeadLetter]:
        while self.letters:
            yield self.letters.pop()


# For each command: its arguments, and a field of its answer with its value.
CALLS: dict[str, tuple[tuple[str, ...], Callable[[Any], object], object]] = {
    "user show": (("cs_1",), lambda answer: (answer["userId"], answer["entries"][0]["id"]), ("ada", "purchase:cs_1")),
    "held list": ((), lambda answer: [(one["sessionId"], one["userId"]) for one in answer], [("cs_bad", "ada")]),
    "held release": (("cs_bad", "--tokens", "5"), lambda answer: answer["after"]["balance"], 115),
    "held reject": (("cs_bad",), lambda answer: answer["after"]["status"], "rejected"),
    "adjust": (("ada", "-10"), lambda answer: answer["after"]["balance"], 100),
    "grant": (("ada", "10"), lambda answer: answer["after"]["totalTokensEarned"], 10),
    "credit": ((PAID["id"],), lambda answer: answer["after"]["balance"], 220),
    "audit": (("ada",), lambda answer: answer, {"audited": 1, "faulty": []}),
    "reservations show": (("ada",), lambda answer: [one["key"] for one in answer["reservations"]], ["job-1"]),
    "reservations release": (("ada", "job-1"), lambda answer: answer["after"]["reserved"], 0),
    "limits reset": (("ada",), lambda answer: answer["after"]["recentPurchases"], []),
    "replay": (("--from", YESTERDAY), lambda answer: answer["after"]["from"], YESTERDAY),
    "dead-letters list": ((), lambda answer: [one["eventId"] for one in answer], ["evt_1"]),
    "dead-letters redrive": ((), lambda answer: answer["after"]["deadLetters"], 0),
    "alerts list": ((), lambda answer: sorted(one["id"] for one in answer), ["drift:ada", "held:cs_bad"]),
    "alerts close": (("drift:ada",), lambda answer: answer["after"]["closedBy"], "Grace"),
    "migrate": ((), lambda answer: answer["before"]["accountsToMove"], 1),
}


def commands(group: click.Group = cli, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


COMMANDS = dict(commands())


@pytest.fixture
def operator() -> Operator:
    topic = cast("TopicAdmin", FakeTopic())
    operator = Operator(topic=lambda: topic)
    operator.ledger.credit(purchase("cs_1"), NO_LIMITS)
    hold = invalid("cs_bad")
    evidence = {**hold.evidence, "amountSubtotal": 999, "currency": "usd", "paymentIntentId": "pi_bad"}
    operator.ledger.hold(type(hold)(hold.session_id, hold.reason, hold.message, "ada", hold.paid_at, evidence))
    operator.ledger.raise_alert(Alert("drift:ada", "drift", "critical", "ada", {"balance": 1}))
    operator.stripe.sessions[PAID["id"]] = PAID
    Reservations(operator.ledger.store).reserve(
        ReservationRequest(ReservationKey("ada", "job-1"), 10, 10, "render", 900, "release")
    )
    operator.database.put("users/eve", DOCUMENTS["users/ada"])
    return operator


def test_every_command_is_called_here() -> None:
    assert CALLS.keys() == COMMANDS.keys()


@pytest.mark.parametrize("name", CALLS)
def test_a_command_answers_in_json(operator: Operator, name: str) -> None:
    arguments, field, value = CALLS[name]
    changes = any(parameter.name == "operator" for parameter in COMMANDS[name].params)

    result = operator.run(*name.split(), *arguments, *((*WHO_AND_WHY, "--yes") if changes else ()), "--json")

    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert field(answer) == value
    if changes:
        assert answer.keys() == {"outcome", "before", "after"}
