"""What axe finds on a page."""

from collections.abc import Mapping
from typing import Literal

from playwright.sync_api import Page

from topology.functions import ROOT

_AXE = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text()

# All that dark colors can break: only the colors differ.
_COLOR_RULES = ("color-contrast", "link-in-text-block")
# In a new color scheme, a color changes gradually where it has a transition, however short.
_AFTER_TRANSITIONS = """() => {
  const roots = [document, ...[...document.querySelectorAll("*")].map((one) => one.shadowRoot).filter(Boolean)];
  const transitions = roots.flatMap((root) => root.getAnimations()).filter((one) => one instanceof CSSTransition);
  return Promise.allSettled(transitions.map((one) => one.finished));
}"""


def violations(page: Page) -> list[str]:
    """Return what axe finds by any of its rules."""
    return _found(page, {})


def violations_in_the_dark(page: Page) -> list[str]:
    """Return what axe finds wrong with the dark colors of a page in light ones, which it has again afterwards."""
    _change_colors(page, "dark")
    found = _found(page, {"runOnly": _COLOR_RULES})
    _change_colors(page, "light")
    return found


def _change_colors(page: Page, color_scheme: Literal["light", "dark"]) -> None:
    page.emulate_media(color_scheme=color_scheme)
    page.evaluate(_AFTER_TRANSITIONS)


def _found(page: Page, options: Mapping[str, object]) -> list[str]:
    if not page.evaluate("'axe' in window"):
        page.evaluate(_AXE)  # the page's policy forbids to add a script, but not the protocol
    run = "(options) => axe.run(document, { resultTypes: ['violations'], ...options })"
    found = page.evaluate(run, options)["violations"]
    return [f"{one['id']}: {node['target']} {node['failureSummary']}" for one in found for node in one["nodes"]]
