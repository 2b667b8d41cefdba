"""The contract of an engine: a step run for the rows of an index matrix."""

from typing import NamedTuple

import numpy as np
import pytest

import bpx
from bpx.program.contract import check_state, eager, growing
from tests.backends import host


class Sum:
    """A step that adds up the samples it is given: the simplest state there is."""

    def __call__(self, state, data, rows):
        xp = bpx.namespace(state[0])
        return (state[0] + xp.sum(xp.take(data[0], rows, axis=0), axis=0), None)

    def __eq__(self, other):
        return type(self) is type(other)

    def __hash__(self):
        return 0


def widen(gradients, state, parameters):
    xp = bpx.namespace(state[0])
    return gradients, (xp.astype(state[0], xp.float64),)


widening = bpx.optim.Transformation(lambda parameters: (parameters.b[0][:1],), widen)
"""It promotes what it is given, as a float64 constant would."""


@pytest.mark.parametrize(("start", "stop"), [(0, 4), (1, 3), (2, 2), (3, 4)])
def test_scan_runs_the_steps_from_start_to_stop(target, start, stop):
    scan = bpx.arrays.registry.by_name(target.spec.split(":")[0]).scan
    x = np.arange(24.0).reshape(12, 2)
    rows = np.array([[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]], "int32")
    state = (target.asarray(np.zeros(2)), None)
    for run in (scan, eager):
        total = run(
            Sum(), state, (target.asarray(x),), target.asarray(rows, "int32"), start, stop
        )
        np.testing.assert_array_equal(host(total[0]), x[3 * start : 3 * stop].sum(axis=0))
    np.testing.assert_array_equal(host(state[0]), [0.0, 0.0])


def test_a_step_that_drifts_is_refused(target):
    net = target.network([3, 2], seed=0)
    before = net.parameters
    with pytest.raises(
        bpx.MixedArraysError, match=r"one training step turned.*float32.*float64"
    ):
        net.fit(
            np.ones((4, 3)), np.ones((4, 2)), epochs=1, batch_size=2, optimizer=widening,
            compile=target.value.compile,
        )  # fmt: skip
    assert net.parameters is before


def as_tuples(gradients, state, parameters):
    return (gradients.w, gradients.b), state


def a_number(gradients, state, parameters):
    return gradients, (1.0,)


FORGETFUL = {"a tuple": as_tuples, "a number": a_number}


@pytest.mark.parametrize(
    ("given", "said"),
    {
        "a tuple": r"Parameters\(.*into.*must return updates",
        "a number": r"into (1\.0, which is not an array|an array of shape \(\))",
    }.items(),
)
def test_a_step_that_changes_the_form_of_its_state_is_refused(target, given, said):
    net = target.network([3, 2], seed=0)
    forgetful = bpx.optim.Transformation(lambda p: (p.b[0][:1],), FORGETFUL[given])
    with pytest.raises(bpx.MixedArraysError, match=said):
        net.fit(
            np.ones((4, 3)), np.ones((4, 2)), epochs=1, batch_size=2,
            optimizer=forgetful, compile=target.value.compile,
        )  # fmt: skip


def test_check_state_sees_shapes_and_dtypes():
    state = (np.zeros(2, "float32"), (None, np.zeros((1, 1))))
    check_state(state, (np.ones(2, "float32"), (None, np.ones((1, 1)))))
    with pytest.raises(bpx.MixedArraysError, match="shape"):
        check_state(state, (np.ones(3, "float32"), (None, np.ones((1, 1)))))
    with pytest.raises(bpx.MixedArraysError, match="float64"):
        check_state(state, (np.ones(2), (None, np.ones((1, 1)))))


class Pair(NamedTuple):
    """A tree of two arrays."""

    one: object
    other: object


@pytest.mark.parametrize("after", [list, tuple, lambda pair: pair[:1], lambda p: (*p, None)])
def test_check_state_sees_the_form_behind_the_same_arrays(after):
    before = Pair(np.zeros(2), np.zeros(2))
    with pytest.raises(bpx.MixedArraysError, match="must return a state of the same form"):
        check_state(before, after(before))
    check_state(before, Pair(*before))


def test_trees_grow_from_one_without_its_arrays():
    tree = Pair((1, None), [2, (3,)])
    grow = growing(tree)
    for arrays in ("abc", "xyz"):
        a, b, c = arrays
        assert grow(iter(arrays)) == Pair((a, None), [b, (c,)])
    with pytest.raises(StopIteration):
        grow(iter("ab"))
