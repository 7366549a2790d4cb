"""The cases of firestore.rules notice every dangerous change of the rules."""

import re
import uuid
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain
from pathlib import Path

import httpx
import pytest

from shared.adapters.firestore import documents
from tests.rules.cases import CASES, SERVER_ONLY, WORLD, Case
from tests.rules.firestore_rest import RestClient, load_rules, seed
from tests.rules.mutants import EQUIVALENT, Mutant, mutants_of

RULES = (Path(__file__).parents[2] / "firestore.rules").read_text(encoding="utf-8")
MUTANTS = mutants_of(RULES)


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=30) as client:
        yield client


def test_no_mutant_lives(http: httpx.Client, firestore_emulator: str) -> None:
    suspects = various_first(CASES)
    alive = []
    for mutant in MUTANTS:
        if mutant.is_equivalent:
            continue
        killer = killer_of(mutant, suspects, http, firestore_emulator)
        if killer is None:
            alive.append(mutant.name)
        else:  # what killed one mutant is likely to kill the next
            suspects.remove(killer)
            suspects.insert(0, killer)

    assert alive == []


def killer_of(mutant: Mutant, suspects: list[Case], http: httpx.Client, emulator: str) -> Case | None:
    """Return a case that fails under the mutant, in a project of its own."""
    project = f"demo-{uuid.uuid4().hex[:12]}"
    assert load_rules(http, emulator, project, mutant.rules), f"does not compile: {mutant.name}"
    seed(http, emulator, project, WORLD)
    client = RestClient(http, emulator, project, None)
    return next((case for case in likeliest_first(mutant, suspects) if not case.holds(client)), None)


def likeliest_first(mutant: Mutant, suspects: list[Case]) -> list[Case]:
    """Return the suspects, alternating those that killed others lately and those of the mutant's words.

    A request of 900 kB takes ten times as long as others, which kill the same mutants.
    """
    words = words_of(mutant.name)
    alike = sorted(suspects, key=lambda case: -len(words & words_of(case.name)))
    alternating = {id(case): case for case in chain.from_iterable(zip(suspects, alike, strict=True))}
    return sorted(alternating.values(), key=lambda case: "huge" in case.name)


def various_first(cases: Iterable[Case]) -> list[Case]:
    """Return the cases, those first that have a word no earlier one has: they are of kinds of their own."""
    seen: set[str] = set()
    various: list[Case] = []
    others: list[Case] = []
    for case in cases:
        (others if words_of(case.name) <= seen else various).append(case)
        seen |= words_of(case.name)
    return [*various, *others]


@cache
def words_of(text: str) -> set[str]:
    """Return how the words of a sentence, or of names in camel case, begin: a delete is what nobody deleted."""
    return set(re.findall(r"(?<![a-z])[a-z]{3,5}", re.sub(r"(?=[A-Z])", " ", text).lower()))


def test_the_unchanged_rules_are_no_mutant(http: httpx.Client, firestore_emulator: str) -> None:
    assert killer_of(Mutant("", RULES), CASES, http, firestore_emulator) is None


def test_there_are_mutants_of_every_rule() -> None:
    rules = [
        line.strip() for line in RULES.splitlines() if line.strip().startswith(("allow", "match /users", "return"))
    ]

    assert [rule for rule in rules if not any(rule in mutant.name for mutant in MUTANTS)] == ["return {"]
    assert len(MUTANTS) > 150


def test_every_change_that_is_called_equivalent_is_made() -> None:
    unmade = [change for change in EQUIVALENT if not any(mutant.name.startswith(change) for mutant in MUTANTS)]

    assert unmade == []


def test_every_collection_of_the_server_has_its_cases() -> None:
    collections = {value for name, value in vars(documents).items() if name.isupper() and isinstance(value, str)}

    assert collections - {"users", "transactions"} <= set(SERVER_ONLY)
