"""JAX as a backend: what its 64-bit mode changes, what is compiled, and what is not."""

import logging
import re

import numpy as np
import pytest

import bpx
from bpx.program.contract import eager, leaves
from tests.programs import training

jax = pytest.importorskip("jax")
jnp = jax.numpy

from bpx_backends import _jax  # noqa: E402

CPU = jax.devices("cpu")[0]


@pytest.fixture
def narrow():
    """JAX as it is by default: without 64 bits."""
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", False)
    yield
    jax.config.update("jax_enable_x64", before)


def test_devices_have_a_number_each():
    assert "cpu:0" in _jax.devices()
    assert _jax.device("cpu") == _jax.device("cpu:0") == CPU


def test_a_tracer_is_nowhere_yet():
    seen = []
    jax.jit(lambda x: seen.append(_jax.device_of(x)) or x)(jnp.ones(1))
    assert seen == [None]
    assert _jax.device_of(jax.device_put(jnp.ones(1), CPU)) == CPU


@pytest.mark.usefixtures("narrow")
def test_without_64_bits_float64_is_refused():
    with pytest.raises(ValueError, match="JAX_ENABLE_X64=1"):
        _jax.check_dtype("float64")
    _jax.check_dtype("float32")


@pytest.mark.usefixtures("narrow")
def test_without_64_bits_no_number_is_changed_unsaid():
    fits = _jax.asarray(np.array([3, -1]), "int64", CPU)
    np.testing.assert_array_equal(fits, [3, -1])
    with pytest.raises(OverflowError, match="64-bit mode"):
        _jax.asarray(np.array([2**40]), "int64", CPU)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_the_copy_that_is_made_is_not_copied_again(dtype, monkeypatch):
    made = []
    aligned = _jax.aligned
    monkeypatch.setattr(_jax, "aligned", lambda *a: made.append(aligned(*a)) or made[-1])
    arrived = _jax.asarray(np.ones((300, 700), "uint8"), dtype, CPU)
    assert arrived.unsafe_buffer_pointer() == made[0].ctypes.data
    np.testing.assert_array_equal(np.asarray(arrived), 1)


def test_an_array_arrives_in_memory_of_its_own():
    x = np.zeros((2, 3), "float32")
    arrived = _jax.asarray(x.T, "float32", CPU)
    x[...] = 1.0
    assert not np.asarray(arrived).any()
    assert (arrived.shape, arrived.dtype) == ((3, 2), jnp.float32)


def test_bfloat16_comes_to_the_host_as_float32():
    found = _jax.to_host(jnp.asarray([1.5, -2.0], jnp.bfloat16))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, [1.5, -2.0])


def brought(step, state, data, rows, steps=5):
    state, data = jax.tree.map(jnp.asarray, (state, data))
    return step, state, data, jnp.stack([jnp.asarray((rows + i) % 50) for i in range(steps)])


@pytest.mark.parametrize(("large", "over"), [(1, True), (1 << 22, False)])
def test_a_donated_state_is_written_over_where_it_is_large(monkeypatch, large, over):
    monkeypatch.setattr(_jax, "LARGE", large)
    step, state, data, rows = brought(*training((3, 2), 2, bpx.SGD(0.5)))
    expected = eager(step, state, data, rows, 0, 5)
    first = _jax.scan(step, state, data, rows, 0, 2)
    found = _jax.scan(step, first, data, rows, 2, 5, True)
    for one, other in zip(leaves(found), leaves(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-5, atol=1e-6)
    assert first.parameters.w[0].is_deleted() == over
    assert not state.parameters.w[0].is_deleted()


def trip_counts(known, *arguments):
    """What the compiler knows of how often loops are run."""
    compiled = _jax._run.lower(arguments[0], known, *arguments[1:]).compile()
    return re.findall(r'known_trip_count":{"n":"(\d+)"', compiled.as_text())


def test_the_compiler_knows_how_long_a_loop_of_known_length_is():
    arguments = (*brought(*training((3, 2), 2, bpx.SGD(0.5))), 0, 5)
    assert trip_counts(0, *arguments) == []
    assert trip_counts(4, *arguments) == ["4"]


@pytest.mark.parametrize("large", [1, 1 << 22])
def test_on_a_gpu_loops_are_of_known_length_and_two_programs_do(monkeypatch, large):
    """There, whether a loop of unknown length goes on is read on the host at every step."""
    monkeypatch.setattr(_jax, "_on_gpu", lambda x: True)
    monkeypatch.setattr(_jax, "KNOWN", 4)
    monkeypatch.setattr(_jax, "LARGE", large)
    run = _jax._run if large > 1 else _jax._run_over
    step, state, data, rows = brought(*training((3, 2), 2, bpx.SGD(0.5)), steps=40)
    expected = eager(step, state, data, rows, 0, 40)
    state = _jax.scan(step, state, data, rows, 0, 1)
    before = run._cache_size()
    for start, stop in ((1, 3), (3, 12), (12, 27), (27, 40)):
        state = _jax.scan(step, state, data, rows, start, stop, True)
    assert run._cache_size() - before == (1 if large > 1 else 2)  # one step has been run
    for one, other in zip(leaves(state), leaves(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-5, atol=1e-6)


def test_on_a_gpu_few_steps_are_left_to_the_loop_of_any_length(monkeypatch):
    rows = jnp.zeros((200, 1), jnp.int32)
    assert list(_jax._pieces(rows, 3, 200)) == [(0, 3, 200)]
    monkeypatch.setattr(_jax, "_on_gpu", lambda x: True)
    known = [(64, first, first + 64) for first in (3, 67, 131)]
    assert list(_jax._pieces(rows, 3, 200)) == [*known, (0, 195, 200)]
    assert list(_jax._pieces(rows, 3, 67)) == known[:1]
    assert list(_jax._pieces(rows, 3, 66)) == [(0, 3, 66)]


class Choosy:
    """A step that asks for a number."""

    def __call__(self, state, data, rows):
        return (state[0] + (1.0 if float(state[0][0]) < 2.0 else 10.0),)

    def __hash__(self):
        return 0


def test_a_step_that_asks_for_a_number_runs_as_the_plain_loop_and_is_told_once(caplog):
    step, rows = Choosy(), jnp.zeros((4, 1), jnp.int32)
    with caplog.at_level(logging.WARNING, "bpx"):
        for _ in range(2):
            (found,) = _jax.scan(step, (jnp.zeros(1),), (), rows, 0, 4)
            assert found.tolist() == [22.0]
    (told,) = caplog.messages
    assert "Choosy" in told
