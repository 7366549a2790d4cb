"""The harness of `make faults` hits what it is told to: each step so often, before or after, and nothing else."""

from dataclasses import dataclass, field

import grpc
import pytest
from google.cloud.firestore_v1.types import BatchGetDocumentsRequest, CommitRequest, Document, Write

from reliability.faults.plan import Call, Fault, Plan, meet
from reliability.faults.subjects import subject_of

ROOT = "projects/demo/databases/(default)/documents"
FAULT = Fault("before", grpc.StatusCode.ABORTED)


def commit(*paths: str) -> bytes:
    writes = [Write(update=Document(name=f"{ROOT}/{path}")) for path in paths]
    return bytes(CommitRequest.serialize(CommitRequest(writes=writes)))


def call(subject: str, method: str = "Commit") -> Call:
    return Call("spend_tokens/0", "spend_tokens", method, subject)


@pytest.mark.parametrize(
    ("paths", "subject"),
    [
        (("transactions/purchase:cs_1", "accounts/ada", "users/ada"), "of a purchase"),
        (("transactions/spend:ada:1", "transactions/spend:ada:2", "accounts/ada"), "folded"),
        (("held_purchases/cs_1", "accounts/ada"), "of accounts, held_purchases"),
    ],
)
def test_a_commit_is_named_by_what_it_writes(paths: tuple[str, ...], subject: str) -> None:
    assert subject_of("Commit", commit(*paths)) == subject


def test_a_read_is_named_by_its_collections() -> None:
    request = BatchGetDocumentsRequest(documents=[f"{ROOT}/users/ada", f"{ROOT}/accounts/ada"])

    assert subject_of("BatchGetDocuments", BatchGetDocumentsRequest.serialize(request)) == "accounts, users"


def test_each_step_meets_the_fault_as_often_as_planned() -> None:
    plan = Plan()
    plan.arm(FAULT, times=2, targets=lambda one: one.method == "Commit")

    met = [plan.fault_of(call(subject)) for subject in ("of a spend", "folded") * 3]

    assert met == [FAULT] * 4 + [None] * 2
    assert plan.fault_of(call("accounts", "BatchGetDocuments")) is None
    assert plan.hit.total() == 4
    assert plan.seen.total() == 7


def test_nothing_is_hit_once_the_plan_is_disarmed() -> None:
    plan = Plan()
    plan.arm(FAULT, times=5)
    plan.disarm()

    assert plan.fault_of(call("folded")) is None


@dataclass
class Context:
    """The part of a gRPC context that a fault uses."""

    aborted: list[grpc.StatusCode] = field(default_factory=list)

    def abort(self, code: grpc.StatusCode, _details: str) -> None:
        self.aborted.append(code)


def test_a_fault_comes_at_its_moment_only() -> None:
    acted: list[Call] = []
    fault = Fault("after", grpc.StatusCode.UNAVAILABLE, act=acted.append)
    context = Context()

    meet(fault, "before", call("folded"), context)
    assert (acted, context.aborted) == ([], [])
    meet(fault, "after", call("folded"), context)
    assert (acted, context.aborted) == ([call("folded")], [grpc.StatusCode.UNAVAILABLE])
