"""Who imports what, read from the source: rules stay pure, a client has one home, a function lists what it needs."""

import ast
import tomllib
from functools import cache
from pathlib import Path

import pytest

from shared.errors import SettingsError
from tests.deployed import deployed

ROOT = Path(__file__).parents[2]
FUNCTIONS = tomllib.loads((ROOT / "functions" / "functions.toml").read_text(encoding="utf-8"))

LEDGER = {"account_store", "ledger", "audited_ledger"}
ADAPTERS = {*LEDGER, "event_bus", "http_api", "identity", "logs", "secret_store", "settings", "stripe_gateway"}
PURE = sorted({file.stem for file in (ROOT / "shared").glob("*.py")} - ADAPTERS - {"__init__"})
# The import name of each third-party distribution, and where in shared/ it may be imported.
HOME = {
    "google.cloud.firestore": LEDGER,
    "google.cloud.firestore_v1": LEDGER,
    "google.pubsub_v1": {"event_bus"},
    "google.cloud.secretmanager": {"secret_store"},
    "stripe": {"stripe_gateway"},
    "firebase_admin": {"identity"},
}
DISTRIBUTION = {
    "google.cloud.firestore": "google-cloud-firestore",
    "google.cloud.firestore_v1": "google-cloud-firestore",
    "google.pubsub_v1": "google-cloud-pubsub",
    "google.cloud.secretmanager": "google-cloud-secret-manager",
    "stripe": "stripe",
    "firebase_admin": "firebase-admin",
    "functions_framework": "functions-framework",
}
# These come with the above and are no choice of their own: flask with functions-framework, grpc with Pub/Sub's client.
COMES_ALONG = {"flask", "grpc", "google.api_core"}


@cache
def imports_of(file: Path) -> set[str]:
    """Return every module a file imports at run time, by full name; `from a import b` counts as a.b."""
    found: set[str] = set()
    for node in _running(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative imports break in a deployed copy"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _running(tree: ast.AST) -> list[ast.AST]:
    nodes: list[ast.AST] = []
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        nodes += [child, *_running(child)]
    return nodes


def shared_of(file: Path) -> set[str]:
    """Return the modules of shared/ that a file imports, and those that they import."""
    seen: set[str] = set()
    waiting = [file]
    while waiting:
        for name in imports_of(waiting.pop()):
            parts = name.split(".")
            module = ROOT / "shared" / f"{parts[1]}.py" if parts[0] == "shared" and len(parts) > 1 else None
            if module and module.exists() and module.stem not in seen:
                seen.add(module.stem)
                waiting.append(module)
    return seen


def clients_of(file: Path) -> set[str]:
    """Return the third-party packages of our table that a file imports itself."""
    return {known for known in DISTRIBUTION for name in imports_of(file) if f"{name}.".startswith(f"{known}.")}


def strangers_of(file: Path) -> set[str]:
    """Return what a file imports that is neither ours, nor Python's, nor in our table."""
    from sys import stdlib_module_names  # noqa: PLC0415 - beside its only use

    known = {*DISTRIBUTION, *COMES_ALONG, "shared", *stdlib_module_names}
    return {name for name in imports_of(file) if not any(f"{name}.".startswith(f"{one}.") for one in known)}


SHARED = sorted((ROOT / "shared").glob("*.py"))
MAINS = {name: ROOT / "functions" / name / "main.py" for name in FUNCTIONS}


@pytest.mark.parametrize("name", PURE)
def test_a_pure_module_imports_no_client_and_no_adapter(name: str) -> None:
    file = ROOT / "shared" / f"{name}.py"

    assert clients_of(file) == set()
    assert shared_of(file) <= set(PURE)
    assert not imports_of(file) & {"os", "time", "logging", "requests", "flask.Request"}


@pytest.mark.parametrize("file", SHARED, ids=lambda file: file.stem)
def test_each_client_has_one_home(file: Path) -> None:
    assert {client for client in clients_of(file) if file.stem not in HOME.get(client, ())} == set()


@pytest.mark.parametrize("file", [*SHARED, *MAINS.values()], ids=lambda file: f"{file.parent.name}.{file.stem}")
def test_nothing_is_imported_that_no_table_knows(file: Path) -> None:
    assert strangers_of(file) == set()


@pytest.mark.parametrize("file", MAINS.values(), ids=MAINS.keys())
def test_a_main_builds_clients_but_leaves_their_use_to_adapters(file: Path) -> None:
    """A main may name Firestore's client class, to hand one to the ledger; nothing else."""
    assert clients_of(file) <= {"functions_framework", "google.cloud.firestore"}


def test_the_webhook_starts_without_firestore_and_firebase() -> None:
    main = MAINS["stripe_webhook"]

    assert shared_of(main).isdisjoint({*LEDGER, "identity"})
    assert clients_of(main) == {"functions_framework"}


def needed_by(main: Path) -> set[str]:
    files = [main, *(ROOT / "shared" / f"{module}.py" for module in shared_of(main))]
    return {DISTRIBUTION[client] for file in files for client in clients_of(file)}


def pins_of(file: Path) -> dict[str, str]:
    lines = (line.split(";")[0].strip() for line in file.read_text(encoding="utf-8").splitlines())
    return dict(line.split("==") for line in lines if "==" in line and not line.startswith("#"))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_functions_requirements_are_what_it_imports(name: str) -> None:
    assert set(pins_of(ROOT / "functions" / name / "requirements.txt")) == needed_by(MAINS[name])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_deployed_with_the_versions_that_are_tested(name: str) -> None:
    tested = pins_of(ROOT / "requirements-dev.txt")

    assert pins_of(ROOT / "functions" / name / "requirements.txt").items() <= tested.items()


def test_every_function_is_in_the_table_and_the_other_way_round() -> None:
    assert {file.parent.name for file in (ROOT / "functions").glob("*/main.py")} == set(FUNCTIONS)


@pytest.mark.parametrize("file", SHARED, ids=lambda file: file.stem)
def test_importing_a_module_only_defines(file: Path) -> None:
    """No statement at a module's top does anything but define, and none reads the environment or builds a client."""
    for statement in ast.parse(file.read_text(encoding="utf-8")).body:
        docstring = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        type_checking = isinstance(statement, ast.If) and ast.unparse(statement.test) == "TYPE_CHECKING"
        assert docstring or type_checking or isinstance(statement, _DEFINITIONS), ast.unparse(statement)
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            text = ast.unparse(statement)
            assert not any(word in text for word in ("environ", "getenv", "Client(", "open(")), text


_DEFINITIONS = (
    ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign,
)  # fmt: skip


@pytest.mark.parametrize("name", [name for name, row in FUNCTIONS.items() if row["needs"]])
def test_a_function_without_its_settings_does_not_start_and_names_all_of_them(name: str) -> None:
    needs = FUNCTIONS[name]["needs"]

    with pytest.raises(SettingsError) as raised, deployed(name, {}):
        pass

    assert str(raised.value) == "Wrong settings: " + "; ".join(f"{need} is missing" for need in needs)


@pytest.mark.parametrize("name", [name for name, row in FUNCTIONS.items() if not row["needs"]])
def test_a_function_that_needs_no_setting_starts_without_any(name: str) -> None:
    with deployed(name, {}) as function:
        assert function.get().status_code == 200


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_does_not_start_with_an_unsigned_identity_on_cloud_run(name: str) -> None:
    on_cloud_run = {"K_SERVICE": name, "FIREBASE_AUTH_EMULATOR_HOST": "localhost:9099"}

    with pytest.raises(SettingsError, match="FIREBASE_AUTH_EMULATOR_HOST"), deployed(name, on_cloud_run):
        pass
