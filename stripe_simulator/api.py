"""The frame of every /v1 request: the key, the idempotency key, the faults on order, the lock, the error's shape."""

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Callable

from flask import Flask, Response, request

from stripe_simulator.engine.errors import ApiError, no_such_url
from stripe_simulator.engine.idempotency import Answer
from stripe_simulator.engine.objects import StripeObject, new_id
from stripe_simulator.engine.simulator import Simulator, request_cause
from stripe_simulator.resources import catalog, charges, checkout, customers, events, subscriptions
from stripe_simulator.resources.operations import Operation, expanded
from stripe_simulator.resources.params import parse
from stripe_simulator.settings import API_VERSION

_RESOURCES = (customers, catalog, checkout, charges, subscriptions, events)
_KEPT_WHEN_REFUSED = 402


def install(app: Flask, simulator: Simulator) -> None:
    """Serve every operation of every resource."""
    for resource in _RESOURCES:
        for operation in resource.operations:
            app.add_url_rule(
                operation.path,
                endpoint=f"{operation.method} {operation.path}",
                view_func=_framed(simulator, operation),
                methods=[operation.method],
            )
    app.register_error_handler(404, lambda _error: _unknown_url())
    app.register_error_handler(405, lambda _error: _unknown_url())


def _framed(simulator: Simulator, operation: Operation) -> Callable[..., Response]:
    def view(**path_ids: str) -> Response:
        request_id = new_id("request")
        try:
            _authenticate(simulator.settings.secret_key)
            key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
            stored = simulator.idempotency.claim(key, _fingerprint()) if key else None
            if stored is not None:
                return _response(stored, request_id, **{"Idempotency-Key": str(key), "Idempotent-Replayed": "true"})
            try:
                return _answer(simulator, operation, path_ids, request_id, key)
            finally:
                if key:
                    simulator.idempotency.release(key)
        except ApiError as error:
            return _response(_refusal(error, request_id), request_id)

    return view


def _answer(
    simulator: Simulator, operation: Operation, path_ids: dict[str, str], request_id: str, key: str | None
) -> Response:
    """Carry the request out once, with the fault on order, if any, before or after the work."""
    fault = simulator.faults.take(request.method, request.path)
    if fault and fault.when == "before":
        time.sleep(fault.timeout_ms / 1000)
        error = fault.error()
        if error:
            raise error
    answer = _carry_out(simulator, operation, path_ids, request_id, key)
    if key and (answer.status < 400 or answer.status == _KEPT_WHEN_REFUSED):  # noqa: PLR2004 - what HTTP calls an error
        simulator.idempotency.keep(key, answer)
    if fault and fault.when == "after":
        time.sleep(fault.timeout_ms / 1000)
        error = fault.error()
        if error:
            raise error
    return _response(answer, request_id, **({"Idempotency-Key": key} if key else {}))


def _carry_out(
    simulator: Simulator, operation: Operation, path_ids: dict[str, str], request_id: str, key: str | None
) -> Answer:
    cause = request_cause.set({"id": request_id, "idempotency_key": key} if request.method != "GET" else None)
    try:
        with simulator.store.lock:
            checkout.expire_overdue(simulator)
            pairs = [*request.args.items(multi=True), *request.form.items(multi=True)]
            params: StripeObject = operation.read(parse(pairs), "")
            expand = params.pop("expand", [])
            result = operation.handle(simulator, params, **path_ids)
            return Answer(200, _json(expanded(simulator.store, result, expand)))
    except ApiError as error:
        return _refusal(error, request_id)
    finally:
        request_cause.reset(cause)


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
    request_id = new_id("request")
    return _response(_refusal(no_such_url(request.method, request.path), request_id), request_id)


def _refusal(error: ApiError, request_id: str) -> Answer:
    log_url = f"https://dashboard.stripe.com/test/logs/{request_id}?t={int(time.time())}"
    return Answer(error.status, _json({"error": {**error.error, "request_log_url": log_url}}))


def _json(body: object) -> bytes:
    return json.dumps(body, indent=2).encode()


def _response(answer: Answer, request_id: str, **headers: str) -> Response:
    response = Response(answer.body, answer.status, content_type="application/json")
    response.headers.update({"Request-Id": request_id, "Stripe-Version": API_VERSION, **headers})
    return response
