"""docs/openapi.yaml as a judge: whether an answer is one that it describes."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from topology.functions import ROOT, load_functions

SPEC_FILE = ROOT / "docs" / "openapi.yaml"
_NAME = "openapi"
_GRANT_TOKENS = "/grant_tokens"
_METHODS = ("get", "put", "post", "delete", "patch")

Operation = tuple[str, str]


@cache
def spec() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(SPEC_FILE.read_text())
    return loaded


def operations() -> Iterator[Operation]:
    """Yield path and method of every operation."""
    for path, item in spec()["paths"].items():
        yield from ((path, method) for method in item if method in _METHODS)


def responses(path: str, method: str) -> dict[int, dict[str, Any]]:
    """Return the responses of an operation by status; those of another method are the 405 of this path."""
    item = spec()["paths"][path]
    described = item[method]["responses"] if method in item else _only_405(path)
    return {int(status): _resolved(response) for status, response in described.items()}


def _only_405(path: str) -> dict[str, Any]:
    return {"405": next(item["responses"]["405"] for key, item in spec()["paths"][path].items() if key in _METHODS)}


def _resolved(response: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in response:
        return response
    found: dict[str, Any] = spec()["components"]["responses"][response["$ref"].rsplit("/", 1)[1]]
    return found


def schema_of(response: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = response["content"]["application/json"]["schema"]
    return found


def problems_with(value: Any, schema: Mapping[str, Any]) -> list[str]:  # noqa: ANN401 - JSON
    """Return what a value has against a schema of the description, whose references it may use."""
    resource = Resource.from_contents(spec(), default_specification=DRAFT202012)
    registry: Registry[Any] = Registry().with_resource(_NAME, resource)
    validator = Draft202012Validator(_absolute(schema), registry=registry)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


def _absolute(schema: Any) -> Any:  # noqa: ANN401 - any part of a schema
    """Return the schema with references that start at the description's root."""
    match schema:
        case {"$ref": str(reference)}:
            return {"$ref": f"{_NAME}{reference}"}
        case dict():
            return {key: _absolute(part) for key, part in schema.items()}
        case list():
            return [_absolute(part) for part in schema]
    return schema


@cache
def path_of(function: str, requested: str) -> str | None:
    """Return the described path of a request to a function, None when the description does not speak of it."""
    if function == "grant_tokens":  # at its own URL, whatever the path
        return _GRANT_TOKENS
    if function == "spend_tokens":  # at its own URL, by the path
        own = {path for path, item in spec()["paths"].items() if "servers" in item} - {_GRANT_TOKENS}
        return requested if requested in own else None
    return next((row.path for row in load_functions() if row.name == function), None)


def assert_described(path: str, method: str, status: int, headers: Mapping[str, str], body: object) -> None:
    """Fail when an answer's status, headers or body are not as described."""
    answered = f"{method.upper()} {path} answered {status}"
    described = responses(path, method.lower())
    assert status in described, f"{answered}, which docs/openapi.yaml does not describe"
    response = described[status]
    for name, header in response.get("headers", {}).items():
        if "$ref" in header:
            header = spec()["components"]["headers"][header["$ref"].rsplit("/", 1)[1]]  # noqa: PLW2901 - the same header
        assert name in headers or not header.get("required"), f"{answered} without the header {name}"
        if name in headers:
            value: object = int(headers[name]) if header["schema"]["type"] == "integer" else headers[name]
            assert problems_with(value, header["schema"]) == [], f"{answered} with {name}: {headers[name]}"
    assert headers["Content-Type"].startswith("application/json"), answered
    assert problems_with(body, schema_of(response)) == [], f"{answered}, unlike docs/openapi.yaml"
