"""Buying in euros and in yen: every page, file and command shows the right money, from the offer to the dispute.

These tests have a stack of their own, which sells the catalog `international`. They start it as a developer does, and
so they also see that start_local.sh starts and stops everything: one more stack just for that would take very long.
"""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Route, expect

from tests.e2e.buyer import Buyer, StripeSide, eventually
from tests.e2e.launcher import LaunchedStack, descendants, launched, runs
from tests.e2e.pages.accessibility import violations, violations_in_the_dark
from tests.e2e.pages.conftest import NewShopper
from tests.e2e.pages.shopper import Shopper
from topology.functions import ROOT, load_functions


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LaunchedStack]:
    with launched(tmp_path_factory.mktemp("international"), "--catalog", "international") as running:
        yield running


@pytest.fixture(scope="module")
def web(stack: LaunchedStack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.endpoints.web, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def stripe_side(stack: LaunchedStack) -> Iterator[StripeSide]:
    side = StripeSide(stack.endpoints)
    yield side
    side.close()


@dataclass(frozen=True)
class Case:
    """A buyer of the popular pack, who is refunded a part and disputes the rest.

    Amounts are in the smallest unit; `left` is the balance after the refund. The texts are the price on the pages and
    at Stripe, what the history says of the refund, and the money of its rows, the newest first.
    """

    locale: str
    currency: str
    price: int
    refund: int
    left: int
    shown: str
    shown_by_stripe: str
    refund_text: str
    rows: tuple[str, str, str, str]
    in_file: tuple[str, str, str, str]
    by_ops: tuple[str, str, str, str]


EUROS = Case(
    locale="en-IE",
    currency="eur",
    price=949,
    refund=300,
    left=76,
    shown="€9.49",
    shown_by_stripe="€9.49",
    refund_text="€3.00 of €9.49 refunded for the Popular Pack",
    rows=("€6.49", "-€6.49", "-€3.00", "€9.49"),
    in_file=("6.49", "-6.49", "-3", "9.49"),
    by_ops=("6.49 EUR", "-6.49 EUR", "-3.00 EUR", "9.49 EUR"),
)
YEN = Case(
    locale="ja-JP",
    currency="jpy",
    price=1500,
    refund=500,
    left=74,
    shown="¥1,500",
    shown_by_stripe="1,500 JPY",
    refund_text="¥500 of ¥1,500 refunded for the Popular Pack",
    rows=("¥1,000", "-¥1,000", "-¥500", "¥1,500"),
    in_file=("1000", "-1000", "-500", "1500"),
    by_ops=("1,000 JPY", "-1,000 JPY", "-500 JPY", "1,500 JPY"),
)


@pytest.mark.parametrize("case", [EUROS, YEN], ids=lambda case: case.currency)
def test_everything_shows_the_right_money(
    case: Case, new_shopper: NewShopper, stripe_side: StripeSide, stack: LaunchedStack
) -> None:
    stripe_side.settle_in("usd", 1.08 if case is EUROS else 0.0065)
    shopper = new_shopper(signed_in=True, locale=case.locale)
    charge = bought(case, shopper, stripe_side)

    stripe_side.refund(charge, case.refund)
    shopper.see_credit(case.left)
    dispute = stripe_side.dispute(charge, case.price - case.refund)
    shopper.see_credit(0)
    stripe_side.close_dispute(dispute, "won")
    shopper.see_credit(case.left)

    money = [(entry["details"]["paymentAmount"], entry["details"]["currency"]) for entry in entries_of(shopper)]
    rest = case.price - case.refund
    assert money == [(amount, case.currency) for amount in (rest, -rest, -case.refund, case.price)]
    assert "paymentAmountUSD" not in entries_of(shopper)[-1]["details"]
    see_history(case, shopper)
    see_file(case, shopper)
    see_what_operators_see(case, shopper, stack, rest)


def bought(case: Case, shopper: Shopper, stripe_side: StripeSide) -> str:
    """Buy the popular pack in the buyer's currency, and return the charge."""
    shopper.open()
    expect(shopper.page.locator("[data-package=popular] .price strong")).to_have_text(case.shown)
    expect(shopper.find("currency")).to_have_value(case.currency)
    shopper.see_balance(0)
    session_id = shopper.buy()
    expect(shopper.find("amount-total")).to_have_text(case.shown_by_stripe)
    shopper.pay()
    shopper.see_outcome("110 tokens are yours")
    expect(shopper.find("outcome")).to_contain_text(case.shown)
    return stripe_side.charge_of(session_id)


def entries_of(shopper: Shopper) -> list[dict[str, Any]]:
    return shopper.account.buyer.transactions()


def see_history(case: Case, shopper: Shopper) -> None:
    shopper.open("/transactions")
    rows = shopper.find("entries").locator("tr")
    expect(rows).to_have_count(4)
    assert [line.split(" · ")[0] for line in rows.locator(".money-line").all_inner_texts()] == list(case.rows)
    expect(rows.nth(2)).to_contain_text(case.refund_text)


def see_file(case: Case, shopper: Shopper) -> None:
    with shopper.page.expect_download() as download:
        shopper.find("csv").click()
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["Money"] for row in rows] == list(case.in_file)
    assert {row["Currency"] for row in rows} == {case.currency.upper()}


def see_what_operators_see(case: Case, shopper: Shopper, stack: LaunchedStack, disputed: int) -> None:
    uid = shopper.account.buyer.uid
    shown = operate(stack, "user", "show", uid)
    lines = [line for line in shown.splitlines() if any(f" {money} " in line for money in case.by_ops)]
    assert [next(money for money in case.by_ops if f" {money} " in line) for line in lines] == list(case.by_ops)
    alerts = json.loads(operate(stack, "user", "show", uid, "--json"))["alerts"]
    [seen] = [alert["evidence"] for alert in alerts if alert["type"] == "dispute"]
    assert (seen["disputedCents"], seen["currency"], seen["settlementCurrencies"]) == (disputed, case.currency, ["usd"])
    assert seen["outcome"] == "reinstated"


def operate(stack: LaunchedStack, *words: str) -> str:
    command = [sys.executable, "-m", "ops", "--local", "--endpoints", str(stack.endpoints_file), *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_held_purchase_in_yen_is_released_at_its_price_in_yen(
    buyer: Buyer, stripe_side: StripeSide, stack: LaunchedStack
) -> None:
    sessions = [buyer.checkout("starter", "jpy") for _ in range(6)]  # one more than an hour allows
    for session_id in sessions:
        stripe_side.pay(session_id).raise_for_status()
    eventually(lambda: buyer.balance() == 5 * 50)
    eventually(lambda: "750 JPY" in operate(stack, "held", "list"))

    held = json.loads(operate(stack, "user", "show", buyer.uid, "--json"))["held"][0]["sessionId"]
    operate(stack, "held", "release", held, "--operator", "Grace", "--reason", "ticket 7", "--yes")

    assert buyer.balance() == 6 * 50
    released = buyer.transactions()[0]["details"]
    assert (released["paymentAmount"], released["currency"], released["released"]) == (750, "jpy", True)


def test_the_smoke_test_knows_the_prices_in_every_currency(stack: LaunchedStack) -> None:
    command = ("./smoke_test.sh", stack.endpoints.web, "--catalog", "international")
    run = subprocess.run(command, cwd=ROOT, check=False, text=True, capture_output=True, timeout=120)

    assert "ok      packages and prices are those of catalog international " in run.stdout


def test_a_buyer_can_choose_the_currency_and_keeps_it(new_shopper: NewShopper, stripe_side: StripeSide) -> None:
    shopper = new_shopper(signed_in=True, locale="en-US")
    shopper.open()
    price = shopper.page.locator("[data-package=popular] .price strong")
    expect(price).to_have_text("$9.99")

    shopper.page.get_by_label("Prices in").select_option(label="British Pound (GBP)")
    expect(price).to_have_text("£8.49")
    shopper.open()
    expect(price).to_have_text("£8.49")

    session_id = shopper.buy()
    expect(shopper.find("amount-total")).to_have_text("£8.49")
    stripe_side.pay(session_id).raise_for_status()
    eventually(lambda: shopper.account.buyer.balance() == 110)


def test_the_choice_of_a_currency_is_accessible_and_fits_a_phone(new_shopper: NewShopper) -> None:
    shopper = new_shopper(color_scheme="light", viewport={"width": 320, "height": 800})
    shopper.open()
    expect(shopper.find("currency")).to_be_enabled()

    assert violations(shopper.page) == []
    assert violations_in_the_dark(shopper.page) == []
    assert shopper.page.evaluate("document.documentElement.scrollWidth") <= 320
    shopper.find("currency").focus()
    shopper.page.keyboard.press("ArrowDown")
    expect(shopper.find("currency")).to_have_value("eur")
    expect(shopper.find("currency")).to_be_focused()


def test_the_page_has_no_choice_where_packs_are_sold_in_one_currency(new_shopper: NewShopper) -> None:
    shopper = new_shopper(locale="de-DE")

    def in_dollars_only(route: Route) -> None:
        answer = route.fetch().json()
        for pack in answer["packages"]:
            del pack["prices"]
        route.fulfill(json=answer)

    shopper.page.route("**/api/tokens/packages", in_dollars_only)
    shopper.open()

    expect(shopper.page.locator("[data-package=popular] .price strong")).to_contain_text("9,99")
    expect(shopper.find("currency")).to_be_hidden()


def test_start_local_runs_the_product_and_sigterm_leaves_nothing_running(stack: LaunchedStack) -> None:
    """The last test of this file, as it ends the stack of all of them."""
    everything = descendants(stack.launcher.pid)
    assert set(stack.endpoints.functions) == {row.name for row in load_functions()}
    assert httpx.get(f"{stack.endpoints.web}/api/tokens/packages").is_success
    assert len(everything) > len(load_functions())

    printed = stack.stop()

    assert stack.endpoints.web in printed
    assert not stack.endpoints_file.exists()
    assert [pid for pid in everything if runs(pid)] == []
