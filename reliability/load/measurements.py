"""What is measured under load: requests by operation, and the memory of each function."""

import statistics
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

_SAMPLE_S = 2.0
_WARM_UP = 0.25
"""The share of a run in which memory may still grow: caches fill, threads start."""
_GROWTH_MAX = 0.10
_GROWTH_MIB_MIN = 4.0
"""Less than this is noise, whatever share it is."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A request: when it began (seconds into the run), how long it took, and the status (0: no answer)."""

    at_s: float
    ms: float
    status: int


@dataclass(slots=True)
class Requests:
    """Every request of a run, by operation."""

    begun: float = field(default_factory=time.monotonic)
    by_operation: dict[str, list[Sent]] = field(default_factory=lambda: defaultdict(list))

    def add(self, operation: str, began: float, status: int) -> None:
        """Note a request that began at this moment of the monotonic clock and has just ended."""
        sent = Sent(began - self.begun, (time.monotonic() - began) * 1000, status)
        self.by_operation[operation].append(sent)

    def statuses(self, operation: str) -> Counter[int]:
        """Return how often each status was answered."""
        return Counter(one.status for one in self.by_operation[operation])

    def percentiles_ms(self, operation: str) -> tuple[float, float, float]:
        """Return the 50th, 95th and 99th percentile."""
        times = [one.ms for one in self.by_operation[operation]]
        if len(times) == 1:
            return times[0], times[0], times[0]
        cuts = statistics.quantiles(times, n=100, method="inclusive")
        return cuts[49], cuts[94], cuts[98]


class Memory:
    """Samples the resident memory of the functions' processes. `urls` are their addresses, by name."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        # Other stacks may run on this machine: a function of ours is known by its port.
        self._options = {name: f"--port={urlsplit(url).port}\0" for name, url in urls.items()}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.samples_mib: dict[str, list[float]] = {name: [] for name in urls}

    def start(self) -> None:
        """Begin to sample."""
        self._thread.start()

    def stop(self) -> None:
        """Take no more samples."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(_SAMPLE_S):
            for name, mib in _resident_mib(self._options).items():
                self.samples_mib[name].append(mib)


def growth_of(samples_mib: Sequence[float]) -> tuple[float, float, bool]:
    """Return the memory after the warm-up and at the end, in MiB, and whether it stayed flat.

    The medians of the second and of the last quarter are compared.
    """
    quarter = max(1, int(len(samples_mib) * _WARM_UP))
    early = statistics.median(samples_mib[quarter : 2 * quarter] or samples_mib)
    late = statistics.median(samples_mib[-quarter:])
    return early, late, late - early <= max(_GROWTH_MIB_MIN, _GROWTH_MAX * early)


def _resident_mib(options: Mapping[str, str]) -> Mapping[str, float]:
    """Return the resident memory of each function's largest process, which is known by an option of its command."""
    found: dict[str, float] = dict.fromkeys(options, 0.0)
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            command = (process / "cmdline").read_bytes().decode(errors="replace")
            kib = _rss_kib((process / "status").read_text())
        except OSError:  # it has just ended
            continue
        for name, option in options.items():
            if option in command:
                found[name] = max(found[name], kib / 1024)
    return found


def _rss_kib(status: str) -> int:
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")), 0)
