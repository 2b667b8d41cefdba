"""Which operations get a nest of their own, and in which order the nests run."""

from collections import Counter

import numpy as np
import pytest

from bpx.program.fusion import can_fuse
from bpx.program.plan import plan
from bpx.program.record import record
from bpx_backends.engines.numpy.division import LARGE, MANY, VECTOR, divided
from tests.interpreted import compiled, replayed, supported
from tests.program.planned import ROWS, numbers, recorded
from tests.random_steps import RandomStep


def planned(step, *shapes):
    """The plan of ``step(xp, *state)``, with and without the division."""
    program = recorded(lambda xp, s, d, r: step(xp, *s), numbers(*shapes))
    return plan(program, can_fuse, divided), plan(program, can_fuse)


def forms(made):
    (kernel,) = made.kernels
    return [[[op.name for op in phase] for phase in nest.phases] for nest in kernel.nests]


def names(kernel):
    return Counter(op.name for op in kernel.operations)


def biased(xp, z, b):
    return xp.tanh(z + b) * b, b


def softmax(xp, z):
    e = xp.exp(z - xp.max(z, axis=1, keepdims=True))
    return (e / xp.sum(e, axis=1, keepdims=True),)


@pytest.mark.parametrize("k", [1 + VECTOR, VECTOR - 6, MANY - 1])
def test_functions_of_short_rows_are_flat(k):
    made, _ = planned(biased, (5, k), (k,))
    assert forms(made) == [[["add"]], [["tanh"]], [["multiply"]]]


@pytest.mark.parametrize("k", [1, VECTOR, 2 * VECTOR, MANY, MANY + 1])
def test_rows_of_whole_vectors_or_of_many_elements_stay(k):
    """And so do rows of one element, which are flat as they are."""
    made, as_it_was = planned(biased, (5, k), (k,))
    assert forms(made) == forms(as_it_was)


@pytest.mark.parametrize("k", [10, VECTOR, MANY])
def test_a_row_that_is_summed_in_order_needs_the_functions_in_memory(k):
    made, as_it_was = planned(softmax, (5, k))
    assert forms(as_it_was) == [[["max"], ["subtract", "exp", "sum"]], [["divide"]]]
    assert forms(made) == [[["max"], ["subtract"]], [["exp"]], [["sum"]], [["divide"]]]


def test_a_mean_may_be_added_up_in_vectors():
    def step(xp, z):
        return (z - xp.mean(xp.tanh(z), axis=1, keepdims=True),)

    made, as_it_was = planned(step, (5, MANY))
    assert forms(made) == forms(as_it_was)
    assert forms(planned(step, (5, 10))[0]) == [[["tanh"]], [["mean"], ["subtract"]]]


def test_what_is_flat_on_both_sides_of_a_function():
    """Before it, this is in its loop, if only that needs it; after it, in the next loop."""

    def step(xp, z, b):
        half = 0.5 * (z + b)
        return xp.log(1.0 + xp.exp(half)) * 2.0 - b, b

    assert forms(planned(step, (5, 10), (10,))[0]) == [
        [["add"]],
        [["multiply", "exp", "add", "log"]],
        [["multiply", "subtract"]],
    ]


def test_a_function_after_a_function_that_is_not_flat():
    def step(xp, z, b):
        return xp.exp(b * xp.tanh(z)), b

    made, _ = planned(step, (5, 10), (10,))
    assert forms(made) == [[["tanh"]], [["multiply"]], [["exp"]]]


def test_large_nests_stay_whole():
    n = LARGE // 10 + 1
    made, as_it_was = planned(softmax, (n, 10))
    assert forms(made) == forms(as_it_was)


def test_a_function_of_one_number_for_each_row_stays():
    def step(xp, z):
        return (z - xp.log(xp.sum(z, axis=1, keepdims=True)),)

    made, as_it_was = planned(step, (5, 10))
    assert forms(made) == forms(as_it_was)


@pytest.mark.parametrize("step", [biased, softmax])
def test_values_stay_the_same(step):
    state = numbers((5, 10), (10,))[: step.__code__.co_argcount - 1]
    made = plan(recorded(lambda xp, s, d, r: step(xp, *s), state), supported, divided)
    found = replayed(compiled(made), state, (), ROWS[:1])
    for ours, theirs in zip(found, step(np, *state), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")
@pytest.mark.parametrize("stack", [1, 3])
def test_every_operation_follows_what_it_needs(stack):
    """On random steps: none is lost, and none runs before what it reads was made."""
    divisions = 0
    for seed in range(150):
        step = RandomStep(seed, stack)
        program = record(step, step.state, step.data, step.rows[0])
        made, as_it_was = plan(program, supported, divided), plan(program, supported)
        for ours, theirs in zip(made.kernels, as_it_was.kernels, strict=True):
            divisions += len(ours.nests) - len(theirs.nests)
            assert names(ours) == names(theirs)
            inside, ran = {op.result for op in ours.operations}, set()
            for op in ours.operations:
                assert inside.isdisjoint(op.values) or ran >= inside & {*op.values}
                ran.add(op.result)
    assert divisions > 0
