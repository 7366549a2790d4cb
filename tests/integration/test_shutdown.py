"""SIGTERM, as Cloud Run sends it 10 s before it kills: what was begun is finished, a folded group included.

Source: https://cloud.google.com/run/docs/container-contract#instance-shutdown
"""

import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from google.cloud import firestore

from local.ports import Ports
from reliability.faults.instances import Instance
from reliability.faults.plan import Fault, Plan
from reliability.faults.servers import forwarding, serving
from shared.domain.entry import NewEntry
from tests.ledgers import ledger_of

SPENDS = 12
GRACE_S = 10


@pytest.fixture
def plan() -> Plan:
    return Plan()


@pytest.fixture
def instance(
    firestore_emulator: str, firestore_client: firestore.Client, plan: Plan, tmp_path: Path
) -> Iterator[Instance]:
    """spend_tokens, whose calls to Firestore can be delayed."""
    ports = Ports()
    with serving(plan, "spend_tokens", forwarding(firestore_emulator)) as address:
        settings = {"GOOGLE_CLOUD_PROJECT": firestore_client.project, "FIRESTORE_EMULATOR_HOST": address}
        running = Instance("spend_tokens", settings, ports, tmp_path)
        running.start()
        running.wait()
        yield running
        running.end()
    ports.close()


def test_a_folded_group_is_finished_and_everyone_in_it_is_answered(
    instance: Instance, firestore_client: firestore.Client, plan: Plan
) -> None:
    ledger = ledger_of(firestore_client)
    ledger.post("ada", NewEntry("grant:ada:1", "grant", 100, {}), create_account=True)
    plan.arm(Fault("before", delay_s=1.0), times=2, targets=lambda call: call.method == "Commit")

    def spend(key: str) -> httpx.Response:
        body = {"user_id": "ada", "amount": 1, "reason": "render", "idempotency_key": key}
        return httpx.post(instance.url, json=body, timeout=30)

    with ThreadPoolExecutor(SPENDS) as pool:
        answers = [pool.submit(spend, uuid.uuid4().hex)]
        deadline = time.monotonic() + 20
        while not plan.seen["spend_tokens: Commit of a spend"]:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        # The first spend is being committed; the others wait, and will be one group.
        answers += [pool.submit(spend, uuid.uuid4().hex) for _ in range(SPENDS - 1)]
        time.sleep(0.3)  # the others are on their way to the instance, which nothing outside of it can see
        begun = time.monotonic()
        instance.ask_to_end()
        took_s = time.monotonic() - begun
        statuses = [answer.result().status_code for answer in answers]

    assert plan.seen["spend_tokens: Commit folded"]
    assert statuses == [200] * SPENDS
    assert ledger.account("ada").balance == 100 - SPENDS
    assert took_s < GRACE_S
