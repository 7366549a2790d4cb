"""POST /api/tokens/create-checkout-session: the signed-in user starts to buy a package."""

import time
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import functions_framework
from flask import Request

from shared.adapters.firebase_auth import Identity, User
from shared.adapters.firestore.ledger import Ledger, connect_ledger
from shared.adapters.stripe_api import StripeGateway, connect_stripe
from shared.adapters.time_limit import STRIPE_S, time_limit
from shared.domain.account import Account
from shared.domain.alert import Alert
from shared.domain.catalog import Package
from shared.domain.errors import BadInput, CustomerGone, LimitReached, TooManyCheckouts
from shared.runtime import http, logs, settings
from shared.runtime.catalog_file import load_catalog
from shared.runtime.throttle import Throttle

SETTINGS = settings.load("GOOGLE_CLOUD_PROJECT", "STRIPE_SECRET_KEY", "APP_BASE_URL")
CATALOG = load_catalog(SETTINGS.catalog)
THROTTLE = Throttle(SETTINGS.checkouts_per_user, SETTINGS.checkouts_per_instance)


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What the handler uses."""

    identity: Identity
    ledger: Ledger
    gateway: StripeGateway
    throttle: Throttle = THROTTLE


@functions_framework.http
@http.endpoint("POST", origins=SETTINGS.allowed_origins, project=SETTINGS.project)
def create_checkout(request: Request) -> dict[str, Any]:
    """Answer with the Checkout Session's id and the address of the payment page."""
    with time_limit(STRIPE_S):
        return handle(request, dependencies())


def handle(request: Request, using: Dependencies) -> dict[str, Any]:
    """Validate the request and check the limits before the buyer pays, then ask Stripe for a session."""
    user = using.identity.user_of(request.headers.get("Authorization"), request.headers.get("X-Firebase-AppCheck"))
    body = http.json_object(request)
    package, price_id = _requested(body)
    currency = _currency(body, package)
    _brake(user.uid, using.throttle)
    account = using.ledger.account(user.uid)
    _check_limits(account, using.ledger)
    create_session = partial(
        using.gateway.create_token_checkout_session,
        uid=user.uid,
        package=package,
        price_id=price_id,
        currency=currency,
        app_base_url=SETTINGS.app_base_url,
        invoice=SETTINGS.invoices,
    )
    customer_id = account.stripe_customer_id or _new_customer(user, using)
    try:
        session_id, url = create_session(customer_id=customer_id)
    except CustomerGone:
        gone, customer_id = customer_id, _new_customer(user, using, instead_of=customer_id)
        sentence = f"Customer {gone} no longer exists in Stripe; replaced by {customer_id}"
        logs.warning("checkout.customer_replaced", sentence, user_id=user.uid)
        session_id, url = create_session(customer_id=customer_id)
    logs.info(
        "checkout.created",
        f"Created token checkout session {session_id} for customer {customer_id} - "
        f"Package: {package.id}, Tokens: {package.current.tokens}",
        session_id=session_id,
        user_id=user.uid,
        package_id=package.id,
        tokens=package.current.tokens,
    )
    return {"session_id": session_id, "url": url}


def _requested(body: dict[str, Any]) -> tuple[Package, str]:
    """Return the package that a request names, and its Stripe price id."""
    package_id = body.get("package")
    if package_id is None or package_id == "":
        raise BadInput("missing_package", "Name the package to buy")
    package = CATALOG.find(package_id) if isinstance(package_id, str) else None
    if package is None:
        raise BadInput("unknown_package", "There is no such package")
    price_id = SETTINGS.price_ids.get(package.price_setting)
    if price_id is None:
        logs.error("checkout.unavailable", f"{package.price_setting} is not configured", package_id=package.id)
        raise BadInput("package_unavailable", "Package not available - contact support")
    return package, price_id


def _currency(body: dict[str, Any], package: Package) -> str:
    """Return the currency that a request names, or else the package's default one."""
    currency = body.get("currency")
    if currency is None:
        return package.current.currency
    if not isinstance(currency, str) or currency not in package.current.prices:
        raise BadInput("unknown_currency", "The package is not sold in this currency")
    return currency


def _brake(uid: str, throttle: Throttle) -> None:
    """Refuse a user who starts payments without end: Stripe's rate limit belongs to the whole shop."""
    if wait_s := throttle.wait_s(uid):
        logs.warning("checkout.throttled", f"Too many checkouts: refused user {uid}", user_id=uid, wait_s=wait_s)
        raise TooManyCheckouts(wait_s)


def _check_limits(account: Account, ledger: Ledger) -> None:
    """Refuse a buyer who has bought as often as the limits allow, and record it once per user and day.

    Delayed payments count from their order on, and also when they failed: each may cost the shop a fee.
    """
    now = int(time.time())
    recent = account.recent_purchases
    unpaid = [one.since for one in account.open_purchases.values() if one.state in ("waiting", "failed")]
    wait_s = max(
        SETTINGS.limits.wait_s([one.paid_at for one in recent], now),
        SETTINGS.limits.wait_s([*(one.entered_at for one in recent), *unpaid], now),
    )
    if not wait_s:
        return
    uid = account.uid
    logs.warning("checkout.limited", f"Rate limit exceeded for user {uid}", user_id=uid, wait_s=wait_s)
    today = time.strftime("%Y-%m-%d", time.gmtime(now))
    alert = Alert(f"checkout_limit:{uid}:{today}", "checkout_limit", "low", uid, {"waitSeconds": wait_s})
    if ledger.raise_alert(alert):
        logs.alerts((alert,), user_id=uid)
    raise LimitReached(wait_s)


def _new_customer(user: User, using: Dependencies, *, instead_of: str | None = None) -> str:
    """Return the customer that is stored for a user in the end: of two requests at once, the first one's."""
    customer_id = using.gateway.get_or_create_customer(user.uid, user.email, instead_of=instead_of)
    return using.ledger.save_customer(user.uid, customer_id, instead_of=instead_of)


@cache
def dependencies() -> Dependencies:
    """Build what the handler uses, at the first request."""
    return Dependencies(
        Identity(SETTINGS.project, app_check=SETTINGS.app_check),
        connect_ledger(SETTINGS.project),
        connect_stripe(SETTINGS.stripe_secret_key, api_base=SETTINGS.stripe_api_base),
    )
