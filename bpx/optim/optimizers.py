"""The named optimizers, which are chains of transformations."""

from dataclasses import dataclass
from typing import ClassVar

from bpx._validate import flag
from bpx.errors import InputError, option
from bpx.optim.chain import Optimizer, Transformation
from bpx.optim.limits import add_decayed_weights
from bpx.optim.moments import momentum, scale_by_adam
from bpx.optim.scaling import scale_by_learning_rate
from bpx.optim.schedules import Schedule

__all__ = ["SGD", "Adam", "AdamW"]


@dataclass(frozen=True)
class SGD(Optimizer):
    """Stochastic gradient descent.

    w ← w − eta g. With momentum mu: v ← mu v − eta g, w ← w + v (Polyak 1964; the book's
    (107) and (108)). With Nesterov's correction: w ← w + mu v − eta g, with the new v
    (Sutskever et al. 2013, in the form that looks ahead from the stored weights).

    Parameters
    ----------
    eta : float or Schedule
        The learning rate, positive, or a schedule: see `bpx.optim.warmup_cosine`.
    momentum : float or Schedule, optional
        mu, in [0, 1); or a schedule, as `bpx.optim.cosine_onecycle_momentum`, whose values are
        not checked: with 1 or more, the steps grow without bound.
    nesterov : bool, optional
        Whether to look ahead, which needs momentum.

    Raises
    ------
    InputError
        If a number is out of its range.
    """

    eta: float | Schedule
    momentum: float | Schedule = 0.0
    nesterov: bool = False

    default_eta: ClassVar[float] = 0.1

    def __post_init__(self) -> None:
        object.__setattr__(self, "nesterov", flag("nesterov", self.nesterov))
        _ = self.transformations  # each checks its numbers
        momentum(self.momentum)
        if self.nesterov and not self.momentum:
            raise InputError(
                f"{option('nesterov', True)} was given without momentum; add it, such as "
                f"{option('momentum', 0.9)}"
            )

    @property
    def transformations(self) -> tuple[Transformation, ...]:
        """The learning rate and then, as in the book, the momentum."""
        descent = scale_by_learning_rate(self.eta)
        if not self.momentum:
            return (descent,)
        return descent, momentum(self.momentum, nesterov=self.nesterov)


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam (Kingma and Ba 2015, algorithm 1).

    m ← beta1 m + (1 − beta1) g, v ← beta2 v + (1 − beta2) g², and, at step t,
    w ← w − eta m̂ / (sqrt(v̂) + epsilon), where m̂ = m / (1 − beta1^t), v̂ = v / (1 − beta2^t).

    Parameters
    ----------
    eta : float or Schedule, optional
        The learning rate (the paper's alpha), positive, or a schedule.
    beta1, beta2 : float, optional
        The decay rates of the moments, in [0, 1).
    epsilon : float, optional
        Positive.

    Raises
    ------
    InputError
        If a number is out of its range.
    """

    eta: float | Schedule = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    default_eta: ClassVar[float] = 1e-3

    def __post_init__(self) -> None:
        _ = self.transformations  # each checks its numbers

    @property
    def transformations(self) -> tuple[Transformation, ...]:
        """Adam's rule and then the learning rate."""
        rule = scale_by_adam(self.beta1, self.beta2, self.epsilon)
        return rule, scale_by_learning_rate(self.eta)


@dataclass(frozen=True)
class AdamW(Optimizer):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2).

    w ← w − eta (m̂ / (sqrt(v̂) + epsilon) + decay · w), without the decay for biases. m̂ and v̂
    are Adam's, from gradients without the decay.

    Parameters
    ----------
    eta, beta1, beta2, epsilon
        As for `Adam`.
    decay : float, optional
        The coefficient of the decay, at least 0.

    Raises
    ------
    InputError
        If a number is out of its range.
    """

    eta: float | Schedule = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    decay: float = 1e-2

    default_eta: ClassVar[float] = 1e-3

    def __post_init__(self) -> None:
        _ = self.transformations  # each checks its numbers

    @property
    def transformations(self) -> tuple[Transformation, ...]:
        """Adam's rule, the decay, and the learning rate."""
        return (
            scale_by_adam(self.beta1, self.beta2, self.epsilon),
            add_decayed_weights(self.decay),
            scale_by_learning_rate(self.eta),
        )
