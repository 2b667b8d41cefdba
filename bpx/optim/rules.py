"""Optimizers: pairs of pure functions, ``init(parameters)`` and ``update``.

``update(gradients, state, parameters)`` gives back the new parameters and the new state.
Every number that a rule uses (eta, mu, the counters) is an array of shape (1,) in the
state, so that one compiled step serves every learning rate; what changes the rule itself
chooses another `update`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from bpx._typing import Array
from bpx._validate import number
from bpx.arrays.registry import backend_of, namespace
from bpx.errors import InputError
from bpx.model.spec import Gradients, Parameters
from bpx.program.contract import named_leaves

__all__ = ["SGD", "Adam", "Optimizer", "Update", "check_optimizer", "initial"]

Update = Callable[[Gradients, Any, Parameters], tuple[Parameters, Any]]
"""``update(gradients, state, parameters) -> (parameters, state)``, pure and hashable."""


_POSITIVE = "a positive number", lambda v: v > 0.0
_DECAY = "a number in [0, 1)", lambda v: 0.0 <= v < 1.0


class Optimizer(Protocol):
    """What training asks of an optimizer."""

    @property
    def update(self) -> Update:
        """The rule: a module-level function, equal for optimizers that differ in numbers."""

    def init(self, parameters: Parameters) -> Any:
        """The state before the first step: a tree of tuples and arrays."""


def check_optimizer(optimizer: Any) -> None:
    """Refuse what is no optimizer, with an `InputError`."""
    complete = hasattr(optimizer, "init") and hasattr(optimizer, "update")
    if isinstance(optimizer, type) or not complete:
        raise InputError(
            f"optimizer={optimizer!r} was given; expected bpx.SGD(eta), bpx.Adam(), or a value "
            "with init and update"
        )


def initial(optimizer: Optimizer, parameters: Parameters) -> Any:
    """The state before the first step.

    Raises
    ------
    InputError
        If it is no tree of tuples and arrays.
    """
    state = optimizer.init(parameters)
    for place, leaf in named_leaves(state, "state"):
        if backend_of(leaf) is None:
            raise InputError(
                f"init of {optimizer!r} gave {leaf!r} as {place}; expected arrays, in tuples "
                "or named tuples"
            )
    return state


class SGDState(NamedTuple):
    """eta, and, with momentum, mu and the velocity."""

    eta: Array
    mu: Array | None = None
    velocity: Parameters | None = None


class AdamState(NamedTuple):
    """The rule's numbers, the count of steps, and the two moments."""

    eta: Array
    beta1: Array
    beta2: Array
    epsilon: Array
    t: Array
    m: Parameters
    v: Parameters


@dataclass(frozen=True)
class SGD:
    """Stochastic gradient descent.

    w ← w − eta g. With momentum mu: v ← mu v − eta g, w ← w + v (Polyak 1964; the book's
    (107) and (108)). With Nesterov's correction: w ← w + mu v − eta g, with the new v
    (Sutskever et al. 2013, in the form that looks ahead from the stored weights).

    Parameters
    ----------
    eta : float
        The learning rate, positive.
    momentum : float, optional
        mu, in [0, 1).
    nesterov : bool, optional
        Whether to look ahead; needs a momentum.

    Raises
    ------
    InputError
        If a number is out of its range.
    """

    eta: float
    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        number("eta", self.eta, *_POSITIVE)
        number("momentum", self.momentum, "a number in [0, 1)", lambda mu: 0.0 <= mu < 1.0)
        if self.nesterov and not self.momentum:
            raise InputError("nesterov=True was given without momentum; give one, such as 0.9")

    @property
    def update(self) -> Update:
        """The rule that the numbers choose."""
        if self.nesterov:
            return sgd_with_nesterov
        return sgd_with_momentum if self.momentum else sgd

    def init(self, parameters: Parameters) -> SGDState:
        """eta, and a velocity of zero if there is momentum."""
        eta = _number(self.eta, parameters)
        if not self.momentum:
            return SGDState(eta)
        return SGDState(eta, _number(self.momentum, parameters), _zeros(parameters))


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma and Ba 2015, algorithm 1).

    m ← beta1 m + (1 − beta1) g, v ← beta2 v + (1 − beta2) g², and, at step t,
    w ← w − eta m̂ / (sqrt(v̂) + epsilon), where m̂ = m / (1 − beta1^t), v̂ = v / (1 − beta2^t).

    Parameters
    ----------
    eta : float, optional
        The learning rate (the paper's alpha), positive.
    beta1, beta2 : float, optional
        The decay rates of the moments, in [0, 1).
    epsilon : float, optional
        Positive.

    Raises
    ------
    InputError
        If a number is out of its range.
    """

    eta: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        number("eta", self.eta, *_POSITIVE)
        number("beta1", self.beta1, *_DECAY)
        number("beta2", self.beta2, *_DECAY)
        number("epsilon", self.epsilon, *_POSITIVE)

    @property
    def update(self) -> Update:
        """The rule."""
        return adam

    def init(self, parameters: Parameters) -> AdamState:
        """The numbers, a count of zero, and moments of zero."""
        return AdamState(
            eta=_number(self.eta, parameters),
            beta1=_number(self.beta1, parameters),
            beta2=_number(self.beta2, parameters),
            epsilon=_number(self.epsilon, parameters),
            t=_number(0.0, parameters),
            m=_zeros(parameters),
            v=_zeros(parameters),
        )


def sgd(
    gradients: Gradients, state: SGDState, parameters: Parameters
) -> tuple[Parameters, SGDState]:
    """w ← w − eta g."""
    return _map(lambda w, g: w - state.eta * g, parameters, gradients), state


def sgd_with_momentum(
    gradients: Gradients, state: SGDState, parameters: Parameters
) -> tuple[Parameters, SGDState]:
    """v ← mu v − eta g, w ← w + v."""
    velocity = _velocity(gradients, state)
    moved = _map(lambda w, v: w + v, parameters, velocity)
    return moved, state._replace(velocity=velocity)


def sgd_with_nesterov(
    gradients: Gradients, state: SGDState, parameters: Parameters
) -> tuple[Parameters, SGDState]:
    """v ← mu v − eta g, w ← w + mu v − eta g."""
    velocity = _velocity(gradients, state)
    moved = _map(
        lambda w, v, g: w + state.mu * v - state.eta * g, parameters, velocity, gradients
    )
    return moved, state._replace(velocity=velocity)


def adam(
    gradients: Gradients, state: AdamState, parameters: Parameters
) -> tuple[Parameters, AdamState]:
    """w ← w − eta m̂ / (sqrt(v̂) + epsilon)."""
    xp = namespace(state.eta)
    eta, beta1, beta2, epsilon = state[:4]
    t = state.t + 1.0
    m = _map(lambda m, g: m + (1.0 - beta1) * (g - m), state.m, gradients)
    v = _map(lambda v, g: v + (1.0 - beta2) * (g * g - v), state.v, gradients)
    # 1 − beta^t without the cancellation that float32 would show. As in section 2 of the
    # paper, both corrections go into numbers: alpha_t m / (sqrt(v) + epsilon_t).
    correction1 = -xp.expm1(t * xp.log(beta1))
    correction2 = xp.sqrt(-xp.expm1(t * xp.log(beta2)))
    alpha_t, epsilon_t = eta * correction2 / correction1, epsilon * correction2
    moved = _map(
        lambda w, m, v: w - alpha_t * m / (xp.sqrt(v) + epsilon_t),
        parameters,
        m,
        v,
    )
    return moved, state._replace(t=t, m=m, v=v)


def _velocity(gradients: Gradients, state: SGDState) -> Parameters:
    return _map(lambda v, g: state.mu * v - state.eta * g, state.velocity, gradients)


def _map(rule: Callable[..., Array], *trees: Any) -> Parameters:
    """Apply a rule to each weight matrix and each bias vector of all layers."""
    ws, bs = zip(*trees, strict=True)
    return Parameters(tuple(map(rule, *ws)), tuple(map(rule, *bs)))


def _zeros(parameters: Parameters) -> Parameters:
    return _map(namespace(parameters.b[0]).zeros_like, parameters)


def _number(value: float, parameters: Parameters) -> Array:
    xp = namespace(parameters.b[0])
    return xp.full_like(parameters.b[0][:1], value)
