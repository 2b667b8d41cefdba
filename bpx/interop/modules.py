"""The layers that the modules of a PyTorch ``Sequential`` are, and their arrays.

PyTorch's classes are recognised by their names, so that importing this imports no PyTorch.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from bpx import activations
from bpx.activations import Activation
from bpx.errors import InputError
from bpx.export.torch.activations import COUNTERPARTS
from bpx.interop.parts import Part, check_modules, inside, parts_of
from bpx.io.layers import called
from bpx.layers.batch_norm import BatchNorm
from bpx.layers.dense import Dense
from bpx.layers.dropout import Dropout
from bpx.layers.layer_norm import LayerNorm
from bpx.layers.residual import Residual

__all__ = ["Read", "read"]

_EXPECTED = (
    "expected Linear, each with an activation behind it or none (Sigmoid, Tanh, ReLU, "
    "LeakyReLU(0.01), ELU, Softplus, GELU('tanh'), SiLU, Softmax(-1)), Dropout, LayerNorm and "
    "BatchNorm1d, with a Flatten at most in front"
)


class Read(NamedTuple):
    """A layer, the tensors of each layer in it by field, and the part that it was read from."""

    layer: Any
    arrays: list[dict[str, Any]]
    part: Part


def read(module: Any, *, fold: bool = False) -> list[Read]:
    """Read the layers of a module, in the order in which they run.

    Parameters
    ----------
    module : torch.nn.Module
    fold : bool, optional
        Whether a ``BatchNorm1d`` behind a ``Linear`` goes into its weights and biases.

    Raises
    ------
    InputError
        If bpx has no such layer, or it computes something else than its parameters show; the
        message names the module and its place.
    """
    check_modules(module)
    parts = list(parts_of(Part("", module)))
    if parts and parts[0].kind == "Flatten" and _flattens(parts[0].module):
        del parts[0]
    for part in parts:
        if not _is_known(part):
            raise _refused(part)
    width = next(filter(None, map(_width, parts)), None)
    if width is None:
        raise InputError(f"a {type(module).__name__} without Linear was given; {_EXPECTED}")
    return list(_layers(parts, width, fold))


def _layers(parts: Sequence[Part], width: int, fold: bool) -> Iterator[Read]:
    """Yield the layers of modules, the first of which takes `width` numbers."""
    rest = deque(parts)
    while rest:
        part = rest.popleft()
        if part.kind == "Linear":
            norm = rest.popleft() if fold and rest and rest[0].kind == "BatchNorm1d" else None
            behind = rest.popleft() if rest and _is_activation(rest[0]) else None
            made = _dense(part, norm, behind)
        elif part.kind == "Residual":
            made = _residual(part, width, fold)
        elif part.kind in _READERS:
            made = _READERS[part.kind](part, width)
        else:
            raise _refused(part)
        yield made
        width = made.layer.n_out


def _dense(part: Part, norm: Part | None, behind: Part | None) -> Read:
    linear, sigma = part.module, activations.identity if behind is None else _sigma(behind)
    sizes = linear.in_features, linear.out_features
    layer = Dense(*sizes, sigma, bias=linear.bias is not None)
    arrays = _arrays(layer, part)
    if norm is None:
        return Read(layer, [arrays], part)
    if norm.module.num_features != layer.n_out:
        raise InputError(
            f"{norm} takes {norm.module.num_features} numbers, but is given {layer.n_out} by "
            f"{part}; expected num_features={layer.n_out}"
        )
    (averages,) = _batch_norm(norm, layer.n_out).arrays
    folded = _folded(arrays["w"], arrays.get("b", 0.0), norm.module.eps, **averages)
    return Read(replace(layer, bias=True), [folded], part)


def _folded(
    w: Any, b: Any, epsilon: float, gamma: Any, beta: Any, mean: Any, variance: Any
) -> dict[str, Any]:
    """Return the w and b of a Dense layer with a BatchNorm in them, as outside training."""
    scale = gamma / (variance + epsilon).sqrt()
    return {"w": scale[:, None] * w, "b": scale * (b - mean) + beta}


def _dropout(part: Part, width: int) -> Read:
    layer = _made(part, lambda: Dropout(width, part.module.p))
    return Read(layer, [{}], part)


def _layer_norm(part: Part, width: int) -> Read:
    norm = part.module
    if len(norm.normalized_shape) != 1 or norm.weight is None or norm.bias is None:
        raise InputError(
            f"{part} cannot be read; expected one over a single axis, with a weight and a "
            "bias: bpx.LayerNorm learns both"
        )
    layer = _made(part, lambda: LayerNorm(norm.normalized_shape[0], norm.eps))
    return Read(layer, [_arrays(layer, part)], part)


def _batch_norm(part: Part, width: int) -> Read:
    norm = part.module
    parts = norm.weight, norm.bias, norm.running_mean, norm.momentum
    if any(each is None for each in parts):
        raise InputError(
            f"{part} cannot be read; expected affine=True, track_running_stats=True and a "
            "number as momentum: bpx.BatchNorm learns a weight and a bias, and moves running "
            "averages by this number"
        )
    layer = _made(part, lambda: BatchNorm(norm.num_features, norm.momentum, norm.eps))
    return Read(layer, [_arrays(layer, part)], part)


def _residual(part: Part, width: int, fold: bool) -> Read:
    found = list(_layers(list(inside(part)), width, fold))
    layer = _made(part, lambda: Residual([each.layer for each in found]))
    return Read(layer, [arrays for each in found for arrays in each.arrays], part)


def _own_layer(part: Part, width: int) -> Read:
    layer = part.module.layer
    return Read(layer, [_arrays(layer, part)], part)


_READERS: dict[str, Callable[[Part, int], Read]] = {
    "Dropout": _dropout,
    "LayerNorm": _layer_norm,
    "BatchNorm1d": _batch_norm,
    "Layer": _own_layer,
}
"""The modules that are layers, besides ``Linear`` and blocks, by their classes' names."""


def _made(part: Part, make: Callable[[], Any]) -> Any:
    try:
        return make()
    except InputError as error:
        raise InputError(f"{part} cannot be read: {error}") from error


def _arrays(layer: Any, part: Part) -> dict[str, Any]:
    return {field: getattr(part.module, called(layer, field)) for field in layer.shapes}


_SIGMAS = {each.kind: each for each in COUNTERPARTS}


def _is_known(part: Part) -> bool:
    return part.kind in ("Linear", "Residual", *_READERS) or _is_activation(part)


def _is_activation(part: Part) -> bool:
    return part.kind in ("Sigma", *_SIGMAS)


def _sigma(part: Part) -> Activation:
    if part.kind == "Sigma":
        own: Activation = part.module.activation
        return own
    found = _SIGMAS[part.kind]
    if not found.fits(part.module):
        raise InputError(
            f"{part} is not bpx's activation {found.sigma.name!r}; expected {found.expected}"
        )
    return found.sigma


def _width(part: Part) -> int | None:
    """Return the number of inputs that a module takes, if it tells."""
    if part.kind == "Residual":
        return next(filter(None, map(_width, inside(part))), None)
    if part.kind == "Layer":
        own: int = part.module.layer.n_in
        return own
    shape = getattr(part.module, "normalized_shape", (None,))
    for name in ("in_features", "num_features"):
        shape = (getattr(part.module, name, shape[-1]),)
    width: int | None = shape[-1]
    return width


def _flattens(module: Any) -> bool:
    return (module.start_dim, module.end_dim) == (1, -1)


def _refused(part: Part) -> InputError:
    if _is_activation(part):
        return InputError(
            f"{part} does not follow a Linear, and an activation of bpx belongs to a Dense "
            "layer; expected it right behind the Linear, with a norm or a Dropout after it. "
            "With fold=True, a BatchNorm1d between the two goes into the Linear's weights"
        )
    if part.kind in ("LogSoftmax", "LogSigmoid"):
        plain = part.kind.removeprefix("Log").lower()
        return InputError(
            f"{part} gives logarithms, and bpx's cost takes them itself; remove it, and pass "
            f"output={plain!r}, cost='cross_entropy'"
        )
    if hasattr(part.module, "parametrizations"):
        return InputError(
            f"{part} computes its weights from others; expected plain ones: use "
            "torch.nn.utils.parametrize.remove_parametrizations, which keeps the present ones"
        )
    own = "" if part.kind else ", a class of your own: pass the Sequential that it calls"
    return InputError(f"bpx has no layer for {part}{own}; {_EXPECTED}")
