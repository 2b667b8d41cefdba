"""Trainings whose optimizer averages: what they validate, show, save and go on from."""

import numpy as np
import pytest

import bpx
from bpx.privacy import DPSGD
from bpx.training.course import Course
from tests.backends import flags
from tests.network.test_trainer import same
from tests.optim.descents import arrays, assert_same
from tests.optim.links import AVERAGING, CHAINS
from tests.training.small import SETTINGS, network, samples

X, Y = samples()
each_rule = pytest.mark.parametrize("rule", AVERAGING.values(), ids=AVERAGING)


class Seen:
    """An observer that keeps the states."""

    name = "seen"

    def __init__(self):
        self.states = []

    def __call__(self, state, data, epoch):
        self.states.append(state)


@each_rule
def test_the_network_has_the_average_and_is_judged_by_it(target, rule):
    net, seen = network(target, dtype="float64"), Seen()
    settings = {**SETTINGS, "optimizer": rule, "compile": target.value.compile}
    with flags(target):
        training = bpx.train(net, (X, Y), validation=(X, Y), observers=[seen], **settings)
        for epoch in training:
            state, given = training.state, seen.states[-1]
            assert epoch.validation.cost == pytest.approx(net.evaluate(X, Y).cost, rel=1e-12)
            assert_same(given.parameters, net.parameters, 0.0)
            assert_same(given.optimizer, state.optimizer, 0.0)
            apart = zip(arrays(net.parameters), arrays(state.parameters), strict=True)
            assert max(np.abs(a - b).max() for a, b in apart) > 1e-6


@each_rule
@pytest.mark.parametrize("settings", [{}, {"feedback": "kp"}, {"dropout": 0.3}], ids=str)
def test_one_that_is_saved_and_read_comes_to_the_same_bits(target, tmp_path, rule, settings):
    whole, left, resumed = (network(target, **settings) for _ in range(3))
    how = {**SETTINGS, "optimizer": rule, "lmbda": 0.5, "compile": target.value.compile}
    with flags(target):
        undisturbed = [epoch.cost for epoch in bpx.train(whole, (X, Y), **how)]
        first = bpx.train(left, (X, Y), **how)
        costs = [next(first).cost]
        first.save_state(tmp_path / "state")
        second = bpx.train(resumed, (X, Y), **how)
        second.load_state(tmp_path / "state")
        same(left, resumed)
        costs += [epoch.cost for epoch in second]
    same(whole, resumed)
    assert costs == undisturbed


@each_rule
def test_steps_and_epochs_end_in_the_same_bits(rule):
    nets = [network() for _ in range(2)]
    nets[0].fit(X, Y, epochs=2, batch_size=8, shuffle=False, optimizer=rule, seed=1)
    trainer = bpx.Trainer(nets[1], optimizer=rule, seed=1)
    for at in 2 * list(range(0, 40, 8)):
        trainer.step(X[at : at + 8], Y[at : at + 8])
    same(*nets)


@each_rule
def test_a_state_can_be_set_back(rule):
    net = network()
    trainer = bpx.Trainer(net, optimizer=rule, seed=0)
    trainer.step(X, Y)
    state, then = trainer.state, net.parameters
    trainer.step(X, Y)
    trainer.state = state
    assert_same(net.parameters, then, 0.0)
    assert_same(trainer.state.arrays, state.arrays, 0.0)


@each_rule
def test_the_rate_can_be_read_and_set(rule):
    net = network()
    trainer = bpx.Trainer(net, optimizer=rule, seed=0)
    trainer.eta = 0.125
    assert trainer.eta == 0.125
    trainer.step(X, Y)
    assert trainer.eta == 0.125


@each_rule
def test_health_takes_its_step_from_the_networks_weights(rule):
    """It is a step of the size that training takes, and training is as without it."""
    nets = [network(dtype="float64") for _ in range(2)]
    how = {**SETTINGS, "optimizer": rule}
    record = nets[0].fit(X, Y, health=True, **how)[-1]
    nets[1].fit(X, Y, **how)
    same(*nets)
    updates = np.asarray(record.health.updates)
    assert ((updates > 1e-6) & (updates < 0.3)).all()


@pytest.mark.parametrize("at", ["average", "parameters"])
def test_neither_may_be_infinite(at):
    """An average whose sum overflows, of finite weights; or the other way round."""

    class Broken:
        def __call__(self, updates, state, parameters):
            wrong = bpx.optim.mapped(lambda w: w / (w - w), parameters)
            return (updates if at == "average" else wrong), state

        def averaged(self, state, parameters):
            if at == "parameters":
                return state[0]
            return bpx.optim.mapped(lambda w: w * bpx.namespace(w).inf, parameters)

        def adopted(self, state, parameters):
            return state

    broken = bpx.optim.Transformation(lambda parameters: (parameters,), Broken())
    net = network()
    before = net.parameters
    with (
        np.errstate(all="ignore"),
        pytest.raises(bpx.DivergenceError, match="weights were non"),
    ):
        net.fit(X[:8], Y[:8], epochs=1, batch_size=8, optimizer=bpx.optim.chain(broken))
    assert net.parameters is before


def test_private_training_averages_what_is_private_already():
    net = network(dtype="float64")
    rule = bpx.optim.chain(bpx.SGD(0.5), bpx.optim.average_parameters(1.0))
    privacy = DPSGD(noise_multiplier=1.0, clip=1.0, delta=1e-3)
    training = bpx.train(net, (X, Y), epochs=2, batch_size=8, optimizer=rule, privacy=privacy)
    for epoch in training:
        assert epoch.privacy.epsilon > 0.0
    assert np.abs(net.weights[0] - training.state.parameters.w[0]).max() > 0.0


# Any chain


@pytest.mark.parametrize("name", CHAINS)
@pytest.mark.parametrize("lmbda", [0.0, 0.1])
def test_every_array_of_a_state_has_a_place_of_its_own(name, lmbda):
    """Two links with equal names, such as the decay of AdamW and that of lmbda."""
    from bpx.optim.limits import penalised
    from bpx.optim.scheduled import lasting
    from bpx.program.contract import leaves

    rule = lasting(penalised(bpx.optim.chain(CHAINS[name]), lmbda), None)
    course = Course(network(), rule, 0)
    found, numbers = course.described()
    assert len(found) == len(list(leaves(course.snapshot.arrays)))
    again = course.state_of("a file", found, numbers)
    assert all(
        a is b
        for a, b in zip(leaves(again.arrays), leaves(course.snapshot.arrays), strict=True)
    )


def test_two_decays_are_saved_and_read_apart(tmp_path):
    net, other = network(), network()
    rule = bpx.AdamW(0.01, decay=0.25)
    how = {**SETTINGS, "optimizer": rule, "lmbda": 20.0}
    first, second = bpx.train(net, (X, Y), **how), bpx.train(other, (X, Y), **how)
    next(first)
    first.save_state(tmp_path / "state")
    second.load_state(tmp_path / "state")
    decays = [part.decay for part in second.state.optimizer.parts if hasattr(part, "decay")]
    assert [each.tolist() for each in decays] == [[0.5], [0.25]]
    list(first)
    list(second)
    same(net, other)
