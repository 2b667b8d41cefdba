"""The noise that a target epsilon requires: accounting, inverted."""

from collections.abc import Callable, Sequence
from math import isfinite, log

from bpx._validate import number
from bpx.errors import InputError
from bpx.privacy import accounting
from bpx.privacy.accounting import Accountant, Mechanism

__all__ = ["noise_for"]


def noise_for(
    epsilon: float,
    delta: float,
    *,
    sampling_rate: float,
    steps: int,
    accountant: Accountant = "pld",
    past: Sequence[Mechanism] = (),
) -> float:
    """Find the noise multiplier with which `steps` steps spend `epsilon`, and no more.

    Parameters
    ----------
    epsilon : float
        The target, positive.
    delta, sampling_rate, steps, accountant, past
        As for `epsilon`.

    Returns
    -------
    float
        A noise multiplier that spends 99.5 to 100 % of `epsilon`.

    Raises
    ------
    InputError
        If a number is out of its range, the past mechanisms have spent more already, or
        dp-accounting is not installed.

    Examples
    --------
    >>> settings = {"sampling_rate": 0.01, "steps": 1000, "accountant": "rdp"}
    >>> sigma = bpx.privacy.noise_for(2.0, 1e-5, **settings)
    >>> 1.99 < bpx.privacy.epsilon(sigma, 0.01, 1000, 1e-5, accountant="rdp") <= 2.0
    True
    """
    target = number("epsilon", epsilon, "a positive number", lambda v: v > 0.0)
    accounting.check_accountant(accountant)
    before = accounting.check_past(past)

    def spends(sigma: float, by: Accountant) -> float:
        return accounting.epsilon(
            sigma, sampling_rate, steps, delta, accountant=by, past=before
        )

    # Rényi's bound is fast, and close to the other.
    found = _inverse(lambda sigma: spends(sigma, "rdp"), target, 1.0, 2.0)
    if found and accountant == "pld":
        found = _inverse(lambda sigma: spends(sigma, "pld"), target, found, 1.1)
    if not found:
        raise InputError(
            f"epsilon={target:g} was given for {steps} steps at sampling_rate="
            f"{sampling_rate:g} after {len(before)} mechanisms of the past; no amount of noise "
            "is enough. Use a larger epsilon or a larger delta"
        )
    return found


def _inverse(
    spends: Callable[[float], float], target: float, guess: float, factor: float
) -> float | None:
    """Find where a decreasing function is within 99.5 to 100 % of the target; None above 1e6.

    A power law interpolates it well, so few calls suffice; each may take a second.
    """
    high, at_high = guess, spends(guess)
    while at_high > target:
        high *= factor
        if high > 1e6:
            return None
        at_high = spends(high)
    low, at_low = high / factor, spends(high / factor)
    while at_low <= target:
        low, at_low, high, at_high = low / factor, spends(low / factor), low, at_low
    while at_high < 0.995 * target and high > 1.0001 * low:
        middle = low * (high / low) ** _share(at_low, 0.998 * target, at_high)
        at_middle = spends(middle)
        if at_middle > target:
            low, at_low = middle, at_middle
        else:
            high, at_high = middle, at_middle
    return high


def _share(at_low: float, target: float, at_high: float) -> float:
    """Return where a power law between the two meets the target, or the middle if none fits."""
    if not (isfinite(at_low) and 0.0 < at_high < target < at_low):
        return 0.5
    return log(at_low / target) / log(at_low / at_high)
