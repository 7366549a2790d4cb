"""Stripe's API: customers, Checkout Sessions, refunds, subscriptions, events. Signatures are in stripe_signature.py."""

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, partial
from http import HTTPStatus
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

import stripe

from shared.adapters.secret_manager import SecretStore
from shared.domain.catalog import Package
from shared.domain.errors import CustomerGone, StripeRefused, Unavailable
from shared.domain.purchase import TOKEN_PACKAGE
from shared.domain.stripe_events import API_VERSION
from shared.domain.subscription import Subscription, current_subscription

if TYPE_CHECKING:
    from stripe.params import (
        CustomerCreateParams,
        CustomerListParams,
        DisputeListParams,
        EventListParams,
        RefundCreateParams,
        RefundListParams,
        SubscriptionListParams,
    )
    from stripe.params.checkout import SessionCreateParams

_TIMEOUT_S = 10.0
_RETRIES = 2
_PAGE = 100  # the most that Stripe returns in one page of a list
_KEYS_MAX = 5
# Customer search lags behind, by minutes at worst; a list does not. Both together find every customer.
# Source: https://docs.stripe.com/search#data-freshness
_SEARCH_LAG_S = 15 * 60
_RECENT_CUSTOMERS_MAX = 1_000

Result = TypeVar("Result")


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
            instead_of: a customer that was deleted in Stripe; a new one replaces it.
        """
        existing = self._find_customer(uid)
        if existing is not None:
            return existing
        params: CustomerCreateParams = {"metadata": {"firebase_uid": uid}}
        if email:
            params["email"] = email
        try:
            return self._create_customer(uid, params, instead_of)
        except StripeRefused as error:
            if error.stripe_code != "email_invalid":
                raise
            # Firebase accepts addresses that Stripe refuses; a receipt address is not worth losing the sale.
            del params["email"]
            return self._create_customer(uid, params, instead_of)

    def _find_customer(self, uid: str) -> str | None:
        """Return the user's oldest customer in Stripe, None when there is none."""
        query = f"metadata['firebase_uid']:{json.dumps(uid)}"
        recent: CustomerListParams = {"created": {"gte": int(time.time()) - _SEARCH_LAG_S}, "limit": _PAGE}

        def customers() -> list[stripe.Customer]:
            searched = self._stripe.v1.customers.search({"query": query}).data
            listed = self._stripe.v1.customers.list(recent).auto_paging_iter()
            return [*searched, *islice(listed, _RECENT_CUSTOMERS_MAX)]

        found = [one.to_dict() for one in _call(customers)]
        ours = [one for one in found if (one.get("metadata") or {}).get("firebase_uid") == uid]
        return min(((one["created"], one["id"]) for one in ours), default=(0, None))[1]

    def _create_customer(self, uid: str, params: "CustomerCreateParams", instead_of: str | None) -> str:
        key = _key("customer", {**params, "instead_of": instead_of} if instead_of else params)

        def create(idempotency_key: str) -> str:
            return self._stripe.v1.customers.create(params, {"idempotency_key": idempotency_key}).id

        # A saved server error may hide a customer that was created: look before another key creates a second one.
        return _call_with_fresh_key(key, create, before_next_key=lambda: self._find_customer(uid))

    def create_token_checkout_session(
        self, *, uid: str, customer_id: str, package: Package, price_id: str, app_base_url: str, invoice: bool = False
    ) -> tuple[str, str]:
        """Create a Checkout Session for one package; return its id and the address of Stripe's page.

        The metadata is on the PaymentIntent too, from which Stripe copies it to the charge: refunds and disputes find
        their buyer by it. Source: https://docs.stripe.com/metadata

        With `invoice`, Stripe makes an invoice for the purchase. The browser returns to `app_base_url`.

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
            # Left out, the dashboard decides. The session's amounts have to be those of the package's terms.
            "adaptive_pricing": {"enabled": False},
            "success_url": f"{app_base_url}/token-purchase-success?session_id={{CHECKOUT_SESSION_ID}}",
            "cancel_url": f"{app_base_url}/token-purchase-cancel",
        }
        if package.promotions:
            params["allow_promotion_codes"] = True
        if invoice:
            params["invoice_creation"] = {"enabled": True, "invoice_data": {"metadata": metadata}}
        try:
            session = _call(lambda: self._stripe.v1.checkout.sessions.create(params))
        except StripeRefused as error:
            if _is_missing(error, param="customer"):
                raise CustomerGone from error
            raise
        if not session.url:
            raise StripeRefused
        return session.id, session.url

    def session(self, session_id: str) -> dict[str, Any] | None:
        """Return a Checkout Session as it is now, in the shape that events carry; None when Stripe has none."""
        try:
            session = _call(lambda: self._stripe.v1.checkout.sessions.retrieve(session_id))
        except StripeRefused as error:
            if _is_missing(error):
                return None
            raise
        return session.to_dict(for_json=True)

    # --- payments

    def metadata_of_payment(self, payment_intent_id: str) -> dict[str, str]:
        """Return the metadata of a PaymentIntent; none when Stripe does not know it."""
        try:
            intent = _call(lambda: self._stripe.v1.payment_intents.retrieve(payment_intent_id))
        except StripeRefused as error:
            if _is_missing(error):
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
            made = _call_with_fresh_key(idempotency_key, refund, refusals_too=True)
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

        return _call(reversals)

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
                page = _call(lambda: self._stripe.v1.events.list(params))
            except StripeRefused as error:
                if after is not None and _is_missing(error):
                    return  # Stripe no longer has that event, and so no older one either
                raise
            for event in page.data:
                yield event.to_dict(for_json=True)
                after = event.id
            more = page.has_more and bool(page.data)

    def current_subscription(self, subscription_id: str, *, customer_id: str | None) -> Subscription | None:
        """Return the user's subscription that counts now, None when Stripe does not know `subscription_id`.

        An event may be about a subscription that another one has replaced since, of the same customer or of a new one:
        of all that the subscription's customer and the user's current customer have or had, the one that counts is
        returned (shared/domain/subscription.py).
        """
        try:
            subject = _call(lambda: self._stripe.v1.subscriptions.retrieve(subscription_id)).to_dict(for_json=True)
        except StripeRefused as error:
            if _is_missing(error):
                return None
            raise
        customers = {subject["customer"], *([customer_id] if customer_id else [])}
        return current_subscription([subject, *(one for id_ in sorted(customers) for one in self._subscriptions(id_))])

    def _subscriptions(self, customer_id: str) -> list[dict[str, Any]]:
        params: SubscriptionListParams = {"customer": customer_id, "status": "all", "limit": _PAGE}
        try:
            page = _call(lambda: self._stripe.v1.subscriptions.list(params))
        except StripeRefused as error:
            if _is_missing(error):  # the customer was deleted
                return []
            raise
        return [one.to_dict(for_json=True) for one in page.data]


def connect_stripe(secret_key: str, *, api_base: str | None) -> StripeGateway:
    """Return a gateway; `secret_key` is the key itself or its name in Secret Manager."""
    return StripeGateway(partial(SecretStore().get, secret_key), api_base=api_base)


def _client(secret_key: str, *, api_base: str | None) -> stripe.StripeClient:
    return stripe.StripeClient(
        secret_key,
        stripe_version=API_VERSION,
        base_addresses={"api": api_base} if api_base else {},
        max_network_retries=_RETRIES,
        http_client=stripe.RequestsClient(timeout=_TIMEOUT_S),
    )


def _call(call: Callable[[], Result]) -> Result:
    """Call Stripe, and turn its errors into ours. Source: https://docs.stripe.com/error-handling."""
    try:
        return call()
    except stripe.StripeError as error:
        # The SDK's sentence is left out: it may repeat an e-mail address, which belongs in no log.
        raise _ours(error) from (error if _is_transient(error) else None)


def _call_with_fresh_key(
    key: str,
    call: Callable[[str], Result],
    *,
    refusals_too: bool = False,
    before_next_key: Callable[[], Result | None] = lambda: None,
) -> Result:
    """Call Stripe with an idempotency key, and with a next one where Stripe only repeats what it saved under the first.

    Stripe saves the answer of the first request with a key, server errors included, for at least a day: without another
    key one error would be repeated for as long. A new error still ends the call, for its effect is not known.
    Source: https://docs.stripe.com/api/idempotent_requests

    Args:
        key: the first key; the next ones are derived from it, so that two calls at once use the same.
        call: sends the request.
        refusals_too: whether a saved refusal is worth another key as well.
        before_next_key: returns the result that an earlier key had after all, if any.
    """
    for number in range(_KEYS_MAX):
        try:
            return call(f"{key}:{number}" if number else key)
        except stripe.StripeError as error:
            saved = {name.lower(): value for name, value in (error.headers or {}).items()}.get(
                "idempotent-replayed"
            ) == "true"
            server_error = (error.http_status or 0) >= HTTPStatus.INTERNAL_SERVER_ERROR
            last = number == _KEYS_MAX - 1
            if last or not saved or not (server_error or refusals_too):
                raise _ours(error) from (error if _is_transient(error) else None)
        found = before_next_key()
        if found is not None:
            return found
    raise AssertionError("the last key returns or raises")


def _is_transient(error: stripe.StripeError) -> bool:
    # 409: another request with the same idempotency key is in progress.
    return (
        isinstance(error, stripe.APIConnectionError | stripe.RateLimitError)
        or error.http_status == HTTPStatus.CONFLICT
        or (error.http_status or 0) >= HTTPStatus.INTERNAL_SERVER_ERROR
    )


def _ours(error: stripe.StripeError) -> StripeRefused | Unavailable:
    if _is_transient(error):
        return Unavailable("stripe_unavailable", "The payment provider does not answer - try again")
    refused = StripeRefused(error.code, getattr(error, "param", None))
    refused.add_note(f"Stripe: {error.http_status} {error.code}, param {refused.param}, {error.request_id}")
    return refused


def _is_missing(error: StripeRefused, *, param: str | None = None) -> bool:
    return error.stripe_code == "resource_missing" and param in (None, error.param)


def _key(kind: str, params: Mapping[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(params, sort_keys=True).encode()).hexdigest()
    return f"{kind}:{digest}"
