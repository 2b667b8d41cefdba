"""Which calls of PyTorch's own a step becomes."""

from collections import Counter

import numpy as np
import pytest

from bpx.program.operation import ACCUMULATE
from bpx.program.plan import plan
from bpx.program.record import record

pytest.importorskip("torch")

from bpx_backends.engines.torch import replay as torch_replay
from bpx_backends.engines.torch.native import native
from tests.engines.torch.jobs import Job, step_of

NATIVE = ("addmm", "addcmul", "scaled_product", "scaled_sum", "sigmoid", "threshold_backward")


def counts(program):
    return Counter(op.attribute("native", op.name) for op in program.operations)


def test_a_step_of_the_book_is_thirty_four_calls():
    job = Job((784, 30, 10), batch=10, dtype="float32")
    found = counts(native(job.program))
    assert [found[name] for name in NATIVE] == [2, 4, 2, 2, 2, 0]
    assert sum(found[name] for name in ("tanh", "matmul")) == 1  # BP2's product alone
    planned = torch_replay.prepare(plan(job.program))
    assert len(planned.instructions) == 34
    assert sum(op.name == ACCUMULATE for op in planned.instructions) == 2
    assert not planned.copies


def test_the_gradient_of_relu_is_one_call():
    job = Job((6, 5, 5, 4), hidden="relu", output="softmax", cost="cross_entropy")
    found = counts(native(job.program))
    assert found["threshold_backward"] == 2
    assert not found["greater"]


def rewritten(step, *shapes, dtype="float64"):
    """The calls of a step on arrays of ones."""
    state = tuple(np.ones(shape, dtype) for shape in shapes)
    program = record(step, state, (), np.zeros(1, "int32"))
    return counts(native(program))


@pytest.mark.parametrize(
    ("rule", "shapes"),
    {
        "a product that is used again": (
            lambda xp, w, b: ((w @ w + b) * (w @ w), b), ((3, 3), (3,))),
        "a sum larger than the product": (lambda xp, b, w: (w @ w + b, w), ((3, 3), (1, 1))),
        "another half": (lambda xp, z: (0.5 * xp.tanh(0.25 * z) + 0.5,), ((3,),)),
        "a whole number": (lambda xp, z: (0.5 * xp.tanh(0.5 * z) + 1,), ((3,),)),
        "a number in the product": (lambda xp, x: (x + 0.5 * x,), ((3,),)),
        "above one": (lambda xp, z: (z * xp.astype(z > 1.0, z.dtype),), ((3,),)),
        "scaled by an array": (
            lambda xp, d, r: ((r * d).mT @ d, xp.sum(r * d, axis=0, keepdims=True) + r),
            ((3, 3), (3, 1))),
    }.values(),
)  # fmt: skip
def test_what_is_not_quite_a_pattern_stays_as_it_is(rule, shapes):
    with_product = {"addmm", "sigmoid", "threshold_backward", "scaled_product", "scaled_sum"}
    assert not with_product & set(rewritten(step_of(rule), *shapes))


def test_what_was_computed_on_the_way_and_is_used_elsewhere_is_kept():
    found = rewritten(step_of(lambda xp, x, y: (x + x * y, x * y)), (3,), (3,))
    assert found == {"addcmul": 1, "multiply": 1}


def test_arrays_of_two_dtypes_are_not_one_call():
    class Mixed:
        def __call__(self, state, data, rows):
            x, y = state
            return x + y * y, y

        def __hash__(self):
            return 0

    state = (np.ones(3), np.ones(3, "float32"))
    found = counts(native(record(Mixed(), state, (), np.zeros(1, "int32"))))
    assert found == {"add": 1, "multiply": 1}
