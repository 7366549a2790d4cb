"""Cold starts and memory: each program in an environment of its own requirements, from exec to the first right answer.

A right answer is a request's whole effect: a purchase is credited, an event is published, an existing account's balance
is returned. So it includes the first connection to an emulator, which hello and the bare client never open.
"""

import json
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import count

from bench import environments, wire
from bench.client import Request, Response, UnexpectedResponseError
from bench.lab import FUNCTIONS, Lab
from bench.measure import interleaved, run_concurrently
from bench.results import Row, at_most
from bench.services import Service

_ROUNDS = 10
_MORE_REQUESTS = 20
_CONNECTIONS = 8
_ADA = "ada"

_Sent = tuple[Callable[[int], Request], Callable[[Response], bool]]

_MONOLITH_TARGETS = {"stripe_webhook": 0.85}
_COMPARED_WITH_BARE_CLIENT = ("get_balance", "list_transactions", "credit_tokens", "spend_tokens")


@dataclass(frozen=True, slots=True)
class Start:
    """One start: the time to the first right answer, and the peak memory after more requests."""

    ms: float
    peak_mib: float


@dataclass(frozen=True, slots=True)
class Case:
    """A program, what to send it, and what a right answer is."""

    run: Callable[[], AbstractContextManager[Service]]
    request: Callable[[int], Request]
    is_right: Callable[[Response], bool]
    numbers: Iterator[int] = field(default_factory=count)

    def start(self, _round: int) -> Start:
        """Start the program once."""
        request = self.request(next(self.numbers))
        start = time.perf_counter()
        with self.run() as service:
            service.wait_until_listening()
            client = service.client()
            response = client.send_ok(request)
            ms = (time.perf_counter() - start) * 1000
            if not self.is_right(response):
                raise UnexpectedResponseError(f"{service.process.args!r}: {response.body!r}")
            more = [self.request(next(self.numbers)) for _ in range(_MORE_REQUESTS)]
            run_concurrently(client.calls(more), _CONNECTIONS)
            return Start(ms, service.peak_mib)


def measure(lab: Lab) -> Iterator[Row]:
    """Yield the rows: ratios of medians."""
    cases = _cases(lab)
    starts = dict(zip(cases, interleaved(_ROUNDS, *(case.start for case in cases.values())), strict=True))
    ms = {name: statistics.median(start.ms for start in runs) for name, runs in starts.items()}
    mib = {name: statistics.median(start.peak_mib for start in runs) for name, runs in starts.items()}
    others = [name for name in cases if name != "hello"]
    for name in others:
        yield Row(
            f"cold start: {name} ÷ hello", ms[name] / ms["hello"], note=f"{ms[name]:.0f} and {ms['hello']:.0f} ms"
        )
    for name in FUNCTIONS:
        target = at_most(_MONOLITH_TARGETS.get(name, 1.0))
        yield Row(f"cold start: {name} ÷ monolith", ms[name] / ms["monolith"], target)
    for name in _COMPARED_WITH_BARE_CLIENT:
        yield Row(f"cold start: {name} ÷ bare client", ms[name] / ms["bare_client"], at_most(1.05))
    for name in others:
        limit = at_most(2.1) if name in FUNCTIONS else None
        note = f"{mib[name]:.0f} and {mib['hello']:.0f} MiB"
        yield Row(f"peak memory: {name} ÷ hello", mib[name] / mib["hello"], limit, note)


def _cases(lab: Lab) -> dict[str, Case]:
    project = lab.project()
    lab.create_topics(project)
    lab.fund(project, {_ADA: 5_000})
    session_id = lab.sell(project, _ADA)
    baselines = {
        "hello": _baseline(lab, project, "hello"),
        "bare_client": _baseline(lab, project, "bare_client"),
        "monolith": _monolith(lab, project),
    }
    requests = requests_of(project, session_id)
    return baselines | {name: _function(lab, project, name, requests[name]) for name in FUNCTIONS}


def _baseline(lab: Lab, project: str, name: str) -> Case:
    environment = environments.of_baseline(name)
    return Case(
        lambda: lab.cold_function(environment, name, project),
        lambda _: Request("GET", "/"),
        lambda response: response.body == b"ok",
    )


def _monolith(lab: Lab, project: str) -> Case:
    environment = environments.of_baseline("monolith")
    return Case(
        lambda: lab.cold_monolith(environment, project),
        lambda number: wire.webhook(wire.purchase(f"monolith-{number}", 0)),
        _has(credited=True),
    )


def _function(lab: Lab, project: str, name: str, sent: _Sent) -> Case:
    environment = environments.of_function(name)
    settings = {"STRIPE_API_BASE": lab.stripe, **lab.price_ids}
    return Case(lambda: lab.cold_function(environment, name, project, **settings), *sent)


def requests_of(project: str, session_id: str) -> dict[str, _Sent]:
    """Return, for each function, how to make its request number n, and whether a response is right.

    `session_id` is the Checkout Session of a purchase of ada's.
    """
    return {
        "list_packages": (lambda _: Request("GET", "/"), lambda response: len(response.fields["packages"]) > 1),
        "create_checkout": (lambda _: wire.checkout(_ADA, project), lambda response: "session_id" in response.fields),
        "stripe_webhook": (
            lambda number: wire.webhook(wire.purchase(f"webhook-{number}", 0)),
            _has(received=True),
        ),
        "credit_tokens": (lambda number: wire.push(wire.purchase(f"credit-{number}", 0)), _has(outcome="credited")),
        "get_balance": (lambda _: wire.get(_ADA, project), lambda response: response.fields["balance"] > 0),
        "list_transactions": (
            lambda _: wire.get(_ADA, project, "/?limit=20"),
            lambda response: len(response.fields["transactions"]) == 20,  # noqa: PLR2004 - the limit in the request
        ),
        "get_receipt": (
            lambda _: wire.get(_ADA, project, f"/?session_id={session_id}"),
            lambda response: "url" in response.fields,
        ),
        "spend_tokens": (
            lambda number: wire.spend(_ADA, f"cold-{number}"),
            lambda response: response.fields["transaction"]["amount"] == -1,
        ),
        "grant_tokens": (
            lambda number: wire.grant(f"cold-{number}", "gift", 5),
            lambda response: response.fields["balance"] == 5,  # noqa: PLR2004 - the amount in the request
        ),
        "claim_welcome": (
            lambda _: wire.claim_welcome(_ADA, project),
            _has(outcome="off"),
        ),
        # The simulator has no such subscription: the right answer is that Stripe does not know it.
        "sync_subscription": (
            lambda number: wire.push(wire.subscription(f"sub_{number}")),
            _has(outcome="missing"),
        ),
        "reconcile": (
            lambda _: Request("POST", "/", {"Content-Type": "application/json"}, json.dumps({"users": 1}).encode()),
            _has(done=True),
        ),
    }


def _has(**fields: object) -> Callable[[Response], bool]:
    return lambda response: fields.items() <= response.fields.items()
