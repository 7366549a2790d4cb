"""The kinds of fault: what breaks, and at which steps of the product."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import grpc

from bench import wire
from reliability.faults.plan import Call, Fault
from reliability.faults.topic import Disorder
from reliability.faults.world import World

_FULL_DISK = Path("/dev/full")
_STRIPE_CALLS = (("POST", "/v1/customers"), ("GET", "/v1/customers"), ("POST", "/v1/checkout/sessions"))


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault.

    Attributes:
        name: what breaks.
        begin: breaks it, before the traffic starts.
        targets: the calls that meet it, at each of their steps; None when it is no matter of calls.
        end: mends what `World.calm` does not.
        slow: whether it takes much longer than the others.
    """

    name: str
    begin: Callable[[World], object]
    targets: Callable[[Call], bool] | None = None
    end: Callable[[World], object] = lambda _: None
    slow: bool = False


def _to_firestore(call: Call) -> bool:
    return call.method in ("BatchGetDocuments", "RunQuery", "Commit")


def _to_pubsub(call: Call) -> bool:
    return call.method == "Publish"


def _to_secret_manager(call: Call) -> bool:
    return call.method == "AccessSecretVersion"


def _is_commit(call: Call) -> bool:
    return call.method == "Commit"


def _is_folded_commit(call: Call) -> bool:
    return call.method == "Commit" and call.subject == "folded"


def _of_product(call: Call) -> bool:
    return _to_firestore(call) or _to_pubsub(call)


def _calls(name: str, fault: Fault, targets: Callable[[Call], bool], *, times: int = 0, slow: bool = False) -> Kind:
    """Return a kind that meets the first calls of every step: one to three, as the seed has it, or `times`."""

    def begin(world: World) -> None:
        world.plan.arm(fault, times=times or world.random.randint(1, 3), targets=targets)

    return Kind(name, begin, targets, slow=slow)


def _acts(name: str, when: str, targets: Callable[[Call], bool], act: Callable[[World, Call], object]) -> Kind:
    """Return a kind that does something to the world, once at every step."""

    def begin(world: World) -> None:
        after_that = grpc.StatusCode.UNAVAILABLE if when == "after" else None
        fault = Fault("after" if when == "after" else "before", after_that, act=lambda call: act(world, call))
        world.plan.arm(fault, times=1, targets=targets)

    return Kind(name, begin, targets)


def _outage(name: str, seconds: float, targets: Callable[[Call], bool], code: grpc.StatusCode) -> Kind:
    return Kind(name, lambda world: world.fail_for(seconds, Fault("before", code), targets))


# --- Firestore, Pub/Sub, Secret Manager


def _google() -> Iterator[Kind]:
    refusals = (
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.INTERNAL,
    )
    for code in refusals:
        yield _calls(f"Firestore: {code.name} before the call took effect", Fault("before", code), _to_firestore)
    for code in (*refusals, grpc.StatusCode.UNKNOWN):
        name = f"Firestore: {code.name} after the commit took effect"
        yield _calls(name, Fault("after", code), _is_commit)
    for code in (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.PERMISSION_DENIED):
        yield _calls(f"Firestore: {code.name}", Fault("before", code), _to_firestore)
    unavailable = grpc.StatusCode.UNAVAILABLE
    yield _outage("Firestore away for 4 s", 4.0, _to_firestore, unavailable)
    yield _calls("Firestore slow: 1.5 s per call", Fault("before", delay_s=1.5), _to_firestore)
    hangs = Fault("before", unavailable, delay_s=11.0)
    yield _calls("Firestore hangs for longer than the client waits", hangs, _to_firestore, times=1, slow=True)
    yield _outage("Pub/Sub away for 3 s when webhooks come", 3.0, _to_pubsub, unavailable)
    yield _calls("Pub/Sub: the answer is lost after the message was taken", Fault("after", unavailable), _to_pubsub)
    yield _calls("Pub/Sub: DEADLINE_EXCEEDED", Fault("before", grpc.StatusCode.DEADLINE_EXCEEDED), _to_pubsub)
    yield _calls("Pub/Sub slow: 6 s", Fault("before", unavailable, delay_s=6.0), _to_pubsub, times=1, slow=True)

    def without_secrets(code: grpc.StatusCode) -> Callable[[World], None]:
        def begin(world: World) -> None:
            world.restart()
            world.fail_for(3.0, Fault("before", code), _to_secret_manager)

        return begin

    yield Kind("Secret Manager away for 3 s, instances new", without_secrets(unavailable))
    yield Kind("Secret Manager refuses for 3 s, instances new", without_secrets(grpc.StatusCode.PERMISSION_DENIED))


def _rotation() -> Kind:
    ends: list[Callable[[], None]] = []

    def begin(world: World) -> None:
        world.later(0.1, lambda: ends.append(world.rotate_webhook_secret()))

    def end(_world: World) -> None:
        ends.pop()()

    return Kind("The webhook's secret is rotated under traffic", begin, end=end)


# --- delivery


def _delivery() -> Iterator[Kind]:
    def disorder(copies: int, delay_max_s: float) -> Callable[[World], None]:
        return lambda world: setattr(world.topic, "disorder", Disorder(copies, delay_max_s))

    yield Kind("Delivery: every message five times at once", disorder(5, 0.0))
    yield Kind("Delivery: reordered, within 1.5 s", disorder(1, 1.5))
    yield Kind("Delivery: late, reordered and three times", disorder(3, 4.0))

    def webhooks(**plan: object) -> Callable[[World], object]:
        return lambda world: world.simulate("webhooks", **plan)

    yield Kind("Stripe sends every event twice at once", webhooks(mode="duplicate"))
    yield Kind("Stripe sends events in another order", webhooks(mode="shuffle"))
    yield Kind("Stripe sends purchases after their refunds", webhooks(mode="delay", types=["checkout.*"], delay_s=3))
    yield Kind("Webhooks lost: only reconcile brings them", _lose_webhooks, end=World.reconcile)
    name = "The topic is replayed from its beginning under live load, three times"
    yield Kind(name, lambda world: world.repeatedly(3, 0.5, world.topic.replay))

    def poison(world: World) -> None:
        for body in (b"", b"{", b"[]", b"\xff\xfe", b'{"id": "evt_1"}', b'{"id": 7, "type": [], "data": null}'):
            world.topic.add(body, {"purchase_type": "token_package"})

    name = "Poison messages beside good ones"
    yield Kind(name, lambda world: world.repeatedly(8, 0.2, lambda: poison(world)))
    name = "Forged webhooks beside genuine ones"
    yield Kind(name, lambda world: world.repeatedly(8, 0.2, lambda: _forge(world)))


def _lose_webhooks(world: World) -> None:
    world.simulate("webhooks", mode="drop")
    world.reconcile_until_calm()


def _forge(world: World) -> None:
    """Send webhooks that claim tokens for the traffic's users, without Stripe's secret."""
    for number in range(3):
        request = wire.webhook(wire.purchase("forger", number))
        answer = world.stripe.post(world.url("stripe_webhook"), content=request.body, headers=dict(request.headers))
        if answer.is_success:
            raise AssertionError("a forged webhook was accepted")


# --- instances


def _instances() -> Iterator[Kind]:
    def kill(world: World, call: Call) -> None:
        world.instance_of(call).kill()

    yield _acts("SIGKILL before the call", "before", _of_product, kill)
    yield _acts("SIGKILL after the call took effect, before its answer", "after", _of_product, kill)
    yield _acts("SIGKILL before a folded commit", "before", _is_folded_commit, kill)
    yield _acts("SIGKILL after a folded commit took effect", "after", _is_folded_commit, kill)

    def ask_to_stop(world: World, call: Call) -> None:
        world.later(0, world.instance_of(call).ask_to_stop)

    yield _acts("SIGTERM in the middle of a call", "before", _of_product, ask_to_stop)

    clocks = {
        "stripe_webhook/0": -120.0,
        "credit_tokens/0": 240.0,
        "credit_tokens/1": -240.0,
        "spend_tokens/0": -180.0,
        "spend_tokens/1": 180.0,
        "create_checkout/0": 30.0,
    }
    yield Kind("Accounts that version 0.1 stored, moved by whoever comes first", World.store_as_version_0_1)
    name = "Clocks that differ by up to 8 minutes"
    yield Kind(name, lambda world: world.restart(offsets_s=clocks), end=World.restart)
    if _FULL_DISK.exists():  # on Linux
        name = "The disk of the logs is full"
        yield Kind(name, lambda world: world.restart(output=str(_FULL_DISK)), end=World.restart)
    name = "New instances at every moment"
    yield Kind(name, lambda world: world.repeatedly(6, 0.3, lambda: _replace_one(world)))


def _replace_one(world: World) -> None:
    function = world.random.choice(sorted(world.instances))
    world.random.choice(world.instances[function]).kill()


# --- Stripe's API


def _stripe() -> Iterator[Kind]:
    def faulty(**fault: object) -> Callable[[World], None]:
        def begin(world: World) -> None:
            for method, path in _STRIPE_CALLS:
                world.simulate("faults", path_prefix=path, method=method, times=world.random.randint(1, 4), **fault)

        return begin

    for when, stored in product(("before", "after"), (False, True)):
        remembered = "and repeats the error" if stored else "once"
        name = f"Stripe answers 500 {when} the work, {remembered}"
        yield Kind(name, faulty(status=500, when=when, stored=stored))
    yield Kind("Stripe asks to wait: 429", faulty(status=429, when="before"))
    yield Kind("Stripe is slow: 3 s", faulty(timeout_ms=3_000))
    yield Kind("Stripe resets the connection after the work", faulty(when="after", form="reset"))
    yield Kind("Stripe's answer is cut off", faulty(when="after", form="half"))
    yield Kind("Stripe answers with a web page", faulty(when="before", form="html"))


def all_kinds() -> tuple[Kind, ...]:
    """Return every kind of fault."""
    return (*_google(), _rotation(), *_delivery(), *_instances(), *_stripe())


SMALL_SET = (
    "Firestore: UNAVAILABLE after the commit took effect",
    "Delivery: every message five times at once",
    "SIGKILL after a folded commit took effect",
)
"""What runs in `make test`."""
