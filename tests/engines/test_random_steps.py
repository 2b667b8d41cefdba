"""Every engine against the plain loop, on random steps."""

import logging

import numpy as np
import pytest

from bpx.arrays.registry import by_name
from bpx.program.contract import eager, leaves
from bpx.program.fusion import whole
from bpx.program.plan import plan
from bpx.program.record import record
from bpx_backends.engines.cuda.engine import CupyEngine
from bpx_backends.engines.numpy.division import divided
from tests.backends import problem
from tests.engines.cuda.emulation import EmulatedMachines, compiler
from tests.interpreted import compiled, replayed, supported
from tests.random_steps import STEPS, RandomStep

pytestmark = pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")


def agree(ours, theirs, within=1e-9):
    for one, other in zip(ours, theirs, strict=True):
        one, other = np.asarray(one), np.asarray(other)
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=1e3 * within, atol=within)


def some(stop, by=1, stack=1):
    """Seeds, with the size of the axis in front."""
    return [(seed, stack) for seed in range(0, stop, by)]


def expected(step):
    return list(leaves(eager(step, step.state, step.data, step.rows, 0, STEPS)))


def check(step, backend, caplog):
    """In one chunk, and in two of which the second may write over what the first gave."""
    library = by_name(backend)
    device = library.device(None)
    brought = lambda x: library.asarray(x, str(x.dtype), device)  # noqa: E731
    state, data = (tuple(map(brought, each)) for each in (step.state, step.data))
    rows = brought(step.rows)
    with library.active(device), caplog.at_level(logging.WARNING, "bpx"):
        whole = library.scan(step, state, data, rows, 0, STEPS)
        first = library.scan(step, state, data, rows, 0, 1)
        second = library.scan(step, first, data, rows, 1, STEPS, True)
    assert not caplog.records
    for found in (whole, second):
        agree(map(library.to_host, found), expected(step))
    for given, entered in zip(state, step.state, strict=True):
        np.testing.assert_array_equal(library.to_host(given), entered)


@pytest.mark.parametrize(("seed", "stack"), [*some(300), *some(200, stack=3)])
def test_numpy(seed, stack, caplog):
    check(RandomStep(seed, stack), "numpy", caplog)


@pytest.mark.parametrize("divide", [whole, divided])
@pytest.mark.parametrize(("seed", "stack"), [*some(300), *some(300, stack=3)])
def test_the_text_for_numba(seed, stack, divide):
    """Interpreted, and cut in parts that are run in another order."""
    step = RandomStep(seed, stack)
    program = record(step, step.state, step.data, step.rows[0])
    ready = compiled(plan(program, supported, divide))
    agree(replayed(ready, step.state, step.data, step.rows), expected(step))


@pytest.mark.parametrize(("seed", "stack"), [*some(4), *some(4, stack=3)])
def test_numba(seed, stack, caplog, monkeypatch):
    pytest.importorskip("numba")
    monkeypatch.setenv("BPX_NUMBA", "on")
    check(RandomStep(seed, stack), "numpy", caplog)


@pytest.mark.parametrize(("seed", "stack"), [*some(300, 2), *some(200, 2, stack=3)])
def test_torch(seed, stack, caplog):
    if problem("torch:cpu"):
        pytest.skip(problem("torch:cpu"))
    check(RandomStep(seed, stack), "torch", caplog)


@pytest.mark.parametrize(("seed", "stack"), [*some(60, 3), *some(30, 3, stack=3)])
def test_jax(seed, stack, caplog):
    if problem("jax:cpu"):
        pytest.skip(problem("jax:cpu"))
    check(RandomStep(seed, stack), "jax", caplog)


@pytest.mark.parametrize("seed", range(40))
def test_the_cuda_source(seed):
    if compiler() is None:
        pytest.skip("no C++ compiler")
    step = RandomStep(seed)
    engine = CupyEngine("float32", EmulatedMachines(reverse=seed % 2 == 1))
    agree(engine.scan(step, step.state, step.data, step.rows, 0, STEPS), expected(step))
