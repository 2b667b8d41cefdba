"""Networks and samples whose metrics are compared with scikit-learn's."""

from typing import Any, NamedTuple

import numpy as np
import pytest

from tests.backends import host


class Case(NamedTuple):
    """The network, its samples and weights, and its outputs and answers on the host."""

    net: Any
    x: Any
    y: Any
    s: Any
    p: Any
    answers: Any

    def found(self, *names, weighted=True):
        s = self.s if weighted else None
        return self.net.evaluate(self.x, self.y, metrics=names, sample_weight=s).metrics


def classes(target, count, n=120, **settings):
    """A trained network of two classes with a single output, or of several with one each."""
    rng = np.random.default_rng(count)
    x, outputs = rng.standard_normal((n, 3)), 1 if count == 2 else count
    y = (x @ rng.standard_normal((3, count)) + rng.standard_normal((n, count))).argmax(axis=1)
    own = {"output": "sigmoid" if outputs == 1 else "softmax", "cost": "cross_entropy"}
    own["init"] = "glorot_normal"
    net = target.network([3, 5, outputs], seed=0, dtype="float64", **{**own, **settings})
    answers = host(net.classify(x))
    return Case(net, x, y, rng.integers(0, 4, n) / 2, host(net.predict(x)), answers)


def numbers(target, outputs=2, n=90, offset=0.0, **settings):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, 3))
    y = offset + x @ rng.standard_normal((3, outputs)) + 0.1 * rng.standard_normal((n, outputs))
    settings = {"output": "identity", "seed": 0, "dtype": "float64", **settings}
    net = target.network([3, 4, outputs], **settings)
    p = host(net.predict(x))
    return Case(net, x, y, rng.integers(0, 4, n) / 2, p, None)


def in_parts_of(size, monkeypatch):
    """Evaluate so many samples at a time."""
    parts = lambda spec, x: (x[i : i + size] for i in range(0, len(x), size))  # noqa: E731
    monkeypatch.setattr("bpx.model.evaluate.chunks", parts)


def sklearn_metrics():
    return pytest.importorskip("sklearn.metrics", reason="scikit-learn is compared with")
