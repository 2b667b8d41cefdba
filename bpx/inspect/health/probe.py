"""`HealthProbe`: what of a network's health is looked at while it trains."""

from dataclasses import dataclass, field

from bpx._validate import whole
from bpx.inspect.health.limits import Limits, checked

__all__ = ["HealthProbe"]


@dataclass(frozen=True)
class HealthProbe:
    """What ``bpx.train(..., health=...)`` looks at after each epoch.

    Parameters
    ----------
    samples : int, optional
        How many of the training samples, drawn by the seed of the order, at least 1; all, if
        there are fewer.
    limits : Limits, optional
        What counts as saturated and as quiet.

    Raises
    ------
    InputError
        If an argument cannot be used.
    """

    samples: int = 500
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        whole("samples", self.samples, 1, None, "a whole number of at least 1")
        checked(self.limits)
