"""Who imports what, read from the folders: rules stay pure, nothing imports upward, a client has one home."""

import ast
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from sys import stdlib_module_names

import pytest

from shared.domain.errors import SettingsError
from tests.deployed import deployed

ROOT = Path(__file__).parents[2]
FUNCTIONS = tomllib.loads((ROOT / "functions" / "functions.toml").read_text(encoding="utf-8"))

# Who may import whom: a room's own modules, and the rooms listed. Nothing imports upward.
ROOMS = {
    "shared.domain": set(),
    "topology": {"shared.domain"},
    "shared.adapters": {"shared.domain", "topology"},
    "shared.runtime": {"shared.domain"},
    "functions": {"shared.domain", "shared.adapters", "shared.runtime", "topology"},
    "stripe_simulator": set(),
    "local": {"shared.domain", "shared.runtime", "topology", "stripe_simulator"},
    "ops": {"shared.domain", "shared.adapters", "shared.runtime", "topology"},
    "deploy": {"shared.domain", "shared.runtime", "topology"},
    "token_economy": set(),
}
# Whoever installs the client has nothing else of this project.
CLIENT = ROOT / "clients" / "python" / "src"
# The import name of each client library, and the one place in the functions' code that may import it.
HOME = {
    "google.cloud.firestore": "shared/adapters/firestore/",
    "google.cloud.firestore_v1": "shared/adapters/firestore/",
    "google.pubsub_v1": "shared/adapters/pubsub.py",
    "google.cloud.secretmanager": "shared/adapters/secret_manager.py",
    "stripe": "shared/adapters/stripe_",
    "firebase_admin": "shared/adapters/firebase_auth.py",
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
# These come with the above: the first three with functions-framework, requests with stripe, the others with Google's
# clients and Firebase's.
COMES_ALONG = {"flask", "werkzeug", "gunicorn", "requests", "grpc", "google.api_core", "google.auth", "jwt"}
IMPURE = {"os", "time", "logging", "requests", "flask", "pathlib", "random", "secrets", "socket", "threading"}


def name_of(file: Path) -> str:
    """Return a file's module name; a function's main.py is functions.<name>.main."""
    base = CLIENT if file.is_relative_to(CLIENT) else ROOT
    return ".".join(file.relative_to(base).with_suffix("").parts).removesuffix(".__init__")


MODULES = {
    name_of(file): file
    for top in sorted({room.split(".")[0] for room in ROOMS})
    for file in sorted(((CLIENT if top == "token_economy" else ROOT) / top).rglob("*.py"))
    if "tests" not in file.relative_to(ROOT).parts and name_of(file) != "shared"
}


@cache
def imports_of(file: Path, *, type_checking: bool = False) -> frozenset[str]:
    """Return every module a file imports, by full name; `from a import b` counts as a.b.

    Imports under TYPE_CHECKING count only on request: they tie modules together, but no process loads them.
    """
    found: set[str] = set()
    for node in _nodes(ast.parse(file.read_text(encoding="utf-8")), type_checking=type_checking):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = ".".join(file.relative_to(ROOT).parent.parts[: -(node.level - 1) or None]) if node.level else ""
            base = ".".join(filter(None, (package, node.module)))
            found |= {f"{base}.{alias.name}" for alias in node.names}
    return frozenset(found)


def _nodes(tree: ast.AST, *, type_checking: bool) -> list[ast.AST]:
    nodes: list[ast.AST] = []
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING" and not type_checking:
            continue
        nodes += [child, *_nodes(child, type_checking=type_checking)]
    return nodes


def room_of(module: str) -> str | None:
    return next((room for room in ROOMS if f"{module}.".startswith(f"{room}.")), None)


def modules_of(file: Path, *, type_checking: bool = False) -> set[str]:
    """Return the modules of this project that a file imports."""
    found = set()
    for name in imports_of(file, type_checking=type_checking):
        module = name if name in MODULES else name.rpartition(".")[0]
        if module in MODULES:
            found.add(module)
    return found


def loaded_by(file: Path) -> set[str]:
    """Return the modules of this project that a process loads for a file, packages included."""
    seen: set[str] = set()
    waiting = [file]
    while waiting:
        for module in modules_of(waiting.pop()) - seen:
            seen.add(module)
            waiting.append(MODULES[module])
    return seen


def clients_of(file: Path) -> set[str]:
    """Return the client libraries that a file imports itself."""
    return {known for known in DISTRIBUTION for name in imports_of(file) if f"{name}.".startswith(f"{known}.")}


def strangers_of(file: Path) -> set[str]:
    """Return what a file imports that is neither ours, nor Python's, nor in our table."""
    known = {*DISTRIBUTION, *COMES_ALONG, "shared", "topology", *stdlib_module_names}
    return {name for name in imports_of(file) if not any(f"{name}.".startswith(f"{one}.") for one in known)}


DOMAIN = {name: file for name, file in MODULES.items() if room_of(name) == "shared.domain"}
SHARED = {name: file for name, file in MODULES.items() if name.startswith("shared.")}
MAINS = {name: ROOT / "functions" / name / "main.py" for name in FUNCTIONS}


@pytest.mark.parametrize("name", MODULES)
def test_no_module_imports_upward(name: str) -> None:
    """Imports under TYPE_CHECKING count too: they are dependencies for whoever reads the code."""
    room = room_of(name)
    assert room is not None
    imported = {room_of(module) for module in modules_of(MODULES[name], type_checking=True)} - {None}

    assert imported <= {room, *ROOMS[room]}


@pytest.mark.parametrize("name", MODULES)
def test_no_two_modules_need_each_other(name: str) -> None:
    """Not even for types."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        found = modules_of(MODULES[waiting.pop()], type_checking=True) - seen
        assert name not in found
        seen |= found
        waiting += found


@pytest.mark.parametrize("name", DOMAIN)
def test_a_rule_is_pure(name: str) -> None:
    assert clients_of(DOMAIN[name]) == set()
    assert not {imported.split(".")[0] for imported in imports_of(DOMAIN[name])} & IMPURE


@pytest.mark.parametrize("name", SHARED)
def test_each_client_has_one_home(name: str) -> None:
    path = str(SHARED[name].relative_to(ROOT))

    assert {client for client in clients_of(SHARED[name]) if not path.startswith(HOME[client])} == set()


@pytest.mark.parametrize("file", [*SHARED.values(), *MAINS.values()], ids=name_of)
def test_nothing_is_imported_that_no_table_knows(file: Path) -> None:
    assert strangers_of(file) == set()


@pytest.mark.parametrize("file", MAINS.values(), ids=MAINS.keys())
def test_a_main_leaves_clients_to_adapters(file: Path) -> None:
    """A main may name Firestore's client class, to hand one to the ledger; nothing else."""
    assert clients_of(file) <= {"functions_framework", "google.cloud.firestore"}


def test_the_webhook_starts_without_firestore_and_firebase() -> None:
    loaded = loaded_by(MAINS["stripe_webhook"])

    assert not any(name.startswith(("shared.adapters.firestore", "shared.adapters.firebase_auth")) for name in loaded)


def needed_by(main: Path) -> set[str]:
    files = [main, *(MODULES[module] for module in loaded_by(main))]
    return {DISTRIBUTION[client] for file in files for client in clients_of(file)}


def pins_of(file: Path) -> dict[str, str]:
    lines = (line.split(";")[0].strip(" \\") for line in file.read_text(encoding="utf-8").splitlines())
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


@pytest.mark.parametrize("file", SHARED.values(), ids=SHARED.keys())
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


# --- size and shape

SOURCES = {
    file.relative_to(ROOT).as_posix(): ast.parse(file.read_text(encoding="utf-8"))
    for top in (
        *("shared", "topology", "functions", "stripe_simulator", "local", "ops", "deploy"),
        *("bench", "reliability", "clients"),
    )
    for file in sorted((ROOT / top).rglob("*.py"))
    if "tests" not in file.relative_to(ROOT).parts
}
MODULE_LINES_MAX = 300
FUNCTION_LINES_MAX = 50


@pytest.mark.parametrize("path", SOURCES)
def test_a_module_fits_a_sitting_and_a_function_a_screen(path: str) -> None:
    lines = len((ROOT / path).read_text(encoding="utf-8").splitlines())
    functions = {
        node.name: (node.end_lineno or 0) - node.lineno + 1
        for node in ast.walk(SOURCES[path])
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }

    assert lines <= MODULE_LINES_MAX
    assert {name: count for name, count in functions.items() if count > FUNCTION_LINES_MAX} == {}


def _is_module_of_ours(file: Path, name: str) -> bool:
    """Tell whether a file knows one of our modules by this name."""
    return any(module.endswith(f".{name}") and module in MODULES for module in imports_of(file))


def test_no_class_inherits_another_of_ours_but_errors() -> None:
    """Parts own one another; errors form a tree, because callers catch them by kind."""
    classes = [
        (path, node) for path, tree in SOURCES.items() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)
    ]
    ours = {node.name for _, node in classes}
    heirs = [
        f"{path}: {node.name}"
        for path, node in classes
        for base in node.bases
        if ast.unparse(base).rpartition(".")[2] in ours
        and (isinstance(base, ast.Name) or _is_module_of_ours(ROOT / path, ast.unparse(base).rpartition(".")[0]))
        and not ast.unparse(base).endswith(("Error", "Refused"))
        and not path.endswith("errors.py")
    ]

    assert heirs == []


# What a request of each function may need; what it does not use, it must not load (bench/ measures what that saves).
LOADED_LATER = {
    "credit_tokens": {"stripe", "google.cloud.secretmanager", "google.pubsub_v1", "firebase_admin"},
    "spend_tokens": {"stripe", "google.cloud.secretmanager", "google.pubsub_v1", "firebase_admin"},
    "get_balance": {"stripe", "google.cloud.secretmanager", "google.pubsub_v1"},
    "list_transactions": {"stripe", "google.cloud.secretmanager", "google.pubsub_v1"},
    "claim_welcome": {"stripe", "google.cloud.secretmanager", "google.pubsub_v1"},
    "list_packages": {"stripe", "google.cloud.secretmanager", "google.pubsub_v1", "google.cloud.firestore", "grpc"},
    "stripe_webhook": {"google.cloud.firestore", "firebase_admin"},
}


@pytest.mark.parametrize("name", LOADED_LATER)
def test_a_function_starts_without_what_its_requests_do_not_use(name: str) -> None:
    """Asked of a process of its own, as Cloud Run starts one."""
    needed = {need: "whsec_test" if "WEBHOOK" in need else "http://test" for need in FUNCTIONS[name]["needs"]}
    program = (
        "import sys, functions_framework as framework;"
        f"framework.create_app({name!r}, 'functions/{name}/main.py');"
        f"print(sorted(set(sys.modules) & {LOADED_LATER[name]!r}))"
    )
    environment = {**needed, "STRIPE_SECRET_KEY": "sk_test_1", "PYTHONPATH": str(ROOT)}
    started = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )

    assert started.stdout.strip() == "[]"
