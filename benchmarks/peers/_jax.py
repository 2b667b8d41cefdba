"""JAX by hand: autograd, jit, and either `lax.scan` over the epoch or one call per step.

Arrays that change are donated, so that XLA may overwrite them. With one call per step, the host
passes the indices: on a CPU that is faster than a lookup in the epoch's order.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks.cases import MOMENTUM, Case, Problem
from benchmarks.peers import Answer, Outcome, Train

SIGMA = {
    "sigmoid": jax.nn.sigmoid,
    "relu": jax.nn.relu,
    "tanh": jnp.tanh,
    "softmax": jax.nn.softmax,
}


class Carry(NamedTuple):
    """The arrays that change: w then b, the optimizer's state, and the epoch's sums."""

    parameters: Any
    state: Any
    cost: Any
    hits: Any


def scan(problem: Problem) -> Train:
    """One compiled call per epoch."""

    @partial(jax.jit, donate_argnums=0)
    def epoch(carry: Carry, x: jax.Array, y: jax.Array, order: jax.Array) -> Carry:
        def one(carry: Carry, rows: jax.Array) -> tuple[Carry, None]:
            return _step(problem.case, carry, x, y, rows), None

        return lax.scan(one, carry, order)[0]

    put = _putter(problem)
    return _epochs(problem, lambda carry, x, y, order: epoch(carry, x, y, put(order)))


def per_step(problem: Problem) -> Train:
    """One compiled call per step."""

    step = jax.jit(partial(_step, problem.case), donate_argnums=0)

    def epoch(carry: Carry, x: jax.Array, y: jax.Array, order: np.ndarray) -> Carry:
        for rows in order:
            carry = step(carry, x, y, rows)
        return carry

    return _epochs(problem, epoch)


def answers(problem: Problem, batch: int) -> Answer:
    case, put = problem.case, _putter(problem)
    parameters, x = _parameters(problem, put), put(problem.x[:batch])
    outputs = jax.jit(lambda parameters, x: SIGMA[case.output](_logits(case, parameters, x)))
    return lambda: jax.block_until_ready(outputs(parameters, x))


def _epochs(problem: Problem, epoch: Callable[..., Carry]) -> Train:
    case, put, orders = problem.case, _putter(problem), problem.orders()
    x, y = put(problem.x), put(problem.y)
    parameters = _parameters(problem, put)
    zeros = put(np.zeros((), np.float32)), put(np.zeros((), np.int32))
    carry = Carry(parameters, _state(case, parameters), *zeros)

    def train() -> Outcome:
        nonlocal carry
        sums = [each + 0 for each in zeros]  # new ones: they are donated
        carry = epoch(Carry(*carry[:2], *sums), x, y, next(orders))
        return Outcome(float(carry.cost) / case.steps, int(carry.hits) / case.samples)

    return train


def _putter(problem: Problem) -> Callable[[Any], jax.Array]:
    """A function that brings host arrays to the problem's device."""
    device = jax.devices("gpu" if problem.device == "cuda" else "cpu")[0]
    return lambda host: jax.device_put(host, device)


def _parameters(problem: Problem, put: Callable[[Any], jax.Array]) -> list[jax.Array]:
    w, b = problem.parameters()
    return [put(each) for each in (*w, *b)]


def _state(case: Case, parameters: list[jax.Array]) -> tuple[Any, ...]:
    """The velocity, or Adam's count of steps and its two moments."""
    if case.optimizer == "sgd":
        return ()
    m, v = ([jnp.zeros_like(each) for each in parameters] for _ in range(2))
    if case.optimizer == "momentum":
        return (m,)
    return jnp.zeros_like(parameters[-1], shape=()), m, v


def _step(case: Case, carry: Carry, x: Any, y: Any, rows: Any) -> Carry:
    labels = y[rows]
    loss = partial(_loss, case, x=x[rows], labels=labels)
    (mean, outputs), gradients = jax.value_and_grad(loss, has_aux=True)(carry.parameters)
    update = UPDATE[case.optimizer]
    parameters, state = update(case.eta, carry.parameters, carry.state, gradients)
    answers = outputs[:, 0] > 0.0 if case.is_binary else jnp.argmax(outputs, axis=1)
    hits = jnp.sum(answers == labels, dtype=jnp.int32)
    return Carry(parameters, state, carry.cost + mean, carry.hits + hits)


def _loss(case: Case, parameters: Any, *, x: Any, labels: Any) -> tuple[Any, Any]:
    """The mean cost, and the outputs (before softmax, which keeps their order, or sigmoid)."""
    z = _logits(case, parameters, x)
    if case.is_binary:
        y = labels[:, None].astype(x.dtype)
        return jnp.mean(jnp.sum(jax.nn.softplus(z) - y * z, axis=1)), z
    y = jax.nn.one_hot(labels, case.sizes[-1], dtype=x.dtype)
    if case.cost == "cross_entropy":
        return -jnp.mean(jnp.sum(y * jax.nn.log_softmax(z), axis=1)), z
    a = SIGMA[case.output](z)
    return 0.5 * jnp.mean(jnp.sum((a - y) ** 2, axis=1)), a


def _logits(case: Case, parameters: Any, x: Any) -> Any:
    depth = len(case.sizes) - 1
    layers = list(zip(parameters[:depth], parameters[depth:], strict=True))
    for w, b in layers[:-1]:
        x = SIGMA[case.hidden](x @ w.T + b)
    w, b = layers[-1]
    return x @ w.T + b


def _sgd(eta, parameters, state, gradients):
    return jax.tree.map(lambda p, g: p - eta * g, parameters, gradients), state


def _momentum(eta, parameters, state, gradients, mu=MOMENTUM):
    velocity = jax.tree.map(lambda v, g: mu * v - eta * g, state[0], gradients)
    return jax.tree.map(jnp.add, parameters, velocity), (velocity,)


def _adam(eta, parameters, state, gradients, beta1=0.9, beta2=0.999, epsilon=1e-8):
    t, m, v = state
    t += 1.0
    m = jax.tree.map(lambda m, g: beta1 * m + (1.0 - beta1) * g, m, gradients)
    v = jax.tree.map(lambda v, g: beta2 * v + (1.0 - beta2) * g * g, v, gradients)
    rate, scale = eta / (1.0 - beta1**t), jnp.sqrt(1.0 - beta2**t)
    moved = jax.tree.map(
        lambda p, m, v: p - rate * m / (jnp.sqrt(v) / scale + epsilon), parameters, m, v
    )
    return moved, (t, m, v)


UPDATE = {"sgd": _sgd, "momentum": _momentum, "adam": _adam}
