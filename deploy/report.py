"""What differs between a project and this checkout: what is missing, what is different, what is not ours."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from deploy.resource import Difference


@dataclass(frozen=True)
class Foreign:
    """Something that no table names: a right on one of our resources, or a resource that we created once."""

    kind: str
    name: str


@dataclass
class Report:
    """The differences, in the order in which they were found, and what stands in the way of removing them."""

    missing: list[str] = field(default_factory=list)
    different: dict[str, list[Difference]] = field(default_factory=dict)
    rights: list[Foreign] = field(default_factory=list)
    orphans: list[Foreign] = field(default_factory=list)
    obstacles: list[str] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether the project is exactly what this checkout describes."""
        return not (self.missing or self.different or self.rights or self.orphans or self.obstacles)

    def to_json(self) -> str:
        """Return the report for programs."""
        document: dict[str, Any] = {
            "missing": self.missing,
            "different": {title: [asdict(one) for one in found] for title, found in self.different.items()},
            "not_ours": [asdict(one) for one in (*self.rights, *self.orphans)],
            "obstacles": self.obstacles,
        }
        return json.dumps(document, indent=2, default=str)

    def to_text(self) -> str:
        """Return the report for people."""
        return "\n".join(self._lines()) or "No differences."

    def _lines(self) -> Iterator[str]:
        if self.missing:
            yield "Missing:"
            yield from (f"  {title}" for title in self.missing)
        if self.different:
            yield "Different:"
            for title, found in self.different.items():
                yield f"  {title}"
                yield from (f"    {difference}" for difference in found)
        if self.rights or self.orphans:
            yield "Not ours:"
            yield from (f"  {one.kind} {one.name}" for one in self.rights)
            yield from (f"  {one.kind} {one.name} (removed by --prune)" for one in self.orphans)
        if self.obstacles:
            yield "In the way:"
            yield from (f"  {obstacle}" for obstacle in self.obstacles)
