"""What `train` gives back: records, and a training that can be left and gone on with."""

import numpy as np
import pytest

import bpx
from tests.backends import flags, host
from tests.network.test_trainer import KINDS, OPTIMIZERS, PAIRS, same, targets
from tests.training.small import SETTINGS, network, samples


def training(net, target=None, **settings):
    settings = {**SETTINGS, "optimizer": bpx.Adam(0.01), "epochs": 4, **settings}
    if target is not None:
        settings["compile"] = target.value.compile
    return bpx.train(net, samples(), **settings)


@pytest.mark.parametrize(("kind", "optimizer"), PAIRS)
def test_one_that_is_left_and_gone_on_with_comes_to_the_same(target, kind, optimizer):
    data = samples()[0], targets(kind)
    settings = {**SETTINGS, "epochs": 4, "compile": target.value.compile}
    settings |= {"optimizer": OPTIMIZERS[optimizer], "lmbda": 0.5, "validation": data}
    whole, left, resumed = (network(target, **KINDS[kind]) for _ in range(3))
    with flags(target):
        undisturbed = list(bpx.train(whole, data, **settings))
        first = bpx.train(left, data, **settings)
        records = [next(first), next(first)]
        second = bpx.train(resumed, data, **settings)
        next(second)  # another state, which is forgotten
        second.state = first.state
        records += list(second)
    same(whole, resumed)
    assert [each._replace(seconds=0, samples_per_second=0) for each in records] == [
        each._replace(seconds=0, samples_per_second=0) for each in undisturbed
    ]


def test_a_state_stays_as_it_is_while_training_goes_on(target):
    net = network(target)
    with flags(target):
        running = training(net, target)
        next(running)
        state = running.state
        before = [host(each).copy() for each in (state.parameters.w[0], state.optimizer.v.w[0])]
        for _ in running:
            pass
    after = state.parameters.w[0], state.optimizer.v.w[0]
    for now, then in zip(after, before, strict=True):
        np.testing.assert_array_equal(host(now), then)
    assert (state.epochs, state.steps, state.seed) == (1, 5, 1)
    assert (running.state.epochs, running.state.steps) == (4, 20)


def test_one_that_has_ended_can_be_set_back():
    net, running = network(), None
    running = training(net)
    next(running)
    state = running.state
    first = [epoch.cost for epoch in running]
    assert list(running) == []
    running.state = state
    np.testing.assert_array_equal(net.weights[0], state.parameters.w[0])
    assert [epoch.cost for epoch in running] == first


def test_an_epoch_that_is_interrupted_has_not_happened():
    nets, wanted = [network() for _ in range(2)], [KeyboardInterrupt]

    def interrupt(progress):
        if progress.epoch == 2 and wanted:
            raise wanted.pop()

    running = training(nets[0], progress=interrupt)
    next(running)
    with pytest.raises(KeyboardInterrupt):
        next(running)
    assert running.state.epochs == 1
    assert [epoch.number for epoch in running] == [2, 3, 4]
    list(training(nets[1]))
    same(*nets)


def test_each_record_has_the_learning_rate():
    assert [epoch.eta for epoch in training(network())] == [0.01] * 4
    running = training(network())
    next(running)
    running.eta = 0.002
    assert [running.eta, next(running).eta] == [0.002, 0.002]
    schedule = bpx.optim.warmup_cosine(0.1, warmup=5, steps=20)
    rates = [epoch.eta for epoch in training(network(), optimizer=bpx.SGD(schedule))]
    expected = [0.05 * (1.0 + np.cos(np.pi * done / 15.0)) for done in (0, 5, 10, 15)]
    np.testing.assert_allclose(rates, expected, atol=1e-8)
    (epoch,) = training(network(), optimizer=bpx.optim.chain(bpx.optim.scale(-0.1)), epochs=1)
    assert epoch.eta is None


def test_a_changed_learning_rate_is_what_trains():
    nets = [network() for _ in range(2)]
    slow = training(nets[0], optimizer=bpx.SGD(0.1))
    fast = training(nets[1], optimizer=bpx.SGD(0.5))
    slow.eta = 0.5
    for running in (slow, fast):
        list(running)
    same(*nets)


def test_memory_is_let_go_of_once_at_the_end_or_when_it_is_left(monkeypatch):
    released = []
    monkeypatch.setattr(bpx.Home, "release", lambda home: released.append(home))
    list(training(network()))
    assert len(released) == 1
    left = training(network())
    next(left)
    assert len(released) == 1
    del left
    assert len(released) == 2
    training(network())  # which has never run
    assert len(released) == 2


def test_finish_returns_the_records_from_now_on():
    net = network()
    running = training(net)
    assert running.network is net
    next(running)
    history = running.finish()
    assert [epoch.number for epoch in history] == [2, 3, 4]
    assert (history.seed, running.records) == (1, ())


def test_a_run_with_a_folder_has_all_records(tmp_path):
    running = training(network(), checkpoint=tmp_path)
    next(running)
    assert [epoch.number for epoch in running.records] == [1]
    assert [epoch.number for epoch in running.finish()] == [1, 2, 3, 4]


def test_its_repr_is_a_line():
    running = training(network())
    next(running)
    assert repr(running).startswith("<bpx.Training of <bpx.Network [5, 4, 3]")
    assert repr(running).endswith(", epoch 1>")
