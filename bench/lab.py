"""What measurements need on this machine: emulators, functions and baselines; each started when first used."""

import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
import stamina
from google.cloud import firestore

from bench import wire
from bench.client import Caller, Request
from bench.environments import BASELINES, Environment
from bench.measure import at_once
from bench.services import LOGS, Service, running
from local import programs, pubsub_setup
from local.ports import HOST, Ports
from local.stack import Endpoints, Stack
from shared.runtime.catalog_file import load_catalog
from topology import stripe_prices
from topology.functions import ROOT, Function, load_functions

FUNCTIONS: Mapping[str, Function] = {row.name: row for row in load_functions()}
_THREADS = 64  # more than any measurement sends at once: requests wait for the ledger, never for a thread
_NO_LIMITS = {"MAX_PURCHASES_PER_HOUR": "1000000", "MAX_PURCHASES_PER_DAY": "1000000"}
_NOWHERE = "127.0.0.1:9"


class Lab:
    """Starts what is asked for, and ends everything on leaving."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._ports = Ports()

    def __enter__(self) -> Self:
        shutil.rmtree(LOGS, ignore_errors=True)
        self._open.callback(self._ports.close)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._open.close()

    @cached_property
    def emulators(self) -> Endpoints:
        """The official Firestore and Pub/Sub emulators, which keep any number of projects apart."""
        directory = self._open.enter_context(tempfile.TemporaryDirectory())
        return self._open.enter_context(Stack(Path(directory), emulators_only=True)).endpoints

    @cached_property
    def stripe(self) -> str:
        """The Stripe simulator's address."""
        port = self._ports.choose()
        program = programs.stripe(port, wire.SECRET_KEY, wire.WEBHOOK_SECRET, f"http://{_NOWHERE}/")
        service = self._open.enter_context(running(program.command, port, program.environment))
        service.wait_until_it_listens()
        return service.url

    @cached_property
    def price_ids(self) -> Mapping[str, str]:
        """The settings with the simulator's price ids."""
        return stripe_prices.set_up(self.stripe, wire.SECRET_KEY, load_catalog().packages)

    def project(self, *, topics: bool = False) -> str:
        """Return a project in which nothing is yet; its topics with `topics`."""
        project = f"demo-{uuid.uuid4().hex[:12]}"
        if topics:
            # The emulator's first answer can take longer than the client waits, on a machine that is busy.
            for attempt in stamina.retry_context(on=httpx.TimeoutException):
                with attempt:
                    pubsub_setup.set_up(self.emulators.pubsub, project, [], {})
        return project

    def database(self, project: str) -> firestore.Client:
        """Return a client of a project's Firestore."""
        os.environ["FIRESTORE_EMULATOR_HOST"] = self.emulators.firestore
        return firestore.Client(project=project)

    def settings(self, project: str) -> dict[str, str]:
        """Return what functions and baselines are told of their surroundings."""
        return {
            "GOOGLE_CLOUD_PROJECT": project,
            "STRIPE_SECRET_KEY": wire.SECRET_KEY,
            "STRIPE_WEBHOOK_SECRET": wire.WEBHOOK_SECRET,
            "APP_BASE_URL": "http://localhost:8080",
            **_NO_LIMITS,
        }

    @property
    def emulator_settings(self) -> dict[str, str]:
        """Return where the emulators are; nobody asks the one for Auth, whose tokens are unsigned."""
        return {
            "FIRESTORE_EMULATOR_HOST": self.emulators.firestore,
            "PUBSUB_EMULATOR_HOST": self.emulators.pubsub,
            "FIREBASE_AUTH_EMULATOR_HOST": _NOWHERE,
        }

    @contextmanager
    def function(self, name: str, project: str, *, calls_to: Path | None = None) -> Iterator[Service]:
        """Run a function as the local stack does, and wait until it listens; note its calls in `calls_to`."""
        port = self._ports.choose()
        program = programs.function(FUNCTIONS[name], port, self.settings(project), self.emulator_settings)
        command = program.command
        if calls_to is not None:
            command = (sys.executable, "-m", "bench.counted", str(calls_to), *command[1:])
        with running(command, port, {**program.environment, "THREADS": str(_THREADS)}) as service:
            service.wait_until_it_listens()
            yield service

    @contextmanager
    def baseline(self, name: str, target: str, project: str) -> Iterator[Service]:
        """Run a baseline's function under functions-framework, with this checkout's packages."""
        commands = Path(sys.executable).parent
        with self.cold(Environment(BASELINES / name, commands), target, project, PYTHONPATH=str(ROOT)) as service:
            service.wait_until_it_listens()
            yield service

    @contextmanager
    def cold(self, environment: Environment, target: str, project: str, **settings: str) -> Iterator[Service]:
        """Begin to run a function in an environment; do not wait for it."""
        port = self._ports.choose()
        command = (
            *(str(environment.commands / "functions-framework"), f"--source={environment.source / 'main.py'}"),
            *(f"--target={target}", f"--host={HOST}", f"--port={port}"),
        )
        told = {**self.settings(project), **self.emulator_settings, "THREADS": str(_THREADS), **settings}
        with running(command, port, told, environment.source) as service:
            yield service

    @contextmanager
    def monolith(self, environment: Environment, project: str) -> Iterator[Service]:
        """Begin to run the monolith with gunicorn, as functions-framework runs functions; do not wait for it."""
        port = self._ports.choose()
        command = (
            *(str(environment.commands / "gunicorn"), "--workers=1", f"--threads={_THREADS}", "--log-level=error"),
            *(f"--bind={HOST}:{port}", "main:app"),
        )
        told = {**self.settings(project), **self.emulator_settings}
        with running(command, port, told, environment.source) as service:
            yield service

    def fund(self, project: str, uids: Mapping[str, int]) -> None:
        """Give users tokens, at least so many each, by purchases."""
        with self.function("credit_tokens", project) as credit:
            needed = [(uid, number) for uid, tokens in uids.items() for number in range(-(-tokens // wire.TOKENS))]
            # In numbers that no measurement's own purchases use.
            requests = [wire.push(wire.purchase(uid, 1_000_000 + number)) for uid, number in needed]
            at_once(asks(credit.caller(), requests), 8)


def asks(caller: Caller, requests: list[Request]) -> list["Ask"]:
    """Return the requests as calls to be measured."""
    return [Ask(caller, request) for request in requests]


@dataclass(frozen=True, slots=True)
class Ask:
    """A request that must succeed, as a call."""

    caller: Caller
    request: Request

    def __call__(self) -> object:
        """Send it."""
        return self.caller.ask(self.request)
