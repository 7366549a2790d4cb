"""The npm package as it would be published, and what docs/embedding.md says about it."""

import gzip
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from topology.functions import ROOT

PACKAGE = ROOT / "web" / "package"
EXAMPLES = ROOT / "web" / "examples"
GUIDE = (ROOT / "docs" / "embedding.md").read_text()
MANIFEST: dict[str, Any] = json.loads((PACKAGE / "package.json").read_text())
BYTES_MAX = 9 * 1024
START_LINES_MAX = 10


def run(*command: str, where: Path) -> str:
    done = subprocess.run(command, cwd=where, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_elements_are_one_file_under_9_kib_without_firebase() -> None:
    program = (PACKAGE / "dist" / "index.js").read_bytes()

    assert len(gzip.compress(program, 9)) < BYTES_MAX
    assert b"firebase" not in program
    assert not re.search(rb"\bimport\b *[({\"'`]|\bfrom *[\"'`]", program)
    assert (ROOT / "web" / "dist" / "elements.js").read_bytes() == program


def test_the_package_has_what_it_exports_and_nothing_else() -> None:
    (packed,) = json.loads(run("npm", "pack", "--dry-run", "--json", "--silent", where=PACKAGE))
    modules = ("index", "react")
    types = ("buy-tokens", "connect", "element", "index", "react", "token-balance", "types")

    assert sorted(file["path"] for file in packed["files"]) == sorted(
        ["LICENSE", "README.md", "package.json"]
        + [f"dist/{name}.js" for name in modules]
        + [f"dist/{name}.d.ts" for name in types]
    )
    assert (PACKAGE / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()
    assert packed["name"] == MANIFEST["name"]


def test_react_is_optional_and_nothing_else_is_needed() -> None:
    assert "dependencies" not in MANIFEST
    assert list(MANIFEST["peerDependencies"]) == ["react"]
    assert MANIFEST["peerDependenciesMeta"] == {"react": {"optional": True}}


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An app that has installed the packed package, and React."""
    run("npm", "pack", "--silent", "--pack-destination", str(tmp_path), where=PACKAGE)
    modules = tmp_path / "node_modules"
    installed = modules / MANIFEST["name"]
    installed.mkdir(parents=True)
    (tarball,) = tmp_path.glob("*.tgz")
    run("tar", "--extract", "--gzip", "--file", str(tarball), "--strip-components=1", where=installed)
    (modules / "@types").mkdir()
    for name in ("react", "@types/react", "csstype"):
        (modules / name).symlink_to(ROOT / "node_modules" / name)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    return tmp_path


APP = """
import { connect, type BalanceState } from "token-economy-elements";
import { useTokenBalance } from "token-economy-elements/react";

connect({ auth: { currentUser: null, onAuthStateChanged: () => {} } });
connect({ api: ["https://a.example.com"], getIdToken: async () => null, signIn: async () => {} });
// @ts-expect-error somebody has to say who is signed in
connect({ api: "https://a.example.com" });

document.querySelector("token-balance")?.addEventListener("lowbalance", ({ detail }) => detail.threshold.toFixed());
document.querySelector("buy-tokens")?.addEventListener("checkout", ({ detail }) => detail.url.trim());

export function App() {
  const state: BalanceState = useTokenBalance();
  // @ts-expect-error a balance that isn't known is no number
  const count: number = state.balance;
  // @ts-expect-error there is no such attribute
  const wrong = <token-balance low={20} />;
  const shown = <token-balance threshold={20} onbalancechange={({ detail }) => detail.balance.toFixed()} />;
  return <>{shown}{wrong}{count}<buy-tokens packages="starter" oncheckout={(event) => event.detail.sessionId} /></>;
}
"""


@pytest.mark.parametrize("resolution", ["bundler", "nodenext"])
def test_its_types_help_an_app(app: Path, resolution: str) -> None:
    (app / "app.tsx").write_text(APP)
    module = "esnext" if resolution == "bundler" else "nodenext"
    options = ("--noEmit", "--strict", "--jsx", "react-jsx", "--target", "es2022", "--types", "react")
    tsc = str(ROOT / "node_modules" / ".bin" / "tsc")

    run(tsc, *options, "--module", module, "--moduleResolution", resolution, "app.tsx", where=app)


def test_a_server_can_import_it_and_render_the_hook(app: Path) -> None:
    (app / "node_modules" / "react-dom").symlink_to(ROOT / "node_modules" / "react-dom")
    (app / "server.mjs").write_text(
        """
        import { createElement } from "react";
        import { renderToString } from "react-dom/server";
        import "token-economy-elements";
        import { useTokenBalance } from "token-economy-elements/react";
        console.log(renderToString(createElement(() => useTokenBalance().status)));
        """
    )

    assert run("node", "server.mjs", where=app).strip() == "connecting"


# --- docs/embedding.md


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)


def test_each_start_has_at_most_ten_lines() -> None:
    starts = [*blocks("html"), *blocks("js"), *blocks("tsx")]
    assert len(starts) > 4
    assert [block for block in starts if len([line for line in block.splitlines() if line]) > START_LINES_MAX] == []


def test_the_starts_are_in_the_examples() -> None:
    def lines(text: str) -> set[str]:
        return {line.strip() for line in text.splitlines() if line.strip()}

    plain = "".join((EXAMPLES / "plain" / name).read_text() for name in ("index.html", "main.js"))
    react = "".join((EXAMPLES / "react" / name).read_text() for name in ("main.tsx", "app.tsx"))
    assert lines(blocks("html")[0] + blocks("js")[0]) - lines(plain) == set()
    own = {line for line in lines(blocks("tsx")[0]) if not line.startswith("return <p>")}
    assert own - lines(react) == set()


def test_the_policy_is_the_one_that_the_example_is_served_with() -> None:
    (policy,) = blocks("text")
    assert " ".join(policy.split()) == json.loads((EXAMPLES / "policies.json").read_text())["plain"]


def names(column: int, table: str) -> dict[str, set[str]]:
    """Return the names in a column of the table that begins with a header, by the element of the row."""
    found: dict[str, set[str]] = {}
    rows = GUIDE.split(table, 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    for row in rows:
        cells = row.strip("| ").split(" | ")
        found.setdefault(cells[0].strip("`"), set()).update(re.findall(r"`([^`]+)`", cells[column]))
    return found


@pytest.mark.parametrize("tag", ["token-balance", "buy-tokens"])
def test_the_tables_have_every_attribute_event_part_and_property(tag: str) -> None:
    source = (PACKAGE / "src" / f"{tag}.ts").read_text()
    observed = re.search(r"observedAttributes: readonly string\[\] = \[(.*?)\]", source)
    assert observed
    attributes, events = names(1, "| element | attribute |"), names(1, "| element | event |")
    parts, properties = names(1, "| element | parts"), names(2, "| element | parts")

    assert attributes[tag] | attributes["both"] == set(re.findall(r'"(\w+)"', observed[1]))
    emitted = set(re.findall(r'this\.emit(?:<\w+>)?\("(\w+)"', source))
    emitted |= set(re.findall(r'"(signin|signout)"', source))
    assert events[tag] == emitted
    shapes = (PACKAGE / "src" / "coin.ts").read_text() if "./coin" in source else ""
    assert parts[tag] == set(re.findall(r'part: "(\w+)"', source + shapes))
    assert properties[tag] == set(re.findall(r"var\((--token-[\w-]+)", source))
