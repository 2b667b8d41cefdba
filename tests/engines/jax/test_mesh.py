"""One training on several devices of a process, in a process that has several."""

import pytest

from tests.launching import alone

pytest.importorskip("jax", reason="JAX is not installed")

SEVERAL = {"XLA_FLAGS": "--xla_force_host_platform_device_count=3", "JAX_ENABLE_X64": "1"}
EQUAL = """
import jax
assert len(jax.devices()) == 3
for settings in ({}, {"dropout": 0.3}, {"norm": "batch"}):
    off = difference("devices", backend="jax", **settings)
    assert off < 1e-12, off
one, several = network(backend="jax"), network(backend="jax")
weights = np.linspace(0.0, 2.0, 53)
for net, ranks in ((one, "off"), (several, "devices")):
    trained(net, ranks=ranks, accumulate=2, sample_weight=weights, validation_split=0.2)
for a, b in zip(one.weights, several.weights):
    np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)
assert several.weights[0].devices() == one.weights[0].devices()
print("equal")
"""
DIVIDED = """
import jax
from bpx_backends._jax import _run
from bpx_backends.engines.jax import mesh
net = network(backend="jax")
training = bpx.train(net, (X, LABELS), epochs=1, batch_size=10, optimizer=bpx.SGD(0.1), seed=1)
loop = training._loop
stretch = next(loop.batches(1).stretches)
spread = net.home.backend.spread(net.home.device)
zero = loop.chunks.zeros(net.parameters, 10, "argmax", False)
state = loop.course.state._replace(metrics=zero)
step = mesh.Spread(stretch.step, spread._over, spread._everywhere)
given = [jax.device_put(x, spread._everywhere) for x in (state, stretch.data, stretch.rows)]
text = _run.lower(step, 0, *given, 0, 5).compile().as_text()
print("sums", text.count("all-reduce("), "gathers of weights", text.count("all-gather("))
print("rows", "f64[4,8]" in text, "f64[10,8]" in text)
"""


@pytest.fixture(autouse=True)
def _apart(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


def test_devices_train_as_one():
    assert "equal" in alone(EQUAL, **SEVERAL)


def test_each_computes_a_part_of_the_mini_batch():
    told = alone(DIVIDED, **SEVERAL)
    assert "rows True False" in told
    assert "sums 0" not in told
