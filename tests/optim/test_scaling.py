"""Links that multiply by a number."""

from math import inf, nan
from typing import NamedTuple

import numpy as np
import pytest

import bpx
from bpx.model.parameters import Gradients
from bpx.optim import scale, scale_by_learning_rate
from bpx.optim.scaling import learning_rate, with_rate
from tests.backends import host
from tests.optim.descents import arrays, assert_same, gradients, parameters


@pytest.mark.parametrize("factor", [-0.1, 0.0, 2.5])
def test_scale_multiplies(target, factor):
    p = parameters(target=target)
    g, link = gradients(p), scale(factor)
    updates, state = link.update(g, link.init(p), p)
    assert type(updates) is Gradients
    for u, was in zip(arrays(updates), arrays(g), strict=True):
        np.testing.assert_array_equal(u, factor * was)
    assert [each.tolist() for each in arrays(state)] == [[factor]]


def test_a_learning_rate_goes_down(target):
    p = parameters(target=target)
    g, link = gradients(p), scale_by_learning_rate(0.1)
    updates, state = link.update(g, link.init(p), p)
    for u, was in zip(arrays(updates), arrays(g), strict=True):
        np.testing.assert_array_equal(u, -(0.1 * was))
    assert host(state.eta).tolist() == [0.1]


class Start(NamedTuple):
    start: float


def fall(t, numbers):
    return numbers.start / (t + 1.0)


def test_a_schedule_is_asked_at_the_count_of_steps_before():
    p = parameters()
    g, link = gradients(p), scale_by_learning_rate(bpx.optim.Schedule(fall, Start(0.6)))
    state = link.init(p)
    assert state.steps.tolist() == [0.0]
    assert str(state.steps.dtype) == "int32"
    assert state.schedule.start.tolist() == [0.6]
    for count in (1, 2, 3):
        updates, state = link.update(g, state, p)
        expected = bpx.optim.mapped(lambda u: -(0.6 / count) * u, g)  # noqa: B023
        assert_same(updates, expected, 1e-15)
        assert state.steps.tolist() == [count]


OPEN = bpx.optim.cosine_decay_schedule(0.3)


def test_another_learning_rate():
    p = parameters()
    for given in (bpx.SGD(0.1, momentum=0.9), bpx.AdamW(OPEN), scale_by_learning_rate(0.2)):
        made = with_rate(given, 0.7)
        assert learning_rate(made, made.init(p)).tolist() == [0.7]
    clipped = bpx.optim.chain(bpx.optim.clip_by_global_norm(1.0), bpx.Adam(0.1))
    assert with_rate(clipped, OPEN).transformations[:2] == clipped.transformations[:2]
    with pytest.raises(bpx.InputError, match="no learning rate that can be replaced; expected"):
        with_rate(bpx.optim.chain(scale(-0.1)), 0.1)


def test_the_rule_does_not_depend_on_the_number():
    assert scale(0.1).update == scale(0.2).update
    assert scale_by_learning_rate(0.1).update == scale_by_learning_rate(0.2).update
    one, other = (bpx.optim.warmup_cosine(r, warmup=1, steps=5) for r in (0.1, 0.2))
    assert scale_by_learning_rate(one).update == scale_by_learning_rate(other).update
    kinds = (scale(1.0), scale_by_learning_rate(1.0), scale_by_learning_rate(one))
    assert len({link.update for link in kinds}) == 3


def test_engines_know_the_plain_descent_alone():
    scheduled = scale_by_learning_rate(bpx.optim.warmup_cosine(0.1, warmup=1, steps=5))
    assert scale_by_learning_rate(0.1).update.known == "descent"
    assert scheduled.update.known is None
    assert scale(-0.1).update.known is None


@pytest.mark.parametrize("bad", [nan, inf, None, "1", True])
def test_scale_refuses(bad):
    with pytest.raises(bpx.InputError, match=rf"factor={bad!r} .* a finite number"):
        scale(bad)


@pytest.mark.parametrize("bad", [0.0, -0.1, nan, inf, None, "0.1", True])
def test_a_learning_rate_is_positive(bad):
    with pytest.raises(bpx.InputError, match=rf"eta={bad!r} .* a positive number"):
        scale_by_learning_rate(bad)
