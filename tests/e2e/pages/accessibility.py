"""What axe finds on a page."""

from playwright.sync_api import Page

from topology.functions import ROOT

_AXE = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text()


def violations(page: Page) -> list[str]:
    """Return what axe finds by any of its rules. The page's policy forbids to add a script, but not the protocol."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_AXE)
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
    return [f"{one['id']}: {node['target']} {node['failureSummary']}" for one in found for node in one["nodes"]]
