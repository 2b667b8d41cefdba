"""Hidden activations as features."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the transformer is one of scikit-learn's estimators")

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
