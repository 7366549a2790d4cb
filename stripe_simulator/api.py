"""Every /v1 request's frame: the API key, the account, the idempotency key, faults, the lock, the errors' shape."""

import base64
import binascii
import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, request

from stripe_simulator import broken_answers
from stripe_simulator.engine.errors import ApiError, no_such_url
from stripe_simulator.engine.faults import Fault
from stripe_simulator.engine.idempotency import Answer
from stripe_simulator.engine.objects import new_id
from stripe_simulator.engine.simulator import Account, Simulator, request_cause
from stripe_simulator.resources import (
    catalog,
    charges,
    checkout,
    customers,
    disputes,
    events,
    invoices,
    promotions,
    refunds,
    subscriptions,
)
from stripe_simulator.resources.operations import Operation, expanded
from stripe_simulator.resources.params import parse
from stripe_simulator.settings import API_VERSION

_RESOURCES = (
    customers, catalog, promotions, checkout, charges, refunds, disputes, invoices, subscriptions, events,
)  # fmt: skip
_ACCOUNT_ID = re.compile(r"acct_\w+")
_SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class _Call:
    """One request to one operation."""

    account: Account
    operation: Operation
    path_ids: dict[str, str]
    request_id: str
    key: str | None
    """Its idempotency key; only POST requests have one."""


def install(app: Flask, simulator: Simulator) -> None:
    """Serve every operation of every resource."""
    for resource in _RESOURCES:
        for operation in resource.operations:
            app.add_url_rule(
                operation.path,
                endpoint=f"{operation.method} {operation.path}",
                view_func=_view(simulator, operation),
                methods=[operation.method],
            )
    app.register_error_handler(404, lambda _error: _unknown_url())
    app.register_error_handler(405, lambda _error: _unknown_url())


def _view(simulator: Simulator, operation: Operation) -> Callable[..., Response]:
    def view(**path_ids: str) -> Response:
        request_id = new_id("request")
        try:
            _authenticate(simulator.settings.secret_key)
            account = account_of_request(simulator)
            key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
            call = _Call(account, operation, path_ids, request_id, key)
            if key is None:
                return _answer(call)
            saved = account.idempotency.claim(key, _fingerprint())
            if saved is not None:
                return _response(saved, call, saved=True, replayed=True)
            try:
                return _answer(call)
            finally:
                account.idempotency.release(key)
        except ApiError as error:
            return _plain_response(_refusal(error, request_id))

    return view


def account_of_request(simulator: Simulator) -> Account:
    """Return the account that the Stripe-Account header names, or the shop's own.

    Raises:
        ApiError: 403; this cannot be an account's id.
    """
    account_id = request.headers.get("Stripe-Account")
    if account_id is not None and not _ACCOUNT_ID.fullmatch(account_id):
        message = (
            f"The provided key does not have access to account '{account_id}' (or that account does not exist). "
            "Application access may have been revoked."
        )
        raise ApiError(403, "invalid_request_error", message, code="account_invalid")
    return simulator.account(account_id)


def _answer(call: _Call) -> Response:
    """Carry the request out once, with the fault it meets, if any, before or after the work."""
    fault = call.account.simulator.faults.take(request.method, request.path)
    if fault is None:
        return _response(_execute(call), call)
    if fault.when == "before":
        time.sleep(fault.timeout_ms / 1000)
    if fault.prevents_work:
        answer = _refusal(fault.error() or ApiError(500, "api_error", "An unknown error occurred."), call.request_id)
        if fault.stored:
            _save(call, answer)
        return _broken(_response(answer, call, saved=fault.stored), fault)
    error = fault.error()
    replacement = _refusal(error, call.request_id) if error else None
    answer = _execute(call, saved_instead=replacement if fault.stored else None)
    if fault.when == "after":
        time.sleep(fault.timeout_ms / 1000)
    return _broken(_response(replacement or answer, call, saved=fault.stored), fault)


def _execute(call: _Call, *, saved_instead: Answer | None = None) -> Answer:
    """Run the operation; its answer is saved under the idempotency key, unless the parameters are invalid."""
    simulator = call.account.simulator
    cause = request_cause.set({"id": call.request_id, "idempotency_key": call.key} if request.method != "GET" else None)
    try:
        with simulator.lock:
            checkout.expire_overdue(simulator)
            pairs = [*request.args.items(multi=True), *request.form.items(multi=True)]
            params = call.operation.read(parse(pairs), "")
            answer = _run(call, params)
    finally:
        request_cause.reset(cause)
    _save(call, saved_instead or answer)
    return answer


def _run(call: _Call, params: dict[str, Any]) -> Answer:
    expand = params.pop("expand", [])
    try:
        result = call.operation.handle(call.account, params, **call.path_ids)
        return Answer(200, _json(expanded(call.account.store, result, expand)), call.request_id)
    except ApiError as error:
        return _refusal(error, call.request_id)


def _save(call: _Call, answer: Answer) -> None:
    if call.key is not None:
        call.account.idempotency.save(call.key, answer)


def _authenticate(secret_key: str) -> None:
    """Take the secret key as Bearer token or as Basic user name (https://docs.stripe.com/api/authentication)."""
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    given = credentials.strip()
    if scheme.lower() == "basic":
        try:
            given = base64.b64decode(given, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            given = ""
    if scheme.lower() not in ("basic", "bearer") or not given:
        message = (
            "You did not provide an API key. You need to provide your API key in the Authorization header, using "
            "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See "
            "https://stripe.com/docs/api#authentication for details, or we can help at https://support.stripe.com/."
        )
        raise ApiError(401, "invalid_request_error", message)
    if not hmac.compare_digest(given.encode(), secret_key.encode()):
        shown = f"{given[:8]}{'*' * max(0, len(given) - 12)}{given[-4:]}"
        raise ApiError(401, "invalid_request_error", f"Invalid API Key provided: {shown}")


def _fingerprint() -> str:
    pairs = sorted(request.form.items(multi=True))
    return f"{request.method} {request.path} {hashlib.sha256(json.dumps(pairs).encode()).hexdigest()}"


def _unknown_url() -> Response:
    return _plain_response(_refusal(no_such_url(request.method, request.path), new_id("request")))


def _refusal(error: ApiError, request_id: str) -> Answer:
    log_url = f"https://dashboard.stripe.com/test/logs/{request_id}?t={int(time.time())}"
    return Answer(error.status, _json({"error": {**error.error, "request_log_url": log_url}}), request_id)


def _json(body: object) -> bytes:
    return json.dumps(body, indent=2).encode()


def _response(answer: Answer, call: _Call, *, saved: bool = False, replayed: bool = False) -> Response:
    response = _plain_response(answer, call.request_id)
    if call.account.id is not None:
        response.headers["Stripe-Account"] = call.account.id
    if call.key is not None:
        response.headers["Idempotency-Key"] = call.key
        if saved and answer.status >= _SERVER_ERROR:
            response.headers["Stripe-Should-Retry"] = "false"  # the same key would only replay the error
        if replayed:
            response.headers.update({"Idempotent-Replayed": "true", "Original-Request": answer.request_id})
    return response


def _plain_response(answer: Answer, request_id: str | None = None) -> Response:
    response = Response(answer.body, answer.status, content_type="application/json")
    response.headers.update({"Request-Id": request_id or answer.request_id, "Stripe-Version": API_VERSION})
    return response


def _broken(response: Response, fault: Fault) -> Response:
    """Return the response in the form in which the fault lets it arrive."""
    if fault.form == "half":
        return broken_answers.half_sent(response)
    if fault.form == "html":
        return broken_answers.as_html(fault.status or 200)
    return broken_answers.reset() if fault.form == "reset" else response
