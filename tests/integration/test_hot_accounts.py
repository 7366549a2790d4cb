"""One very busy account on the official emulator: many threads, two processes, an owner who writes without pause."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import httpx
from google.cloud import firestore

from shared.domain.crediting import Duplicate
from shared.domain.entry import Entry, NewEntry
from shared.domain.payment_facts import RefundMade
from shared.domain.posting import Posted
from shared.domain.reversing import Reversed
from tests.ledgers import ledger_of
from tests.purchases import NO_LIMITS, purchase

ROOT = Path(__file__).parents[2]
HAMMERING = 24


@contextmanager
def hammered_profile(emulator: str, project: str, uid: str) -> Iterator[list[int]]:
    """Write a user's profile from many connections for as long as the block lasts; yields a count of the writes."""
    url = f"http://{emulator}/v1/projects/{project}/databases/(default)/documents/users/{uid}"
    stop, writes, names = threading.Event(), [0], count()

    def hammer() -> None:
        with httpx.Client(headers={"Authorization": "Bearer owner"}, timeout=30) as client:
            while not stop.is_set():
                body = {"fields": {"displayName": {"stringValue": f"Ada {next(names)}"}}}
                client.patch(url, params={"updateMask.fieldPaths": "displayName"}, json=body).raise_for_status()
                writes[0] += 1

    with ThreadPoolExecutor(HAMMERING) as pool:
        hammers = [pool.submit(hammer) for _ in range(HAMMERING)]
        try:
            yield writes
        finally:
            stop.set()
            for one in hammers:
                one.result()


def spend(number: int) -> NewEntry:
    return NewEntry(f"spend:ada:{number}", "spend", -1, {"reason": "render"})


def assert_chain_holds(entries: list[Entry], balance: int) -> None:
    """The entries, newest first, lead to the balance without a gap."""
    running = balance
    for entry in entries:
        assert entry.balance_after == running
        running -= entry.amount
    assert running == 0


def test_an_owner_who_hammers_the_profile_keeps_no_refund_and_no_spend_away(
    firestore_emulator: str, firestore_client: firestore.Client
) -> None:
    ledger = ledger_of(firestore_client)
    ledger.post("ada", NewEntry("grant:ada:1", "grant", 1_000, {}), create_account=True)
    for number in range(20):
        ledger.credit(purchase(f"cs_{number}", payment_intent_id=f"pi_{number}"), NO_LIMITS)

    with hammered_profile(firestore_emulator, firestore_client.project, "ada") as writes, ThreadPoolExecutor(8) as pool:
        refunds = pool.map(lambda n: ledger.reverse("ada", f"pi_{n}", RefundMade(f"re_{n}", 999)), range(20))
        spends = pool.map(lambda n: ledger.post("ada", spend(n)), range(20))
        outcomes = [*spends, *refunds]
        written_meanwhile = writes[0]

    assert written_meanwhile > 0
    assert [type(outcome) for outcome in outcomes] == [Posted] * 20 + [Reversed] * 20
    account = ledger.account("ada")
    assert (account.balance, account.spent) == (980, 20)
    assert_chain_holds(ledger.transactions("ada", limit=100).entries, 980)
    profile = firestore_client.document("users/ada").get().to_dict() or {}
    assert (profile["tokenBalance"], profile["displayName"][:4]) == (980, "Ada ")


def test_forty_threads_spend_from_one_account_and_each_key_counts_once(firestore_client: firestore.Client) -> None:
    ledger = ledger_of(firestore_client)
    ledger.credit(purchase(tokens=10_000), NO_LIMITS)

    with ThreadPoolExecutor(40) as pool:
        outcomes = list(pool.map(lambda n: ledger.post("ada", spend(n % 100)), range(200)))

    assert sum(isinstance(outcome, Posted) for outcome in outcomes) == 100
    assert sum(isinstance(outcome, Duplicate) for outcome in outcomes) == 100
    assert ledger.account("ada").balance == 9_900
    newest = ledger.transactions("ada", limit=100)
    oldest = ledger.transactions("ada", limit=100, cursor=newest.next_cursor)
    assert_chain_holds([*newest.entries, *oldest.entries], 9_900)


def test_two_processes_that_share_an_account_never_overdraw_it_or_charge_a_key_twice(
    firestore_emulator: str, firestore_client: firestore.Client
) -> None:
    """Both attempt the same 80 spends of 1 from a balance of 60: whoever comes first."""
    ledger = ledger_of(firestore_client)
    ledger.credit(purchase(tokens=60), NO_LIMITS)

    command = [sys.executable, "-m", "tests.integration.spending_instance", firestore_client.project, "80", "8"]
    environment = {"FIRESTORE_EMULATOR_HOST": firestore_emulator, "PATH": "", "PYTHONPATH": str(ROOT)}
    instances = [
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    reports = [json.loads(instance.communicate(timeout=120)[0]) for instance in instances]

    posted = [key for report in reports for key in report["posted"]]
    assert len(posted) == len(set(posted)) == 60
    assert ledger.account("ada").balance == 0
    assert_chain_holds(ledger.transactions("ada", limit=100).entries, 0)
    for report in reports:
        assert len(report["posted"]) + len(report["duplicates"]) + len(report["refused"]) == 80
