"""Networks that differ by their seed alone."""

import copy

import numpy as np
import pytest

import bpx

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(40, 3)), rng.integers(0, 2, 40)
SHAPE = {"hidden": "tanh", "output": "softmax", "cost": "cross_entropy"}
FIT = {"epochs": 3, "batch_size": 8, "optimizer": bpx.Adam(0.01)}


def network(seed=7, **given):
    return bpx.Network([3, 5, 2], **{**SHAPE, **given}, seed=seed)


def found(net=None, data=(X, Y), **given):
    return bpx.seeds(net or network(), data, **{"n": 3, **FIT, **given})


@pytest.mark.parametrize("feedback", ["transpose", "dfa"])
def test_each_is_the_network_of_its_seed(feedback):
    several = found(network(feedback=feedback), seed=4, init="he_normal", validation=(X, Y))
    assert several.seeds == (4, 5, 6)
    assert len(several) == 3
    for seed, net, history in zip(
        several.seeds, several.networks, several.histories, strict=True
    ):
        alone = network(seed, feedback=feedback, init="he_normal")
        records = alone.fit(X, Y, **FIT, seed=seed, validation=(X, Y))
        assert net.seed == history.seed == seed
        assert [each.cost for each in records] == [each.cost for each in history]
        for w, other in zip(
            (*alone.weights, *alone.feedback), (*net.weights, *net.feedback), strict=True
        ):
            np.testing.assert_array_equal(w, other)


def test_the_network_given_is_not_changed():
    net = network()
    before = copy.deepcopy(net.parameters)
    several = found(net)
    assert net.seed == 7
    for w, other in zip(net.weights, before.w, strict=True):
        np.testing.assert_array_equal(w, other)
    assert all(each is not net for each in several)


def test_the_bands_are_those_of_the_histories():
    several = found(validation=(X[:10], Y[:10]))
    for name, value in (
        ("cost", lambda e: e.cost),
        ("accuracy", lambda e: e.accuracy),
        ("validation_cost", lambda e: e.validation.cost),
        ("validation_accuracy", lambda e: e.validation.accuracy),
    ):
        rows = np.array([[value(e) for e in history] for history in several.histories])
        band = getattr(several, name)
        np.testing.assert_allclose(band.mean, rows.mean(0))
        np.testing.assert_allclose(band.std, rows.std(0, ddof=1))
        np.testing.assert_array_equal(band.low, rows.min(0))
        np.testing.assert_array_equal(band.high, rows.max(0))
        assert band.count.tolist() == [3, 3, 3]


def test_what_there_is_no_number_of_has_no_band():
    several = found(bpx.Network([3, 4, 1], output="identity"), (X, X[:, 0]))
    assert several.accuracy is several.validation_cost is several.validation_accuracy is None
    assert "accuracy" not in repr(several)


def test_trainings_that_stop_early_count_where_they_were():
    noise = rng.integers(0, 2, 40)
    several = found(validation=(X, noise), early_stopping=1, epochs=60, optimizer=bpx.Adam(0.1))
    lengths = [len(history) for history in several.histories]
    assert len(set(lengths)) > 1, "or this shows nothing"
    count = several.cost.count.tolist()
    assert count == [sum(n > epoch for n in lengths) for epoch in range(max(lengths))]
    last = next(h for h in several.histories if len(h) == max(lengths))
    assert several.cost.high[-1] >= last[-1].cost >= several.cost.low[-1]
    assert np.isnan(several.cost.std[np.array(count) == 1]).all()


def test_a_table():
    table = {"a": X[:, 0].tolist(), "b": X[:, 1].tolist()}
    several = found(bpx.Network([2, 4, 2], **SHAPE), (table, Y))
    assert all(net.schema is not None for net in several)


def test_runs_are_continued(tmp_path):
    first = found(checkpoint=tmp_path / "runs", epochs=2)
    assert sorted(each.name for each in (tmp_path / "runs").iterdir()) == [
        "seed-0",
        "seed-1",
        "seed-2",
    ]
    longer = found(checkpoint=tmp_path / "runs", resume=True)
    assert longer.cost.mean[:2].tolist() == first.cost.mean.tolist()
    for net, other in zip(longer, found(), strict=True):
        np.testing.assert_array_equal(net.weights[0], other.weights[0])


def test_a_private_training_counts_for_its_own_network_alone():
    pytest.importorskip("dp_accounting", reason="dp-accounting is not installed")
    net = network()
    private = {"privacy": bpx.privacy.DPSGD(noise_multiplier=1.0), "n": 2, "epochs": 1}
    found(net, **private)
    assert net.mechanisms == ()
    net.fit(X, Y, **FIT, privacy=private["privacy"])
    assert [len(each.mechanisms) for each in found(net, **private)] == [1, 1]


def test_it_reads_well():
    several = found(validation=(X, Y))
    assert repr(several).startswith("<bpx.Seeds 0 to 2, 3 epochs, at the end cost 0.")
    assert "validation accuracy 0." in repr(several)
    assert repr(several.cost).startswith("<bpx.Band of 3 epochs, at the end 0.")


def test_it_is_plotted():
    pytest.importorskip("matplotlib", reason="plots are an extra")
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    assert found().plot(ax) is ax


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"n": 1}, "n=1 was given; expected a whole number of at least 2"),
        ({"seed": -1}, "seed=-1 was given"),
        ({"seed": 2**64 - 2}, "seed=18446744073709551616 was given"),
        ({"batch_size": 100}, "batch_size=100 was given"),
        ({"data": X}, "expected a pair"),
    ],
)
def test_what_cannot_be_trained(given, said):
    with pytest.raises(bpx.InputError, match=said):
        found(**given)
