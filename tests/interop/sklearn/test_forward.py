"""The forward pass of an estimator is that of a network with the same weights."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the estimators are scikit-learn's")

import bpx
from bpx.interop.sklearn.forward import forward
from bpx.sklearn import MLPClassifier, MLPRegressor

RANDOM = np.random.RandomState(0)
X, Y = RANDOM.standard_normal((30, 4)), RANDOM.randint(0, 3, 30)
BOTH = pytest.mark.parametrize("make", [MLPClassifier, MLPRegressor])
pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer")


@BOTH
def test_a_network_of_bpx_with_the_same_weights_answers_the_same(make):
    net = (
        make((5, 3), activation=["tanh", "silu"], max_iter=4, random_state=0)
        if (make is MLPClassifier)
        else make("squared_error", (5, 3), ["tanh", "silu"], max_iter=4, random_state=0)
    )
    net.fit(X, Y)
    output = {"softmax": "softmax", "identity": "identity"}[net.out_activation_]
    cost = "cross_entropy" if output == "softmax" else "quadratic"
    other = bpx.Network(
        [4, 5, 3, net.n_outputs_], activations=["tanh", "silu", output], cost=cost,
        dtype="float64",
    )  # fmt: skip
    other.parameters = [w.T for w in net.coefs_], net.intercepts_
    found = net.predict_proba(X) if make is MLPClassifier else net.predict(X)[:, None]
    np.testing.assert_allclose(found, other.predict(X), rtol=1e-12)


@BOTH
def test_each_hidden_layer_has_its_activations(make):
    net = make(hidden_layer_sizes=(5, 3), activation="tanh", max_iter=2, random_state=0)
    net.fit(X, Y)
    a = X
    for depth, (w, b) in enumerate(zip(net.coefs_[:2], net.intercepts_[:2], strict=True), 1):
        a = np.tanh(a @ w + b)
        np.testing.assert_allclose(forward(net, X, "transform", None, depth), a, rtol=1e-12)
