"""bpx's pure functions: plain calls on NumPy and PyTorch, one compiled program on JAX."""

import sys
from collections.abc import Callable
from functools import partial
from math import prod
from typing import Any, NamedTuple

import numpy as np

import bpx
from benchmarks.cases import network
from benchmarks.quantities import Subject, Work, split_gauge
from bpx import inspect
from bpx.model.parameters import Parameters
from bpx.model.spec import Spec
from bpx.model.trace import Trace
from bpx.privacy.sources import normals, random_bytes
from bpx.program.contract import leaves

__all__ = ["on_jax", "on_numpy", "on_torch"]


class Given(NamedTuple):
    """The arguments that JAX traces: their values are unknown when the program is compiled."""

    parameters: Parameters
    x: Any
    y: Any
    v: Parameters
    seed: Any


def _plain(spec: Spec, bound: float, given: Given) -> Any:
    trace = bpx.backprop(spec, given.parameters, given.x, given.y)
    return trace.cost, trace.gradients


def _beside(tell: Callable[[Spec, Trace, Given], Any]) -> Callable[..., Any]:
    """The gradient, and the result of `tell` for the trace."""

    def telling(spec: Spec, bound: float, given: Given) -> Any:
        trace = bpx.backprop(spec, given.parameters, given.x, given.y)
        return trace.cost, trace.gradients, tell(spec, trace, given)

    return telling


def _of_trace(function: Callable[..., Any]) -> Callable[..., Any]:
    return _beside(lambda spec, trace, given: function(trace))


def _of_targets(function: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    def tell(spec: Spec, trace: Trace, given: Given) -> Any:
        return function(spec, given.parameters, trace, given.y, seed=given.seed, **options)

    return _beside(tell)


def _along(function: Callable[..., Any]) -> Callable[..., Any]:
    return _beside(
        lambda spec, trace, given: function(spec, given.parameters, trace, given.y, given.v)
    )


def _clipping(spec: Spec, bound: float, given: Given) -> Any:
    """The clipped gradients instead of the others: BP3 and BP4 once."""
    about = spec, given.parameters, given.x, given.y
    trace = bpx.privacy.clipped_backprop(*about, bound, r=1.0)
    return trace.cost, trace.gradients


def _ntk(spec: Spec, trace: Trace, given: Given) -> Any:
    return inspect.neural_tangent_kernel(spec, given.parameters, trace, outputs="mean")


TELLING = {
    "clipping": _clipping,
    "private": _clipping,
    "norms": _of_trace(inspect.gradient_norms),
    "products": _of_trace(inspect.inner_products),
    "moments": _of_trace(lambda trace: inspect.moments(trace, mean=trace.gradients)),
    "kfac-labels": _of_targets(inspect.kfac, kind="empirical"),
    "kfac-drawn": _of_targets(inspect.kfac, kind="monte_carlo"),
    "kfac-exact": _of_targets(inspect.kfac, kind="exact"),
    "diagonal-drawn": _of_targets(inspect.ggn_diagonal, samples=1),
    "diagonal-exact": _of_targets(inspect.ggn_diagonal),
    "hessian": _along(inspect.hessian_vector_product),
    "ggn": _along(inspect.ggn_vector_product),
    "ntk": _beside(_ntk),
}


def _work(backend: str, key: str, subject: Subject) -> Work:
    problem = subject.problem
    net = network(problem.case, problem.seed, backend)
    home = partial(bpx.move_to, like=net.weights[0])
    v = Parameters.dense(*(tuple(map(home, group)) for group in subject.v))
    seed = home(np.zeros(2, np.int32))
    given = Given(net.parameters, home(problem.x), home(problem.y), v, seed)
    run = partial(_run, backend, net.spec, subject.bound, given)
    plain, telling = run(_plain), run(TELLING[key])
    if key == "private":
        return Work(plain, lambda: _noisy(telling()[-1], home), lambda found: [])
    return Work(plain, telling, partial(_read, key))


on_numpy = partial(_work, "numpy")
on_torch = partial(_work, "torch:cpu")
on_jax = partial(_work, "jax:cpu")


def _noisy(summed: Any, home: Callable[[Any], Any]) -> Any:
    """With noise from the operating system's source, drawn on the host."""
    numbers = [prod(each.shape) for each in leaves(summed)]
    noise = normals(sum(numbers), random_bytes(None, "noise", 1)).astype(np.float32)
    parts = iter(np.split(noise, np.cumsum(numbers)[:-1]))
    noisy = [each + home(next(parts).reshape(each.shape)) for each in leaves(summed)]
    return _finished(noisy)


def _run(
    backend: str, spec: Spec, bound: float, given: Given, function: Callable[..., Any]
) -> Callable[[], Any]:
    if not backend.startswith("jax"):
        return lambda: function(spec, bound, given)
    import jax

    compiled = jax.jit(function, static_argnums=(0, 1))
    return lambda: _finished(compiled(spec, bound, given))


def _finished(arrays: Any) -> Any:
    """Wait until the results are computed: JAX's functions return earlier."""
    return sys.modules["jax"].block_until_ready(arrays) if "jax" in sys.modules else arrays


def _read(key: str, found: Any) -> Any:
    told = found[-1]
    if key in ("norms", "products", "ntk"):
        return [bpx.to_host(told)]
    if key.startswith("kfac"):
        A, G = (map(bpx.to_host, each) for each in told)
        return split_gauge([a[:-1, :-1] for a in A], G)
    groups = told.second if key == "moments" else told
    return [np.asarray(bpx.to_host(each)) for entry in groups.layers for each in entry]
