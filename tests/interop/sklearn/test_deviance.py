"""The Poisson deviance: its value against scikit-learn's, its delta that of bpx's own cost."""

import numpy as np
import pytest

metrics = pytest.importorskip("sklearn.metrics", reason="the deviance is scikit-learn's")

import bpx  # noqa: E402
from bpx.interop.sklearn.deviance import poisson_deviance  # noqa: E402
from tests.backends import host  # noqa: E402


@pytest.mark.parametrize("output", ["exponential", "softplus"])
def test_it_is_half_the_mean_deviance(target, output):
    random = np.random.default_rng(0)
    x, y = random.standard_normal((9, 3)), random.poisson(2.0, (9, 1)).astype(float)
    assert (y == 0.0).any()
    net, plain = (
        target.network([3, 1], output=output, cost=cost, seed=0, dtype="float64")
        for cost in (poisson_deviance, bpx.costs.poisson)
    )
    arrays = [net.home.asarray(a) for a in (x, y)]
    trace = net.backprop(*arrays)
    expected = metrics.mean_poisson_deviance(y, host(trace.a[-1])) / 2.0
    assert host(trace.cost).mean() == pytest.approx(expected, rel=1e-12)
    np.testing.assert_array_equal(
        host(trace.delta[-1]), host(plain.backprop(*arrays).delta[-1])
    )
