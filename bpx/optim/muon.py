"""Muon, and its link `scale_by_muon`: orthogonalised momentum for matrices, Adam for the rest.

K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import sqrt
from typing import Any, ClassVar, NamedTuple

from bpx._typing import Array
from bpx._validate import number as checked
from bpx.arrays.registry import namespace
from bpx.errors import InputError
from bpx.optim.chain import Beginning, Optimizer, Transformation
from bpx.optim.limits import add_decayed_weights
from bpx.optim.moments import AdamState, adam, adam_numbers
from bpx.optim.scaling import scale_by_learning_rate
from bpx.optim.schedules import Schedule
from bpx.optim.trees import below_1, number, zeros
from bpx.program.contract import leaves, named_leaves, rebuilt
from bpx.program.marks import equation

__all__ = ["Muon", "orthogonalised", "scale_by_muon"]

COEFFICIENTS = 3.4445, -4.7750, 2.0315
"""Jordan's a, b, c: a X + b (X Xᵀ) X + c (X Xᵀ)² X moves the singular values towards 1."""

STEPS = 5
SMALLEST_NORM = 1e-7
RMS = 0.2
"""The usual root mean square of Adam's updates (Liu et al. 2025, section 2.2)."""

_RATE = "a number in [0, 1)", lambda v: 0.0 <= v < 1.0


class MuonState(NamedTuple):
    """The rule's numbers and the step counter, shape (1,), and the moments.

    m has the momentum of the matrices and Adam's m of all other parameters; v has None in place
    of the matrices.
    """

    beta: Array
    beta1: Array
    beta2: Array
    epsilon: Array
    t: Array
    m: Any
    v: Any


def scale_by_muon(
    beta: float = 0.95,
    by_adam: Sequence[int] = (-1,),
    *,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
) -> Transformation:
    """u ← 0.2 sqrt(max(m, n)) O(beta M + (1 − beta) u), where M ← beta M + (1 − beta) u.

    O(X) is five steps of Newton and Schulz's iteration from X / ‖X‖, for a matrix (m, n): see
    `Muon`. Biases and all other parameters get the update of `scale_by_adam`.

    Parameters
    ----------
    beta : float, optional
        The decay rate of the momentum M, in [0, 1).
    by_adam : sequence of int, optional
        The weights that Adam updates, too, as indices into ``net.weights``.
    beta1, beta2, epsilon : float, optional
        Adam's numbers.

    Raises
    ------
    InputError
        If a number is out of its range.
    """
    numbers = (
        checked("beta", beta, *_RATE),
        checked("beta1", beta1, *_RATE),
        checked("beta2", beta2, *_RATE),
        checked("epsilon", epsilon, "a positive number", lambda v: v > 0.0),
    )
    indices = _indices(by_adam)
    return Transformation(Beginning(_muon_state, (indices, numbers)), _Muon(indices))


def _indices(by_adam: Any) -> tuple[int, ...]:
    listed = isinstance(by_adam, tuple | list)
    if not listed or not all(type(each) is int for each in by_adam):
        raise InputError(
            f"by_adam={by_adam!r} was given; expected indices into net.weights, such as (-1,) "
            "for the output layer's, or () for none"
        )
    return tuple(by_adam)


def _muon_state(
    by_adam: tuple[int, ...], numbers: tuple[float, ...], parameters: Any
) -> MuonState:
    beta, *others = numbers
    given = below_1("beta", beta, parameters), *adam_numbers(others, parameters)
    m = zeros(parameters)
    v = _others(m, _matrices(parameters, by_adam))
    return MuonState(*given, number(0.0, parameters), m, v)


@dataclass(frozen=True)
class _Muon:
    """Muon's rule, with the indices of the weights that Adam updates."""

    by_adam: tuple[int, ...]

    def __call__(
        self, updates: Any, state: MuonState, parameters: Any
    ) -> tuple[Any, MuonState]:
        """Return both rules' updates, and the state after the step."""
        matrices = _matrices(parameters, self.by_adam)
        others = partial(_others, matrices=matrices)
        first = AdamState(*state[1:5], others(state.m), state.v)
        moved, after = adam(others(updates), first, None)
        pairs = zip(matrices, leaves(state.m), leaves(updates), strict=True)
        own = [_orthogonal(m, g, state.beta) for chosen, m, g in pairs if chosen]
        u = _together(updates, matrices, [u for u, _ in own], moved)
        m = _together(state.m, matrices, [m for _, m in own], after.m)
        return u, state._replace(t=after.t, m=m, v=after.v)


def _matrices(parameters: Any, by_adam: tuple[int, ...]) -> list[bool]:
    """Whether each array is a matrix for Muon, in the order of the leaves.

    Matrices are the arrays that a layer names ``w``, and each B that a feedback learns. The
    last B is trained like the last w, the one before like the one before.
    """
    names = [
        place.partition("[")[0] if x.ndim >= 2 else "" for place, x in named_leaves(parameters)
    ]
    depth = names.count("w")
    wrong = [i for i in by_adam if not -depth <= i < depth]
    if wrong:
        raise InputError(
            f"by_adam has {wrong[0]}, but the network has {depth} weights; expected indices "
            "into net.weights"
        )
    excluded = {i % depth for i in by_adam}
    at = {"w": 0, "B": depth - names.count("B")}
    found = []
    for name in names:
        found.append(name in at and at[name] not in excluded)
        if name in at:
            at[name] += 1
    return found


def _others(tree: Any, matrices: list[bool]) -> Any:
    """The same tree with None in place of Muon's matrices."""
    pairs = zip(leaves(tree), matrices, strict=True)
    return rebuilt(tree, [None if chosen else x for x, chosen in pairs])


def _together(tree: Any, matrices: list[bool], own: list[Array], others: Any) -> Any:
    """A tree in the form of `tree`, with Muon's arrays, and the others from their tree."""
    mine, rest = iter(own), leaves(others)
    return rebuilt(tree, [next(mine) if chosen else next(rest) for chosen in matrices])


def _orthogonal(m: Array, g: Array, beta: Array) -> tuple[Array, Array]:
    """Return the update of a matrix, and its momentum after the step."""
    m = m + (1.0 - beta) * (g - m)
    ahead = g + beta * (m - g)
    return RMS * sqrt(max(m.shape[-2:])) * orthogonalised(ahead), m


@equation()
def orthogonalised(x: Array) -> Array:
    """About U Vᵀ for x = U S Vᵀ: Newton and Schulz's iteration of degree five.

    Five steps take every singular value of x / ‖x‖ above 0.002 into 0.68 ... 1.21.
    """
    if x.shape[-2] > x.shape[-1]:  # the smaller of x xᵀ and xᵀ x is enough
        transposed: Array = orthogonalised(x.mT).mT
        return transposed
    xp, (a, b, c) = namespace(x), COEFFICIENTS
    norm = xp.sqrt(xp.sum(x * x, axis=(-2, -1), keepdims=True))
    x = x / xp.maximum(norm, SMALLEST_NORM)
    for _ in range(STEPS):
        gram = x @ x.mT
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x


@dataclass(frozen=True)
class Muon(Optimizer):
    """Muon (K. Jordan et al. 2024): orthogonalised momentum for matrices, AdamW for the rest.

    M ← beta M + (1 − beta) g and w ← w − eta (0.2 sqrt(max(m, n)) O(M') + decay · w) for a
    matrix w of shape (m, n), with Nesterov's M' = beta M + (1 − beta) g, the new M. O(X)
    replaces the singular values of X by values near 1: from X / max(‖X‖, 1e-7), five times
    X ← a X + b (X Xᵀ) X + c (X Xᵀ)² X, with a = 3.4445, b = −4.7750, c = 2.0315.

    The factor 0.2 sqrt(max(m, n)) gives the updates the usual root mean square of AdamW's, so
    that one learning rate and one decay serve both (Liu et al. 2025, "Muon is scalable for LLM
    training", equation 4). This is `torch.optim.Muon` with ``adjust_lr_fn="match_rms_adamw"``,
    but O is computed in the network's dtype rather than in bfloat16.

    Muon's matrices are the arrays that a layer names ``w``, and each B that a feedback learns.
    AdamW updates biases, without a decay, and all other parameters. As Jordan recommends, it
    also updates the weights of the output layer.

    Parameters
    ----------
    eta : float or Schedule, optional
        The learning rate, positive, or a schedule.
    beta : float, optional
        The decay rate of the momentum, in [0, 1).
    decay : float, optional
        The coefficient of the decoupled decay, at least 0.
    by_adam : sequence of int, optional
        The weights that AdamW updates, as indices into ``net.weights``; ``()`` for none.
    beta1, beta2, epsilon : float, optional
        AdamW's numbers, as for `Adam`.

    Raises
    ------
    InputError
        If a number is out of its range, or `by_adam` is not a sequence of integers.
    """

    eta: float | Schedule = 1e-3
    beta: float = 0.95
    decay: float = 0.1
    by_adam: Sequence[int] = (-1,)
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    default_eta: ClassVar[float] = 1e-3

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_adam", _indices(self.by_adam))
        _ = self.transformations  # each checks its numbers

    @property
    def transformations(self) -> tuple[Transformation, ...]:
        """Both rules, the decay, and the learning rate."""
        adams = {"beta1": self.beta1, "beta2": self.beta2, "epsilon": self.epsilon}
        return (
            scale_by_muon(self.beta, self.by_adam, **adams),
            add_decayed_weights(self.decay),
            scale_by_learning_rate(self.eta),
        )
