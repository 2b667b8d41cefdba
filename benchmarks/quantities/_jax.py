"""JAX by hand: autograd, `vmap` and `jit` of a loss, in one compiled program."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.peers._jax import SIGMA
from benchmarks.quantities import Subject, Work, interleaved

__all__ = ["by_hand"]

Parameters = Any


def by_hand(key: str, subject: Subject) -> Work:
    """The gradient and the quantity."""
    problem = subject.problem
    case, put = problem.case, lambda tree: jax.tree.map(jnp.asarray, tree)
    p, x, y, v = (
        put(each) for each in (tuple(problem.parameters()), problem.x, problem.y, subject.v)
    )
    sigma = SIGMA[case.hidden]

    def logits(p: Parameters, x: jax.Array) -> jax.Array:
        a, (w, b) = x, p
        for w_l, b_l in zip(w[:-1], b[:-1], strict=True):
            a = sigma(a @ w_l.T + b_l)
        return a @ w[-1].T + b[-1]

    def one(p: Parameters, x: jax.Array, y: jax.Array) -> jax.Array:
        return -jax.nn.log_softmax(logits(p, x))[y]

    def loss(p: Parameters, x: jax.Array, y: jax.Array) -> jax.Array:
        return jnp.mean(jax.vmap(one, (None, 0, 0))(p, x, y))

    def each(p: Parameters, x: jax.Array, y: jax.Array) -> list[jax.Array]:
        found = jax.vmap(jax.grad(one), (None, 0, 0))(p, x, y)
        return [g.reshape(len(x), -1) for g in jax.tree.leaves(found)]

    def norms(p: Parameters, x: jax.Array, y: jax.Array, v: Any) -> Any:
        return jnp.sqrt(sum(jnp.sum(g * g, axis=1) for g in each(p, x, y)))

    def clipping(p: Parameters, x: jax.Array, y: jax.Array, v: Any) -> Any:
        rows = each(p, x, y)
        size = jnp.sqrt(sum(jnp.sum(g * g, axis=1) for g in rows))
        factors = jnp.minimum(subject.bound / size, 1.0)
        leaves, tree = jax.tree.flatten(p)
        sums = [(factors @ g).reshape(q.shape) for g, q in zip(rows, leaves, strict=True)]
        return jax.tree.unflatten(tree, sums)

    def products(p: Parameters, x: jax.Array, y: jax.Array, v: Any) -> Any:
        return sum(g @ g.T for g in each(p, x, y))

    def hessian(p: Parameters, x: jax.Array, y: jax.Array, v: Any) -> Any:
        return jax.jvp(jax.grad(lambda p: loss(p, x, y)), (p,), (v,))

    def ggn(p: Parameters, x: jax.Array, y: jax.Array, v: Any) -> Any:
        z, rz = jax.jvp(lambda p: logits(p, x), (p,), (v,))
        a = jax.nn.softmax(z)
        error = a * (rz - jnp.sum(a * rz, axis=1, keepdims=True)) / len(x)
        found = jax.vjp(lambda p: logits(p, x), p)[1](error)[0]
        return jax.grad(loss)(p, x, y), found

    tell = {
        "norms": norms,
        "clipping": clipping,
        "products": products,
        "hessian": hessian,
        "ggn": ggn,
    }[key]
    plain = _compiled(lambda p, x, y, v: jax.value_and_grad(loss)(p, x, y), p, x, y, v)
    read = _last_tree if key in ("hessian", "ggn") else _tree if key == "clipping" else _array
    return Work(plain, _compiled(tell, p, x, y, v), read)


def _compiled(function: Callable[..., Any], *given: Any) -> Callable[[], Any]:
    run = jax.jit(function)
    return lambda: jax.block_until_ready(run(*given))


def _array(found: Any) -> list[np.ndarray]:
    return [np.asarray(found)]


def _tree(found: Any) -> list[np.ndarray]:
    return interleaved(found)


def _last_tree(found: Any) -> list[np.ndarray]:
    return interleaved(found[-1])
