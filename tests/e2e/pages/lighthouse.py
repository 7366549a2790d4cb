"""`make lighthouse`: Google's Lighthouse on every page, signed out and signed in, into docs/lighthouse.md."""

import json
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
import httpx
from playwright.sync_api import Page, Playwright, expect, sync_playwright

from local.ports import Ports
from local.stack import Stack
from tests.e2e.buyer import StripeSide
from tests.e2e.pages.conftest import CHROMIUM_FLAGS, CHROMIUMS
from tests.e2e.pages.shopper import Account, Shopper, Watch
from topology.functions import ROOT

# Not a development dependency: it weighs 176 MB, and only this command needs it.
LIGHTHOUSE = "lighthouse@12.8.2"
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
# Search engines must not list these, and Lighthouse counts that against their SEO.
PRIVATE = ("/token-purchase-success", "/token-purchase-cancel", "/transactions", "/account")
REPORT = ROOT / "docs" / "lighthouse.md"
HEAD = """# Lighthouse

Performance, accessibility, best practices and SEO of every page, each from 0 to 100, with the largest
contentful paint (LCP), the total blocking time (TBT) and the layout shift (CLS). `make lighthouse` measures
them on the local stack: the median of {runs} runs on the slow phone that Lighthouse simulates ({version}).
The `is-crawlable` audit is left out where a page is somebody's own and says `noindex`.

| page | signed in | performance | accessibility | best practices | SEO | LCP | TBT | CLS |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""


@dataclass(frozen=True)
class Figures:
    """What one run says of one page."""

    scores: tuple[int, ...]
    lcp_ms: float
    tbt_ms: float
    cls: float


@click.command
@click.option("--runs", default=3, show_default=True, help="How often each page is measured; the median counts.")
def main(runs: int) -> None:
    """Measure every page."""
    lines = []
    with (
        tempfile.TemporaryDirectory() as directory,
        Stack(Path(directory) / "stack") as stack,
        sync_playwright() as playwright,
        httpx.Client(base_url=stack.endpoints.web, timeout=30) as web,
    ):
        account = Account.new(stack.endpoints, web)
        receipt = _bought(account, stack)
        paths = ["/", "/buy-tokens", receipt, "/token-purchase-cancel", "/transactions", "/account"]
        for is_signed_in in (False, True):
            with _chromium(playwright, Path(directory) / str(is_signed_in)) as (page, port):
                if is_signed_in:
                    _sign_in(page, account, stack)
                for path in paths:
                    figures = _median([_measured(stack.endpoints.web + path, port) for _ in range(runs)])
                    lines.append(_line(path.split("?")[0], figures, is_signed_in=is_signed_in))
                    click.echo(lines[-1])
    REPORT.write_text(HEAD.format(runs=runs, version=LIGHTHOUSE.replace("@", " ")) + "\n".join(lines) + "\n")


def _bought(account: Account, stack: Stack) -> str:
    """Buy something, and return the path of its receipt."""
    stripe = StripeSide(stack.endpoints)
    session_id = account.buyer.checkout("popular")
    stripe.pay(session_id).raise_for_status()
    stripe.close()
    return f"/token-purchase-success?session_id={session_id}"


@contextmanager
def _chromium(playwright: Playwright, profile: Path) -> Iterator[tuple[Page, int]]:
    """Start a browser that both Playwright and Lighthouse can talk to."""
    ports = Ports()
    port = ports.choose()
    path = next(filter(None, map(shutil.which, CHROMIUMS)))
    context = playwright.chromium.launch_persistent_context(
        profile, executable_path=path, args=[*CHROMIUM_FLAGS, f"--remote-debugging-port={port}"]
    )
    yield context.new_page(), port
    context.close()
    ports.close()


def _sign_in(page: Page, account: Account, stack: Stack) -> None:
    page.goto(stack.endpoints.web)
    shopper = Shopper(page, account, Watch(stack.endpoints.web))
    shopper.sign_in()
    expect(shopper.balance).to_have_text("110", timeout=15_000)


def _measured(url: str, port: int) -> Figures:
    is_private = any(path in url for path in PRIVATE)
    command = [
        *("npx", "--yes", LIGHTHOUSE, url, f"--port={port}", "--quiet", "--output=json"),
        *(f"--only-categories={','.join(CATEGORIES)}", "--disable-storage-reset"),
        "--max-wait-for-load=20000",  # the network of a page that follows Firestore is never quiet
        *(["--skip-audits=is-crawlable"] if is_private else []),
    ]
    report = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
    audits = report["audits"]
    return Figures(
        tuple(round(100 * report["categories"][category]["score"]) for category in CATEGORIES),
        audits["largest-contentful-paint"]["numericValue"],
        audits["total-blocking-time"]["numericValue"],
        audits["cumulative-layout-shift"]["numericValue"],
    )


def _median(runs: list[Figures]) -> Figures:
    return Figures(
        tuple(round(statistics.median(scores)) for scores in zip(*(run.scores for run in runs), strict=True)),
        statistics.median(run.lcp_ms for run in runs),
        statistics.median(run.tbt_ms for run in runs),
        statistics.median(run.cls for run in runs),
    )


def _line(path: str, figures: Figures, *, is_signed_in: bool) -> str:
    cells = [
        f"`{path}`",
        "yes" if is_signed_in else "no",
        *map(str, figures.scores),
        f"{figures.lcp_ms / 1000:.1f} s",
        f"{figures.tbt_ms:.0f} ms",
        f"{figures.cls:.3f}",
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
