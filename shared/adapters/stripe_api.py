"""Stripe's API: customers, Checkout Sessions, refunds, subscriptions, events. Signatures are in stripe_signature."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import stripe

from shared.domain.catalog import Package
from shared.domain.errors import CustomerGone, StripeRefused, Unavailable
from shared.domain.purchase import TOKEN_PACKAGE
from shared.domain.stripe_events import API_VERSION
from shared.domain.subscription import Subscription, standing

if TYPE_CHECKING:
    from stripe.params import (
        CustomerCreateParams,
        EventListParams,
        PaymentIntentRetrieveParams,
        RefundCreateParams,
        SubscriptionListParams,
    )
    from stripe.params.checkout import SessionCreateParams

Answer = TypeVar("Answer")

_TIMEOUT_S = 10.0
_RETRIES = 2
_PAGE = 100  # the most that a list of Stripe's gives at once


class CustomerDirectory(Protocol):
    """Where a user's Stripe customer is kept: users/{uid}."""

    def keep_stripe_customer(self, uid: str, customer_id: str, *, instead_of: str | None = None) -> str:
        """Keep the customer unless one is kept already, other than `instead_of`; return the one that is."""


class StripeGateway:
    """Calls Stripe with the key that `secret_key` returns at each call, so that a rotated one needs no deployment.

    Raises, from every method: StripeRefused when Stripe says no, Unavailable when it does not answer or asks to wait.
    """

    def __init__(self, secret_key: Callable[[], str], *, api_base: str | None = None) -> None:
        self._secret_key = secret_key
        self._connect = cache(partial(_client, api_base=api_base))

    @property
    def _stripe(self) -> stripe.StripeClient:
        return self._connect(self._secret_key())

    def get_or_create_customer(
        self, uid: str, email: str | None, *, kept: str | None, directory: CustomerDirectory, gone: str | None = None
    ) -> str:
        """Return the user's Stripe customer id: the one that is kept, or at the first purchase a new one.

        Safe against two at once: both send the same idempotency key and get the same customer, and the directory keeps
        whichever id comes first.

        Args:
            uid: the user's Firebase uid, which the customer carries as metadata.
            email: for Stripe's receipts.
            kept: the customer that is kept for the user.
            directory: where a new one is kept.
            gone: a kept customer that was deleted in Stripe, in whose place a new one is made.
        """
        if kept and kept != gone:
            return kept
        params: CustomerCreateParams = {"metadata": {"firebase_uid": uid}}
        if email:
            params["email"] = email
        try:
            customer_id = self._create_customer(params, gone)
        except StripeRefused as error:
            if error.stripe_code != "email_invalid":
                raise
            del params["email"]  # Firebase takes addresses that Stripe does not; its receipts are no reason not to sell
            customer_id = self._create_customer(params, gone)
        return directory.keep_stripe_customer(uid, customer_id, instead_of=gone)

    def _create_customer(self, params: "CustomerCreateParams", gone: str | None) -> str:
        key = _key("customer", {**params, "instead_of": gone} if gone else params)
        return _ask(lambda: self._stripe.v1.customers.create(params, {"idempotency_key": key})).id

    def create_token_checkout_session(
        self, *, uid: str, customer_id: str, package: Package, price_id: str, app_base_url: str
    ) -> tuple[str, str]:
        """Create a Checkout Session for one package; return its id and the address of Stripe's page.

        The metadata stands on the PaymentIntent too, from which Stripe copies it to the charge: refunds and disputes
        find their buyer by it. Source: https://docs.stripe.com/metadata

        Raises:
            CustomerGone: the customer was deleted in Stripe.
        """
        metadata = {
            "firebase_uid": uid,
            "package_id": package.id,
            "tokens": str(package.current.tokens),
            "purchase_type": TOKEN_PACKAGE,
        }
        params: SessionCreateParams = {
            "mode": "payment",
            "customer": customer_id,
            "client_reference_id": uid,
            "line_items": [{"price": price_id, "quantity": 1}],
            "metadata": metadata,
            "payment_intent_data": {"metadata": metadata},
            "success_url": f"{app_base_url}/token-purchase-success?session_id={{CHECKOUT_SESSION_ID}}",
            "cancel_url": f"{app_base_url}/token-purchase-cancel",
        }
        if package.promotions:
            params["allow_promotion_codes"] = True
        try:
            session = _ask(lambda: self._stripe.v1.checkout.sessions.create(params))
        except StripeRefused as error:
            if _is_missing(error, param="customer"):
                raise CustomerGone from error
            raise
        if not session.url:
            raise StripeRefused
        return session.id, session.url

    def metadata_of_payment(self, payment_intent_id: str) -> dict[str, str]:
        """Return the metadata of a PaymentIntent; none when Stripe does not know it."""
        try:
            intent = _ask(lambda: self._stripe.v1.payment_intents.retrieve(payment_intent_id))
        except StripeRefused as error:
            if _is_missing(error):
                return {}
            raise
        return dict(intent.metadata.to_dict())

    def events(self, types: Iterable[str], *, since: int, after: str | None = None) -> Iterator[dict[str, Any]]:
        """Yield Stripe's events of these types, newest first; a page of them is in memory at a time.

        Args:
            types: at most 20, as Stripe takes them.
            since: the oldest creation time, UTC seconds; Stripe keeps events for 30 days.
            after: the id of the event to go on behind.

        Source: https://docs.stripe.com/api/events/list
        """
        asked: EventListParams = {"types": sorted(types), "created": {"gte": since}, "limit": _PAGE}
        more = True
        while more:
            if after is not None:
                asked["starting_after"] = after
            try:
                page = _ask(lambda: self._stripe.v1.events.list(asked))
            except StripeRefused as error:
                if after is not None and _is_missing(error):
                    return  # Stripe has forgotten that event, and so every older one
                raise
            for event in page.data:
                yield event.to_dict(for_json=True)
                after = event.id
            more = page.has_more and bool(page.data)

    def session(self, session_id: str) -> dict[str, Any] | None:
        """Return a Checkout Session as it is now, in the shape that events carry; None when Stripe knows none."""
        try:
            found = _ask(lambda: self._stripe.v1.checkout.sessions.retrieve(session_id))
        except StripeRefused as error:
            if _is_missing(error):
                return None
            raise
        return found.to_dict(for_json=True)

    def refund_rest(self, payment_intent_id: str, *, idempotency_key: str) -> str | None:
        """Refund what is left of a payment; return the refund's id, None when nothing was left.

        Source: https://docs.stripe.com/api/refunds/create (no amount refunds the rest).
        """
        params: RefundCreateParams = {"payment_intent": payment_intent_id}
        try:
            refund = _ask(lambda: self._stripe.v1.refunds.create(params, {"idempotency_key": idempotency_key}))
        except StripeRefused as error:
            if error.stripe_code == "charge_already_refunded":
                return None
            raise
        if refund.status in ("failed", "canceled"):
            raise StripeRefused
        return refund.id

    def standing_subscription(self, subscription_id: str) -> Subscription | None:
        """Return how the customer of a subscription stands now, None when Stripe does not know the subscription.

        An event may tell of a subscription that another one has replaced since: of all that the customer has or had,
        the one that counts is returned (shared/domain/subscription.py).
        """
        try:
            told = _ask(lambda: self._stripe.v1.subscriptions.retrieve(subscription_id)).to_dict(for_json=True)
            every: SubscriptionListParams = {"customer": told["customer"], "status": "all", "limit": _PAGE}
            page = _ask(lambda: self._stripe.v1.subscriptions.list(every))
        except StripeRefused as error:
            if _is_missing(error):
                return None
            raise
        return standing([told, *(one.to_dict(for_json=True) for one in page.data)])

    def reversed_of_payment(self, payment_intent_id: str) -> tuple[int, bool]:
        """Return how many cents of a payment are refunded, less what failed, and whether it was ever disputed.

        Source: https://docs.stripe.com/api/charges/object (amount_refunded, disputed).
        """
        params: PaymentIntentRetrieveParams = {"expand": ["latest_charge"]}
        intent = _ask(lambda: self._stripe.v1.payment_intents.retrieve(payment_intent_id, params))
        charge = intent.to_dict(for_json=True)["latest_charge"]
        return (charge["amount_refunded"], charge["disputed"]) if charge else (0, False)


def _client(secret_key: str, *, api_base: str | None) -> stripe.StripeClient:
    return stripe.StripeClient(
        secret_key,
        stripe_version=API_VERSION,
        base_addresses={"api": api_base} if api_base else {},
        max_network_retries=_RETRIES,
        http_client=stripe.RequestsClient(timeout=_TIMEOUT_S),
    )


def _ask(call: Callable[[], Answer]) -> Answer:
    """Call Stripe, and turn its errors into ours. Source: https://docs.stripe.com/error-handling."""
    try:
        return call()
    except (stripe.APIConnectionError, stripe.RateLimitError) as error:
        raise Unavailable("stripe_unavailable", "The payment provider does not answer - try again") from error
    except stripe.StripeError as error:
        # 409: another request with the same idempotency key is under way.
        if error.http_status == HTTPStatus.CONFLICT or (error.http_status or 0) >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Unavailable("stripe_unavailable", "The payment provider does not answer - try again") from error
        refused = StripeRefused(error.code, getattr(error, "param", None))
        refused.add_note(f"Stripe: {error.http_status} {error.code}, param {refused.param}, {error.request_id}")
        # Stripe's own sentence is left out: it may repeat an e-mail address, which belongs in no log.
        raise refused from None


def _is_missing(error: StripeRefused, *, param: str | None = None) -> bool:
    return error.stripe_code == "resource_missing" and param in (None, error.param)


def _key(kind: str, params: Mapping[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(params, sort_keys=True).encode()).hexdigest()
    return f"{kind}:{digest}"
