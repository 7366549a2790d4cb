"""What a function waits for ends before the function does, and before its caller stops listening."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from google.cloud.secretmanager import SecretManagerServiceClient
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport
from google.pubsub_v1 import PublisherClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport

from shared.adapters import firebase_auth, pubsub, secret_manager, stripe_api
from shared.adapters.firestore import database, store
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
USES_STRIPE = ["create_checkout", "credit_tokens", "sync_subscription"]


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
    """A Google service that answers UNAVAILABLE to everything."""

    def service(self, _details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        return grpc.unary_unary_rpc_method_handler(
            lambda _, context: context.abort(grpc.StatusCode.UNAVAILABLE, "away")
        )


@pytest.fixture
def away() -> Iterator[grpc.Channel]:
    server = grpc.server(ThreadPoolExecutor(8))
    server.add_generic_rpc_handlers((_Away(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel
    server.stop(None).wait()


def test_google_services_that_are_away_are_given_up_in_time(away: grpc.Channel) -> None:
    """Both attempts together fit into the time that Stripe waits for the webhook."""
    secrets = SecretManagerServiceClient(transport=SecretManagerServiceGrpcTransport(channel=away))
    publisher = EventPublisher(PublisherClient(transport=PublisherGrpcTransport(channel=away)), "demo")
    event = {"id": "evt_1", "type": "refund.created", "livemode": False}

    def seconds(call: Callable[[], object]) -> float:
        begun = time.monotonic()
        with pytest.raises(Unavailable):
            call()
        return time.monotonic() - begun

    with ThreadPoolExecutor() as pool:
        read = pool.submit(seconds, lambda: SecretStore(lambda: secrets).get("projects/demo/secrets/key/versions/1"))
        published = pool.submit(seconds, lambda: publisher.publish(b"{}", event, "token_package"))

    assert 1 < read.result() < 6
    assert 1 < published.result() < 6
