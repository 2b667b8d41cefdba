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


def test_an_epoch_that_is_interrupted_while_it_is_validated_has_not_happened():
    nets, interrupts = [network() for _ in range(2)], []

    def value(a, y):
        if interrupts:
            raise interrupts.pop()
        return 0.0 * a[..., 0]

    given = {"validation": samples(12), "metrics": [bpx.metrics.Metric("mine", value)]}
    running = training(nets[0], **given)
    next(running)
    before, state = nets[0].parameters, running.state
    interrupts.append(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        next(running)
    assert nets[0].parameters is before
    assert (running.state.epochs, running.state.steps) == (1, state.steps)
    assert [epoch.number for epoch in running] == [2, 3, 4]
    list(training(nets[1], **given))
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


# Schedules in epochs


def whole_cosine(epochs, **how):
    rate = bpx.optim.cosine_decay_schedule(0.1)
    return training(network(), optimizer=bpx.SGD(rate), epochs=epochs, **how)


def test_a_schedule_over_the_whole_training():
    """5 steps in an epoch of 4: the last step is 19 of 20, and the next would have 0."""
    found = [epoch.eta for epoch in whole_cosine(4)]
    expected = [0.05 * (1.0 + np.cos(np.pi * done / 20.0)) for done in (5, 10, 15, 20)]
    np.testing.assert_allclose(found, expected, atol=1e-8)


def test_what_is_dropped_is_not_counted():
    (steps,) = whole_cosine(3, drop_last=True, batch_size=3).state.optimizer.schedule.steps
    full = whole_cosine(3, batch_size=3)
    assert float(full.state.optimizer.schedule.steps[0]) == float(steps) + 3.0
    while epoch := next(full, None):
        last = epoch
    assert float(full.state.steps) == float(full.state.optimizer.schedule.steps[0])
    assert last.eta == pytest.approx(0.0, abs=1e-9)


def test_resumed_it_is_the_same_schedule():
    whole = [epoch.eta for epoch in whole_cosine(4)]
    first, second = whole_cosine(4), whole_cosine(4)
    begun = [next(first).eta, next(first).eta]
    second.state = first.state
    assert begun + [epoch.eta for epoch in second] == whole


PLATEAU = bpx.optim.reduce_on_plateau(0.5, factor=0.5, patience=0, threshold=0.5)


def test_a_plateau_follows_the_validation_cost_or_else_the_training_cost(tmp_path):
    for validation in (None, ([[0.0] * 5], [1])):
        run = training(network(), optimizer=bpx.SGD(PLATEAU), epochs=4, validation=validation)
        eta, best = 0.5, None
        for epoch in run:
            cost = np.float32((epoch.validation or epoch).cost)
            if best is None or cost < best * np.float32(0.5):
                best = cost
            else:
                eta *= 0.5
            assert epoch.eta == eta
            assert run.state.optimizer.schedule.best[0] == best
        assert eta < 0.5
        run.save_state(tmp_path / "state.safetensors")
        again = training(network(), optimizer=bpx.SGD(PLATEAU), epochs=6, validation=validation)
        again.load_state(tmp_path / "state.safetensors")
        assert again.eta == eta
        assert again.state.optimizer.schedule.epochs.tolist() == [4.0]


def test_a_plateau_resumed_goes_on_to_the_same_bits(target):
    nets = [network(target) for _ in range(2)]
    given = {"optimizer": bpx.SGD(PLATEAU), "epochs": 4}
    with flags(target):
        etas = [epoch.eta for epoch in training(nets[0], target, **given)]
        first = training(nets[1], target, **given)
        begun = [next(first).eta, next(first).eta]
        second = training(nets[1], target, **given)
        second.state = first.state
        assert begun + [epoch.eta for epoch in second] == etas
    assert etas[-1] < etas[0]
    same(*nets)


def test_nested_numbers_are_saved_by_name(tmp_path):
    rate = bpx.optim.join_schedules(
        [bpx.optim.linear_warmup(PLATEAU, steps=3), bpx.optim.cosine_decay_schedule(0.1)],
        [bpx.optim.Epochs(2)],
    )
    nets = [network() for _ in range(2)]
    first, second = (training(net, optimizer=bpx.Adam(rate)) for net in nets)
    begun = [next(first).eta, next(first).eta]
    first.save_state(tmp_path / "state.safetensors")
    second.load_state(tmp_path / "state.safetensors")
    schedule = second.state.optimizer.schedule
    assert schedule.boundaries[0].tolist() == [10.0]
    assert schedule.parts[0].then.epochs.tolist() == [2.0]
    assert schedule.parts[1].steps.tolist() == [10.0]
    assert [epoch.eta for epoch in first] == [epoch.eta for epoch in second]
    assert begun[0] > 0.1 > first.eta
    same(*nets)


def test_observers_see_the_numbers_after_the_epoch():
    class Best:
        name = "best"

        def __call__(self, state, data, epoch):
            return float(state.optimizer.schedule.best[0])

    run = training(network(), optimizer=bpx.SGD(PLATEAU), observers=[Best()])
    assert next(run).observed["best"] == float(run.state.optimizer.schedule.best[0]) > 0.0


def test_streams_know_their_length_or_say_so():
    x, y = np.ones((4, 5), "float32"), np.array([0, 1, 2, 0])
    rate = bpx.optim.cosine_decay_schedule(0.1)

    def train(batches, schedule=rate, **given):
        return bpx.train(network(), batches=batches, optimizer=bpx.SGD(schedule), **given)

    def total(run):
        return float(run.state.optimizer.schedule.steps[0])

    assert total(train([(x, y)] * 3, epochs=2)) == 6.0
    assert total(train([(x, y)] * 3, epochs=2, steps_per_epoch=2)) == 4.0
    assert total(train([(x, y)] * 3, epochs=2, steps_per_epoch=9)) == 6.0
    endless = {"batches": iter([(x, y)] * 3), "steps_per_epoch": 3}
    assert total(train(**endless, epochs=2)) == 6.0
    with pytest.raises(bpx.InputError, match="nobody knows the end of this stream"):
        train(**endless)
    with pytest.raises(bpx.InputError, match="mini-batches in an epoch of this stream is not"):
        train(iter([(x, y)] * 3), bpx.optim.step_decay(0.1, every=bpx.optim.Epochs(1)))
    assert total(train(iter([(x, y)]), bpx.optim.cosine_decay_schedule(0.1, steps=7))) == 7.0
