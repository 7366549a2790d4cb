"""The documentation says what the code does: settings, log events, error codes, links, commands."""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import pytest

from shared.domain import errors
from tests.unit.test_architecture import ROOMS

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("clients/*/*.md"), *ROOT.glob(".github/*.md")]
)
SOURCES = sorted([*ROOT.glob("shared/**/*.py"), *ROOT.glob("functions/*/main.py")])
DECISIONS = sorted(ROOT.glob("docs/decisions/[0-9]*.md"))

README = ROOT / "README.md"
ARCHITECTURE = ROOT / "docs" / "architecture.md"
CONFIGURATION = ROOT / "docs" / "configuration.md"

_WIDTH_MAX = 110

_VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
_CODE = re.compile(r"`([^`]+)`")
_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)

_each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def table(page: Path, heading: str) -> list[dict[str, str]]:
    """Return the rows of the first table under a heading, by the names of its columns."""
    section = re.split(r"^#+ ", page.read_text().split(f"# {heading}\n", 1)[1], flags=re.MULTILINE)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    names, _, *rows = ([cell.strip() for cell in line.strip("| ").split(" |")] for line in lines)
    return [dict(zip(names, [*row, *[""] * (len(names) - len(row))], strict=True)) for row in rows]


def prose(page: Path) -> str:
    return _FENCE.sub("", page.read_text())


@cache
def trees() -> dict[Path, ast.Module]:
    return {source: ast.parse(source.read_text()) for source in SOURCES}


def nodes() -> Iterator[ast.AST]:
    for tree in trees().values():
        yield from ast.walk(tree)


# --- settings


def functions() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads((ROOT / "functions" / "functions.toml").read_text())


def variables_in_code() -> set[str]:
    files = [*SOURCES, ROOT / "stripe_simulator" / "settings.py"]
    constants = {
        node.value
        for file in files
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return {text for text in constants if _VARIABLE.fullmatch(text)}


def test_the_settings_module_is_read_as_expected() -> None:
    found = variables_in_code()
    assert {"APP_BASE_URL", "FIREBASE_AUTH_EMULATOR_HOST", "PUBSUB_EMULATOR_HOST", "K_SERVICE"} <= found


def test_every_variable_that_the_code_reads_is_documented() -> None:
    documented = set(_CODE.findall(CONFIGURATION.read_text()))
    in_table = {name for row in functions().values() for name in (*row["needs"], *row["uses"])}
    assert sorted((variables_in_code() | in_table) - documented) == []


def test_the_settings_table_says_which_functions_read_each() -> None:
    def readers(kind: str) -> dict[str, set[str]]:
        names = {name for row in functions().values() for name in (*row["needs"], *row["uses"])}
        return {name: {key for key, row in functions().items() if name in row[kind]} for name in names}

    rows = table(CONFIGURATION, "Settings of the functions")
    settings = [row["setting"].strip("`") for row in rows]
    for column, kind in (("needed by", "needs"), ("used by", "uses")):
        stated = {name: set(_CODE.findall(row[column])) for name, row in zip(settings, rows, strict=True)}
        assert stated == readers(kind)


def test_new_terms_are_accepted_before_they_are_sold() -> None:
    """docs/configuration.md, "Change a price", relies on it; deploy.sh deploys in the order of the table."""
    order = list(functions())
    assert order.index("credit_tokens") < min(order.index("create_checkout"), order.index("list_packages"))


def test_every_setting_has_a_section() -> None:
    sections = set(re.findall(r"^### (.+)$", CONFIGURATION.read_text(), re.MULTILINE))
    names = {row["setting"].strip("`") for row in table(CONFIGURATION, "Settings of the functions")}
    assert names <= sections


# --- log events


def log_events(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield (event, severity) of every record that a module writes; `*` stands for a part that is not constant."""
    aliases: dict[str, ast.expr] = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    passed = _passed(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            called = aliases.get(node.func.id, node.func) if isinstance(node.func, ast.Name) else node.func
            event = node.args[0]
            for one in passed.get(event.id, [event]) if isinstance(event, ast.Name) else [event]:
                yield from _logged(called, one)


def _passed(tree: ast.Module) -> dict[str, list[ast.expr]]:
    """Return what a module's own calls pass as each parameter of its functions."""
    parameters = {
        node.name: [one.arg for one in node.args.args] for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)
    }
    passed: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            for name, value in zip(parameters.get(node.func.id, []), node.args, strict=False):
                passed.setdefault(name, []).append(value)
    return passed


def _logged(called: ast.expr | None, event: ast.expr) -> Iterator[tuple[str, str]]:
    match called, event:
        case ast.IfExp(test=first), ast.IfExp(test=second) if ast.dump(first) == ast.dump(second):
            yield from _logged(called.body, event.body)
            yield from _logged(called.orelse, event.orelse)
        case ast.IfExp(), _:
            yield from _logged(called.body, event)
            yield from _logged(called.orelse, event)
        case ast.Attribute(value=ast.Name(id="logs"), attr="info" | "warning" | "error" as severity), _:
            yield from ((name, severity.upper()) for name in _texts(event))
        case ast.Name(id="info" | "warning" | "error" as severity), _:  # within shared/runtime/logs.py
            yield from ((name, severity.upper()) for name in _texts(event))


def _texts(expression: ast.expr) -> Iterator[str]:
    match expression:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in parts)
        case ast.IfExp(body=body, orelse=orelse):
            yield from _texts(body)
            yield from _texts(orelse)
        case _:
            pytest.fail(f"Cannot tell the event's name from: {ast.unparse(expression)}")


def test_the_conditional_event_of_credit_tokens_is_understood() -> None:
    events = set(log_events(trees()[ROOT / "functions" / "credit_tokens" / "main.py"]))
    assert {("purchase.held", "WARNING"), ("purchase.duplicate", "INFO")} <= events
    assert ("purchase.held", "INFO") not in events


def test_an_event_that_a_function_is_given_is_understood() -> None:
    events = set(log_events(trees()[ROOT / "functions" / "spend_tokens" / "main.py"]))
    assert {("tokens.spent", "INFO"), ("tokens.captured", "INFO"), ("tokens.released", "INFO")} <= events


def test_the_table_of_log_events_has_exactly_what_the_code_writes() -> None:
    written = {event for tree in trees().values() for event in log_events(tree)}
    documented = {
        (name, row["severity"]) for row in table(ARCHITECTURE, "Log events") for name in _CODE.findall(row["event"])
    }
    pairs = {(row, event) for row in documented for event in written if row[1] == event[1]}
    same = {(row, event) for row, event in pairs if fnmatchcase(row[0], event[0])}
    assert sorted(documented - {row for row, _ in same}) == [], "documented, but not written"
    assert sorted(written - {event for _, event in same}) == [], "written, but not documented"


# --- error codes


def error_codes() -> set[str]:
    """Return the codes that answers carry; `*` stands for a part that is not constant."""
    raised = {"BadInput", "NotFound", "Conflict", "Unprocessable", "Unavailable"}
    defined = {
        call.args[0]
        for node in ast.walk(trees()[ROOT / "shared" / "domain" / "errors.py"])
        if isinstance(node, ast.ClassDef) and any(isinstance(base, ast.Name) for base in node.bases)
        for call in ast.walk(node)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "__init__"
        and len(call.args) > 1
        and isinstance(call.args[0], ast.Constant)
    }
    used = {
        node.args[0]
        for node in nodes()
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in raised and node.args
    }
    return {text for expression in defined | used for text in _texts(expression)} | {"internal"}


def test_the_tree_at_the_head_of_errors_has_every_class_and_its_status() -> None:
    drawn = re.findall(r"(?:├──|└──) (\w+) +(\d+)?", errors.__doc__ or "")
    made = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.TokenEconomyError)]

    assert {name for name, _ in drawn} == {one.__name__ for one in made} - {"TokenEconomyError"}
    assert {name: int(status) for name, status in drawn if status} == {
        one.__name__: one.status for one in made if issubclass(one, errors.RequestError) and "status" in vars(one)
    }


def test_the_table_of_errors_has_exactly_the_codes_of_the_code() -> None:
    documented = {
        code for row in table(README, "Errors") for code in _CODE.findall(row["codes"]) if code == code.lower()
    }
    codes = error_codes()
    assert {"unknown_package", "purchase_limit", "not_enough_tokens", "not_published"} <= codes
    same = {(row, code) for row in documented for code in codes if fnmatchcase(row, code)}
    assert sorted(documented - {row for row, _ in same}) == [], "documented, but never answered"
    assert sorted(codes - {code for _, code in same}) == [], "answered, but not documented"


# --- the rooms of the code


def test_the_diagram_of_rooms_has_exactly_the_imports_that_are_allowed() -> None:
    section = ARCHITECTURE.read_text().split("## Rooms of the code\n", 1)[1].split("\n## ")[0]
    drawn = re.findall(r"^  ([\w.]+) --> ([\w.]+)$", section, re.MULTILINE)

    assert sorted(drawn) == sorted((room, imported) for room, allowed in ROOMS.items() for imported in allowed)


def test_the_rules_that_the_life_of_an_event_names_are_defined_where_it_says() -> None:
    named = [
        (path, function)
        for row in table(ARCHITECTURE, "Life of an event")
        for path, functions_named in re.findall(r"\]\(\.\./([^)]+)\)((?:,? `\w+`)+)", row["rule"])
        for function in _CODE.findall(functions_named)
    ]
    assert len(named) > 5
    for path, function in named:
        assert f"\ndef {function}(" in (ROOT / path).read_text() or f"    def {function}(" in (ROOT / path).read_text()


# --- identities


def test_the_table_of_identities_says_what_each_function_may_do() -> None:
    secrets = {"STRIPE_SECRET_KEY": "stripe-secret-key", "STRIPE_WEBHOOK_SECRET": "stripe-webhook-secret"}
    granted = {
        name.replace("_", "-"): (
            set(row.get("roles", [])),
            {secrets[setting] for setting in (*row["needs"], *row["uses"]) if setting in secrets},
            set(row.get("publishes", [])),
        )
        for name, row in functions().items()
    }
    rows = table(ROOT / "docs" / "security.md", "Identities")
    columns = ("roles in the project", "secrets it may read", "topics it may publish to")
    stated = {
        row["service account"].strip("`"): tuple(set(_CODE.findall(row[column])) for column in columns) for row in rows
    }
    assert stated == granted


# --- what pages refer to


@_each_page
def test_relative_links_lead_somewhere(page: Path) -> None:
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path) if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_make_targets_that_pages_name_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        target
        for page in PAGES
        for text in (*_CODE.findall(prose(page)), *(block for _, block in _FENCE.findall(page.read_text())))
        for target in re.findall(r"(?:^|[ ;&(])make ([a-z-]+)", text, re.MULTILINE)
    }
    assert {"run", "test", "check"} <= named
    assert sorted(named - targets) == []


def test_every_listed_command_of_make_is_documented() -> None:
    listed = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    contributing = (ROOT / "CONTRIBUTING.md").read_text()
    assert sorted(target for target in listed if f"make {target}" not in contributing) == []


@_each_page
def test_bash_blocks_parse(page: Path) -> None:
    for language, block in _FENCE.findall(page.read_text()):
        if language == "bash":
            parsed = subprocess.run(["bash", "-n"], input=block, text=True, capture_output=True, check=False)
            assert parsed.returncode == 0, parsed.stderr


@_each_page
def test_no_line_is_longer_than_110_characters(page: Path) -> None:
    """Rows of tables and axes of charts may be longer; an address or a link's target does not count."""
    lines = [line for line in page.read_text().splitlines() if not line.startswith(("|", "    x-axis ["))]
    counted = [re.sub(r"https?://[^\s)>\"]+|(?<=\]\()[^)]+", "", line) for line in lines]
    assert [line for line, rest in zip(lines, counted, strict=True) if len(rest) > _WIDTH_MAX] == []


def test_the_table_of_tests_has_every_folder() -> None:
    named = {folder for row in table(ROOT / "CONTRIBUTING.md", "Tests") for folder in _CODE.findall(row["folder"])}
    folders = {f"tests/{folder.name}" for folder in (ROOT / "tests").iterdir() if any(folder.glob("*.*"))}
    assert named == {folder for folder in folders if not folder.endswith("__pycache__")}


@_each_page
def test_every_block_closes(page: Path) -> None:
    assert page.read_text().count("```") % 2 == 0


def test_every_decision_has_a_number_of_its_own_and_is_listed() -> None:
    numbers = [page.name[:4] for page in DECISIONS]
    assert len(set(numbers)) == len(numbers)
    index = ROOT / "docs" / "decisions" / "README.md"
    listed = re.findall(r"\]\(([0-9][^)#]+)\)\n", index.read_text())
    assert sorted(listed) == [page.name for page in DECISIONS], f"list every decision once in {index.name}"


_each_decision = pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)


@_each_decision
def test_every_decision_begins_with_its_number(page: Path) -> None:
    assert page.read_text().startswith(f"# {page.name[:4]} ")


@_each_decision
def test_every_decision_has_all_sections(page: Path) -> None:
    headings = re.findall(r"^## (.+)$", page.read_text(), re.MULTILINE)
    assert headings == ["Context", "Decision", "Alternatives", "Consequences", "Held by"]


@_each_decision
def test_every_decision_is_held_by_tests_that_exist(page: Path) -> None:
    items = re.findall(r"^- (.+)$", page.read_text().split("## Held by\n", 1)[1], re.MULTILINE)
    assert items
    for item in items:
        named = re.match(r"\[(tests/\S+/test_\w+\.py)\]\(\.\./\.\./\1\): \w", item)
        assert named, f"link a test file and say what it holds: {item}"
        assert (ROOT / named[1]).is_file(), named[1]
