"""The layers of a network that is described by its widths and a few names."""

from collections.abc import Sequence
from typing import Any

from bpx import activations
from bpx._validate import number
from bpx.activations import Activation, ActivationName
from bpx.errors import InputError, option
from bpx.layers.dense import Dense
from bpx.layers.dropout import Dropout
from bpx.layers.norms import NormName, normalization

__all__ = ["layers_of"]


def layers_of(
    sizes: Sequence[Any],
    hidden: ActivationName | Activation,
    output: ActivationName | Activation,
    each: Sequence[ActivationName | Activation] | None,
    norm: NormName | None,
    dropout: float | Sequence[float],
) -> tuple[Any, ...]:
    """Return the layers of a network that is described by its widths: see `make_spec`.

    Raises
    ------
    InputError
        If an argument, or a combination of them, cannot be used.
    """
    widths = _checked_sizes(sizes)
    chosen = _chosen(len(widths) - 1, hidden, output, each)
    if chosen[-1] == activations.softmax and widths[-1] == 1:
        raise InputError(
            "softmax was given for a single output, where it is always 1; "
            f"use {option('output', 'sigmoid')} for two classes, or two outputs"
        )
    pairs = zip(widths, widths[1:], chosen, strict=False)
    dense = [Dense(*pair) for pair in pairs]
    rates = _rates(len(dense) - 1, dropout)
    if len(dense) == 1 and normalization(norm, 2):  # this checks the name
        raise _without_hidden("norm", norm)
    norms = [normalization(norm, layer.n_out) for layer in dense[:-1]]
    each_hidden = zip(dense[:-1], norms, rates, strict=True)
    groups = ((layer, *behind, *_dropout(layer, p)) for layer, behind, p in each_hidden)
    return (*(layer for group in groups for layer in group), dense[-1])


def _rates(depth: int, dropout: Any) -> tuple[float, ...]:
    if isinstance(dropout, str) or not (isinstance(dropout, Sequence) or _is_vector(dropout)):
        rate = _rate(dropout)
        if rate and not depth:
            raise _without_hidden("dropout", dropout)
        return (rate,) * depth
    if len(dropout) != depth:
        raise InputError(
            f"{len(dropout)} rates of dropout were given for {depth} hidden layers; expected "
            "one for each, or a single number"
        )
    return tuple(map(_rate, dropout))


def _rate(dropout: Any) -> float:
    expected = "a number in [0, 1), or one for each hidden layer"
    return number("dropout", dropout, expected, lambda p: 0.0 <= p < 1.0)


def _is_vector(dropout: Any) -> bool:
    return getattr(dropout, "ndim", 0) == 1


def _without_hidden(name: str, value: Any) -> InputError:
    return InputError(
        f"{option(name, value)} was given for a network without hidden layers, behind which it "
        "would stand; omit it, or give at least three widths"
    )


def _dropout(layer: Dense, rate: float) -> tuple[Dropout, ...]:
    return (Dropout(layer.n_out, rate),) if rate else ()


def _checked_sizes(sizes: Sequence[int]) -> tuple[int, ...]:
    try:
        widths = tuple(int(size) for size in sizes)
        whole = all(size == width for size, width in zip(sizes, widths, strict=True))
    except (TypeError, ValueError, OverflowError):
        widths, whole = (), False
    if not whole or len(widths) < 2 or min(widths) < 1:
        raise InputError(
            f"sizes={sizes!r} was given; expected at least two whole widths of at least 1, "
            "inputs first, such as [784, 30, 10]"
        )
    return widths


def _chosen(
    depth: int,
    hidden: ActivationName | Activation,
    output: ActivationName | Activation,
    each: Sequence[ActivationName | Activation] | None,
) -> list[Activation]:
    if isinstance(each, str):
        raise InputError(f"activations={each!r} was given; expected a list of {depth} names")
    names = [*[hidden] * (depth - 1), output] if each is None else list(each)
    if len(names) != depth:
        raise InputError(
            f"{len(names)} activations were given for {depth} layers; expected one for each "
            "layer except the inputs"
        )
    return [activations.get(name) for name in names]
