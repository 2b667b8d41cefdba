"""A network as a PyTorch module whose gradients are bpx's own BP1 to BP4.

PyTorch's autograd calls `_Equations` for the gradients of the outputs with respect to the
inputs and the parameters: from g = dL/da^L, the loss's gradient, follow every delta by BP1 and
BP2, the gradients by BP3 and BP4 with row weights of 1, and dL/dx by BP2 down to a^0.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import nn

from bpx.arrays.choice import DTYPES
from bpx.arrays.registry import describe, dtype_name
from bpx.errors import InputError, MixedArraysError
from bpx.export.torch.modules import averages, context, move_averages
from bpx.export.torch.sequential import arrays_of, modules_of
from bpx.layers.layer import Context
from bpx.model.expected import check_inputs
from bpx.model.parameters import Parameters
from bpx.model.passes import learned, sent_back, to_inputs
from bpx.model.run import Run, layer_by_layer
from bpx.model.spec import Spec
from bpx.program.contract import growing, leaves

__all__ = ["Equations"]


class Equations(nn.Module):
    """A network's equations as a layer of a PyTorch model: see `Network.torch_module`.

    It holds the modules of `Network.to_torch`, under the same names, for their parameters,
    buffers and modes, and computes with bpx.
    """

    def __init__(self, spec: Spec, modules: nn.Sequential) -> None:
        super().__init__()
        self.spec = spec.by_transpose()
        for name, module in modules.named_children():
            self.add_module(name, module)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Compute a^L, (..., k_L), of x, (..., k_0); all axes but the last are of samples."""
        parameters = arrays_of(self.spec, self)
        rows = _as_rows(x, parameters.like)
        averaging = any(told and hasattr(each, "averaged") for each, told in self._modes())
        check_inputs(self.spec, parameters, rows, least=int(averaging))
        contexts = [context(*pair, rows) for pair in self._modes()]
        passing = _Passes(self.spec, contexts, growing(parameters))
        # Averages are copied: this call moves them, and autograd keeps what it was given.
        tensors = (p if isinstance(p, nn.Parameter) else p.clone() for p in leaves(parameters))
        a, *moved = _Equations.apply(passing, rows, *tensors)
        self._move(contexts, iter(moved))
        return a.reshape(*x.shape[:-1], a.shape[-1])

    def _modes(self) -> Iterator[tuple[Any, bool]]:
        """Yield each layer, and whether its own module is in training."""
        for layer, module in modules_of(self.spec, self):
            yield layer, self.training if module is None else module.training

    def _move(self, contexts: list[Context], moved: Iterator[torch.Tensor]) -> None:
        for each, (layer, module) in zip(contexts, modules_of(self.spec, self), strict=True):
            if each.training and module is not None:
                move_averages(layer, module, moved)


class _Passes(NamedTuple):
    """What both passes of one call need, besides tensors."""

    spec: Spec
    contexts: list[Context]
    grown: Callable[[Iterator[torch.Tensor]], Parameters]

    def forward(
        self, parameters: Parameters, x: torch.Tensor
    ) -> tuple[tuple[Any, ...], list[torch.Tensor]]:
        """Return what the layers save, and what they average."""
        each = self.contexts.__getitem__
        layers = tuple(layer_by_layer(self.spec, parameters, x, each))
        moved: list[torch.Tensor] = []
        parts = zip(self.spec.layers, parameters.layers, layers, self.contexts, strict=True)
        for layer, entry, saved, told in parts:
            moved += averages(layer, entry, saved) if told.training else ()
        return layers, moved

    def backward(
        self, run: Run, g: torch.Tensor, needs_dx: bool
    ) -> tuple[torch.Tensor | None, list[torch.Tensor]]:
        """Return dL/dx, and the gradients of the parameters in their order, from g = dL/da."""
        output = run.layers[-1]
        deltas = sent_back(run, self.spec.output.pullback(output.z, output.a, g))
        pairs = zip(
            run.parameters.branches(), learned(run, 1.0, deltas).branches(), strict=True
        )
        found = [dw for (_, w), (_, dw) in pairs if w is not None]
        return to_inputs(run, deltas) if needs_dx else None, found


class _Equations(torch.autograd.Function):
    """The two passes as one function of the inputs and the parameters."""

    @staticmethod
    def forward(ctx: Any, passes: _Passes, x: torch.Tensor, *tensors: torch.Tensor) -> Any:
        parameters = passes.grown(iter(tensors))
        with torch.autocast(x.device.type, enabled=False):
            layers, moved = passes.forward(parameters, x)
        ctx.passes, ctx.count, ctx.grown = passes, len(tensors), growing(layers)
        ctx.save_for_backward(*tensors, *leaves(layers))
        ctx.mark_non_differentiable(*moved)
        # A copy, which the caller may write to, as ReLU(inplace=True) does: backward needs a.
        return layers[-1].a.clone(), *moved

    @staticmethod
    def backward(ctx: Any, g: torch.Tensor, *_: torch.Tensor) -> Any:
        saved = ctx.saved_tensors
        tensors, kept = saved[: ctx.count], saved[ctx.count :]
        with torch.no_grad():
            parameters, layers = ctx.passes.grown(iter(tensors)), ctx.grown(iter(kept))
            run = Run(ctx.passes.spec, parameters, layers)
            dx, found = ctx.passes.backward(run, g, ctx.needs_input_grad[1])
        if torch.is_grad_enabled():  # create_graph=True: somebody may differentiate these
            dx, *found = _Once.apply(1 + len(found), dx, *found, g, *saved)
        return None, dx, *found


class _Once(torch.autograd.Function):
    """Gradients that cannot be differentiated again, and say so."""

    @staticmethod
    def forward(ctx: Any, count: int, *tensors: torch.Tensor | None) -> Any:
        return tuple(x if x is None else x.view_as(x) for x in tensors[:count])

    @staticmethod
    def backward(ctx: Any, *_: torch.Tensor) -> Any:
        raise InputError(
            "a gradient that torch_module() computed was differentiated again, but BP1 to BP4 "
            "give first derivatives alone; use net.to_torch(), which PyTorch differentiates as "
            "often as you like, or bpx.inspect.hessian_vector_product"
        )


def _as_rows(x: Any, like: torch.Tensor) -> torch.Tensor:
    """Return the samples of x as rows; under autocast in the dtype of the parameters."""
    if not isinstance(x, torch.Tensor):
        raise MixedArraysError(f"x is {describe(x)}; expected a tensor: torch.as_tensor(x)")
    if x.device != like.device:
        todo = f"x.to({str(like.device)!r}), or module.to({str(x.device)!r})"
        raise _mixed(x, like, f"one device: {todo}")
    if torch.is_autocast_enabled(x.device.type):
        x = x.to(like.dtype)
    if x.dtype != like.dtype:
        other = f", or module.to({x.dtype})" if dtype_name(x) in DTYPES else ""
        raise _mixed(x, like, f"one dtype: x.to({like.dtype}){other}")
    if x.ndim == 0:
        return x  # which `check_inputs` refuses
    return x[None] if x.ndim == 1 else x.flatten(0, -2)


def _mixed(x: torch.Tensor, like: torch.Tensor, expected: str) -> MixedArraysError:
    return MixedArraysError(
        f"x is {describe(x)}, but the module's parameters are {describe(like)}; expected "
        f"{expected}"
    )
