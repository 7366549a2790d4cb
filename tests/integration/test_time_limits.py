"""What a function waits for ends before the function does, and before its caller stops listening."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import grpc
import pytest
from google.cloud.secretmanager import SecretManagerServiceClient
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport
from google.pubsub_v1 import PublisherClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport

from shared.adapters import firebase_auth, google_identity, pubsub, secret_manager, stripe_api
from shared.adapters.firestore import database, store
from shared.adapters.firestore.client import Client
from shared.adapters.pubsub import EventPublisher
from shared.adapters.secret_manager import SecretStore
from shared.adapters.stripe_api import StripeGateway
from shared.adapters.time_limit import STRIPE_S, seconds_left, time_limit
from shared.domain.errors import Unavailable
from stripe_simulator.server import serving
from stripe_simulator.settings import Settings
from tests.contract.controls import simulate
from topology.functions import load_functions

KEY = "sk_test_limits"
TIMEOUTS_S = {row.name: row.timeout_s for row in load_functions()}
USES_STRIPE = ["create_checkout", "credit_tokens", "get_receipt", "sync_subscription"]


@pytest.fixture(scope="module")
def stripe_url() -> Iterator[str]:
    with serving(Settings(port=0, secret_key=KEY)) as url:
        yield url


@pytest.mark.parametrize("name", USES_STRIPE)
def test_what_follows_stripe_fits_into_the_functions_time(name: str) -> None:
    """A change waits for its turn, and is then decided again while others change the account."""
    change_s = 2 * store.CHANGE_TIMEOUT_S

    assert change_s + STRIPE_S < TIMEOUTS_S[name]


@pytest.mark.parametrize("name", TIMEOUTS_S)
def test_a_single_call_ends_before_its_function(name: str) -> None:
    calls_s = (
        database.CALL_TIMEOUT_S,
        stripe_api._TIMEOUT_S,
        pubsub._PUBLISH_TIMEOUT_S,
        secret_manager._CALL_TIMEOUT_S,
        firebase_auth._TIMEOUT_S,
        google_identity._CERTIFICATES_TIMEOUT_S,
    )

    assert max(calls_s) * 2 < TIMEOUTS_S[name]


def test_the_webhook_answers_while_stripe_holds_the_buyers_redirect() -> None:
    """Source: https://docs.stripe.com/checkout/fulfillment (up to 10 s)."""
    assert secret_manager._CALL_TIMEOUT_S + pubsub._PUBLISH_TIMEOUT_S <= 10


@pytest.mark.parametrize("fault", [{"timeout_ms": 20_000}, {"status": 500}, {"status": 429}, {"form": "reset"}])
def test_a_stripe_that_does_not_answer_is_given_up_when_the_time_is_over(
    stripe_url: str, fault: dict[str, object]
) -> None:
    gateway = StripeGateway(lambda: KEY, api_base=stripe_url)
    simulate(stripe_url, "faults", path_prefix="/v1/", times=100, **fault)

    begun = time.monotonic()
    with pytest.raises(Unavailable), time_limit(0.5):
        gateway.get_or_create_customer("ada", None)

    assert time.monotonic() - begun < 4  # the SDK's pauses before it asks whether there is time are a second each
    simulate(stripe_url, "reset")


def test_a_limit_does_not_outlast_its_context_nor_an_outer_one() -> None:
    with time_limit(0.0):
        with time_limit(60.0):
            assert seconds_left() == 0
        assert seconds_left() == 0
    assert seconds_left() == float("inf")


class _Away(grpc.GenericRpcHandler):  # type: ignore[misc] # grpc is untyped
    """Google services that answer UNAVAILABLE to everything, and remember when they were asked what."""

    def __init__(self) -> None:
        self.asked: dict[str, list[float]] = defaultdict(list)

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        self.asked[details.method.rpartition("/")[2]].append(time.monotonic())

        def refuse(_request: bytes, context: grpc.ServicerContext) -> bytes:
            context.abort(grpc.StatusCode.UNAVAILABLE, "away")
            raise AssertionError

        return grpc.unary_unary_rpc_method_handler(refuse)


@pytest.fixture
def away() -> Iterator[tuple[_Away, str]]:
    server, services = grpc.server(ThreadPoolExecutor(8)), _Away()
    server.add_generic_rpc_handlers((services,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield services, f"127.0.0.1:{port}"
    server.stop(None).wait()


def seconds_until_given_up(call: Callable[[], object]) -> float:
    begun = time.monotonic()
    with pytest.raises(Unavailable):
        call()
    return time.monotonic() - begun


def test_google_services_that_are_away_are_given_up_in_time_after_pauses_of_random_length(
    away: tuple[_Away, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    services, address = away
    channel = grpc.insecure_channel(address)
    secrets = SecretManagerServiceClient(transport=SecretManagerServiceGrpcTransport(channel=channel))
    publisher = EventPublisher(PublisherClient(transport=PublisherGrpcTransport(channel=channel)), "demo")
    event = {"id": "evt_1", "type": "refund.created", "livemode": False}
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", address)
    documents = database.Database(Client(project="demo"))

    with ThreadPoolExecutor() as pool:
        waits = [
            pool.submit(seconds_until_given_up, call)
            for call in (
                lambda: SecretStore(lambda: secrets).get("projects/demo/secrets/key/versions/1"),
                lambda: publisher.publish(b"{}", event, "token_package"),
                lambda: documents.get("users", "ada"),
            )
        ]
        secret_s, published_s, read_s = (wait.result() for wait in waits)

    assert 1 < secret_s < secret_manager._CALL_TIMEOUT_S + 1
    assert 1 < published_s < pubsub._PUBLISH_TIMEOUT_S + 1
    assert 1 < read_s < database.CALL_TIMEOUT_S + 1
    assert set(services.asked) == {"AccessSecretVersion", "Publish", "BatchGetDocuments"}
    for moments in services.asked.values():
        pauses = [later - earlier for earlier, later in pairwise(moments)]
        assert len(pauses) > 3
        assert max(pauses[2:]) > 1.05 * min(pauses[2:])
    channel.close()
