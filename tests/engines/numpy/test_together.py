"""Arrays made at a time."""

import numpy as np
import pytest

from bpx.program.memory import ALIGNMENT
from bpx_backends.engines.numpy.calls import address_of
from bpx_backends.engines.numpy.table import are_apart
from bpx_backends.engines.numpy.together import Together
from bpx_backends.engines.shared.recycling import LARGE

KINDS = [
    ((3, 5), "float32"),
    ((LARGE,), "float32"),
    ((1,), "int32"),
    ((), "float64"),
    ((7,), "bool"),
]


@pytest.mark.parametrize("kinds", [KINDS, KINDS[2:], KINDS[1:2], []])
def test_they_have_their_shapes_and_lie_apart(kinds):
    arrays, begins = Together(kinds)()
    assert [(x.shape, x.dtype.name) for x in arrays] == kinds
    assert begins.tolist() == [address_of(x) for x in arrays]
    assert all(begin % ALIGNMENT == 0 for begin in begins)
    assert are_apart(arrays)


def test_each_call_makes_others():
    make = Together(KINDS)
    (one, _), (two, _) = make(), make()
    assert are_apart([*one, *two])


def test_a_large_one_holds_no_other_memory():
    arrays, _ = Together(KINDS)()
    small = np.concatenate([x.reshape(-1).view("uint8") for x in arrays if x.nbytes < LARGE])
    assert small.size < LARGE
    assert arrays[0].base is arrays[2].base
    assert arrays[1].base is not arrays[0].base
