"""The programs of the stack: how each is started, and how to tell that it answers."""

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx

from local.ports import HOST, answers
from local.processes import Program
from topology.functions import ROOT, Function

# Concurrent requests per function. Cloud Run's default of 80 would make functions slower to start.
_THREADS = "32"

# No prompts, no update checks, no usage reports.
_QUIET_GCLOUD = {
    "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
    "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "1",
    "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "1",
    "CLOUDSDK_CORE_SHOW_STRUCTURED_LOGS": "never",
}


def _emulator_environment() -> dict[str, str]:
    # Emulators live for minutes: compiling their code with all optimizations costs more than it saves, and takes the
    # processors from the functions meanwhile. Whoever knows better sets the variable, as the bench does.
    java = os.environ.get("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
    return {**_QUIET_GCLOUD, "JAVA_TOOL_OPTIONS": java}


def firestore(port: int, project: str) -> Program:
    """The official Firestore emulator, with this repository's rules."""
    command = ("gcloud", "emulators", "firestore", "start", f"--host-port={HOST}:{port}", "--rules=firestore.rules")
    # Ready means that it has read a document: the first read loads much of it, and no buyer should wait for that.
    read = f"http://{HOST}:{port}/v1/projects/{project}/databases/(default)/documents/users"
    return Program("firestore", command, _ok(read, {"Authorization": "Bearer owner"}), _emulator_environment())


def pubsub(port: int, project: str, directory: Path) -> Program:
    """The official Pub/Sub emulator."""
    data = directory / "pubsub"
    data.mkdir(exist_ok=True)
    command = (
        "gcloud",
        "beta",
        "emulators",
        "pubsub",
        "start",
        f"--project={project}",
        f"--host-port={HOST}:{port}",
        f"--data-dir={data}",
    )
    return Program("pubsub", command, _ok(f"http://{HOST}:{port}/"), _emulator_environment())


def auth(port: int, hub_port: int, logging_port: int, project: str, directory: Path) -> Program:
    """The official Auth emulator, without the other parts of Firebase's emulator suite."""
    configuration = directory / "auth-emulator.json"
    configuration.write_text(
        json.dumps(
            {
                "emulators": {
                    "auth": {"host": HOST, "port": port},
                    "hub": {"host": HOST, "port": hub_port},
                    "logging": {"host": HOST, "port": logging_port},
                    "ui": {"enabled": False},
                }
            }
        )
    )
    command = (
        "node",
        f"--require={ROOT / 'local' / 'lazy_auth_validators.cjs'}",
        str(ROOT / "node_modules" / ".bin" / "firebase"),
        "emulators:start",
        "--only=auth",
        f"--project={project}",
        f"--config={configuration}",
    )
    # The hub writes a file for its project into the temporary folder: two stacks must not find each other's.
    environment = {
        "TMPDIR": str(directory),
        "CI": "1",
        "NO_UPDATE_NOTIFIER": "1",
        "FIREBASE_CLI_DISABLE_UPDATE_CHECK": "1",
    }
    return Program(
        "auth", command, _ok(f"http://{HOST}:{port}/"), environment, directory
    )  # it writes its own log there


def stripe(port: int, secret_key: str, webhook_secret: str, webhook_url: str) -> Program:
    """The Stripe simulator."""
    url = f"http://{HOST}:{port}"
    environment = {
        "PORT": str(port),
        "SIMULATOR_BASE_URL": url,
        "STRIPE_SECRET_KEY": secret_key,
        "STRIPE_WEBHOOK_SECRET": webhook_secret,
        "STRIPE_WEBHOOK_URL": webhook_url,
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
    }
    return Program("stripe", (sys.executable, "-m", "stripe_simulator"), _ok(f"{url}/_sim/health"), environment)


def function(row: Function, port: int, settings: Mapping[str, str], emulators: Mapping[str, str]) -> Program:
    """One function under functions-framework, with the settings that functions.toml says it reads.

    Raises:
        ValueError: the function needs a setting for which this stack has no value.
    """
    if missing := [name for name in row.needs if name not in settings]:
        raise ValueError(f"functions.toml: {row.name} needs {', '.join(missing)}. Add a value in local/stack.py.")
    own_settings = {name: value for name, value in settings.items() if row.reads(name)}
    command = (
        str(Path(sys.executable).with_name("functions-framework")),
        f"--source=functions/{row.name}/main.py",
        f"--target={row.name}",
        f"--host={HOST}",
        f"--port={port}",
    )
    environment = {**own_settings, **emulators, "THREADS": _THREADS, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    return Program(row.name, command, lambda: answers(port), environment)


def gateway(port: int, configuration: Mapping[str, object], directory: Path) -> Program:
    """The one origin for pages and functions. local/gateway.mjs describes its configuration."""
    file = directory / "gateway.json"
    file.write_text(json.dumps({"port": port, **configuration}))
    return Program("gateway", ("node", "local/gateway.mjs", str(file)), lambda: answers(port))


def _ok(url: str, headers: Mapping[str, str] | None = None) -> Callable[[], bool]:
    # One client for all requests: creating one loads every root certificate, which takes longer than a request.
    client = httpx.Client(headers=headers, timeout=10, limits=httpx.Limits(max_keepalive_connections=0))

    def answers_ok() -> bool:
        try:
            return client.get(url).is_success
        except httpx.TransportError:
            return False

    return answers_ok
