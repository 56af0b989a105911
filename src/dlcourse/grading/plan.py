from dataclasses import dataclass
@dataclass(frozen=True)
class Step:
    kind: str
    name: str
    source: str
    points: float = 0.0
