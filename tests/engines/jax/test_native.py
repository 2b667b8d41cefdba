"""A recorded step in JAX's own calls."""

import numpy as np
import pytest

import bpx
from bpx.program.contract import eager, index, leaves
from bpx.training.step import Data, TrainingStep
from tests.programs import training

jax = pytest.importorskip("jax")
jnp = jax.numpy

from bpx_backends._jax import scan  # noqa: E402
from bpx_backends.engines.jax.native import native  # noqa: E402


def problem(**settings):
    """A step of the book on JAX, float32, and 7 batches."""
    step, state, data, rows = training((6, 5, 4), 3, bpx.SGD(0.5), **settings)
    state, data = jax.tree.map(jnp.asarray, (state, data))
    return step, state, data, jnp.stack([jnp.asarray((rows + i) % 50) for i in range(7)])


def traced(step, state, data, rows):
    """How often the step uses some of JAX's primitives."""
    text = str(jax.make_jaxpr(step)(state, data, index(rows, 0)))
    return {name: text.count(f" {name}") for name in ("logistic", "tanh", "gather")}


def test_the_sigmoid_is_jaxs_own():
    step, state, data, rows = problem()
    made = native(step, state, data, index(rows, 0))
    assert traced(made, state, data, rows) == {"logistic": 2, "tanh": 0, "gather": 2}
    assert traced(step, state, data, rows) == {"logistic": 0, "tanh": 2, "gather": 2}


def test_rows_are_gathered_without_a_look_at_their_range():
    step, state, data, rows = problem()
    made = native(step, state, data, index(rows, 0))
    for each, mode in ((made, "PROMISE_IN_BOUNDS"), (step, "FILL_OR_DROP")):
        text = str(jax.make_jaxpr(each)(state, data, index(rows, 0)))
        assert text.count(f"GatherScatterMode.{mode}") == 2


@pytest.mark.parametrize("hidden", ["sigmoid", "relu", "gelu_tanh"])
def test_it_comes_to_the_same(hidden):
    step, *arrays = problem(hidden=hidden)
    agree(step, *arrays)


def agree(step, state, data, rows):
    ours, theirs = (run(step, state, data, rows, 1, 6) for run in (scan, eager))
    for one, other in zip(leaves(ours), leaves(theirs), strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-5, atol=1e-6)


def swish(z):
    return z * jax.nn.sigmoid(z)


def swish_prime(z, a):
    return jax.vmap(jax.vmap(jax.grad(swish)))(z)


def test_a_part_that_calls_jax_is_traced_as_it_is():
    _, state, data, rows = problem()
    hidden = bpx.Elementwise("my swish", swish, swish_prime)
    spec = bpx.Network((6, 5, 4), hidden=hidden, seed=0, backend="numpy").spec
    step = TrainingStep(spec, bpx.SGD(0.5).update, "argmax")
    assert native(step, state, data, index(rows, 0)) is step
    agree(step, state, data, rows)


def test_a_dtype_that_programs_lack_is_traced_as_it_is():
    step, state, data, rows = problem()
    state = jax.tree.map(lambda x: x.astype(jnp.float8_e5m2), state)
    data = Data(data.x.astype(jnp.float8_e5m2), data.y)
    assert native(step, state, data, index(rows, 0)) is step
