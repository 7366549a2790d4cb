"""Requests made from docs/openapi.yaml, valid and not (schemathesis): no 500, nothing undescribed, no right assumed.

That each answer is described, headers included, is checked by the client of tests/deployed.py.
"""

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import given, seed
from schemathesis import Case, GenerationMode
from werkzeug.test import TestResponse

from tests import openapi
from tests.fuzz.services import SIGNED_IN, Services, bounded, function_of, services

EXAMPLES = int(os.environ.get("EXAMPLES", "8"))
SEED = int(os.environ.get("SEED", "1"))
SCHEMA = schemathesis.openapi.from_dict(openapi.spec())
SIGNED_IN_ONLY = ("create_checkout", "get_balance", "list_transactions", "get_receipt", "claim_welcome")
OPERATIONS = [
    (path, method, mode)
    for path, method in sorted(openapi.operations())
    for mode in GenerationMode
    if path != "/api/tokens/packages" or mode is GenerationMode.POSITIVE  # it takes nothing that could be wrong
]


@pytest.fixture(scope="module")
def world() -> Iterator[Services]:
    with services() as world:
        yield world


def send(world: Services, function: str, case: Case[Any], **headers: str) -> TestResponse:
    """Send a generated request as it is, with these headers instead of its own."""
    request = case.as_transport_kwargs(base_url="http://localhost")
    sent = {str(key): str(value) for key, value in {**(request["headers"] or {}), **headers}.items()}
    sent = {key: value for key, value in sent.items() if value.isascii() and value.isprintable()}
    body = request.get("data") if request.get("json") is None else None
    options = {"json": request["json"]} if request.get("json") is not None else {"data": body}
    path = case.formatted_path if function in ("spend_tokens", "grant_tokens") else "/"
    return world.functions[function].client.open(
        path, method=case.method, headers=sent, query_string=request.get("params"), **options
    )


@pytest.mark.parametrize(("path", "method", "mode"), OPERATIONS, ids=str)
def test_whatever_is_sent_the_answer_is_described_and_no_500(
    world: Services, path: str, method: str, mode: GenerationMode
) -> None:
    operation = SCHEMA[path][method.upper()]
    function = function_of(path, str(operation.definition.raw.get("operationId")))

    @seed(SEED)
    @bounded(EXAMPLES)
    @given(case=operation.as_strategy(generation_mode=mode))
    def run(case: Case[Any]) -> None:
        world.refresh()
        before = world.effects()
        assert send(world, function, case).status_code < 500
        if function in (*SIGNED_IN_ONLY, "stripe_webhook"):  # nobody has signed in, nothing is signed
            assert world.effects() == before
        answer = send(world, function, case, Authorization=SIGNED_IN)
        assert answer.status_code < 500
        if answer.status_code >= 400:
            assert world.effects() == before
        assert world.balance() >= 0

    run()
