"""What the network gets after a step: the arrays of the state, or averages of them."""

import numpy as np
import pytest

import bpx
from bpx.training.course import Course
from bpx.training.published import adopting, published
from tests.backends import host
from tests.optim.descents import arrays, assert_same
from tests.optim.links import AVERAGING
from tests.training.small import network, samples

X, Y = samples()


def after(rule, steps=3, **settings):
    """A network, and the state after some steps."""
    net = network(dtype="float64", **settings)
    trainer = bpx.Trainer(net, optimizer=rule, seed=0)
    for _ in range(steps):
        trainer.step(X, Y)
    return net, trainer._course._state


@pytest.mark.parametrize("feedback", ["transpose", "fa", "kp"])
def test_without_an_average_it_is_the_states_own_arrays(feedback):
    rule = bpx.Adam(0.1)
    net, state = after(rule, feedback=feedback)
    found = published(net.spec, rule.update, state)
    assert found[0] is state.parameters
    assert found[1] is state.feedback
    other = bpx.optim.mapped(lambda w: w + 1.0, state.parameters)
    begun = adopting(net.spec, rule.update, state, (other, state.feedback))
    assert begun.parameters is other
    assert begun.optimizer is state.optimizer


@pytest.mark.parametrize("name", AVERAGING)
@pytest.mark.parametrize("feedback", ["transpose", "fa", "kp"])
def test_averages_are_of_what_the_optimizer_updates(name, feedback):
    """With a feedback that learns, its matrices are averaged, too; those of others stay."""
    rule = AVERAGING[name]
    net, state = after(rule, feedback=feedback)
    parameters, b = published(net.spec, rule.update, state)
    kept = state.optimizer.parts[-1]
    mean = kept.average if hasattr(kept, "average") else kept.x
    assert_same(parameters.w, mean.w, 0.0)
    assert type(parameters) is bpx.Parameters
    assert np.abs(parameters.w[0] - state.parameters.w[0]).max() > 0.0
    if feedback == "kp":
        assert_same(b, [each.B for each in mean.layers[len(net.spec.layers) :]], 0.0)
        assert [x.shape for x in b] == [x.shape for x in state.feedback]
    else:
        assert b is state.feedback
    assert_same((net.parameters, net.feedback), (parameters, b), 0.0)


@pytest.mark.parametrize("name", AVERAGING)
@pytest.mark.parametrize("feedback", ["transpose", "kp"])
def test_other_arrays_are_where_the_average_begins(name, feedback):
    rule = AVERAGING[name]
    net, state = after(rule, feedback=feedback)
    other = bpx.optim.mapped(lambda w: w + 1.0, state.parameters)
    arrived = other, tuple(b + 2.0 for b in state.feedback)
    begun = adopting(net.spec, rule.update, state, arrived)
    assert begun.parameters is other
    assert begun.feedback is arrived[1]
    assert_same(published(net.spec, rule.update, begun), arrived, 0.0)


def test_a_course_publishes_the_average_and_goes_on_from_the_state():
    net = network(dtype="float64")
    rule = AVERAGING["averaged"]
    course = Course(net, rule, 3)
    state = course.state
    mean = bpx.optim.mapped(lambda w: w + 1.0, state.parameters)
    moved = state._replace(
        parameters=bpx.Parameters(state.parameters.layers),
        optimizer=state.optimizer.having(average=mean),
    )
    course.reached(moved, steps=2)
    assert course.state is moved
    assert net.parameters is mean
    assert course.snapshot.parameters is moved.parameters
    assert course.public(moved).parameters is mean
    assert course.public(moved).optimizer is moved.optimizer


def test_arrays_that_the_caller_sets_are_used_in_place_of_both():
    nets = [network(dtype="float64") for _ in range(2)]
    rule = bpx.optim.chain(bpx.SGD(0.5), bpx.optim.average_parameters(1.0))
    one, fresh = (bpx.Trainer(net, optimizer=rule, seed=0) for net in nets)
    for _ in range(3):
        one.step(X, Y)
    new = [np.ones_like(w) for w in nets[0].weights], nets[0].biases
    for net in nets:
        net.parameters = new
    assert one.state.parameters is nets[0].parameters
    for _ in range(2):
        one.step(X, Y)
        fresh.step(X, Y)
        assert_same(nets[0].parameters, nets[1].parameters, 0.0)
        assert_same(one.state.parameters, fresh.state.parameters, 0.0)
    assert np.abs(nets[0].weights[0] - one.state.parameters.w[0]).max() > 0.0


def test_the_mean_of_the_steps_is_what_the_network_has(target):
    net = network(target, dtype="float64")
    rule = bpx.optim.chain(bpx.SGD(0.5), bpx.optim.average_parameters(1.0))
    trainer = bpx.Trainer(net, optimizer=rule, seed=0, compile=target.value.compile)
    seen = []
    for _ in range(4):
        trainer.step(X, Y)
        seen.append(arrays(trainer.state.parameters))
        means = [np.mean(each, axis=0) for each in zip(*seen, strict=True)]
        for found, mean in zip(arrays(net.parameters), means, strict=True):
            np.testing.assert_allclose(found, mean, rtol=1e-12, atol=1e-14)
    assert np.abs(host(net.weights[0]) - seen[-1][0]).max() > 0.0


@pytest.mark.parametrize("name", AVERAGING)
@pytest.mark.parametrize("feedback", ["transpose", "kp"])
def test_an_average_keeps_the_largest_norm_too(name, feedback):
    """The optimizer averages what the layers have not limited yet."""
    rule, sizes, largest = AVERAGING[name], (X.shape[1], 6, 3), 0.3
    pairs = zip(sizes, sizes[1:], ("tanh", "sigmoid"), strict=False)
    layers = [bpx.Dense(*pair, max_norm=largest) for pair in pairs]
    net = bpx.Network(layers, feedback=feedback, seed=0, dtype="float64")
    trainer = bpx.Trainer(net, optimizer=rule, seed=0)
    trainer.step(X, Y)
    trainer.step(X, Y)
    state = trainer._course._state
    kept = state.optimizer.parts[-1]
    mean = kept.average if hasattr(kept, "average") else kept.x
    assert max(np.linalg.norm(w, axis=1).max() for w in mean.w) > 1.1 * largest
    for w in (*net.weights, *net.feedback):
        assert np.linalg.norm(w, axis=1).max() <= largest * (1.0 + 1e-12)
    # What is short enough is the average itself.
    short = np.linalg.norm(mean.w[0], axis=1) <= largest
    np.testing.assert_array_equal(net.weights[0][short], mean.w[0][short])


@pytest.mark.parametrize("name", AVERAGING)
def test_running_averages_of_a_layer_are_the_states_own(name):
    rule = AVERAGING[name]
    net, state = after(rule, norm="batch")
    parameters, _ = published(net.spec, rule.update, state)
    norm, kept = parameters.layers[1], state.parameters.layers[1]
    assert norm.mean is kept.mean
    assert norm.variance is kept.variance
    assert np.abs(norm.gamma - kept.gamma).max() > 0.0
    assert np.isfinite(net.predict(X)).all()
