"""The simulated business: it keeps its promises, repeats itself, adds up, and its judges find what is broken."""

from dataclasses import replace
from pathlib import Path

import pytest

from reliability.simulation import report
from reliability.simulation.assumptions import Assumptions
from reliability.simulation.business import Business
from shared.domain.entry import Entry

# Everything that is rare happens often.
EVENTFUL = Assumptions(
    duplicated=0.2,
    lost=0.1,
    delayed=0.1,
    tampered=0.05,
    burst=0.02,
    refunded=0.3,
    refund_fails=0.3,
    disputed=0.3,
    spend_reserves=0.4,
    reservation_abandoned=0.3,
    spend_repeated=0.2,
)
USERS, DAYS = 60, 120


def played(seed: int = 1) -> tuple[Business, list[str]]:
    business = Business(USERS, DAYS, seed, EVENTFUL)
    for day in range(DAYS):
        business.play(day)
    return business, business.finish()


@pytest.fixture(scope="module")
def business() -> Business:
    business, wrong = played()
    assert wrong == []
    return business


@pytest.mark.parametrize("seed", range(2, 7))
def test_every_promise_holds_through_an_eventful_time(seed: int) -> None:
    assert played(seed)[1] == []


def test_everything_that_can_happen_has_happened(business: Business) -> None:
    figures, made = business.figures, business.ledger.made

    assert set(made) >= {"purchase", "spend", "refund", "dispute", "dispute_reversal", "grant", "expiry"}
    assert set(figures.outcomes) >= {"Credited", "Duplicate", "Held", "AlreadyHeld", "Reversed", "Noted", "NothingNew"}
    assert min(figures.held, figures.released, figures.rejected, figures.refused) > 0
    assert set(business.ledger.alerts) >= {"purchase_invalid", "purchase_limit_exceeded", "dispute", "refund_failed"}


def test_the_same_seed_plays_the_same_business(business: Business) -> None:
    again, _ = played()

    assert list(report.rows(again)) == list(report.rows(business))


def test_tokens_outstanding_are_the_balances(business: Business) -> None:
    balances = sum(account.balance for account in business.ledger.accounts.values())

    assert sum(business.ledger.tokens.values()) == balances


def test_a_purchase_costs_what_the_documentation_says() -> None:
    """One read, three writes: docs/architecture.md."""
    quiet = Assumptions(
        duplicated=0, lost=0, delayed=0, tampered=0, burst=0, refunded=0, disputed=0, spends_per_purchase=0,
    )  # fmt: skip
    business = Business(USERS, 30, 1, replace(quiet, welcome_days=3_000))
    for day in range(30):
        business.play(day)

    purchases, ledger = business.ledger.made["purchase"], business.ledger
    held_reads, held_writes = 2 * business.figures.held, 1 * business.figures.held
    assert ledger.reads == purchases + business.figures.held + held_reads + ledger.made["grant"]
    assert ledger.writes == 3 * (purchases + ledger.made["grant"]) + 3 * business.figures.held + held_writes


def test_the_judges_find_what_is_broken() -> None:
    ledger = played()[0].ledger
    uid, account = next((uid, one) for uid, one in ledger.accounts.items() if one.balance > 0)
    last = account.last_entry_at
    assert last is not None
    ledger.violations.clear()
    ledger.accounts[uid] = replace(account, balance=account.balance + 1)
    ledger.check_accounts()
    entry = Entry("purchase:cs_0", uid, "spend", -(10**9), 0, last, {})
    ledger._post(entry)

    assert ledger.violations == [
        f"{uid}: balance {account.balance + 1}, entries {account.balance}",
        "purchase:cs_0 was made twice",
        f"purchase:cs_0 says 0, its history {account.balance - 10**9}",
        f"purchase:cs_0 left {account.balance - 10**9}",
    ]


def test_it_is_drawn(business: Business, tmp_path: Path) -> None:
    files = [tmp_path / "simulation.png", tmp_path / "simulation.svg"]
    report.plot(business, files)

    assert files[0].read_bytes().startswith(b"\x89PNG")
    assert files[1].read_text().rstrip().endswith("</svg>")
