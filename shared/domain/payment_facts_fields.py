"""A payment's facts as plain data, to be stored; and the facts in what version 0.1 stored. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, assert_never

from shared.domain.payment_facts import (
    BalanceTransaction,
    DisputeState,
    Fact,
    PaymentFacts,
    PresumedDispute,
    RefundedTotal,
    RefundFailed,
    RefundMade,
)


def facts_as_fields(known: PaymentFacts) -> list[dict[str, Any]]:
    """Return the facts as maps of strings and integers, in one order whatever order they were learned in."""
    return sorted(map(_as_fields, known.facts), key=str)


def facts_from_fields(stored: Iterable[Mapping[str, Any]]) -> PaymentFacts:
    """Return the facts that `facts_as_fields` made the maps of."""
    return PaymentFacts(frozenset(map(_from_fields, stored)))


def facts_from_first_version(stored: Mapping[str, Any]) -> PaymentFacts:
    """Return the facts in what version 0.1 kept of a payment, under `reversals` of users/{uid}.

        {refunded: {charge_id, cents, at} | None, failed: {re_…: {refund_id, cents, at}},
         disputes: {dp_…: {dispute_id, cents, outcome: "open" | "won" | "lost"}}}

    Version 0.1 took a total to be net of earlier failures, so those are added back.
    """
    failures = stored.get("failed", {}).values()
    facts: set[Fact] = {RefundFailed(failure["refund_id"], failure["cents"], "failed") for failure in failures}
    if refunded := stored.get("refunded"):
        earlier_cents = sum(failure["cents"] for failure in failures if failure["at"] < refunded["at"])
        facts.add(RefundedTotal(refunded["charge_id"], refunded["cents"] + earlier_cents))
    for dispute in stored.get("disputes", {}).values():
        id_, cents, outcome = dispute["dispute_id"], dispute["cents"], dispute["outcome"]
        if outcome != "open":
            facts.add(DisputeState(id_, cents, "", outcome, None, frozenset()))
        if outcome != "won":
            facts.add(PresumedDispute(id_, cents))
    return PaymentFacts(frozenset(facts))


def taken_by_first_version(stored: Mapping[str, Any], *, tokens: int, paid_cents: int) -> int:
    """Return how many tokens version 0.1 took for what it stored: it rounded the refunds and every dispute down."""

    def share(cents: int) -> int:
        return tokens * min(max(cents, 0), paid_cents) // paid_cents

    taken = sum(share(one["cents"]) for one in stored.get("disputes", {}).values() if one["outcome"] != "won")
    if refunded := stored.get("refunded"):
        failures = stored.get("failed", {}).values()
        back_cents = sum(failure["cents"] for failure in failures if failure["at"] >= refunded["at"])
        taken += share(refunded["cents"] - back_cents)
    return min(tokens, taken)


def _as_fields(fact: Fact) -> dict[str, Any]:
    match fact:
        case RefundedTotal(charge_id, cents):
            return {"kind": "refunded_total", "id": charge_id, "cents": cents}
        case RefundMade(refund_id, cents):
            return {"kind": "refund", "id": refund_id, "cents": cents}
        case RefundFailed(refund_id, cents, status):
            return {"kind": "refund_failed", "id": refund_id, "cents": cents, "status": status}
        case PresumedDispute(dispute_id, cents):
            return {"kind": "presumed_dispute", "id": dispute_id, "cents": cents}
        case DisputeState():
            return {
                "kind": "dispute",
                "id": fact.dispute_id,
                "cents": fact.cents,
                "currency": fact.currency,
                "status": fact.status,
                "caseType": fact.case_type,
                "transactions": [asdict(one) for one in sorted(fact.transactions)],
            }
        case _:
            assert_never(fact)


def _from_fields(stored: Mapping[str, Any]) -> Fact:
    id_, cents = stored["id"], stored["cents"]
    match stored["kind"]:
        case "refunded_total":
            return RefundedTotal(id_, cents)
        case "refund":
            return RefundMade(id_, cents)
        case "refund_failed":
            return RefundFailed(id_, cents, stored["status"])
        case "presumed_dispute":
            return PresumedDispute(id_, cents)
        case "dispute":
            transactions = frozenset(BalanceTransaction(**one) for one in stored["transactions"])
            return DisputeState(id_, cents, stored["currency"], stored["status"], stored["caseType"], transactions)
        case kind:
            raise ValueError(f"A fact of a payment has the unknown kind {kind!r}")
