"""The parts of trees: which are recognised, and how they are put together."""

import gc
import weakref
from typing import NamedTuple

import numpy as np
import pytest

from bpx_backends.engines.numpy.calls import address_of
from bpx_backends.engines.numpy.parts import Parts, whole


class Pair(NamedTuple):
    one: object
    two: object


def test_a_part_is_recognised_by_its_tree():
    parts, one, two = Parts(), (np.ones(2), np.ones(3)), np.ones(4)
    first = parts.of(Pair(one, two))
    again = parts.of(Pair(one, np.ones(4)))
    assert again[0] is first[0]
    assert again[1] is not first[1]
    assert again[1].form is first[1].form
    assert first[0].begins.tolist() == [address_of(x) for x in one]


@pytest.mark.parametrize(
    "other",
    [
        np.ones(3),
        np.ones(2, np.float32),
        np.ones(4)[::2],
        (np.ones(2),),
        [np.ones(2)],
        None,
        (),
    ],
)
def test_parts_of_other_kinds_have_other_forms(other):
    parts = Parts()
    (one,), (two,) = parts.of((np.ones(2),)), parts.of((other,))
    assert one.form is not two.form


def test_only_adjacent_elements_have_an_address():
    (part,) = Parts().of((np.ones((2, 2)).T,))
    assert not part.form.adjacent
    assert not part.begins.size


def test_a_list_is_read_anew_each_time():
    parts, arrays = Parts(), [np.ones(2)]
    parts.of((arrays,))
    arrays[0] = np.zeros(2)
    (part,) = parts.of((arrays,))
    assert part.arrays[0] is arrays[0]


def test_a_part_is_made_of_other_arrays():
    tree = Pair((np.ones(2), None), np.ones(3))
    found = Parts().of(tree)
    again = [part.form.part([x + 1.0 for x in part.arrays], part.begins) for part in found]
    made = whole(tree, again)
    assert type(made) is Pair
    assert made.one[1] is None
    np.testing.assert_array_equal(made.one[0], [2.0, 2.0])
    np.testing.assert_array_equal(made.two, [2.0, 2.0, 2.0])
    assert type(whole(tuple(tree), again)) is tuple


def test_a_tree_that_is_one_array_is_one_part():
    x = np.ones(2)
    found = Parts().of(x)
    assert len(found) == 1
    assert whole(x, found) is x


def test_what_it_was_told_is_held_only_until_the_next():
    parts, arrays = Parts(), [np.ones(2) for _ in range(3)]
    refs = [weakref.ref(x) for x in arrays]
    (part,) = parts.of((arrays.pop(0),))
    parts.remember([part.form.part([arrays.pop(0)], part.begins)])
    (told,) = parts.of((refs[1](),))
    assert told.arrays[0] is refs[1]()
    parts.remember([part.form.part([arrays.pop(0)], part.begins)])
    del part, told
    parts.of((np.zeros(2),))
    gc.collect()
    assert [ref() is None for ref in refs] == [True, True, False]
