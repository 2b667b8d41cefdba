"""Plans bound to arrays: where each value is, and the parts of a kernel."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from bpx.program.operation import Operation, Value
from bpx_backends.engines.numpy import bound as bounds
from bpx_backends.engines.numpy.calls import Call, address_of
from tests.engines.numpy.test_table import bound
from tests.program.planned import numbers


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
