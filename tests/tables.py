"""What a schema says of its inputs, without a table."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Inputs:
    width: int
    codes: Mapping[int, int] = field(default_factory=dict)
    numbers: tuple[int, ...] = ()
