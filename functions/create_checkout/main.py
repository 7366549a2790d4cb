"""POST /api/tokens/create-checkout-session: the signed-in user begins to buy a package."""

import time
from functools import cache, partial
from typing import Any

import functions_framework
from flask import Request
from google.cloud import firestore

from shared.adapters.firebase_auth import Identity
from shared.adapters.firestore.ledger import Ledger
from shared.adapters.secret_manager import SecretStore
from shared.adapters.stripe_api import StripeGateway
from shared.domain.catalog import Package
from shared.domain.errors import BadInput, CustomerGone, LimitReached
from shared.runtime import http, logs, settings
from shared.runtime.catalog_file import load_catalog

SETTINGS = settings.load("GOOGLE_CLOUD_PROJECT", "STRIPE_SECRET_KEY", "APP_BASE_URL")
CATALOG = load_catalog(SETTINGS.catalog)


@functions_framework.http
@http.endpoint("POST", origins=SETTINGS.allowed_origins, project=SETTINGS.project)
def create_checkout(request: Request) -> dict[str, Any]:
    """Answer with the Checkout Session's id and the address of the payment page."""
    return handle(request, *parts())


def handle(request: Request, identity: Identity, ledger: Ledger, gateway: StripeGateway) -> dict[str, Any]:
    """Check the wish and the limits before the buyer pays, then ask Stripe for a session."""
    user = identity.user_of(request.headers.get("Authorization"))
    package, price_id = _wanted(http.json_object(request))
    account = ledger.account(user.uid)
    wait_s = SETTINGS.limits.wait_s(account.recent_purchases, int(time.time()))
    if wait_s:
        logs.warning("checkout.limited", f"Rate limit exceeded for user {user.uid}", user_id=user.uid, wait_s=wait_s)
        raise LimitReached(wait_s)
    customer_of = partial(gateway.get_or_create_customer, user.uid, user.email, directory=ledger)
    session_of = partial(
        gateway.create_token_checkout_session,
        uid=user.uid,
        package=package,
        price_id=price_id,
        app_base_url=SETTINGS.app_base_url,
    )
    customer_id = customer_of(kept=account.stripe_customer_id)
    try:
        session_id, url = session_of(customer_id=customer_id)
    except CustomerGone:
        gone, customer_id = customer_id, customer_of(kept=customer_id, gone=customer_id)
        sentence = f"Customer {gone} is gone from Stripe: {customer_id} takes its place"
        logs.warning("checkout.customer_replaced", sentence, user_id=user.uid)
        session_id, url = session_of(customer_id=customer_id)
    logs.info(
        "checkout.created",
        f"Created token checkout session {session_id} for customer {customer_id}",
        session_id=session_id,
        user_id=user.uid,
        package_id=package.id,
    )
    return {"session_id": session_id, "url": url}


def _wanted(body: dict[str, Any]) -> tuple[Package, str]:
    """Return the package that a request names, and its Stripe price id."""
    package_id = body.get("package")
    if package_id is None or package_id == "":
        raise BadInput("missing_package", "Name the package to buy")
    package = CATALOG.find(package_id) if isinstance(package_id, str) else None
    if package is None:
        raise BadInput("unknown_package", "There is no such package")
    price_id = SETTINGS.price_ids.get(package.price_setting)
    if price_id is None:
        raise BadInput("package_unavailable", "Package not available - contact support")
    return package, price_id


@cache
def parts() -> tuple[Identity, Ledger, StripeGateway]:
    """Build what the handler needs, at the first request."""
    key = partial(SecretStore().get, SETTINGS.stripe_secret_key)
    return (
        Identity(SETTINGS.project),
        Ledger(firestore.Client(project=SETTINGS.project)),
        StripeGateway(key, api_base=SETTINGS.stripe_api_base),
    )
