"""`DPSGD`: the settings of private training, and their validation."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bpx._validate import number, whole
from bpx.errors import InputError
from bpx.privacy.accounting import Accountant, Mechanism, check_accountant, check_past
from bpx.privacy.limits import Clip, check_clip

__all__ = ["DPSGD", "check_privacy"]


@dataclass(frozen=True, kw_only=True)
class DPSGD:
    """Training with noisy, clipped gradients: ``bpx.train(..., privacy=DPSGD(...))``.

    Each step draws a batch that contains every sample with probability q = batch_size / n,
    clips every sample's gradient, adds noise to their sum, and divides by batch_size, the
    expected size: g = (sum_x min(1, clip / ‖grad_x‖) grad_x + N(0, sigma² S²)) / batch_size.
    S is the clip; with a clip for each layer, the root of the sum of their squares, since a
    sample can change all layers. An epoch has round(n / batch_size) steps.

    Parameters
    ----------
    noise_multiplier : float
        sigma, at least 0. `bpx.privacy.noise_for` finds it for a target epsilon.
    clip : float, or tuple of L floats, optional
        The largest norm of a sample's gradient, positive: over all parameters, or over those
        of each layer.
    delta : float, optional
        The delta for which epsilon is reported, below 1 / n.
    accountant : {"pld", "rdp"}, optional
        See `bpx.privacy.epsilon`.
    physical_size : int, optional
        The number of rows computed at once. A larger batch is summed over several physical
        batches, and a smaller one is padded; neither changes the result. By default,
        batch_size plus 2.5 standard deviations, which one batch in 160 exceeds.
    draws : int, optional
        How many normal numbers are drawn for each number of the noise. With 1, the noise is
        open to the floating-point attack of Mironov (2012); Holohan and Braghin (2021) advise
        4 against it, at four times the cost.
    past : tuple of Mechanism, optional
        The mechanisms that other networks spent on the same samples: their
        ``epoch.privacy.mechanisms``. What this network has spent is always counted.
    seed : int, optional
        For tests: noise and samples that are repeatable, and equal on every backend. **Not
        private**: anyone who knows the seed can subtract the noise. The records say so.

    Raises
    ------
    InputError
        If a number is out of its range.

    Notes
    -----
    M. Abadi et al., "Deep learning with differential privacy" (2016).
    """

    noise_multiplier: float
    clip: Clip = 1.0
    delta: float = 1e-5
    accountant: Accountant = "pld"
    physical_size: int | None = None
    draws: int = 1
    past: tuple[Mechanism, ...] = ()
    seed: int | None = None

    def __post_init__(self) -> None:
        sigma = self.noise_multiplier
        number("noise_multiplier", sigma, "a number of at least 0", lambda v: v >= 0.0)
        number("delta", self.delta, "a number in (0, 1), below 1 / n", lambda v: 0.0 < v < 1.0)
        at_least_1 = 1, None, "a whole number of at least 1"
        whole("draws", self.draws, *at_least_1)
        if self.physical_size is not None:
            whole("physical_size", self.physical_size, *at_least_1)
        if self.seed is not None:
            whole("seed", self.seed, 0, 2**64 - 1, "a whole number in 0 ... 2**64 - 1, or None")
        check_clip(self.clip)
        check_past(self.past)
        check_accountant(self.accountant)

    def physical(self, batch_size: int, n: int) -> int:
        """Return the number of rows computed at once, for batches of this expected size."""
        if self.physical_size is not None:
            return min(self.physical_size, n)
        deviation = (batch_size * (1.0 - batch_size / n)) ** 0.5
        return min(n, batch_size + int(2.5 * deviation) + 1)


def check_privacy(
    privacy: Any,
    n: int,
    seed: int | None,
    shuffle: bool,
    drop_last: bool,
    weights: Sequence[str] = (),
) -> None:
    """Raise InputError if other settings contradict private training."""
    if privacy is None:
        return
    if not isinstance(privacy, DPSGD):
        raise InputError(
            f"privacy={privacy!r} was given; expected bpx.privacy.DPSGD(noise_multiplier=...)"
        )
    given = {"shuffle=False": not shuffle, "drop_last=True": drop_last}
    for setting in (name for name, is_given in given.items() if is_given):
        raise InputError(
            f"{setting} was given with privacy, but its batches are drawn by Poisson sampling, "
            "with varying sizes: epsilon is known only for these. Omit it"
        )
    if weights:
        raise InputError(
            f"{weights[0]} was given with privacy, but its noise is calibrated for samples of "
            "equal weight: a weight changes how much one sample can move the network. Omit it"
        )
    if seed is not None:
        raise InputError(
            f"seed={seed!r} was given with privacy, but nobody may be able to repeat its "
            "samples and noise. Omit it or, for a test that is not private, use DPSGD(seed=...)"
        )
    if privacy.delta >= 1.0 / n:
        raise InputError(
            f"delta={privacy.delta:g} was given for {n} samples; expected less than 1 / n: a "
            "training that publishes one of its samples would satisfy this delta"
        )
