"""Links that keep the weights and their updates small: decay, and clipping."""

from functools import reduce
from operator import add
from typing import Any, NamedTuple

from bpx._typing import Array
from bpx._validate import number as checked
from bpx.arrays.registry import namespace
from bpx.optim.chain import Beginning, Transformation, chain
from bpx.optim.trees import above_0, mapped, number, on_weights
from bpx.program.contract import leaves

__all__ = ["add_decayed_weights", "add_l1_decay", "clip", "clip_by_global_norm", "penalised"]


class DecayState(NamedTuple):
    """The decay's coefficient, shape (1,)."""

    decay: Array


class L1State(NamedTuple):
    """The coefficient of the L1 penalty, shape (1,)."""

    l1: Array


class ClipState(NamedTuple):
    """The largest norm, or the largest size of a number, shape (1,)."""

    largest: Array


def add_decayed_weights(decay: float) -> Transformation:
    """u ← u + decay · w, for weights; not for biases.

    Weights are the arrays that a layer names ``w``, and the B of a feedback that learns.

    At the start of a chain this adds the gradient of the L2 penalty ½ decay ‖w‖² (the book's
    (87), with decay = lmbda / n); between `scale_by_adam` and the learning rate it is AdamW's
    decoupled decay (Loshchilov and Hutter 2019).

    Parameters
    ----------
    decay : float
        At least 0.

    Raises
    ------
    InputError
        If it is negative.
    """
    given = checked("decay", decay, "a number of at least 0", lambda v: v >= 0.0)
    return Transformation(Beginning(_decay_state, (given,)), decayed)


def add_l1_decay(l1: float) -> Transformation:
    """u ← u + l1 · sign(w), for weights; not for biases.

    Weights are the same arrays as for `add_decayed_weights`. At the start of a chain this adds
    the gradient of the L1 penalty l1 ‖w‖₁ (the book's (96), with l1 = lmbda / n), where the
    gradient at 0 is 0; after the other rules and before the learning rate it is a decoupled
    decay, by the same amount for each weight.

    Parameters
    ----------
    l1 : float
        At least 0.

    Raises
    ------
    InputError
        If it is negative.
    """
    given = checked("l1", l1, "a number of at least 0", lambda v: v >= 0.0)
    return Transformation(Beginning(_l1_state, (given,)), l1_decayed)


def penalised(optimizer: Any, decay: float) -> Any:
    """Put the gradient of an L2 penalty in front of an optimizer; none if `decay` is 0.

    A single transformation becomes a chain.
    """
    if decay:
        return chain(add_decayed_weights(decay), optimizer)
    return chain(optimizer) if isinstance(optimizer, Transformation) else optimizer


def clip(largest: float) -> Transformation:
    """u ← min(max(u, −largest), largest), for each number by itself.

    Parameters
    ----------
    largest : float
        Positive.

    Raises
    ------
    InputError
        If it is not positive.
    """
    given = checked("largest", largest, "a positive number", lambda v: v > 0.0)
    return Transformation(Beginning(_clip_state, (given,)), clipped_by_value)


def clip_by_global_norm(largest: float) -> Transformation:
    """u ← u · min(1, largest / ‖u‖), with the norm over all parameters together.

    R. Pascanu, T. Mikolov, Y. Bengio, "On the difficulty of training recurrent neural
    networks" (2013). This clips the gradient of the mini-batch; `bpx.privacy` clips the
    gradient of each sample.

    In float32, a norm above 1.8e19 overflows, and every update becomes 0; if gradients may be
    so large, put `clip` in front.

    Parameters
    ----------
    largest : float
        Positive.

    Raises
    ------
    InputError
        If it is not positive.
    """
    given = checked("largest", largest, "a positive number", lambda v: v > 0.0)
    return Transformation(Beginning(_clip_state, (given,)), clipped)


def _decay_state(decay: float, parameters: Any) -> DecayState:
    return DecayState(number(decay, parameters))


def _l1_state(l1: float, parameters: Any) -> L1State:
    return L1State(number(l1, parameters))


def _clip_state(largest: float, parameters: Any) -> ClipState:
    return ClipState(above_0("largest", largest, parameters))


def decayed(updates: Any, state: DecayState, parameters: Any) -> tuple[Any, DecayState]:
    """Return u + decay · w, for the weights."""
    return on_weights(lambda u, w: u + state.decay * w, updates, parameters), state


def l1_decayed(updates: Any, state: L1State, parameters: Any) -> tuple[Any, L1State]:
    """Return u + l1 · sign(w), for the weights."""
    xp = namespace(state.l1)
    return on_weights(lambda u, w: u + state.l1 * xp.sign(w), updates, parameters), state


def clipped_by_value(updates: Any, state: ClipState, parameters: Any) -> tuple[Any, ClipState]:
    """Return u within −largest ... largest."""
    xp, largest = namespace(state.largest), state.largest
    return mapped(lambda u: xp.maximum(xp.minimum(u, largest), -largest), updates), state


def clipped(updates: Any, state: ClipState, parameters: Any) -> tuple[Any, ClipState]:
    """Return u · largest / max(‖u‖, largest), which never divides by zero."""
    xp = namespace(state.largest)
    norm = xp.sqrt(reduce(add, (_squared(u, state.largest) for u in leaves(updates))))
    share = state.largest / xp.maximum(norm, state.largest)
    return mapped(lambda u: share * u, updates), state


def _squared(u: Array, like: Array) -> Array:
    """‖u‖² in the shape of the numbers in the state."""
    xp = namespace(u)
    if like.ndim > 1:
        return xp.sum(u * u, axis=(-2, -1), keepdims=True)
    return xp.reshape(xp.sum(u * u), (1,))
