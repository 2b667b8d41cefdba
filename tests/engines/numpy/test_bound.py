"""Plans bound to arrays: where each value is, and the parts of a kernel."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from bpx.program.operation import Operation, Value
from bpx.program.plan import plan
from bpx_backends.engines.numpy import bound as bounds
from bpx_backends.engines.numpy import kernels, replay
from bpx_backends.engines.numpy.calls import Call, address_of
from tests.engines.numpy.test_table import bound
from tests.interpreted import interpreted, supported
from tests.program.planned import ROWS, numbers, recorded


def test_each_value_is_where_its_array_is():
    def step(xp, s, d, r):
        x = xp.take(d[0], r, axis=0) * 2.0
        turned, flat = x.T + 1.0, xp.reshape(x, (-1,))
        return xp.matmul(turned, x) + s[0], s[1] + flat[1:4] + xp.arange(3, dtype=x.dtype)

    made = bound(step, numbers((3, 3), (3,)), numbers((5, 3)))
    plan = made.compiled.plan
    values = {
        v
        for op in plan.instructions
        if isinstance(op, Operation)
        for v in (*op.values, op.result)
    }
    assert values | {*plan.views} >= {*plan.offsets}
    for v in values | {*plan.views}:
        assert isinstance(v, Value)
        assert made.address(v) == address_of(made.find(v))


def test_the_parts_of_a_kernel_run_together_and_raise():
    barrier, threads = threading.Barrier(3), []

    def part(number):
        barrier.wait(timeout=60)
        threads.append((number, threading.current_thread()))

    with ThreadPoolExecutor(2) as executor:
        bounds._together(executor, [Call(part, (i,)) for i in range(3)])
        assert sorted(number for number, _ in threads) == [0, 1, 2]
        assert dict(threads)[0] is threading.current_thread()

        def broken():
            raise ValueError("a part")

        with pytest.raises(ValueError, match="a part"):
            bounds._together(executor, [Call(int, ()), Call(broken, ())])


def test_arrays_that_are_worked_on_in_place_are_copied_there_first():
    state = numbers((3,), (3,))
    made = bound(lambda xp, s, d, r: (s[0] + s[1], s[1] * 2.0), state)
    for function, arguments in made.calls():
        function(*arguments)
    assert np.array_equal(made.fresh[0], state[0] + state[1])
    assert np.array_equal(made.fresh[1], state[1] * 2)


def updated(xp, s, d, r):
    """Of two loops, one over a vector."""
    w, v, b = s
    return w - 0.5 * v, v * 2.0 + 1.0, b - xp.abs(b)


def summed(xp, s, d, r):
    w, v, _ = s
    return w - xp.max(w, axis=1, keepdims=True), v, xp.sum(v * v, axis=0)


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize("donate", [False, True])
@pytest.mark.parametrize(("step", "flat"), [(updated, True), (summed, False)])
def test_a_kernel_in_parts_is_the_kernel_in_one(step, flat, donate, native, monkeypatch):
    """Also where the given state is copied first, some elements at a time."""
    if native:
        pytest.importorskip("numba", reason="numba is not installed")
    else:
        monkeypatch.setattr(kernels, "_function", interpreted)
    state = tuple(abs(each) for each in numbers((5, 4), (5, 4), (4,)))
    planned = plan(recorded(step, state), supported)
    whole = kernels.compiled(planned)._replace(drive=lambda *given: False)
    monkeypatch.setattr(kernels, "PART", 16)
    monkeypatch.setattr(bounds, "BLOCK", 64)
    monkeypatch.setattr(replay, "threads", lambda: 3)
    cut = kernels.compiled(planned)._replace(drive=lambda *given: False)
    (one,), (other,) = whole.kernels.values(), cut.kernels.values()
    assert (one.parts, other.flat, len(other.loops)) == (1, flat, len(planned.kernels[0].nests))
    assert other.parts > 3

    def ran(ready):
        given = tuple(each.copy() for each in state)
        return replay.replay(ready, given, (), ROWS, 0, 3, donate)

    for ours, theirs in zip(ran(cut), ran(whole), strict=True):
        np.testing.assert_array_equal(ours, theirs)
