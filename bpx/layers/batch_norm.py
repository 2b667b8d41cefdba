"""`BatchNorm`: standardise each unit over the samples of a batch, then scale and shift it.

In training, x_hat = (a_prev − mu) rho with the mean mu and the variance v of each unit over the
batch, rho = 1 / sqrt(v + epsilon), and a = gamma ⊙ x_hat + beta. Outside training mu and v are
running averages, so a sample's output then depends on itself alone.

mu and v are sums over the samples with the shares p_x = r_x / sum r, which are 1/n if all count
equally. With h = gamma ⊙ delta, the derivative of C = sum_x r_x C_x with respect to row x of
a_prev is then r_x rho (h_x − sum p h − x_hat_x sum p h ⊙ x_hat). It is r_x times what the layer
sends back, as BP3 and BP4 of the layer below require. With shares other than p it would not be:
a sample of weight 0 would act on mu and v.
S. Ioffe, C. Szegedy, "Batch normalization" (2015).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from bpx._typing import A
from bpx._validate import NORMAL, number, whole
from bpx.arrays.host import as_host
from bpx.arrays.ranks import Group, summed
from bpx.arrays.registry import namespace
from bpx.equations import bp3
from bpx.errors import InputError
from bpx.layers.layer import Context
from bpx.program.marks import equation, symbols

__all__ = ["BatchNorm", "BatchNormParameters", "BatchNormSaved"]

_LEAST = 1e-6
"""The least divisor 1 − sum p² of a weighted variance: it is 0 if one sample has all weight."""


class BatchNormParameters(NamedTuple):
    """The parameters of a `BatchNorm`, or their gradients.

    Attributes
    ----------
    gamma, beta : arrays, shape (k,)
        The scale and the shift of each unit, which are learned. No penalty falls on them.
    mean, variance : arrays, shape (k,), or None
        The running averages, for use outside training; None among gradients.
    """

    gamma: Any
    beta: Any
    mean: Any = None
    variance: Any = None


class BatchNormSaved(NamedTuple):
    """The arrays that the forward pass saves for the backward pass.

    Attributes
    ----------
    x_hat : array, shape (n, k)
        The standardised input.
    a : array, shape (n, k)
    rho, mean, variance : arrays, shape (k,), or None
        1 / sqrt(v + epsilon), mu, and the unbiased variance of the batch, in training.
    share : array, shape (n, 1), or None
        p, in training; None outside, or if all samples count equally.
    """

    x_hat: Any
    a: Any
    rho: Any = None
    mean: Any = None
    variance: Any = None
    share: Any = None

    @property
    def couples_samples(self) -> bool:
        """True: no sample has its own gradient."""
        return True

    @equation("dgamma^l", "BP4", of="self.x_hat")
    @equation("dbeta^l", "BP3", of="self.x_hat")
    def gradients(self, r: Any, delta: A) -> BatchNormParameters:
        """dC/dgamma = sum_x r_x delta_x ⊙ x_hat_x, and BP3 for beta."""
        dgamma, dbeta = bp3(r, delta * self.x_hat), bp3(r, delta)
        return BatchNormParameters(dgamma, dbeta)


@dataclass(frozen=True)
class BatchNorm:
    """Standardise each unit over a batch: a = gamma ⊙ (a_prev − mu) / sqrt(v + epsilon) + beta.

    In training mu and v are the mean and the variance over the mini-batch, which has at least
    two samples. Each step moves the running averages towards them, and outside training these
    take their place. gamma and beta are learned, and start at 1 and 0.

    Parameters
    ----------
    width : int
        k, the width of input and output.
    momentum : float, optional
        The weight of the newest batch in the running averages, in (0, 1], as in PyTorch. The
        momentum of Keras is 1 minus this number.
    epsilon : float, optional
        What is added to the variance; at least 2^-126, the smallest normal number of
        float32.

    Raises
    ------
    InputError
        If a number is out of its range; in training, if a mini-batch has a single sample.

    Notes
    -----
    S. Ioffe, C. Szegedy, "Batch normalization" (2015). As in PyTorch, the batch is standardised
    by the variance with the divisor n, and the running average is made of that with n − 1.

    If samples have weights, mu and v are weighted by them. PyTorch and Keras do not do this;
    here a sample of weight 0 has no influence. If all weights of a batch are 0, its samples
    count equally; if one sample has all weight, the running averages stay as they are.

    Since samples interact in training, what needs the gradient of each sample refuses such a
    network, by name: private training, clipping, and most of `bpx.inspect`.

    Examples
    --------
    >>> net = bpx.Network([784, 30, 10], norm="batch", seed=0)
    >>> net.spec.layers[1]
    BatchNorm(width=30, momentum=0.1, epsilon=1e-05)
    >>> net.parameters.layers[1].variance.shape
    (30,)
    """

    width: int
    momentum: float = 0.1
    epsilon: float = 1e-5

    kind: ClassVar[str] = "batch_norm"
    couples_samples: ClassVar[bool] = True
    draws: ClassVar[bool] = False
    learned: ClassVar[tuple[str, ...]] = ("gamma", "beta")
    fewest: ClassVar[int] = 2

    def __post_init__(self) -> None:
        width = whole("width", self.width, 1, None, "a whole number of at least 1")
        momentum = number("momentum", self.momentum, "a number in (0, 1]", _is_share)
        epsilon = number("epsilon", self.epsilon, *NORMAL)
        object.__setattr__(self, "width", width)
        object.__setattr__(self, "momentum", momentum)
        object.__setattr__(self, "epsilon", epsilon)

    @property
    def n_in(self) -> int:
        """The width."""
        return self.width

    @property
    def n_out(self) -> int:
        """The width."""
        return self.width

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """The shapes of gamma and beta, and of the running averages."""
        return dict.fromkeys(BatchNormParameters._fields, (self.width,))

    def entry(self, arrays: Mapping[str, Any]) -> BatchNormParameters:
        """``(gamma, beta, mean, variance)``."""
        return BatchNormParameters(*(arrays[name] for name in BatchNormParameters._fields))

    def draw(self, init: Any, rng: Callable[[str], Any]) -> Mapping[str, Any]:
        """gamma = 1, beta = 0, mean = 0 and variance = 1, whatever the initializer."""
        start = {"gamma": 1.0, "beta": 0.0, "mean": 0.0, "variance": 1.0}
        return {name: as_host([each] * self.width, name) for name, each in start.items()}

    @equation("x_hat^l", "batch_norm", of="a_prev")
    @equation("rho^l", "batch_norm", of="a_prev")
    def forward(
        self, parameters: BatchNormParameters, a_prev: Any, context: Context
    ) -> BatchNormSaved:
        """x_hat = (a_prev − mu) / sqrt(v + epsilon), a = gamma ⊙ x_hat + beta."""
        xp, gamma, beta = namespace(a_prev), parameters.gamma, parameters.beta
        if not context.training:
            rho = 1.0 / xp.sqrt(parameters.variance + self.epsilon)
            x_hat = rho * (a_prev - parameters.mean)
            return BatchNormSaved(x_hat, gamma * x_hat + beta)
        n = self._ranks * a_prev.shape[-2]
        if n < self.fewest:
            raise InputError(
                f"a mini-batch of {n} sample was given to a {self.kind!r} layer in training, "
                "where its variance would be 0; expected at least 2 samples: choose another "
                "batch_size, or drop_last=True"
            )
        share = None if context.r is None else self._shares(context.r)
        (mean,) = self._over_samples(share, a_prev)
        centred = a_prev - mean
        (v,) = self._over_samples(share, centred * centred)
        rho = 1.0 / xp.sqrt(v + self.epsilon)
        x_hat = rho * centred
        unbiased = v * (n / (n - 1.0) if share is None else self._correction(share))
        return BatchNormSaved(x_hat, gamma * x_hat + beta, rho, mean, unbiased, share)

    @symbols(label="batch_norm")
    def averaged(
        self, parameters: BatchNormParameters, saved: BatchNormSaved
    ) -> BatchNormParameters:
        """Move the running averages towards the batch: (1 − momentum) old + momentum new.

        They stay if one sample has all weight, since it has no variance.
        """
        old, new = 1.0 - self.momentum, self.momentum
        mean = old * parameters.mean + new * saved.mean
        variance = old * parameters.variance + new * saved.variance
        if saved.share is not None:
            xp, several = namespace(mean), self._divisor(saved.share) >= _LEAST
            mean = xp.where(several, mean, parameters.mean)
            variance = xp.where(several, variance, parameters.variance)
        return parameters._replace(mean=mean, variance=variance)

    def error(self, saved: BatchNormSaved, g: A) -> A:
        """Return g: delta is dC_x/da."""
        return g

    def send_back(self, parameters: BatchNormParameters, saved: BatchNormSaved, delta: A) -> A:
        """gamma rho (delta − sum p delta − x_hat sum p delta ⊙ x_hat).

        Outside training, mu and v are constants, and it is gamma rho delta.
        """
        if saved.rho is None:
            rho = 1.0 / namespace(delta).sqrt(parameters.variance + self.epsilon)
            return parameters.gamma * rho * delta
        share, x_hat = saved.share, saved.x_hat
        along, mean = self._over_samples(share, delta * x_hat, delta)
        return parameters.gamma * saved.rho * (delta - mean - x_hat * along)

    def across(self, group: Group) -> "BatchNorm":
        """Return the same layer, with mu and v over the mini-batch of all ranks of a group."""
        return _Synchronised(self.width, self.momentum, self.epsilon, group)

    @property
    def _ranks(self) -> int:
        """The number of ranks that share a mini-batch, all with as many rows."""
        return 1

    def _totals(self, *sums: A) -> tuple[A, ...]:
        """Sums over the samples of this rank, added over the ranks."""
        return sums

    def _shares(self, r: A) -> A:
        """p = r / sum r, a column; 1/n each if all are 0."""
        xp = namespace(r)
        (total,) = self._totals(xp.sum(r, axis=-2, keepdims=True))
        some, n = total > 0.0, self._ranks * r.shape[-2]
        shares: A = xp.where(some, r / xp.where(some, total, 1.0), 1.0 / n)
        return shares

    def _correction(self, share: A) -> A:
        """1 / (1 − sum p²), which makes a variance unbiased; n / (n − 1) for equal shares."""
        return 1.0 / namespace(share).maximum(self._divisor(share), _LEAST)

    def _divisor(self, share: A) -> A:
        """1 − sum p²; 0 if one sample has all weight."""
        (squares,) = self._over_samples(share, share)
        return 1.0 - squares

    def _over_samples(self, share: Any, *each: A) -> tuple[A, ...]:
        """Sum p x over the samples, shape (k,), or (K, 1, k) for K networks, as beta has."""
        xp, ndim, rows = namespace(each[0]), each[0].ndim, each[0].shape[-2]
        p = 1.0 / (self._ranks * rows) if share is None else share
        return self._totals(*(xp.sum(p * x, axis=-2, keepdims=ndim > 2) for x in each))


@dataclass(frozen=True)
class _Synchronised(BatchNorm):
    """`BatchNorm` on one of several ranks: see `BatchNorm.across`."""

    group: Any = None

    @property
    def _ranks(self) -> int:
        ranks: int = self.group.size
        return ranks

    def _totals(self, *sums: A) -> tuple[A, ...]:
        totals: tuple[A, ...] = summed(self.group, sums)
        return totals


def _is_share(value: float) -> bool:
    return 0.0 < value <= 1.0
