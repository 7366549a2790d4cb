"""What measurements need on this machine: emulators, functions and baselines, each started on first use."""

import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
import stamina
from google.cloud import firestore

from bench import environments, wire
from bench.environments import BASELINES, Environment
from bench.measure import run_concurrently
from bench.services import LOGS, Service, running
from local import programs, pubsub_setup
from local.ports import HOST, Ports
from local.stack import Endpoints, Stack
from shared.runtime.catalog_file import load_catalog
from topology import stripe_prices
from topology.functions import ROOT, Function, load_functions

FUNCTIONS: Mapping[str, Function] = {row.name: row for row in load_functions()}
_THREADS = 64  # more than any measurement sends at once, so that requests never wait for a thread
_HIGHEST_LIMITS = {
    "MAX_PURCHASES_PER_HOUR": "250",
    "MAX_PURCHASES_PER_DAY": "250",
    "MAX_CHECKOUTS_PER_MINUTE": "10000",
    "MAX_CHECKOUTS_PER_INSTANCE": "10000",
}
_NOWHERE = "127.0.0.1:9"


def settings_of(project: str) -> dict[str, str]:
    """Return what every program is told, beside the emulators' addresses."""
    return {
        "GOOGLE_CLOUD_PROJECT": project,
        "STRIPE_SECRET_KEY": wire.SECRET_KEY,
        "STRIPE_WEBHOOK_SECRET": wire.WEBHOOK_SECRET,
        "APP_BASE_URL": "http://localhost:8080",
        **_HIGHEST_LIMITS,
    }


class Lab:
    """Starts what a measurement uses; on exit, ends everything."""

    def __init__(self) -> None:
        self._exits = ExitStack()
        self._ports = Ports()

    def __enter__(self) -> Self:
        shutil.rmtree(LOGS, ignore_errors=True)
        self._exits.callback(self._ports.close)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._exits.close()

    @cached_property
    def emulators(self) -> Endpoints:
        """The official Firestore and Pub/Sub emulators. They isolate projects from each other."""
        directory = self._exits.enter_context(tempfile.TemporaryDirectory())
        return self._exits.enter_context(Stack(Path(directory), emulators_only=True)).endpoints

    @cached_property
    def stripe(self) -> str:
        """The Stripe simulator's address."""
        port = self._ports.choose()
        program = programs.stripe(port, wire.SECRET_KEY, wire.WEBHOOK_SECRET, f"http://{_NOWHERE}/")
        service = self._exits.enter_context(running(program.command, port, program.environment))
        service.wait_until_listening()
        return service.url

    @cached_property
    def price_ids(self) -> Mapping[str, str]:
        """The simulator's price ids, by the name of their setting."""
        return stripe_prices.set_up(self.stripe, wire.SECRET_KEY, load_catalog().packages)

    def project(self) -> str:
        """Return the id of a new, empty project."""
        return f"demo-{uuid.uuid4().hex[:12]}"

    def create_topics(self, project: str, *, push_to: str | None = None) -> None:
        """Create the product's topics in a project, and with a URL credit_tokens' subscription that pushes to it."""
        subscribers = [FUNCTIONS["credit_tokens"]] if push_to else []
        # On a busy machine the emulator's first response can take longer than the client's timeout.
        for attempt in stamina.retry_context(on=httpx.TimeoutException):
            with attempt:
                pubsub_setup.set_up(self.emulators.pubsub, project, subscribers, {"credit_tokens": push_to or ""})

    def database(self, project: str) -> firestore.Client:
        """Return a client for a project's Firestore."""
        os.environ["FIRESTORE_EMULATOR_HOST"] = self.emulators.firestore
        return firestore.Client(project=project)

    @contextmanager
    def function(self, name: str, project: str, *, call_log: Path | None = None) -> Iterator[Service]:
        """Run a function as the local stack does, and wait for it. `call_log` gets what its calls would be billed."""
        port = self._ports.choose()
        program = programs.function(FUNCTIONS[name], port, settings_of(project), self._emulator_settings)
        command = program.command
        if call_log is not None:
            command = (sys.executable, "-m", "bench.count_calls", str(call_log), *command[1:])
        with running(command, port, {**program.environment, "THREADS": str(_THREADS)}) as service:
            service.wait_until_listening()
            yield service

    @contextmanager
    def baseline(self, name: str, target: str, project: str) -> Iterator[Service]:
        """Run a baseline's function with this checkout's packages, and wait for it."""
        environment = Environment(BASELINES / name, Path(sys.executable).parent)
        with self.cold_function(environment, target, project, PYTHONPATH=str(ROOT)) as service:
            service.wait_until_listening()
            yield service

    @contextmanager
    def cold_function(self, environment: Environment, target: str, project: str, **settings: str) -> Iterator[Service]:
        """Start a function in an environment, without waiting for it."""
        port = self._ports.choose()
        command = (
            *(str(environment.bin / "functions-framework"), f"--source={environment.source / 'main.py'}"),
            *(f"--target={target}", f"--host={HOST}", f"--port={port}"),
        )
        settings = {**settings_of(project), **self._emulator_settings, "THREADS": str(_THREADS), **settings}
        with running(command, port, settings, environment.source) as service:
            yield service

    @contextmanager
    def cold_monolith(self, environment: Environment, project: str) -> Iterator[Service]:
        """Start the monolith, served by gunicorn as functions-framework serves functions, without waiting for it."""
        port = self._ports.choose()
        command = (
            *(str(environment.bin / "gunicorn"), "--workers=1", f"--threads={_THREADS}", "--log-level=error"),
            *(f"--bind={HOST}:{port}", "main:app"),
        )
        settings = {**settings_of(project), **self._emulator_settings}
        with running(command, port, settings, environment.source) as service:
            yield service

    @contextmanager
    def monolith(self, project: str) -> Iterator[Service]:
        """Run the monolith, and wait for it."""
        with self.cold_monolith(environments.of_baseline("monolith"), project) as service:
            service.wait_until_listening()
            yield service

    def fund(self, project: str, tokens: Mapping[str, int]) -> None:
        """Give each user this many tokens, by a grant: an account of many purchases would be an unusual one."""
        grants = [wire.grant(uid, "funds", amount) for uid, amount in tokens.items()]
        with self.function("grant_tokens", project) as service:
            run_concurrently(service.client().calls(grants), 8)

    def sell(self, project: str, uid: str) -> str:
        """Let a user buy a package at the simulator, credit it, and return the Checkout Session's id."""
        price_id = next(iter(self.price_ids.values()))
        order = {"mode": "payment", "success_url": "http://localhost/"}
        order |= {"line_items[0][price]": price_id, "line_items[0][quantity]": "1"}
        opened = httpx.post(f"{self.stripe}/v1/checkout/sessions", data=order, auth=(wire.SECRET_KEY, ""))
        session_id: str = opened.raise_for_status().json()["id"]
        httpx.post(f"{self.stripe}/_sim/sessions/{session_id}/pay", json={}).raise_for_status()
        event = wire.purchase(uid, 0)
        event["data"]["object"]["id"] = session_id
        with self.function("credit_tokens", project) as service:
            service.client().send_ok(wire.push(event))
        return session_id

    @property
    def _emulator_settings(self) -> dict[str, str]:
        return {
            "FIRESTORE_EMULATOR_HOST": self.emulators.firestore,
            "PUBSUB_EMULATOR_HOST": self.emulators.pubsub,
            "FIREBASE_AUTH_EMULATOR_HOST": _NOWHERE,  # set to accept unsigned tokens; verifying one calls nobody
        }
