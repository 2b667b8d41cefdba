"""A network as a pure function for JAX, whose gradients are bpx's own BP1 to BP4.

``jax.custom_vjp`` calls `_back` for the gradients of the outputs: from g = dL/da^L, the loss's
gradient, follow every delta by BP1 and BP2, the gradients by BP3 and BP4 with row weights of
1, and dL/dx by BP2 down to a^0.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from bpx.arrays.choice import Dtype
from bpx.arrays.transfer import asarray
from bpx.errors import InputError
from bpx.layers.layer import Context
from bpx.model.averages import averaged
from bpx.model.expected import check_inputs
from bpx.model.parameters import Parameters
from bpx.model.passes import learned, sent_back, to_inputs
from bpx.model.run import Run, layer_by_layer
from bpx.model.spec import Spec
from bpx.random import fold_in

__all__ = ["function", "on_jax"]


def on_jax(parameters: Parameters, dtype: Dtype) -> Parameters:
    """Return the parameters as arrays of JAX; those that are such already are not copied."""
    arrays = [
        x if x is None or isinstance(x, jax.Array) else asarray(x, "jax", dtype=dtype)
        for _, x in parameters.branches()
    ]
    return parameters.grown(arrays)


def function(spec: Spec, *, training: bool) -> Callable[..., Any]:
    """Make the function of `Network.jax_function`."""
    spec = spec.by_transpose()

    def apply(params: Parameters, x: Any) -> Any:
        """Compute a^L, shape (..., k_L), of x, shape (..., k_0)."""
        a, _ = _computed(spec, params, x, None)
        return a

    def apply_in_training(params: Parameters, x: Any, key: Any) -> tuple[Any, Parameters]:
        """Compute a^L as in training; return it, and the parameters with new averages."""
        a, moved = _computed(spec, params, x, _words(key))
        return a, jax.lax.stop_gradient(moved)

    return apply_in_training if training else apply


def _words(key: Any) -> Any:
    """Draw the random words of one call."""
    try:
        bits = jax.random.bits(key, (2,), "uint32")
    except (TypeError, ValueError) as error:
        raise InputError(
            f"key={key!r} was given; expected one key of JAX, such as jax.random.key(0), and "
            "another in each step: see jax.random.split"
        ) from error
    return jax.lax.bitcast_convert_type(bits, "int32")


def _computed(spec: Spec, params: Parameters, x: Any, words: Any) -> tuple[Any, Parameters]:
    params, x = jax.tree.map(jnp.asarray, params), jnp.asarray(x)  # host arrays, too
    rows = x if x.ndim == 0 else x.reshape(-1, x.shape[-1])
    averaging = words is not None and any(hasattr(each, "averaged") for each in spec.layers)
    check_inputs(spec, params, rows, least=int(averaging))
    a, moved = _passed(spec, params, rows, words)
    return a.reshape(*x.shape[:-1], a.shape[-1]), moved


def _saved(
    spec: Spec, params: Parameters, x: Any, words: Any
) -> tuple[tuple[Any, ...], Parameters]:
    """Return what the layers save, and the parameters with the averages after this pass."""
    contexts = partial(_context, spec, words)
    layers = tuple(layer_by_layer(spec, params, x, contexts))
    return layers, params if words is None else averaged(spec, params, params, layers)


def _context(spec: Spec, words: Any, i: int) -> Context:
    """The context of ``layers[i]``: in training if there are random words."""
    if words is None:
        return Context()
    key = fold_in(words, i) if spec.layers[i].draws else None
    return Context(True, key, jnp.zeros(1, "int32"))


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _passed(spec: Spec, params: Parameters, x: Any, words: Any) -> tuple[Any, Parameters]:
    layers, moved = _saved(spec, params, x, words)
    return layers[-1].a, moved


def _forth(spec: Spec, params: Parameters, x: Any, words: Any) -> tuple[Any, Any]:
    layers, moved = _saved(spec, params, x, words)
    return (layers[-1].a, moved), (params, layers)


def _back(spec: Spec, kept: Any, cotangents: Any) -> tuple[Parameters, Any, None]:
    (params, layers), (g, _) = kept, cotangents
    run = Run(spec, params, layers)
    deltas = sent_back(run, spec.output.pullback(layers[-1].z, layers[-1].a, g))
    found = learned(run, 1.0, deltas)
    pairs = zip(params.branches(), found.branches(), strict=True)
    # Averages are not learned: their gradient is 0.
    filled = [w if w is None else _or_zeros(dw, w) for (_, w), (_, dw) in pairs]
    return params.grown(filled), to_inputs(run, deltas), None


def _or_zeros(dw: Any, w: Any) -> Any:
    return jnp.zeros_like(w) if dw is None else dw


_passed.defvjp(_forth, _back)
