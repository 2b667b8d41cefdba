"""JAX by hand: autograd, jit, and either `lax.scan` over the epoch or one call a step."""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from benchmarks.cases import Case, Problem
from benchmarks.peers import Outcome, Train

SIGMA = {"sigmoid": jax.nn.sigmoid, "relu": jax.nn.relu}


def scan(problem: Problem) -> Train:
    """One compiled call an epoch."""
    orders, (x, y, carry) = problem.orders(), _arrays(problem)
    epoch = jax.jit(
        lambda carry, x, y, rows: lax.scan(
            lambda carry, row: (_step(problem.case, carry, x, y, row), None), carry, rows
        )[0]
    )

    def train() -> Outcome:
        nonlocal carry
        carry = epoch(_zeroed(carry), x, y, jnp.asarray(next(orders)))
        return _outcome(problem.case, carry)

    return train


def per_step(problem: Problem) -> Train:
    """One compiled call a step."""
    orders, (x, y, carry) = problem.orders(), _arrays(problem)
    step = jax.jit(partial(_step, problem.case))

    def train() -> Outcome:
        nonlocal carry
        carry = _zeroed(carry)
        for rows in next(orders):
            carry = step(carry, x, y, rows)
        return _outcome(problem.case, carry)

    return train


def _arrays(problem: Problem):
    """The data, and what changes: parameters, optimizer state, cost and hits."""
    parameters = [jnp.asarray(each) for each in (*problem.w, *problem.b)]
    zeros = [jnp.zeros_like(each) for each in parameters]
    t = jnp.zeros((), jnp.float32)
    state = (t, zeros, zeros) if problem.case.optimizer == "adam" else ()
    return jnp.asarray(problem.x), jnp.asarray(problem.y), _zeroed((parameters, state))


def _step(case: Case, carry, x, y, rows):
    parameters, state, cost, hits = carry
    labels = y[rows]
    loss = partial(_loss, case, x=x[rows], labels=labels)
    (mean, outputs), gradients = jax.value_and_grad(loss, has_aux=True)(parameters)
    parameters, state = UPDATE[case.optimizer](case.eta, parameters, state, gradients)
    hits += jnp.sum(jnp.argmax(outputs, axis=1) == labels, dtype=jnp.int32)
    return parameters, state, cost + mean, hits


def _loss(case: Case, parameters, *, x, labels):
    """The mean cost, and the outputs (after softmax, their logits)."""
    depth = len(case.sizes) - 1
    a = x
    for i, (w, b) in enumerate(zip(parameters[:depth], parameters[depth:], strict=True)):
        z = a @ w.T + b
        a = SIGMA[case.hidden](z) if i < depth - 1 else z
    y = jax.nn.one_hot(labels, case.sizes[-1], dtype=x.dtype)
    if case.cost == "cross_entropy":
        return -jnp.mean(jnp.sum(y * jax.nn.log_softmax(a), axis=1)), a
    a = SIGMA[case.output](a)
    return 0.5 * jnp.mean(jnp.sum((a - y) ** 2, axis=1)), a


def _sgd(eta, parameters, state, gradients):
    return jax.tree.map(lambda p, g: p - eta * g, parameters, gradients), state


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


UPDATE = {"sgd": _sgd, "adam": _adam}


def _zeroed(carry):
    """The same, its sums at zero for a new epoch."""
    return (*carry[:2], jnp.zeros((), jnp.float32), jnp.zeros((), jnp.int32))


def _outcome(case: Case, carry) -> Outcome:
    return Outcome(float(carry[2]) / case.steps, int(carry[3]) / case.samples)
