"""What the tests of one notebook gave."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Mark:
    """What a test gave."""

    name: str
    points: float
    of: float
    message: str
    seconds: float


@dataclass
class Marks:
    """What all tests gave, and which of the learner's cells failed by themselves."""

    tests: list[Mark] = field(default_factory=list)
    cells: dict[str, str] = field(default_factory=dict)
    computed: float = 0.0
