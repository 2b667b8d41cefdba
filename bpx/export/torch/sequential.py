"""A network as a ``torch.nn.Sequential`` of PyTorch's own modules, and back to its arrays.

The modules stand at the places that `Network.save` counts: a `Dense` layer is a ``Linear`` and
an activation, any other layer one module. A residual block is one module that holds its own.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import nn

from bpx.activations import Activation, identity
from bpx.arrays.registry import backend_of, describe
from bpx.arrays.transfer import asarray
from bpx.errors import InputError
from bpx.export.torch.activations import COUNTERPARTS
from bpx.export.torch.modules import Layer, Residual, Sigma, entry_of
from bpx.io.layers import called
from bpx.layers.batch_norm import BatchNorm
from bpx.layers.dense import Dense
from bpx.layers.dropout import Dropout
from bpx.layers.layer_norm import LayerNorm
from bpx.layers.residual import Add
from bpx.model.parameters import Parameters
from bpx.model.spec import Spec

__all__ = ["arrays_of", "modules_of", "sequential"]

_Arrays = dict[str, torch.Tensor]
_KINDS = {each.sigma: each for each in COUNTERPARTS}


def sequential(spec: Spec, parameters: Parameters, *, share: bool = False) -> nn.Sequential:
    """Make the modules of a network: see `Network.to_torch`."""
    entries = [_tensors(entry, share) for entry in parameters.layers]
    return nn.Sequential(*_nested(spec.layers, entries))


def modules_of(spec: Spec, module: nn.Module) -> Iterator[tuple[Any, nn.Module | None]]:
    """Yield each layer with the module of its arrays and its mode; None for an `Add`."""
    each = _inside(module)
    for layer in spec.layers:
        yield layer, None if isinstance(layer, Add) else next(each)
        if type(layer) is Dense:
            next(each)  # its activation


def arrays_of(spec: Spec, module: nn.Module) -> Parameters:
    """The parameters of a network, as they are in its modules."""
    pairs = modules_of(spec, module)
    return Parameters(entry_of(*pair) if pair[0].shapes else () for pair in pairs)


def _inside(module: nn.Module) -> Iterator[nn.Module]:
    for child in module.children():
        if isinstance(child, Residual):
            yield from _inside(child)
        else:
            yield child


def _nested(layers: Sequence[Any], entries: Sequence[_Arrays]) -> list[nn.Module]:
    """Return the modules of layers, with each residual block as one of them."""
    made: list[tuple[int, nn.Module]] = []  # with the layer at which each begins
    for i, (layer, entry) in enumerate(zip(layers, entries, strict=True)):
        if not isinstance(layer, Add):
            made += [(i, module) for module in _modules(layer, entry)]
            continue
        begin = i - layer.over
        block = [module for first, module in made if first >= begin]
        made = [pair for pair in made if pair[0] <= begin]
        _check_nested(layer, begin, made)
        made = [*(pair for pair in made if pair[0] < begin), (begin, Residual(*block))]
    return [module for _, module in made]


def _check_nested(layer: Add, begin: int, made: Sequence[tuple[int, nn.Module]]) -> None:
    if not made or made[-1][0] != begin:
        raise InputError(
            f"{layer!r} begins inside another residual block and ends outside it, which no "
            "module can; expected blocks that lie in one another or apart, as bpx.Residual "
            "makes them"
        )


def _modules(layer: Any, entry: _Arrays) -> list[nn.Module]:
    if type(layer) is Dense:
        return [_linear(layer, entry), _sigma(layer.activation)]
    make = _MAKERS.get(type(layer))
    return [make(layer, entry) if make else Layer(layer, entry)]


def _sigma(activation: Activation) -> nn.Module:
    if activation == identity:
        return nn.Identity()
    if activation not in _KINDS:
        return Sigma(activation)
    module: nn.Module = getattr(nn, _KINDS[activation].kind)(**_KINDS[activation].arguments)
    return module


def _linear(layer: Dense, entry: _Arrays) -> nn.Module:
    return _filled(nn.Linear(layer.n_in, layer.n_out, layer.bias, device="meta"), layer, entry)


def _layer_norm(layer: LayerNorm, entry: _Arrays) -> nn.Module:
    return _filled(nn.LayerNorm(layer.width, layer.epsilon, device="meta"), layer, entry)


def _batch_norm(layer: BatchNorm, entry: _Arrays) -> nn.Module:
    numbers = layer.width, layer.epsilon, layer.momentum
    norm = _filled(nn.BatchNorm1d(*numbers, device="meta"), layer, entry)
    count = torch.zeros((), dtype=torch.long, device=entry["mean"].device)
    norm.num_batches_tracked = count
    return norm


def _dropout(layer: Dropout, entry: _Arrays) -> nn.Module:
    return nn.Dropout(layer.rate)


def _filled(module: nn.Module, layer: Any, entry: _Arrays) -> nn.Module:
    """Put a layer's arrays into a module, made on PyTorch's device for shapes alone."""
    for field, array in entry.items():
        name = called(layer, field)
        is_parameter = name in dict(module.named_parameters())
        setattr(module, name, nn.Parameter(array) if is_parameter else array)
    return module


_MAKERS: dict[type, Callable[[Any, _Arrays], nn.Module]] = {
    LayerNorm: _layer_norm,
    BatchNorm: _batch_norm,
    Dropout: _dropout,
}
"""The layers for which PyTorch has a module; a `Layer` is made of any other."""


def _tensors(entry: Any, share: bool) -> _Arrays:
    fields = ((field, getattr(entry, field)) for field in getattr(entry, "_fields", ()))
    return {field: _tensor(x, share) for field, x in fields if x is not None}


def _tensor(x: Any, share: bool) -> torch.Tensor:
    if share and getattr(backend_of(x), "immutable", False):
        raise InputError(
            f"share=True was given, but the network's arrays are {describe(x)}, which nobody "
            "may write: omit share"
        )
    tensor: torch.Tensor = asarray(x, f"torch:{_device(x)}", copy=not share)
    return tensor.detach()


def _device(x: Any) -> str:
    """PyTorch's name of the device of an array of any library."""
    if isinstance(x, torch.Tensor):
        return str(x.device)
    kind, number = x.__dlpack_device__() if hasattr(x, "__dlpack_device__") else (0, 0)
    return f"cuda:{number}" if int(kind) == _CUDA and torch.cuda.is_available() else "cpu"


_CUDA = 2  # DLPack's kDLCUDA
