"""docs/openapi.yaml is valid, complete, right in its examples, and what the pages' client is made from.

That the functions answer as it says is checked wherever a test asks one: tests/deployed.py.
"""

import subprocess
from fnmatch import fnmatchcase
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from shared.domain.errors import RequestError
from tests import openapi
from tests.deployed import deployed
from tests.openapi import problems_with, responses, schema_of, spec
from tests.unit.test_docs import error_codes
from topology.functions import ROOT, load_functions

OPERATIONS = sorted(openapi.operations())
_each_operation = pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=str)


def subclasses(kind: type[RequestError]) -> set[type[RequestError]]:
    return set(kind.__subclasses__()).union(*(subclasses(one) for one in kind.__subclasses__()))


def codes_of(schema: Any) -> set[str]:  # noqa: ANN401 - any part of a schema
    """Return the error codes that a response's schema names."""
    match schema:
        case {"code": {"enum": list(codes)}}:
            return set(codes)
        case {"code": {"const": str(code)}}:
            return {code}
        case dict():
            return set().union(*(codes_of(part) for part in schema.values()))
        case list():
            return set().union(*(codes_of(part) for part in schema))
    return set()


def test_it_is_openapi_3_1() -> None:
    assert [error.message for error in OpenAPIV31SpecValidator(spec()).iter_errors()] == []
    assert spec()["openapi"].startswith("3.1.")


def test_it_has_every_path_that_a_function_serves() -> None:
    served = {row.path for row in load_functions() if row.path}
    with deployed("spend_tokens", {"GOOGLE_CLOUD_PROJECT": "demo"}) as spend_tokens:
        below_its_url = {f"/{action}" for action in spend_tokens.main.ACTIONS}

    assert {path for path, _ in OPERATIONS} == served | below_its_url | {"/grant_tokens"}


@_each_operation
def test_every_response_has_examples_that_are_right(path: str, method: str) -> None:
    for status, response in responses(path, method).items():
        examples = response["content"]["application/json"]["examples"]
        assert examples
        for name, example in examples.items():
            assert problems_with(example["value"], schema_of(response)) == [], (status, name)


@_each_operation
def test_every_error_of_an_operation_has_an_example(path: str, method: str) -> None:
    shared_by_many = spec()["components"]["responses"].values()
    for status, response in responses(path, method).items():
        if status >= 400 and response not in shared_by_many:
            shown = {
                one["value"]["error"]["code"] for one in response["content"]["application/json"]["examples"].values()
            }
            named = codes_of(schema_of(response))
            assert shown == named, status


def test_every_request_body_has_examples_that_are_right() -> None:
    for path, method in OPERATIONS:
        if "requestBody" in spec()["paths"][path][method]:
            body = spec()["paths"][path][method]["requestBody"]["content"]["application/json"]
            for example in body["examples"].values():
                assert problems_with(example["value"], body["schema"]) == [], path


def test_it_has_exactly_the_error_codes_of_the_code() -> None:
    named = set().union(*(codes_of(response) for at in OPERATIONS for response in responses(*at).values()))
    codes = error_codes()

    assert sorted(named - {code for code in named if any(fnmatchcase(code, one) for one in codes)}) == []
    assert sorted(code for code in codes if not any(fnmatchcase(one, code) for one in named)) == []


def test_it_has_every_status_of_the_errors() -> None:
    described = {status for at in OPERATIONS for status in responses(*at)}

    assert {error.status for error in subclasses(RequestError)} <= described


def test_the_pages_client_is_made_from_it() -> None:
    """`npm run client` makes it anew."""
    command = [
        "node_modules/.bin/openapi-typescript",
        "docs/openapi.yaml",
        "--output",
        "web/src/api-schema.ts",
        "--check",
    ]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert made.returncode == 0, made.stdout + made.stderr
