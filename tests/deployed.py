"""A function as functions-framework serves it, with fakes in the place of its clients.

Whatever it answers in a test must be as docs/openapi.yaml says, where that speaks of the function.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import functions_framework
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests import openapi

FUNCTIONS = Path(__file__).parents[1] / "functions"


class _DescribedClient(FlaskClient):
    """Checks each answer against docs/openapi.yaml."""

    function: str

    def open(self, *args: Any, **options: Any) -> TestResponse:  # noqa: ANN401 - werkzeug's options
        answer = super().open(*args, **options)
        path, method = openapi.path_of(self.function, answer.request.path), answer.request.method
        if path and method not in ("HEAD", "OPTIONS"):
            openapi.assert_described(path, method, answer.status_code, dict(answer.headers), answer.json)
        return answer


@dataclass(frozen=True)
class Deployed:
    """One function under test: requests go through the framework's own app."""

    client: FlaskClient
    main: ModuleType

    def use(self, *parts: object) -> None:
        """Let the function work with these from now on: the fields of its Dependencies."""
        # The module was loaded by its path: no type checker knows its names.
        self.main.dependencies = lambda: self.main.Dependencies(*parts)  # type: ignore[attr-defined]

    def get(self, query: str = "", **options: Any) -> TestResponse:  # noqa: ANN401 - werkzeug's options
        return self.client.get(f"/{query}", **options)

    def post(self, body: object = None, *, path: str = "/", **options: Any) -> TestResponse:  # noqa: ANN401 - werkzeug's options
        """Send `body` as JSON, or whatever the options say."""
        return self.client.post(path, **({} if body is None else {"json": body}), **options)

    def request(self, method: str, **options: Any) -> TestResponse:  # noqa: ANN401 - werkzeug's options
        return self.client.open("/", method=method, **options)


@contextmanager
def deployed(name: str, environ: Mapping[str, str], *, parts: tuple[object, ...] | None = None) -> Iterator[Deployed]:
    """Load functions/<name>/main.py in this environment alone, as a new instance does.

    `parts` are the fields of its Dependencies, in place of what it builds at the first request.
    """
    kept = {key: os.environ[key] for key in ("HOME", "PATH") if key in os.environ}
    with mock.patch.dict(os.environ, {**kept, **environ}, clear=True):
        app = functions_framework.create_app(name, str(FUNCTIONS / name / "main.py"))
        main = sys.modules.pop("main")
        app.test_client_class = type("_Client", (_DescribedClient,), {"function": name})
        function = Deployed(app.test_client(), main)
        if parts is not None:
            function.use(*parts)
        yield function
