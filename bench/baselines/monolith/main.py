"""The flow that this product replaced: one Flask app that does everything within the webhook.

It looks for the session with a query, then credits, then records. A crash or a second webhook between two of these
steps loses or doubles a purchase: it is here to be compared with, not to be copied.
"""

import os
import re
from functools import cache
from typing import Any

import firebase_admin
import stripe
from firebase_admin import firestore
from flask import Flask, Response, jsonify, request
from google.auth.credentials import AnonymousCredentials
from google.cloud import secretmanager
from google.cloud.firestore import Client, DocumentReference, Query, Transaction, transactional
from google.cloud.firestore_v1.base_query import FieldFilter

_RESOURCE_NAME = re.compile(r"projects/[^/]+/secrets/[^/]+/versions/[^/]+")
_LAST_PURCHASES = 20

app = Flask(__name__)


@app.post("/")
def stripe_webhook() -> Response:
    """Verify the event, and credit a completed session before responding."""
    header = request.headers.get("Stripe-Signature", "")
    event = stripe.Webhook.construct_event(request.get_data(), header, webhook_secret())
    credited = event.type == "checkout.session.completed" and credit(event.to_dict(for_json=True)["data"]["object"])
    return jsonify({"received": True, "credited": credited})


def credit(session: dict[str, Any]) -> bool:
    """Credit a paid session unless it was credited before or its buyer bought too often; tell whether it was."""
    uid, tokens = session["metadata"]["firebase_uid"], int(session["metadata"]["tokens"])
    records = database().collection("transactions")
    same_session = records.where(filter=FieldFilter("details.stripeSessionId", "==", session["id"]))
    if same_session.limit(1).get():
        return False
    purchases = records.where(filter=FieldFilter("userId", "==", uid)).where(
        filter=FieldFilter("type", "==", "purchase")
    )
    last = purchases.order_by("timestamp", direction=Query.DESCENDING).limit(_LAST_PURCHASES).get()
    if len(last) > int(os.environ.get("MAX_PURCHASES_PER_DAY", _LAST_PURCHASES)):
        return False
    balance = add(database().transaction(), database().document(f"users/{uid}"), tokens)
    records.add(
        {
            "userId": uid,
            "type": "purchase",
            "amount": tokens,
            "balanceAfter": balance,
            "timestamp": firestore.SERVER_TIMESTAMP,
            "details": {"packageId": session["metadata"]["package_id"], "stripeSessionId": session["id"]},
        }
    )
    return True


@transactional
def add(transaction: Transaction, user: DocumentReference, tokens: int) -> int:
    """Add tokens to a user's balance in a transaction, and return the new balance."""
    read = user.get(transaction=transaction).to_dict() or {}
    balance = int(read.get("tokenBalance", 0)) + tokens
    bought = int(read.get("totalTokensPurchased", 0)) + tokens
    transaction.set(user, {"tokenBalance": balance, "totalTokensPurchased": bought}, merge=True)
    return balance


@cache
def database() -> Client:
    """Return Firestore as firebase-admin opens it."""
    nobody = AnonymousCredentials()  # the emulator needs none
    firebase_admin.initialize_app(nobody, {"projectId": os.environ["GOOGLE_CLOUD_PROJECT"]})
    client: Client = firestore.client()
    return client


@cache
def webhook_secret() -> str:
    """Return the webhook's secret: the setting itself, or the secret that it names in Secret Manager."""
    setting = os.environ["STRIPE_WEBHOOK_SECRET"]
    if not _RESOURCE_NAME.fullmatch(setting):
        return setting
    answer = secretmanager.SecretManagerServiceClient().access_secret_version(name=setting)
    return answer.payload.data.decode()
