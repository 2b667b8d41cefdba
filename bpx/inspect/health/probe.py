"""`HealthProbe`: the settings for examining a network's health during training."""

from dataclasses import dataclass, field

from bpx._validate import whole
from bpx.inspect.health.limits import Limits, checked

__all__ = ["HealthProbe"]


@dataclass(frozen=True)
class HealthProbe:
    """The settings of ``bpx.train(..., health=...)``, which examines each epoch's network.

    Parameters
    ----------
    samples : int, optional
        The number of training samples to examine, drawn with the seed of the order, at least
        1; all if there are fewer.
    limits : Limits, optional
        The thresholds for saturated and quiet units.

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
