"""The product under fault: its functions as processes, and around them what the harness can break."""

import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from google.cloud import firestore

from local.ports import Ports
from reliability.faults.instances import Instance
from reliability.faults.plan import Call, Fault, Plan
from reliability.faults.secret_server import SecretServer
from reliability.faults.servers import forwarding, serving
from reliability.faults.topic import Disorder, Topic
from shared.runtime.catalog_file import load_catalog
from stripe_simulator.server import serving as serving_stripe
from stripe_simulator.settings import Settings
from topology import stripe_prices

_STRIPE_KEY = "sk_test_faults"
_WEBHOOK_SECRET = "whsec_faults"  # noqa: S105 - of the simulator on this machine
_KEY_NAME = "projects/demo/secrets/stripe-secret-key/versions/latest"
_WEBHOOK_SECRET_NAME = "projects/demo/secrets/stripe-webhook-secret/versions/latest"  # noqa: S105 - a name
_NOWHERE = "127.0.0.1:9"
_INSTANCES = {
    "stripe_webhook": 1,
    "credit_tokens": 2,
    "spend_tokens": 2,
    "grant_tokens": 1,
    "create_checkout": 1,
    "reconcile": 1,
}
_FIRST_VERSION: dict[str, Any] = {
    "tokenBalance": 0,
    "totalTokensPurchased": 0,
    "totalTokensEarned": 7,
    "totalTokensSpent": 7,
    "stripeCustomerId": None,
    "recentPurchases": [],
    "openPurchases": {},
    "reversals": {},
}
_SETTLE_S = 90.0
_POLL_S = 0.05
_RECONCILE_PAUSE_S = 0.5


class World:
    """Starts on entry, ends on exit, and leaves nothing running.

    Args:
        emulator: host:port of the Firestore emulator.
        project: an empty project of it.
        logs: the folder for the functions' output.
        seed: what the random choices depend on.
    """

    def __init__(self, emulator: str, project: str, logs: Path, seed: int) -> None:
        self.project = project
        self.uids: list[str] = []
        self.plan = Plan()
        self.random = random.Random(seed)  # noqa: S311 - the choice of faults, not a secret
        self.secrets = SecretServer({_KEY_NAME: _STRIPE_KEY, _WEBHOOK_SECRET_NAME: _WEBHOOK_SECRET})
        self.instances: dict[str, list[Instance]] = {name: [] for name in _INSTANCES}
        self._emulator = emulator
        self._logs = logs
        self._seed = seed
        self._exits = ExitStack()
        self._late: list[threading.Thread] = []
        self._calming = threading.Event()

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._exits.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._exits.close()

    def _start(self) -> None:
        self._logs.mkdir(parents=True, exist_ok=True)
        ports = Ports()
        self._exits.callback(ports.close)
        self.database = _client(self._emulator, self.project)
        self.topic = Topic(lambda: [one.url for one in self.instances["credit_tokens"]], self._seed)
        self._exits.callback(self.topic.stop)
        secret_manager = self._exits.enter_context(serving(self.plan, "secret manager", self.secrets.access))
        settings = {
            "GOOGLE_CLOUD_PROJECT": self.project,
            "STRIPE_SECRET_KEY": _KEY_NAME,
            "STRIPE_WEBHOOK_SECRET": _WEBHOOK_SECRET_NAME,
            "APP_BASE_URL": "http://localhost:8080",
            "FIREBASE_AUTH_EMULATOR_HOST": _NOWHERE,  # set to accept unsigned tokens; verifying one calls nobody
            "SECRET_MANAGER": secret_manager,
            "GOOGLE_CLOUD_DISABLE_GRPC_FOR_ADC": "true",
        }
        self._add("stripe_webhook", settings, ports)
        self.stripe_url = self._exits.enter_context(
            serving_stripe(
                Settings(
                    port=0,
                    secret_key=_STRIPE_KEY,
                    webhook_urls=(self.url("stripe_webhook"),),
                    webhook_secrets=(_WEBHOOK_SECRET,),
                    retry_first_s=0.1,
                    retry_longest_s=0.5,
                    attempts_max=1_000,
                )
            )
        )
        self.stripe = httpx.Client(
            base_url=self.stripe_url, headers={"Authorization": f"Bearer {_STRIPE_KEY}"}, timeout=60
        )
        self._exits.callback(self.stripe.close)
        prices = stripe_prices.set_up(self.stripe_url, _STRIPE_KEY, load_catalog().packages)
        for name in ("credit_tokens", "spend_tokens", "grant_tokens", "create_checkout", "reconcile"):
            self._add(name, settings | prices | {"STRIPE_API_BASE": self.stripe_url}, ports)
        self.restart(kill=False)

    def _add(self, function: str, settings: dict[str, str], ports: Ports) -> None:
        """Add a function's instances, each behind a proxy of its own: a fault can tell them apart."""
        for number in range(_INSTANCES[function]):
            name = f"{function}/{number}"
            hosts = {
                "FIRESTORE_EMULATOR_HOST": self._serve(function, name, forwarding(self._emulator)),
                "PUBSUB_EMULATOR_HOST": self._serve(function, name, self.topic.publish),
            }
            instance = Instance(function, settings | hosts, ports, self._logs)
            self._exits.callback(instance.end)
            self.instances[function].append(instance)

    def _serve(self, function: str, name: str, answer: Any) -> str:  # noqa: ANN401 - an Answer
        return self._exits.enter_context(serving(self.plan, function, answer, instance=name))

    # --- what is done to it

    def url(self, function: str) -> str:
        """Return the address of one of a function's instances."""
        return self.random.choice(self.instances[function]).url

    def instance_of(self, call: Call) -> Instance:
        """Return the instance that makes a call."""
        return self.instances[call.function][int(call.instance.rpartition("/")[2])]

    def restart(
        self, *, offsets_s: Mapping[str, float] | None = None, output: str | None = None, kill: bool = True
    ) -> None:
        """Start every instance again, with clocks off by seconds (by instance), or with another output."""
        started = []
        for function, instances in self.instances.items():
            for number, instance in enumerate(instances):
                if kill:
                    instance.end()
                instance.start(offset_s=(offsets_s or {}).get(f"{function}/{number}", 0.0), output=output)
                started.append(instance)
        for instance in started:
            instance.wait()

    def store_as_version_0_1(self) -> None:
        """Give the users of the next traffic accounts as version 0.1 stored them: 7 tokens were given, and spent."""
        given_at = datetime.now(UTC) - timedelta(days=1)
        for uid in self.uids:
            entry = {"userId": uid, "details": {"reason": "welcome"}}
            given = entry | {"type": "grant", "amount": 7, "balanceAfter": 7, "timestamp": given_at}
            spent_at = given_at + timedelta(hours=1)
            spent = entry | {"type": "spend", "amount": -7, "balanceAfter": 0, "timestamp": spent_at}
            self.database.document(f"transactions/grant:{uid}").set(given)
            self.database.document(f"transactions/spend:{uid}:first").set(spent)
            self.database.document(f"users/{uid}").set(_FIRST_VERSION | {"lastEntryAt": spent_at})

    def simulate(self, path: str, **body: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Use a control of the Stripe simulator."""
        answer = self.stripe.post(f"/_sim/{path}", json=body).raise_for_status()
        done: dict[str, Any] = answer.json()
        return done

    def rotate_webhook_secret(self) -> Callable[[], None]:
        """Give the webhook a new secret, as in Stripe's dashboard; return what ends the old one's endpoint."""
        old = [one["id"] for one in self.stripe.get("/v1/webhook_endpoints").json()["data"]]
        body = {"url": self.url("stripe_webhook"), "enabled_events[]": "*"}
        made = self.stripe.post("/v1/webhook_endpoints", data=body).raise_for_status().json()
        self.secrets.values[_WEBHOOK_SECRET_NAME] = made["secret"]

        def end_old() -> None:
            for id_ in old:
                self.stripe.delete(f"/v1/webhook_endpoints/{id_}").raise_for_status()

        return end_old

    def fail_for(self, seconds: float, fault: Fault, targets: Callable[[Call], bool]) -> None:
        """Let every such call fail, and let them through again after this time."""
        self.plan.arm(fault, times=1_000_000, targets=targets)
        self.later(seconds, self.plan.disarm)

    def reconcile(self) -> None:
        """Let reconcile bring what webhooks lost, until it finds nothing more."""
        deadline = time.monotonic() + _SETTLE_S
        while time.monotonic() < deadline:
            answer = self.stripe.post(self.url("reconcile"), json={})
            if answer.is_success and not answer.json()["republished"]:
                return
            time.sleep(_RECONCILE_PAUSE_S)

    def reconcile_until_calm(self) -> None:
        """Let reconcile bring what webhooks lose, again and again while the traffic runs."""
        calming = self._calming

        def reconcile() -> None:
            while not calming.wait(_RECONCILE_PAUSE_S):
                with suppress(httpx.HTTPError):
                    self.stripe.post(self.url("reconcile"), json={})

        self.later(0, reconcile)

    def later(self, seconds: float, act: Callable[[], object]) -> None:
        """Do something while the traffic runs. `calm` waits for it."""

        def run() -> None:
            time.sleep(seconds)
            act()

        thread = threading.Thread(target=run, daemon=True)
        self._late.append(thread)
        thread.start()

    def repeatedly(self, times: int, pause_s: float, act: Callable[[], object]) -> None:
        """Do something several times while the traffic runs."""
        for number in range(times):
            self.later(number * pause_s, act)

    @contextmanager
    def trial(self) -> Iterator[None]:
        """Begin with everything well, and end so."""
        self.plan.reset()
        yield
        self.calm()

    def calm(self) -> None:
        """Let everything be well again."""
        self._calming.set()
        for thread in self._late:
            thread.join()
        self._calming.clear()
        self._late.clear()
        self.plan.disarm()
        self.topic.disorder = Disorder()
        self.stripe.delete("/_sim/faults")
        self.simulate("webhooks")

    def settled(self) -> bool:
        """Wait until Stripe has delivered its events and the topic its messages; tell whether that came to pass."""
        deadline = time.monotonic() + _SETTLE_S
        while time.monotonic() < deadline:
            if self.stripe.get("/_sim/webhooks").json()["idle"] and not self.topic.unacknowledged:
                return True
            time.sleep(_POLL_S)
        return False


def _client(emulator: str, project: str) -> firestore.Client:
    """Return a client beside the proxies: what the harness reads meets no fault."""
    os.environ["FIRESTORE_EMULATOR_HOST"] = emulator
    return firestore.Client(project=project)
