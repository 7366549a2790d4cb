"""migrate: moves the accounts that version 0.1 left on users/{uid} to accounts/{uid}."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import click

from ops import render
from ops.changes import carry_out
from ops.connection import Connection
from ops.options import ChangeOptions, change_options, connected
from shared.adapters.firestore.documents import ACCOUNTS, USERS
from shared.adapters.firestore.first_version import MOVED_FIELDS, is_first_version
from shared.adapters.firestore.store import AccountStore
from shared.domain.account import Account
from shared.domain.change import Change, Decided, Known

_USERS_PAGE = 300


@dataclass(frozen=True, slots=True)
class Survey:
    """What version 0.1 left on users/{uid}: accounts to move, and those that it wrote to after they were moved."""

    to_move: list[str]
    written_after_move: list[str]


@click.command()
@connected
@change_options
def migrate(options: ChangeOptions, connection: Connection) -> None:
    """Move accounts of version 0.1 to accounts/.

    Version 0.1 left them on users/{uid}. Any change of such an account moves it; this moves the others. Run it once no
    function of version 0.1 is deployed any more; running it again changes nothing. The exit code is 1 if an account
    could not be moved, or if version 0.1 wrote to one after it was moved: audit those.
    """
    store = connection.ledger.store
    survey = _survey(store)
    failed: dict[str, str] = {}
    moved = False

    def view() -> dict[str, Any]:
        return {
            "accountsToMove": len(failed if moved else survey.to_move),
            "notMoved": dict(failed),
            "writtenAfterMove": survey.written_after_move,
        }

    def act() -> str:
        nonlocal moved
        if not survey.to_move:
            return "there are no accounts to move - nothing changed"
        evidence = {"accounts": len(survey.to_move)}
        alert = connection.operator_ledger.record("migrate", None, options.by, evidence)
        failed.update(_move_all(store, survey.to_move))
        moved = True
        return f"{len(survey.to_move) - len(failed)} accounts moved; recorded as alert {alert}"

    count = len(survey.to_move)
    what = f"Move {count} account{'' if count == 1 else 's'} of version 0.1 to accounts/"
    carry_out(connection, options, what, view=view, act=act, ask=count > 0)
    if failed or survey.written_after_move:
        sys.exit(1)


def _survey(store: AccountStore) -> Survey:
    bar, task = render.progress("Reading users", None)
    survey = Survey([], [])
    with bar:
        for uids in _pages_of_first_version(store):
            moved = store.database.get_all(f"{ACCOUNTS}/{uid}" for uid in uids)
            for uid in uids:
                (survey.to_move if moved[f"{ACCOUNTS}/{uid}"] is None else survey.written_after_move).append(uid)
            bar.advance(task, len(uids))
    return survey


def _pages_of_first_version(store: AccountStore) -> Iterator[list[str]]:
    """Yield the uids of users that hold fields of version 0.1; a page of users is read at a time."""
    first_page = store.database.collection(USERS).order_by("__name__").select(list(MOVED_FIELDS)).limit(_USERS_PAGE)
    page = store.database.stream(first_page)
    while page:
        yield [uid for uid, fields in page if is_first_version(fields)]
        page = store.database.stream(first_page.start_after({"__name__": page[-1][0]}))


def _move_all(store: AccountStore, uids: list[str]) -> dict[str, str]:
    """Move accounts; return why some could not be moved, by uid."""
    failed = {}
    bar, task = render.progress("Moving accounts", len(uids))
    with bar:
        for uid in uids:
            try:
                store.change(uid, _decide_move)
            except Exception as error:  # noqa: BLE001 - whatever is wrong with one account, the others are moved
                failed[uid] = f"{type(error).__name__}: {error}"
            bar.advance(task)
    return failed


def _decide_move(account: Account, _known: Known, _now: datetime) -> Decided[None]:
    """Write the account as it is: the store writes it to accounts/{uid}, wherever it was read."""
    return Decided(None, Change(account))
