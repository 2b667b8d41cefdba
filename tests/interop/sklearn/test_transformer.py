"""Hidden activations as features."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the transformer is one of scikit-learn's estimators")

from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import bpx
from bpx.errors import InputError
from bpx.sklearn import MLPClassifier, MLPRegressor, MLPTransformer

X, Y = np.random.RandomState(0).standard_normal((20, 4)), np.arange(20) % 3
NET = MLPClassifier(
    (6, 5), activation=["tanh", "silu"], dropout=0.2, max_iter=3, random_state=0
)
pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer")


@pytest.mark.parametrize(("layer", "at"), [(1, 1), (2, 2), (-1, 2), (-2, 1)])
def test_it_returns_the_activations_of_the_layer(layer, at):
    made = MLPTransformer(NET, layer=layer).fit(X, Y)
    net = bpx.Network([4, 6, 5, 3], activations=["tanh", "silu", "softmax"],
                      cost="cross_entropy", dtype="float64")  # fmt: skip
    net.parameters = [w.T for w in made.estimator_.coefs_], made.estimator_.intercepts_
    found = made.transform(X)
    np.testing.assert_allclose(found, net.forward(X).a[at], rtol=1e-12)
    assert list(made.get_feature_names_out())[-1] == f"mlptransformer{found.shape[1] - 1}"


def test_the_network_is_a_clone():
    net = MLPRegressor(max_iter=2)
    assert MLPTransformer(net).fit_transform(X, Y).shape == (20, 100)
    assert not hasattr(net, "coefs_")
    assert MLPTransformer().fit(X, Y).estimator_.classes_.size == 3


@pytest.mark.parametrize("layer", [1, -1])
def test_a_frozen_network_is_not_refitted(layer):
    net = clone(NET).fit(X, Y)
    before = [w.copy() for w in net.coefs_]
    made = MLPTransformer(FrozenEstimator(net), layer=layer).fit(X[:5])
    assert made.estimator_ is net
    assert all(map(np.array_equal, net.coefs_, before))
    units = net.hidden_layer_sizes[layer % 3 - 1]
    assert made.transform(X).shape == (20, units) == (20, made.get_feature_names_out().size)
    expected = MLPTransformer(NET, layer=layer).fit(X, Y).transform(X)  # from the same seed
    np.testing.assert_array_equal(made.transform(X), expected)


def test_a_frozen_network_stays_so_in_pipelines_and_clones():
    net = clone(NET).fit(X, Y)
    steps = MLPTransformer(FrozenEstimator(net)), LogisticRegression()
    pipeline = clone(make_pipeline(*steps)).fit(X, Y)
    assert pipeline[0].estimator_ is net
    assert pipeline.predict(X).shape == (20,)
    assert not pipeline[0].__sklearn_tags__().target_tags.required


def test_a_frozen_network_has_its_own_widths_and_features():
    net = clone(NET).fit(X, Y)
    net.set_params(hidden_layer_sizes=(9,))  # for a next fit
    assert MLPTransformer(FrozenEstimator(net), layer=2).fit(X).transform(X).shape == (20, 5)
    with pytest.raises(ValueError, match="X has 3 features"):
        MLPTransformer(FrozenEstimator(net)).fit(X[:, :3])
    with pytest.raises(NotFittedError):
        MLPTransformer(FrozenEstimator(NET)).fit(X)
    with pytest.raises(InputError, match="or a FrozenEstimator of one"):
        MLPTransformer(FrozenEstimator(LogisticRegression().fit(X, Y))).fit(X)


@pytest.mark.parametrize(
    ("estimator", "layer", "said"),
    [
        (NET, 0, "1 ... 2 or -1 ... -2"),
        (NET, 3, "1 ... 2 or -1 ... -2"),
        (NET, -3, "1 ... 2 or -1 ... -2"),
        (MLPClassifier(()), 1, "no hidden layer"),
        ("net", 1, "expected a bpx.sklearn.MLPClassifier"),
    ],
)
def test_what_cannot_be_used_is_refused(estimator, layer, said):
    with pytest.raises(InputError, match=said):
        MLPTransformer(estimator, layer=layer).fit(X, Y)
