"""The events of tests/events/ are shaped as Stripe's own samples, at the API version the code was written against."""

import json
from pathlib import Path
from typing import Any

import pytest

from shared.domain.stripe_events import API_VERSION
from tests.stripe_events import EVENTS, load

SAMPLES = Path(__file__).parents[3] / "shared" / "stripe" / "objects.json"
NAMES = sorted(file.stem for file in EVENTS.glob("*.json"))


@pytest.fixture(scope="module")
def samples() -> dict[str, Any]:
    if not SAMPLES.exists():
        pytest.skip(f"Stripe's samples are not beside this checkout: {SAMPLES}")
    found: dict[str, Any] = json.loads(SAMPLES.read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("name", NAMES)
def test_an_event_and_its_object_have_the_fields_of_stripes_samples(samples: dict[str, Any], name: str) -> None:
    event = load(name)
    kind = event["data"]["object"]["object"]

    assert set(samples["event"]) <= set(event)
    assert set(samples[kind]) == set(event["data"]["object"])


@pytest.mark.parametrize("name", NAMES)
def test_an_event_is_of_the_api_version_that_the_code_reads(name: str) -> None:
    assert load(name)["api_version"] == API_VERSION


def test_every_event_has_an_id_of_its_own() -> None:
    assert len({load(name)["id"] for name in NAMES}) == len(NAMES)
