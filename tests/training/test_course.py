"""The state between steps: the network's own arrays, and what a snapshot has of it."""

import pytest

import bpx
from bpx.program.contract import leaves
from bpx.training.course import Course
from tests.training.small import network


def test_a_state_is_taken_on_as_it_is_unless_the_caller_sets_other_arrays(target):
    net = network(target, feedback="fa")
    course = Course(net, bpx.Adam(0.1), 3)
    state = course.state
    assert course.state is state
    moved = state._replace(parameters=bpx.Parameters(state.parameters.layers))
    course.reached(moved, steps=2)
    assert course.state is moved
    assert net.parameters is moved.parameters
    net.parameters = [0.0 * w for w in net.weights], net.biases
    taken = course.state
    assert taken.parameters is net.parameters
    assert taken.optimizer is moved.optimizer
    assert course.snapshot.parameters is net.parameters
    assert course.snapshot[4:] == (0, 2, 3, None)


def test_a_state_that_is_set_is_a_copy_and_the_networks_at_once(target):
    net, other = network(target), network(target)
    course, given = Course(net, bpx.Adam(0.1), 3), Course(other, bpx.Adam(0.1), 3).snapshot
    course.restore(given._replace(epochs=4, steps=9))
    assert (course.epochs, course.steps) == (4, 9)
    assert course.state.parameters is net.parameters
    pairs = zip(leaves(course.snapshot.arrays), leaves(given.arrays), strict=True)
    assert not any(mine is theirs for mine, theirs in pairs)


def test_a_network_that_has_moved_is_refused():
    net = network()
    course = Course(net, bpx.Adam(0.1), 3)
    net.to(dtype="float64")
    for look in (lambda: course.state, lambda: course.snapshot):
        with pytest.raises(bpx.InputError, match="the network moved from numpy, float32"):
            look()


def test_the_cost_of_an_epoch_reaches_the_learning_rate(target):
    rule = bpx.SGD(bpx.optim.reduce_on_plateau(0.5, factor=0.5, patience=0))
    net = network(target)
    with net.home.active():
        course = Course(net, rule, 3)
        course.heed(1.0)
        before = course.snapshot
        course.heed(2.0)
        assert course.eta == 0.25
        course.restore(before)
        assert course.eta == 0.5
        plain = Course(net, bpx.SGD(0.5), 3)
        optimizer = plain.state.optimizer
        plain.heed(2.0)
        assert plain.state.optimizer is optimizer
