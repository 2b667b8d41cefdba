"""The learning rate range test: on every backend, to the same bits, and without a trace."""

import numpy as np
import pytest

import bpx
from tests.backends import flags, host

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 4)).astype("float32")
Y = (X[:, 0] > 0.0).astype("int32")
SETTINGS = {"batch_size": 20, "optimizer": bpx.SGD(0.1), "high": 1000.0, "seed": 0}


def network(target=None, **given):
    settings = {"hidden": "relu", "output": "softmax", "cost": "cross_entropy", "seed": 0}
    made = target.network if target else bpx.Network
    return made([4, 8, 2], **{**settings, **given})


def tried(net, **given):
    return bpx.learning_rate_range(net, (X, Y), **{**SETTINGS, **given})


def test_it_finds_a_rate_and_leaves_the_network_as_it_was(target):
    net = network(target)
    before = [host(each).copy() for each in (*net.weights, *net.biases)]
    arrays = net.parameters
    with flags(target):
        found = tried(net, compile=target.value.compile)
    assert net.parameters is arrays
    for each, was in zip((*net.weights, *net.biases), before, strict=True):
        np.testing.assert_array_equal(host(each), was)
    assert 0.01 < found.suggestion < 50.0
    assert found.seed == 0
    assert min(found.smoothed) < found.smoothed[0]


def test_the_same_seed_gives_the_same_bits(target):
    with flags(target):
        how = {"compile": target.value.compile}
        one, other = (tried(network(target), **how) for _ in range(2))
        assert one == other
        assert tried(network(target), **{**how, "seed": 1}).costs != one.costs


def test_every_backend_finds_the_same(target):
    with flags(target):
        found = tried(network(target, dtype="float64"), compile=target.value.compile)
    expected = tried(network(dtype="float64"), compile=False)
    np.testing.assert_allclose(found.costs[:100], expected.costs[:100], rtol=1e-9)
    assert found.suggestion == pytest.approx(expected.suggestion)


def test_the_rates_rise_by_equal_factors():
    found = tried(network(), low=1e-4, high=1.0, steps=50)
    np.testing.assert_allclose(found.etas, np.geomspace(1e-4, 1.0, 50), rtol=1e-12)
    assert not found.diverged
    assert len(found.costs) == len(found.smoothed) == 50


def test_divergence_ends_it_without_an_error():
    found = tried(network(), high=1e30)
    assert found.diverged
    assert len(found.etas) == len(found.costs) < 200
    assert found.etas[-1] < 1e30
    assert 0.01 < found.suggestion < 50.0


@pytest.mark.parametrize(
    "optimizer",
    [
        bpx.Adam(bpx.optim.cosine_decay_schedule(0.1)),
        bpx.SGD(bpx.optim.reduce_on_plateau(0.1), momentum=0.9),
        bpx.optim.chain(bpx.optim.clip_by_global_norm(1.0), bpx.AdamW(7.0)),
    ],
)
def test_the_optimizers_own_rate_does_not_matter(optimizer):
    plain = bpx.optim.scaling.with_rate(optimizer, 0.5)
    assert tried(network(), optimizer=optimizer) == tried(network(), optimizer=plain)


def test_a_schedule_of_the_momentum_lasts_for_the_steps():
    """With an open length, as with that of the steps."""
    cycles = (bpx.optim.cosine_onecycle_momentum(steps=n) for n in (None, 200))
    one, other = (tried(network(), optimizer=bpx.SGD(0.1, mu)) for mu in cycles)
    assert one == other
    assert one != tried(network(), optimizer=bpx.SGD(0.1, momentum=0.95))


def test_batches_that_are_too_small_for_a_layer_are_refused():
    with pytest.raises(
        bpx.InputError, match=r"batch_size=1 was given .*'batch_norm', needs at"
    ):
        tried(network(norm="batch"), batch_size=1)


def test_other_rules():
    found = tried(network(), rule="valley")
    assert found.rule == "valley"
    assert found.suggestion == found.suggest("valley")
    assert found.suggest("steepest") == tried(network()).suggestion
    assert found.suggest("minimum") < found.etas[int(np.argmin(found.smoothed))]
    for call in (lambda: found.suggest("best"), lambda: tried(network(), rule="best")):
        with pytest.raises(bpx.InputError, match=r"rule='best' .* steepest, valley, minimum"):
            call()


def test_a_network_that_does_not_learn_has_no_suggestion():
    still = tried(network(), low=1e-12, high=1e-11, steps=3, batch_size=200, rule="minimum")
    assert still.suggestion is None
    assert "suggestion none (minimum), all of 3 steps" in repr(still)


def test_a_table_and_the_weights_of_classes():
    table = {"a": [float(v) for v in X[:, 0]], "b": [float(v) for v in X[:, 1]]}
    table["y"] = ["high" if v else "low" for v in Y]
    schema = bpx.data.Schema.fit(table, target="y")
    net = bpx.Network([2, 8, 2], seed=0, output="softmax", cost="cross_entropy", schema=schema)
    found = bpx.learning_rate_range(net, table, **SETTINGS)
    assert found.suggestion is not None
    weighted = bpx.learning_rate_range(net, table, **SETTINGS, class_weight={"high": 3.0})
    assert weighted.costs != found.costs


def test_random_layers_draw_by_the_seed():
    one, other = (tried(network(dropout=0.5), seed=5) for _ in range(2))
    assert one == other


def test_a_penalty_counts():
    assert tried(network(), lmbda=500.0).costs != tried(network()).costs


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"optimizer": bpx.optim.chain(bpx.optim.scale(-0.1))}, "has no learning rate"),
        ({"optimizer": "adam"}, "optimizer='adam' was given"),
        ({"high": 1e-7}, "high=1e-07 was given; expected a number above low=1e-06"),
        (
            {"low": 1e-300, "high": 1e300},
            r"high=1e\+300 was given; .* less than 1e308 times it",
        ),
        ({"rule": ["valley"]}, r"rule=\['valley'\] was given; expected steepest, valley"),
        ({"batch_size": 201}, "batch_size=201"),
    ],
)
def test_what_cannot_be_used_is_refused(given, message):
    with pytest.raises(bpx.InputError, match=message):
        tried(network(), **given)


def test_its_repr_is_a_line():
    assert repr(tried(network(), steps=20, high=1.0)).startswith(
        "<bpx.LearningRateRange 1e-06 to 1, suggestion "
    )


def test_its_plot():
    pytest.importorskip("matplotlib", reason="plots are an extra")
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    found = tried(network())
    assert found.plot(ax) is ax
    assert ax.get_xscale() == "log"
    _, line, mark = ax.get_lines()
    assert tuple(line.get_ydata()) == found.smoothed
    assert mark.get_xdata()[0] == found.suggestion
