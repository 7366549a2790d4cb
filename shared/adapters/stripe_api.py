"""Stripe's API: customers, Checkout Sessions, refunds, subscriptions, events."""

import uuid
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import requests
import stripe

from shared.adapters.secret_manager import SecretStore
from shared.adapters.stripe_calls import call, call_with_key, is_missing
from shared.adapters.stripe_customers import get_or_create
from shared.adapters.time_limit import seconds_left
from shared.domain.catalog import Package
from shared.domain.errors import CustomerGone, StripeRefused
from shared.domain.purchase import TOKEN_PACKAGE
from shared.domain.session_fields import RECEIPT_FIELDS, receipt_url_of
from shared.domain.stripe_events import API_VERSION
from shared.domain.subscription import Subscription, current_subscription

if TYPE_CHECKING:
    from stripe.params import (
        DisputeListParams,
        EventListParams,
        RefundCreateParams,
        RefundListParams,
        SubscriptionListParams,
    )
    from stripe.params.checkout import SessionCreateParams, SessionRetrieveParams

_TIMEOUT_S = 10.0
_RETRIES = 2
_PAGE = 100  # the most that Stripe returns in one page of a list


class StripeGateway:
    """Calls Stripe with the key that `secret_key` returns at each call, so that a rotated key needs no deployment.

    Raises, from every method: StripeRefused when Stripe says no, Unavailable when it does not answer or asks to wait.
    """

    def __init__(self, secret_key: Callable[[], str], *, api_base: str | None = None) -> None:
        self._secret_key = secret_key
        self._connect = cache(partial(_client, api_base=api_base))

    @property
    def _stripe(self) -> stripe.StripeClient:
        return self._connect(self._secret_key())

    # --- customers and checkout

    def get_or_create_customer(self, uid: str, email: str | None, *, instead_of: str | None = None) -> str:
        """Return the id of the user's Stripe customer: one that exists, or else a new one.

        Two requests at once send the same idempotency key and get the same customer.

        Args:
            uid: the user's Firebase uid, which the customer carries as metadata.
            email: for Stripe's receipts.
            instead_of: a customer that was deleted in Stripe; another one replaces it.
        """
        return get_or_create(self._stripe, uid, email, instead_of=instead_of)

    def create_token_checkout_session(
        self,
        *,
        uid: str,
        customer_id: str,
        package: Package,
        price_id: str,
        currency: str,
        app_base_url: str,
        invoice: bool = False,
    ) -> tuple[str, str]:
        """Create a Checkout Session for one package; return its id and the address of Stripe's page.

        The metadata is on the PaymentIntent too, from which Stripe copies it to the charge: refunds and disputes find
        their buyer by it. Source: https://docs.stripe.com/metadata

        Without `currency`, Stripe would choose one of the price's by the buyer's internet address (decision 0033). With
        `invoice`, Stripe makes an invoice for the purchase. The browser returns to `app_base_url`.

        Raises:
            CustomerGone: the customer was deleted in Stripe.
        """
        params: SessionCreateParams = {
            "mode": "payment",
            "customer": customer_id,
            "client_reference_id": uid,
            "line_items": [{"price": price_id, "quantity": 1}],
            "currency": currency,
            "metadata": (metadata := _claim(uid, package)),
            "payment_intent_data": {"metadata": metadata},
            # Left out, the dashboard decides. The session's amounts have to be those of the package's terms.
            "adaptive_pricing": {"enabled": False},
            "success_url": f"{app_base_url}/token-purchase-success?session_id={{CHECKOUT_SESSION_ID}}",
            "cancel_url": f"{app_base_url}/token-purchase-cancel",
        }
        if package.promotions:
            params["allow_promotion_codes"] = True
        if invoice:
            params["invoice_creation"] = {"enabled": True, "invoice_data": {"metadata": metadata}}
        create = self._stripe.v1.checkout.sessions.create
        try:
            # No fixed key: a second session of the same buyer is a second purchase, unless nobody pays it.
            session = call_with_key(lambda key: create(params, {"idempotency_key": key}), str(uuid.uuid4()))
        except StripeRefused as error:
            if is_missing(error, param="customer"):
                raise CustomerGone from error
            raise
        if not session.url:
            raise StripeRefused
        return session.id, session.url

    def session(self, session_id: str, *, expand: Iterable[str] = ()) -> dict[str, Any] | None:
        """Return a Checkout Session as it is now, in the shape that events carry; None when Stripe has none.

        `expand` are fields to be returned as objects instead of their ids.
        """
        params: SessionRetrieveParams = {"expand": fields} if (fields := list(expand)) else {}
        try:
            session = call(lambda: self._stripe.v1.checkout.sessions.retrieve(session_id, params))
        except StripeRefused as error:
            if is_missing(error):
                return None
            raise
        return session.to_dict(for_json=True)

    # --- payments

    def receipt_url(self, session_id: str) -> str | None:
        """Return where Stripe shows a purchase's receipt or invoice; None when there is neither.

        Such an address expires after 30 days at most: https://docs.stripe.com/receipts
        """
        session = self.session(session_id, expand=RECEIPT_FIELDS)
        return receipt_url_of(session) if session else None

    def metadata_of_payment(self, payment_intent_id: str) -> dict[str, str]:
        """Return the metadata of a PaymentIntent; none when Stripe does not know it."""
        try:
            intent = call(lambda: self._stripe.v1.payment_intents.retrieve(payment_intent_id))
        except StripeRefused as error:
            if is_missing(error):
                return {}
            raise
        return dict(intent.metadata.to_dict())

    def refund_rest(self, payment_intent_id: str, *, idempotency_key: str) -> str | None:
        """Refund what is left of a payment; return the refund's id, None when nothing was left.

        Source: https://docs.stripe.com/api/refunds/create (without an amount, the rest is refunded).
        """
        params: RefundCreateParams = {"payment_intent": payment_intent_id}

        def refund(key: str) -> stripe.Refund:
            return self._stripe.v1.refunds.create(params, {"idempotency_key": key})

        try:
            # A second refund of the rest finds nothing left: another key cannot refund twice.
            made = call_with_key(refund, idempotency_key, retry_saved_refusals=True)
        except StripeRefused as error:
            if error.stripe_code == "charge_already_refunded":
                return None
            raise
        if made.status in ("failed", "canceled"):
            raise StripeRefused(f"refund_{made.status}")
        return made.id

    def reversals_of_payment(self, payment_intent_id: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Return a payment's refunds and disputes as they are now, in the shape that events carry.

        Sources: https://docs.stripe.com/api/refunds/list and https://docs.stripe.com/api/disputes/list
        """
        refunds_params: RefundListParams = {"payment_intent": payment_intent_id, "limit": _PAGE}
        disputes_params: DisputeListParams = {"payment_intent": payment_intent_id, "limit": _PAGE}

        def reversals() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
            refunds = self._stripe.v1.refunds.list(refunds_params).auto_paging_iter()
            disputes = self._stripe.v1.disputes.list(disputes_params).auto_paging_iter()
            return [one.to_dict(for_json=True) for one in refunds], [one.to_dict(for_json=True) for one in disputes]

        return call(reversals)

    # --- events and subscriptions

    def events(self, types: Iterable[str], *, since: int, after: str | None = None) -> Iterator[dict[str, Any]]:
        """Yield Stripe's events of these types, newest first; one page of them is in memory at a time.

        Args:
            types: at most 20, as Stripe takes them.
            since: the oldest creation time, UTC seconds; Stripe keeps events for 30 days.
            after: the id of the event to continue after.

        Source: https://docs.stripe.com/api/events/list
        """
        params: EventListParams = {"types": sorted(types), "created": {"gte": since}, "limit": _PAGE}
        more = True
        while more:
            if after is not None:
                params["starting_after"] = after
            try:
                page = call(lambda: self._stripe.v1.events.list(params))
            except StripeRefused as error:
                if after is not None and is_missing(error):
                    return  # Stripe no longer has that event, and so no older one either
                raise
            for event in page.data:
                yield event.to_dict(for_json=True)
                after = event.id
            more = page.has_more and bool(page.data)

    def current_subscription(
        self, subscription_id: str, *, saved_id: str | None = None, customer_id: str | None = None
    ) -> Subscription | None:
        """Return the user's subscription that counts now, None when Stripe does not know `subscription_id`.

        An event may be about a subscription that another one has replaced since, of the same customer or of another.
        Among all subscriptions of these customers, shared/domain/subscription.py says which one counts.

        Args:
            subscription_id: what an event is about; its customer's subscriptions are considered.
            saved_id: the subscription that is saved for the user; its customer's are considered too.
            customer_id: the customer that is saved for the user; so are this one's.
        """
        subject = self._subscription(subscription_id)
        if subject is None:
            return None
        saved = self._subscription(saved_id) if saved_id and saved_id != subscription_id else None
        named = [one for one in (subject, saved) if one]
        customers = {one["customer"] for one in named} | ({customer_id} if customer_id else set())
        return current_subscription([*named, *(one for id_ in sorted(customers) for one in self._subscriptions(id_))])

    def _subscription(self, id_: str) -> dict[str, Any] | None:
        try:
            return call(lambda: self._stripe.v1.subscriptions.retrieve(id_)).to_dict(for_json=True)
        except StripeRefused as error:
            if is_missing(error):
                return None
            raise

    def _subscriptions(self, customer_id: str) -> list[dict[str, Any]]:
        params: SubscriptionListParams = {"customer": customer_id, "status": "all", "limit": _PAGE}
        try:
            page = call(lambda: self._stripe.v1.subscriptions.list(params))
        except StripeRefused as error:
            if is_missing(error):  # the customer was deleted
                return []
            raise
        return [one.to_dict(for_json=True) for one in page.data]


def _claim(uid: str, package: Package) -> dict[str, str]:
    """Return the metadata that says who buys what."""
    return {
        "firebase_uid": uid,
        "package_id": package.id,
        "tokens": str(package.current.tokens),
        "purchase_type": TOKEN_PACKAGE,
    }


def connect_stripe(secret_key: str, *, api_base: str | None) -> StripeGateway:
    """Return a gateway; `secret_key` is the key itself or its name in Secret Manager."""
    return StripeGateway(partial(SecretStore().get, secret_key), api_base=api_base)


class _Session(requests.Session):
    """Sends no request once the time limit is reached, and gives none more time than is left."""

    def request(self, method: Any, url: Any, *args: Any, **options: Any) -> requests.Response:  # noqa: ANN401 - the SDK's
        """Send a request of Stripe's SDK.

        Raises:
            requests.RequestException: no time is left; the SDK does not repeat it.
        """
        left = seconds_left()
        if not left:
            raise requests.RequestException("No time is left for this request")
        return super().request(method, url, *args, **{**options, "timeout": min(options["timeout"], left)})


def _client(secret_key: str, *, api_base: str | None) -> stripe.StripeClient:
    return stripe.StripeClient(
        secret_key,
        stripe_version=API_VERSION,
        base_addresses={"api": api_base} if api_base else {},
        max_network_retries=_RETRIES,
        http_client=stripe.RequestsClient(timeout=_TIMEOUT_S, session=_Session()),
    )
