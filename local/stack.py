"""The stack: everything the product needs, running on this machine for the duration of a `with` block."""

import fcntl
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from local import demo_account, programs, pubsub_setup
from local.ports import HOST, Ports
from local.processes import Processes, Program
from local.stripe_account import StripeAccount
from shared.runtime.catalog_file import load_catalog
from topology import stripe_prices
from topology.functions import ROOT, load_functions

PROJECT = "demo-token-economy"  # because of the prefix demo-, Firebase's tools never look for a real project

_START_S = 120
_SECRET_KEY = "sk_test_local"  # noqa: S105 -- a key of the local simulator

# Where developers expect each program; the functions' ports count up from theirs.
USUAL_PORTS: Mapping[str, int] = {
    "web": 8080,
    "examples": 8081,
    "firestore": 8180,
    "pubsub": 8085,
    "auth": 9099,
    "stripe": 12111,
    "functions": 8090,
}
_PROGRAMS_WITH_PORTS = ("web", "examples", "firestore", "pubsub", "auth", "auth_hub", "auth_logging", "stripe")


@dataclass(frozen=True)
class Endpoints:
    """The addresses of everything in the stack.

    URLs for web, examples, stripe and functions; host:port, the form of the *_EMULATOR_HOST variables, for the rest.
    """

    web: str
    examples: str
    firestore: str
    pubsub: str
    auth: str
    stripe: str
    project: str
    webhook_secret: str
    stripe_secret_key: str
    catalog: str
    functions: Mapping[str, str] = field(default_factory=dict)

    def write(self, file: Path) -> None:
        """Write them as JSON, atomically: a reader sees the whole file or none."""
        draft = file.with_suffix(".draft")
        draft.write_text(json.dumps(asdict(self), indent=2) + "\n")
        draft.replace(file)


class AlreadyRunningError(RuntimeError):
    """Another stack is running in this directory."""


class Stack:
    """Starts on entry, stops on exit, and leaves nothing running.

    Args:
        directory: where its configuration, logs and endpoints.json go; one stack per directory.
        usual_ports: the ports to try first, by program; any free port replaces one that is taken or not named.
        catalog: the catalog on sale.
        emulators_only: start only Firestore and Pub/Sub, for tests that call functions in their own process.
        account: a Stripe account of one's own, in test mode.
    """

    def __init__(
        self,
        directory: Path,
        *,
        usual_ports: Mapping[str, int] | None = None,
        catalog: str = "default",
        emulators_only: bool = False,
        account: StripeAccount | None = None,
    ) -> None:
        self.directory = directory.resolve()
        self._account = account or StripeAccount()
        self._catalog = catalog
        self._emulators_only = emulators_only
        self._functions = [] if emulators_only else load_functions()
        self._claims = Ports()
        usual = usual_ports or {}
        self._ports = {name: self._claims.choose(usual.get(name)) for name in _PROGRAMS_WITH_PORTS}
        first = usual.get("functions")
        self._function_ports = {
            row.name: self._claims.choose(first + number if first else None)
            for number, row in enumerate(self._functions)
        }
        self.endpoints = Endpoints(
            web=f"http://localhost:{self._ports['web']}",
            examples=f"http://localhost:{self._ports['examples']}",
            firestore=f"{HOST}:{self._ports['firestore']}",
            pubsub=f"{HOST}:{self._ports['pubsub']}",
            auth=f"{HOST}:{self._ports['auth']}",
            stripe=f"http://{HOST}:{self._ports['stripe']}",
            project=PROJECT,
            webhook_secret=f"whsec_{secrets.token_hex(16)}",
            stripe_secret_key=_SECRET_KEY,
            catalog=catalog,
            functions={name: f"http://{HOST}:{port}" for name, port in self._function_ports.items()},
        )
        self._processes = Processes(self.directory, working_directory=ROOT)
        self._programs: dict[str, Program] = {}
        self._lock: TextIO | None = None

    @property
    def endpoints_file(self) -> Path:
        """The file with all addresses; it exists only while everything answers."""
        return self.directory / "endpoints.json"

    def __enter__(self) -> Self:
        self.directory.mkdir(parents=True, exist_ok=True)
        try:
            self._lock = _locked(self.directory / "lock")
        except AlreadyRunningError:
            self._claims.close()
            raise
        try:
            self.endpoints_file.unlink(missing_ok=True)
            self._processes.begin()
            if self._emulators_only:
                self._start_emulators()
            else:
                self._start_everything()
            self.endpoints.write(self.endpoints_file)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end()

    def stop(self, program: str) -> None:
        """Stop one program; the others continue."""
        self._processes.stop(program)

    def start(self, program: str) -> None:
        """Start a stopped program, and return when it answers."""
        self._processes.start(program)
        self._processes.wait_until_answering([self._programs[program]], timeout_s=_START_S)

    def log(self, program: str) -> str:
        """Return a program's output."""
        return self._processes.log_file(program).read_text(errors="replace")

    def wait(self) -> None:
        """Wait until the stack stops."""
        self._processes.wait()

    def _start_emulators(self) -> None:
        self._add(*self._emulators())
        self._wait_for(*self._programs.values())

    def _emulators(self) -> list[Program]:
        return [
            programs.firestore(self._ports["firestore"], PROJECT),
            programs.pubsub(self._ports["pubsub"], PROJECT, self.directory),
        ]

    def _start_everything(self) -> None:
        """Start everything at once, except the functions, which need the price ids first."""
        endpoints = self.endpoints
        stripe = programs.stripe(
            self._ports["stripe"], _SECRET_KEY, endpoints.webhook_secret, f"{endpoints.web}/api/stripe/webhook"
        )
        auth = programs.auth(
            self._ports["auth"], self._ports["auth_hub"], self._ports["auth_logging"], PROJECT, self.directory
        )
        gateway = programs.gateway(self._ports["web"], self._gateway_configuration(), self.directory)
        self._add(stripe, *self._emulators(), auth, gateway)
        self._wait_for(stripe)
        settings = self.settings
        stripe_url = self._account.url(endpoints.stripe)
        key, packages = settings["STRIPE_SECRET_KEY"], load_catalog(self._catalog).packages
        settings |= stripe_prices.set_up(stripe_url, key, packages)
        functions = [
            programs.function(row, self._function_ports[row.name], settings, self.local_switches)
            for row in self._functions
        ]
        self._add(*functions)
        self._wait_for(*self._programs.values())
        pubsub_setup.set_up(endpoints.pubsub, PROJECT, self._functions, endpoints.functions)
        demo_account.set_up(endpoints.auth)

    @property
    def settings(self) -> dict[str, str]:
        """The functions' settings, but for the ids of prices."""
        return {
            "GOOGLE_CLOUD_PROJECT": PROJECT,
            **self._account.settings(_SECRET_KEY, self.endpoints.webhook_secret),
            "APP_BASE_URL": self.endpoints.web,
            "ALLOWED_ORIGINS": f"{self.endpoints.web},{self.endpoints.examples}",
            "TOKEN_CATALOG": self._catalog,
        }

    @property
    def local_switches(self) -> dict[str, str]:
        """What directs the functions to this machine."""
        return {
            "FIRESTORE_EMULATOR_HOST": self.endpoints.firestore,
            "PUBSUB_EMULATOR_HOST": self.endpoints.pubsub,
            "FIREBASE_AUTH_EMULATOR_HOST": self.endpoints.auth,
            **self._account.switches(self.endpoints.stripe),
        }

    def _gateway_configuration(self) -> dict[str, object]:
        return {
            "examples": self._ports["examples"],
            "services": {row.service: self.endpoints.functions[row.name] for row in self._functions},
            # What Firebase Hosting serves at /__/firebase/init.json, plus the emulators' addresses.
            "init": {
                "apiKey": "demo",
                "projectId": PROJECT,
                "authDomain": f"{PROJECT}.firebaseapp.com",
                "emulators": {"auth": f"http://{self.endpoints.auth}", "firestore": self.endpoints.firestore},
            },
        }

    def _add(self, *added: Program) -> None:
        self._programs |= {program.name: program for program in added}
        self._processes.add(added)

    def _wait_for(self, *awaited: Program) -> None:
        self._processes.wait_until_answering(awaited, timeout_s=_START_S)

    def _end(self) -> None:
        self.endpoints_file.unlink(missing_ok=True)
        self._processes.end()
        self._claims.close()
        if self._lock:
            self._lock.close()
            self._lock = None


def _locked(file: Path) -> TextIO:
    """Lock the directory. The lock ends with its process, so a killed launcher does not block the next."""
    lock = file.open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise AlreadyRunningError(f"A stack is already running here: see {file.with_name('endpoints.json')}") from None
    return lock
