"""What `make load` concludes from its measurements."""

import time

import pytest

from reliability.load.measurements import Requests, growth_of


@pytest.mark.parametrize(
    ("samples", "flat"),
    [
        ([80.0] * 40, True),
        ([40.0] * 10 + [80.0] * 30, True),  # it grows while it warms up
        ([80.0] * 20 + [83.0] * 20, True),
        ([80.0 + number for number in range(40)], False),
        ([80.0], True),
    ],
)
def test_memory_that_keeps_growing_is_told_from_a_warm_up(samples: list[float], flat: bool) -> None:
    assert growth_of(samples)[2] is flat


def test_a_request_without_an_answer_counts_as_status_0() -> None:
    requests = Requests()
    requests.add("spend", time.monotonic(), 200)
    requests.add("spend", time.monotonic(), 0)

    assert requests.statuses("spend") == {200: 1, 0: 1}
    assert all(ms < 1_000 for ms in requests.percentiles_ms("spend"))
