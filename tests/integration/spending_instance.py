"""One instance of a spending backend, as a process: spends keys 0..N-1 of user ada, and prints what became of each."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

from shared.adapters.firestore.client import Client
from shared.domain.entry import NewEntry
from shared.domain.errors import NotEnoughTokens
from shared.domain.posting import Posted
from tests.ledgers import ledger_of


def main(project: str, keys: int, threads: int) -> None:
    ledger = ledger_of(Client(project=project))
    report: dict[str, list[int]] = {"posted": [], "duplicates": [], "refused": []}

    def spend(key: int) -> None:
        try:
            outcome = ledger.post("ada", NewEntry(f"spend:ada:{key}", "spend", -1, {"reason": "render"}))
        except NotEnoughTokens:
            report["refused"].append(key)
        else:
            report["posted" if isinstance(outcome, Posted) else "duplicates"].append(key)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(spend, range(keys)))
    sys.stdout.write(json.dumps(report))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
