"""The state that a call returns."""

import numpy as np

from bpx_backends.engines.numpy.calls import address_of
from bpx_backends.engines.numpy.parts import Parts
from bpx_backends.engines.numpy.returned import Returned, divided
from tests.program.planned import numbers, recorded


def test_what_changes_is_made_anew_and_the_rest_handed_on():
    state = numbers((3,), (2, 2), (1,))
    program = recorded(lambda xp, s, d, r: (s[0] + 1.0, s[1], s[2] * 2.0), state)
    returned = Returned(program)
    assert returned.changed == [0, 2]
    begins = np.array([address_of(x) for x in state])
    kept = begins.copy()
    after, places = returned(state, begins)
    assert after[1] is state[1]
    assert [x.shape for x in after] == [(3,), (2, 2), (1,)]
    assert not any(np.shares_memory(after[i], state[i]) for i in (0, 2))
    assert places.tolist() == [address_of(x) for x in after]
    assert (begins == kept).all()


def test_arrays_are_divided_as_the_state_that_they_follow():
    a, b, c = numbers((3,), (2,), (1,))
    state = (a, (b, c))
    entered = Parts().of(state)
    new = [x + 1.0 for x in (a, b, c)]
    begins = np.array([address_of(x) for x in new])
    one, two = divided(entered, new, begins)
    assert one.tree is new[0]
    assert two.tree[0] is new[1]
    assert two.tree[1] is new[2]
    assert [*two.begins] == [*begins[1:]]
