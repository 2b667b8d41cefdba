"""The network of an estimator: its layers, its first weights, and its attributes."""

import numpy as np
import pytest

theirs = pytest.importorskip("sklearn.neural_network", reason="the weights are scikit-learn's")

import bpx  # noqa: E402
from bpx.errors import InputError  # noqa: E402
from bpx.interop.sklearn.networks import (  # noqa: E402
    dropout_rates,
    first_weights,
    fitted,
    hidden_sizes,
    network_of,
    parameters_of,
    spec_of,
)
from bpx.sklearn import MLPClassifier, MLPRegressor  # noqa: E402
from tests.backends import host  # noqa: E402


@pytest.mark.parametrize("activation", ["logistic", "tanh", "relu", "identity"])
@pytest.mark.parametrize("hidden", [(), (5,), (5, 4)])
@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_the_first_weights_are_scikit_learns(activation, hidden):
    settings = {"activation": activation, "hidden_layer_sizes": hidden, "random_state": 3}
    other = theirs.MLPRegressor(max_iter=1, learning_rate_init=1e-300, **settings)
    other.fit(np.eye(3), np.arange(3.0))
    coefs, intercepts = first_weights(
        MLPRegressor(**settings), [3, *hidden, 1], "float64", np.random.RandomState(3)
    )
    for ours, expected in zip(
        coefs + intercepts, other.coefs_ + other.intercepts_, strict=True
    ):
        np.testing.assert_allclose(ours, expected, rtol=1e-14)


def test_layers_have_their_own_activations_and_dropout():
    estimator = MLPRegressor(activation=["silu", bpx.activations.tanh], dropout=[0.0, 0.5])
    spec = spec_of(estimator, [3, 5, 4, 1], "identity", None)
    assert [layer.activation.name for layer in spec.dense] == ["silu", "tanh", "identity"]
    assert [layer.kind for layer in spec.layers] == ["dense", "dense", "dropout", "dense"]


@pytest.mark.parametrize(
    ("activation", "said"),
    [
        (["relu"], "1 entries for 2 hidden layers"),
        ("rellu", r"activation='rellu' was given.* 'relu'.*; expected one of logistic, "),
        (["relu", 3], "activation=3 was given; expected one of logistic, identity, "),
    ],
)
def test_activations_that_cannot_be_used_are_refused(activation, said):
    with pytest.raises(InputError, match=said):
        spec_of(MLPRegressor(activation=activation), [3, 5, 4, 1], "identity", None)


@pytest.mark.parametrize("given", [0, [4, -1]])
def test_sizes_below_1_are_refused(given):
    with pytest.raises(ValueError, match="hidden_layer_sizes must be > 0"):
        hidden_sizes(given)


@pytest.mark.parametrize(
    "given",
    [(3.7,), [[3, 4]], (True,), ["4"], np.array([3.0]), [None], np.array([[3]])],
    ids=repr,
)
def test_sizes_that_are_no_whole_numbers_are_refused(given):
    with pytest.raises(InputError, match=r"hidden_layer_sizes=.* was given; expected a whole"):
        hidden_sizes(given)


@pytest.mark.parametrize("given", [4, np.int64(4), np.array(4), (4,), np.array([4], "uint8")])
def test_a_size_may_be_numpys(given):
    assert hidden_sizes(given) == [4]


@pytest.mark.parametrize("given", ["x", None, [0.1, "x"], {0.1}, np.array([1.0]), [[0.1]]])
def test_what_is_no_rate_of_dropout_is_refused(given):
    with pytest.raises(InputError, match=r"dropout=.* was given; expected a rate in \[0, 1\)"):
        dropout_rates(given)


def test_activations_and_rates_may_be_arrays():
    estimator = MLPRegressor(activation=np.array(["silu", "tanh"]), dropout=np.array(0.5))
    spec = spec_of(estimator, [3, 5, 4, 1], "identity", None)
    assert [layer.activation.name for layer in spec.dense] == ["silu", "tanh", "identity"]
    assert dropout_rates(np.array([0.0, 0.5])) == (0.0, 0.5)
    assert [layer.rate for layer in spec.layers if layer.kind == "dropout"] == [0.5, 0.5]


def test_attributes_become_parameters_and_come_back(target):
    estimator = MLPClassifier(dropout=0.5)
    random = np.random.default_rng(0)
    coefs = [random.standard_normal(shape) for shape in ((3, 5), (5, 2))]
    intercepts = [random.standard_normal(n) for n in (5, 2)]
    spec = spec_of(estimator, [3, 5, 2], "softmax", None)
    home = target.network([3, 2], dtype="float64").home
    network = network_of(spec, home, coefs, intercepts)
    for parameters in (network.parameters, parameters_of(spec, home, coefs, intercepts)):
        assert len(parameters.layers) == 3
        found = fitted(parameters, np.zeros(1))
        for ours, given in zip(found[0] + found[1], coefs + intercepts, strict=True):
            assert isinstance(ours, np.ndarray)
            np.testing.assert_array_equal(ours, given)
    like = home.asarray([0.0])
    np.testing.assert_array_equal(host(fitted(network.parameters, like)[0][0]), coefs[0])
