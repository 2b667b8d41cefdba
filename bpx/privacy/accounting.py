"""Privacy accounting: the epsilon that private training spends at a delta, by dp-accounting.

A training run is a mechanism: some steps, each of which adds Gaussian noise to a sum over a
Poisson sample. The privacy loss of several runs is that of their composition, whatever their
order. Two data sets are neighbours if one has exactly one more sample.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from logging import ERROR, getLogger
from math import inf
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias, get_args

from bpx._validate import number, whole
from bpx.errors import InputError, nearest
from bpx.model.inputs import Placed

__all__ = [
    "ACCOUNTANTS",
    "Account",
    "Accountant",
    "Mechanism",
    "Spent",
    "check_accountant",
    "check_past",
    "composed",
    "composed_epsilon",
    "epsilon",
    "is_mechanism",
]

Accountant: TypeAlias = Literal["pld", "rdp"]
"""Privacy loss distributions (tight), or Rényi differential privacy (an upper bound)."""

ACCOUNTANTS: tuple[Accountant, ...] = get_args(Accountant)

ORDERS = (
    *(2.25, 2.5, 2.75, 3.25, 3.5, 3.75, 4.5, 5.5),
    *range(2, 65),
    *(72, 80, 96, 112, 128, 160, 192, 256, 384, 512, 1024),
)
"""The Rényi orders to try. Integers are fast; below 2 the sums may not converge."""


class Mechanism(NamedTuple):
    """Some steps of private training, in the terms of accounting.

    Attributes
    ----------
    noise_multiplier : float
        sigma: the noise's standard deviation divided by the sensitivity, the clip.
    sampling_rate : float
        q: the probability that a sample enters a step's batch.
    steps : int
    secure : bool
        False if a seed drew the noise and the samples; then nothing is private.
    """

    noise_multiplier: float
    sampling_rate: float
    steps: int
    secure: bool = True


class Account(Placed, Protocol):
    """A network that records the mechanisms by which it was trained."""

    mechanisms: tuple[Mechanism, ...]


class Spent(NamedTuple):
    """The privacy spent by the end of an epoch.

    Attributes
    ----------
    delta : float
        The delta of the reported epsilon.
    accountant : {"pld", "rdp"}
        The accountant that computes epsilon.
    mechanisms : tuple of Mechanism
        The mechanisms to compose: all private training of this network, and the given
        `past`. Training without privacy is not included.
    seconds : float
        The part of the epoch's seconds that drawing the samples and the noise took.
    """

    delta: float
    accountant: Accountant
    mechanisms: tuple[Mechanism, ...]
    seconds: float

    @property
    def epsilon(self) -> float:
        """The weights of this epoch and all before are (epsilon, delta)-differentially private.

        If `secure` is False, this is the value for noise from a secure source. It is computed
        on first access, which may take a second, and then cached.
        """
        return composed_epsilon(self.mechanisms, self.delta, self.accountant)

    @property
    def numbers(self) -> dict[str, float]:
        """Epsilon and delta, as `bpx.CSVLog` and its like write them."""
        return {"epsilon": self.epsilon, "delta": self.delta}

    @property
    def secure(self) -> bool:
        """Whether no seed was used; anyone who knows a seed can repeat the draws."""
        return all(each.secure for each in self.mechanisms)

    def __repr__(self) -> str:
        found = f"epsilon={self.epsilon:.4g}, delta={self.delta:g}, secure={self.secure}"
        return f"Spent({found}, mechanisms={self.mechanisms!r}, seconds={self.seconds:.3g})"


def epsilon(
    noise_multiplier: float,
    sampling_rate: float,
    steps: int,
    delta: float,
    *,
    accountant: Accountant = "pld",
    past: Sequence[Mechanism] = (),
) -> float:
    """Compute epsilon at `delta` for steps with Poisson sampling and Gaussian noise.

    Parameters
    ----------
    noise_multiplier : float
        sigma, at least 0; 0 gives infinity.
    sampling_rate : float
        q in (0, 1], batch_size / n. An epoch has about 1 / q steps.
    steps : int
        At least 1.
    delta : float
        In (0, 1), and well below 1 / n.
    accountant : {"pld", "rdp"}, optional
        Privacy loss distributions, which are tight; or Rényi differential privacy, an upper
        bound that takes milliseconds.
    past : sequence of Mechanism, optional
        The mechanisms that were spent on the same samples before.

    Returns
    -------
    float

    Raises
    ------
    InputError
        If a number is out of its range, or dp-accounting is not installed.

    Notes
    -----
    I. Mironov, K. Talwar, L. Zhang, "Rényi differential privacy of the sampled Gaussian
    mechanism" (2019); A. Koskela, J. Jälkö, A. Honkela, "Computing tight differential
    privacy guarantees using FFT" (2020).

    Examples
    --------
    >>> round(bpx.privacy.epsilon(1.1, 256 / 60_000, 15 * 234, 1e-5, accountant="rdp"), 2)
    1.28
    """
    check_accountant(accountant)
    mechanism = Mechanism(
        number("noise_multiplier", noise_multiplier, *_NOISE),
        number("sampling_rate", sampling_rate, *_RATE),
        whole("steps", steps, 1, None, "a whole number of at least 1"),
    )
    delta = number("delta", delta, *_DELTA)
    return composed_epsilon(composed((*check_past(past), mechanism)), delta, accountant)


_NOISE = "a number of at least 0", lambda v: v >= 0.0
_RATE = "a number in (0, 1], batch_size / n", lambda v: 0.0 < v <= 1.0
_DELTA = "a number in (0, 1), well below 1 / n", lambda v: 0.0 < v < 1.0


def composed(mechanisms: Iterable[Mechanism]) -> tuple[Mechanism, ...]:
    """Merge equal mechanisms by adding up their steps."""
    steps: dict[Mechanism, int] = {}
    for each in mechanisms:
        alike = each._replace(steps=0)
        steps[alike] = steps.get(alike, 0) + each.steps
    return tuple(each._replace(steps=number) for each, number in steps.items())


def composed_epsilon(
    mechanisms: Sequence[Mechanism], delta: float, accountant: Accountant
) -> float:
    """Compute the epsilon of their composition, as if all were secure."""
    if any(each.noise_multiplier == 0.0 for each in mechanisms):
        return inf
    return _composed_epsilon(tuple(each[:3] for each in mechanisms), delta, accountant)


@lru_cache(maxsize=256)
def _composed_epsilon(
    mechanisms: tuple[tuple[float, float, int], ...], delta: float, accountant: Accountant
) -> float:
    dp = package()
    neighbours = dp.NeighboringRelation.ADD_OR_REMOVE_ONE
    account = (
        dp.pld.PLDAccountant(neighbours, _interval(min(each[0] for each in mechanisms)))
        if accountant == "pld"
        else dp.rdp.RdpAccountant(ORDERS, neighbours)
    )
    try:
        with _without_excluded_orders():
            for sigma, rate, steps in mechanisms:
                sampled = dp.PoissonSampledDpEvent(rate, dp.GaussianDpEvent(sigma))
                account.compose(dp.SelfComposedDpEvent(sampled, steps))
        return float(account.get_epsilon(delta))
    except OverflowError:  # for example, for sigma = 1e-5
        return inf


def _interval(sigma: float) -> float:
    """Return the discretization interval of privacy losses, which are rounded up.

    The losses grow as 1 / sigma², so a fixed interval would fill the memory if sigma is small.
    """
    return 1e-4 * max(1.0, (0.3 / sigma) ** 2)


@contextmanager
def _without_excluded_orders() -> Iterator[None]:
    """Silence warnings about Rényi orders that do not converge: one that does is enough."""
    log = getLogger("absl")
    level = log.level
    log.setLevel(ERROR)
    try:
        yield
    finally:
        log.setLevel(level)


def is_mechanism(given: Any) -> bool:
    """Whether `given`, read from a file for example, holds valid fields of a `Mechanism`."""
    try:
        sigma, rate, steps, secure = given
        right = sigma >= 0.0 and 0.0 < rate <= 1.0 and steps >= 1
    except (TypeError, ValueError):
        return False
    return right and type(steps) is int and type(secure) is bool


def check_past(past: Any) -> tuple[Mechanism, ...]:
    """Return the past mechanisms as a tuple; raise InputError if they are not mechanisms."""
    each = past if isinstance(past, tuple | list) else (past,)
    if not all(isinstance(one, Mechanism) and is_mechanism(one) for one in each):
        raise InputError(
            f"past={past!r} was given; expected mechanisms, such as epoch.privacy.mechanisms "
            "or net.mechanisms"
        )
    return tuple(each)


def check_accountant(accountant: Any) -> None:
    """Raise InputError if the accountant is unknown."""
    if accountant not in ACCOUNTANTS:
        near = nearest(str(accountant), ACCOUNTANTS)
        raise InputError(f"accountant={accountant!r} was given; expected 'pld' or 'rdp'{near}")


def package() -> Any:
    """Import dp-accounting, on first use since it imports SciPy.

    Raises
    ------
    InputError
        If it is not installed; the message has the command that installs it.
    """
    try:
        import dp_accounting
        import dp_accounting.pld
        import dp_accounting.rdp
    except ImportError as error:
        raise InputError(
            "private training computes epsilon with dp-accounting, which is not installed "
            f"({error}); install it with: pip install dp-accounting"
        ) from error
    return dp_accounting
