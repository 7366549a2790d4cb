"""Cold starts and memory: each program in an environment of its own requirements, from exec to a right answer.

A right answer is the whole of a request's effect: a credited purchase, a published event, the balance of an account
that has one. So a start includes the first connection to the emulators, which hello and the bare client never make.
"""

import json
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import count

from bench import environments, wire
from bench.client import Answer, Request, WrongAnswerError
from bench.lab import FUNCTIONS, Lab
from bench.measure import at_once, by_turns
from bench.results import Row, at_most
from bench.services import Service

_ROUNDS = 10
_FURTHER_REQUESTS = 20
_ADA = "ada"

# Beside hello and the monolith, which every function is compared with.
_BARE_CLIENT = ("get_balance", "list_transactions", "credit_tokens", "spend_tokens")
_BELOW_MONOLITH = {"stripe_webhook": 0.85}


@dataclass(frozen=True, slots=True)
class Start:
    """One start: how long until the first right answer, and the memory it took by then and after more requests."""

    answered_ms: float
    peak_mib: float


@dataclass(frozen=True, slots=True)
class Case:
    """A program, and what to ask it."""

    run: Callable[[], AbstractContextManager[Service]]
    request: Callable[[int], Request]
    right: Callable[[Answer], bool]
    numbers: Iterator[int] = field(default_factory=count)

    def start(self, _round: int) -> Start:
        """Start it once, and return what it took."""
        request = self.request(next(self.numbers))
        begun = time.perf_counter()
        with self.run() as service:
            service.wait_until_it_listens()
            caller = service.caller()
            answer = caller.ask(request)
            answered_ms = (time.perf_counter() - begun) * 1000
            if not self.right(answer):
                raise WrongAnswerError(f"{service.process.args!r}: {answer.body!r}")
            further = [self.request(next(self.numbers)) for _ in range(_FURTHER_REQUESTS)]
            at_once([lambda request=request: caller.ask(request) for request in further], 8)  # type: ignore[misc] # mypy infers no type for a lambda's default
            return Start(answered_ms, service.peak_mib)


def measure(lab: Lab) -> Iterator[Row]:
    """Yield the rows."""
    cases = _cases(lab)
    starts = dict(zip(cases, by_turns(_ROUNDS, *(case.start for case in cases.values())), strict=True))
    answered_ms = {name: statistics.median(start.answered_ms for start in found) for name, found in starts.items()}
    peak_mib = {name: statistics.median(start.peak_mib for start in found) for name, found in starts.items()}
    hello_ms = answered_ms["hello"]
    for name, median_ms in answered_ms.items():
        if name != "hello":
            note = f"{median_ms:.0f} and {hello_ms:.0f} ms"
            yield Row(f"cold start: {name} ÷ hello", median_ms / hello_ms, note=note)
    for name in FUNCTIONS:
        target = at_most(_BELOW_MONOLITH.get(name, 1.0))
        yield Row(f"cold start: {name} ÷ monolith", answered_ms[name] / answered_ms["monolith"], target)
    for name in _BARE_CLIENT:
        ratio = answered_ms[name] / answered_ms["bare_client"]
        yield Row(f"cold start: {name} ÷ bare client", ratio, at_most(1.05))
    for name, median_mib in peak_mib.items():
        if name != "hello":
            note = f"{median_mib:.0f} and {peak_mib['hello']:.0f} MiB"
            most = at_most(2.1) if name in FUNCTIONS else None
            yield Row(f"peak memory: {name} ÷ hello", median_mib / peak_mib["hello"], most, note)


def _cases(lab: Lab) -> dict[str, Case]:
    project = lab.project(topics=True)
    lab.fund(project, {_ADA: 100_000})
    cases = {
        "hello": _baseline(lab, project, "hello"),
        "bare_client": _baseline(lab, project, "bare_client"),
        "monolith": _monolith(lab, project),
    }
    return cases | {name: _function(lab, project, name) for name in FUNCTIONS}


def _baseline(lab: Lab, project: str, name: str) -> Case:
    environment = environments.of_baseline(name)
    return Case(
        lambda: lab.cold(environment, name, project), lambda _: Request("GET", "/"), lambda answer: answer.body == b"ok"
    )


def _monolith(lab: Lab, project: str) -> Case:
    environment = environments.of_baseline("monolith")
    return Case(
        lambda: lab.monolith(environment, project),
        lambda number: wire.webhook(wire.purchase(f"monolith-{number}", 0)),
        _answers(credited=True),
    )


def _function(lab: Lab, project: str, name: str) -> Case:
    environment = environments.of_function(name)
    settings = {"STRIPE_API_BASE": lab.stripe, **lab.price_ids}
    request, right = _requests(project)[name]
    return Case(lambda: lab.cold(environment, name, project, **settings), request, right)


def _requests(project: str) -> dict[str, tuple[Callable[[int], Request], Callable[[Answer], bool]]]:
    """Return for each function a request, by number, and how its right answer looks."""
    return {
        "list_packages": (lambda _: Request("GET", "/"), lambda answer: len(answer.fields["packages"]) > 1),
        "create_checkout": (lambda _: wire.checkout(_ADA, project), lambda answer: "session_id" in answer.fields),
        "stripe_webhook": (
            lambda number: wire.webhook(wire.purchase(f"webhook-{number}", 0)),
            _answers(received=True),
        ),
        "credit_tokens": (
            lambda number: wire.push(wire.purchase(f"credit-{number}", 0)),
            _answers(outcome="credited"),
        ),
        "get_balance": (lambda _: wire.get(_ADA, project), lambda answer: answer.fields["balance"] > 0),
        "list_transactions": (
            lambda _: wire.get(_ADA, project, "/?limit=20"),
            lambda answer: len(answer.fields["transactions"]) == 20,  # noqa: PLR2004 - as asked
        ),
        "spend_tokens": (
            lambda number: wire.spend(_ADA, f"cold-{number}"),
            lambda answer: answer.fields["transaction"]["amount"] == -1,
        ),
        # Stripe's simulator knows no such subscription: the function has asked it, and says so.
        "sync_subscription": (
            lambda number: wire.push(wire.subscription(f"sub_{number}")),
            _answers(outcome="missing"),
        ),
        "reconcile": (
            lambda _: Request("POST", "/", {"Content-Type": "application/json"}, json.dumps({"users": 1}).encode()),
            _answers(done=True),
        ),
    }


def _answers(**fields: object) -> Callable[[Answer], bool]:
    return lambda answer: fields.items() <= answer.fields.items()
