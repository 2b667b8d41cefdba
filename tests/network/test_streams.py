"""`train` on a stream of mini-batches: what an epoch is, and what has no place there."""

import numpy as np
import pytest

import bpx
from tests.backends import flags
from tests.network.test_trainer import batches, same
from tests.training.small import network, samples

HOW = {"optimizer": bpx.Adam(0.01), "seed": 1}


def test_an_epoch_goes_through_all_of_it_or_through_some_steps():
    given = batches(*samples())
    nets = [network() for _ in range(3)]
    whole = list(bpx.train(nets[0], batches=given, epochs=2, **HOW))
    cut = bpx.train(nets[1], batches=iter(given * 2), steps_per_epoch=2, **HOW)
    assert [each.number for each in cut] == [1, 2, 3, 4, 5]
    (all_at_once,) = bpx.train(nets[2], batches=iter(given * 2), **HOW)
    same(nets[0], nets[1])
    same(nets[0], nets[2])
    assert all_at_once.cost == pytest.approx(np.mean([each.cost for each in whole]))


def test_a_mini_batch_is_asked_for_when_its_step_is_due(target):
    """A stream may depend on what the network has learned so far."""
    (x, y), net, seen = samples(), network(target), []

    def stream():
        for i in range(4):
            seen.append(net.parameters)
            yield x[8 * i : 8 * i + 8], y[8 * i : 8 * i + 8]

    with flags(target):
        running = bpx.train(
            net, batches=stream(), steps_per_epoch=1, compile=target.value.compile, **HOW
        )
        assert len(seen) == 1
        for _ in running:
            pass
    assert len({id(each) for each in seen}) == 4


def test_a_ragged_stream_and_weights(target):
    (x, y), s = samples(), np.random.default_rng(2).random(40)
    nets = [network(target, dtype="float64") for _ in range(2)]
    parts = [(x[a:b], y[a:b], s[a:b]) for a, b in ((0, 17), (17, 34), (34, 40))]
    how = {**HOW, "compile": target.value.compile}
    with flags(target):
        (record,) = bpx.train(nets[0], batches=parts, epochs=1, **how)
        (fitted,) = nets[1].fit(
            x, y, sample_weight=s, epochs=1, batch_size=17, shuffle=False, **how
        )
    same(*nets)
    assert record.cost == pytest.approx(fitted.cost, rel=1e-12)
    assert record.accuracy == pytest.approx(fitted.accuracy, rel=1e-12)


def test_validation_observers_and_progress_are_as_ever():
    (x, y), net, told = samples(), network(), []

    class Largest:
        name = "largest"

        def __call__(self, state, data, epoch):
            return data.x.shape

    how = {**HOW, "validation": (x, y), "observers": [Largest()], "progress": told.append}
    (record,) = bpx.train(net, batches=batches(x, y), epochs=1, **how)
    assert record.validation == net.evaluate(x, y)
    assert record.observed == {"largest": (8, 5)}
    assert [each.total for each in told] == [None] * 5
    assert [each.samples for each in told] == [8, 16, 24, 32, 40]


def test_divergence_names_the_step():
    (x, y), net = samples(), network(output="identity")
    given = batches(x, np.stack([y, y, y], axis=1).astype("float64"))
    given[3] = given[3][0], given[3][1] * 1e30
    with pytest.raises(bpx.DivergenceError, match="epoch 1, step 4") as raised:
        list(bpx.train(net, batches=given, epochs=2, **HOW))
    assert (raised.value.epoch, raised.value.step) == (1, 4)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"batch_size": 8}, "batch_size was given with batches; omit it"),
        ({"lmbda": 1.0}, "lmbda was given with batches; give its coefficient"),
        ({"shuffle": False}, "shuffle was given with batches; batches are used in the order"),
        ({"health": True}, "health was given with batches"),
        ({"data": samples()}, "data was given with batches; give one of them"),
        ({"epochs": None}, "epochs is missing, and batches can be iterated again"),
        ({"epochs": 0}, "epochs=0 was given; expected a whole number"),
        ({"penalty": -1.0}, "penalty=-1.0 was given; expected a number of at least 0"),
        (
            {"batches": iter(batches(*samples())), "epochs": 2},
            "which runs only once; give steps_per",
        ),
        ({"batches": []}, "batches has no mini-batch"),
        ({"batches": 3}, "batches is int; expected an iterable of mini-batches"),
        ({"batches": [samples()[0]]}, "a mini-batch"),
        ({"batches": None, "data": None}, "data is missing; expected .x, y., or a stream"),
        (
            {"batches": None, "data": samples(), "batch_size": 8, "penalty": 1.0},
            "penalty was given without batches; give lmbda",
        ),
        ({"batches": None, "data": samples()}, "batch_size is missing"),
        ({"batches": None, "data": samples(), "epochs": None}, "epochs is missing; expected"),
    ],
)
def test_what_cannot_be_used_is_refused_at_once(settings, said):
    net = network()
    before = net.parameters
    with pytest.raises(bpx.InputError, match=said):
        bpx.train(net, **{"batches": batches(*samples()), "epochs": 1, **HOW, **settings})
    assert net.parameters is before


def test_a_later_mini_batch_that_cannot_be_used_is_named():
    x, y = samples()
    good = batches(x, y)
    for wrong, said in (
        ((x, np.eye(3)[y]), "mini-batch 6 of epoch 1 has no labels, but the first one had"),
        ((x, y, np.ones(40)), "mini-batch 6 of epoch 1 has weights, but the first one had no"),
        ((x[:, :2], y), r"x has shape \(40, 2\); expected \(n, 5\)"),
    ):
        net = network()
        before = net.parameters
        with pytest.raises(bpx.InputError, match=said):
            list(bpx.train(net, batches=[*good, wrong], epochs=1, **HOW))
        assert net.parameters is before
