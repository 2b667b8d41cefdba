"""The same program on every backend: the same starts, the same orders, the same results."""

from functools import cache
from itertools import combinations

import numpy as np
import pytest

import bpx
from bpx import random
from tests.backends import Target, assert_at_home, available, host, problem

SETTINGS = {
    "book": {},
    "relu softmax": {"hidden": "relu", "output": "softmax", "cost": "cross_entropy"},
    "tanh sigmoid": {"hidden": "tanh", "output": "sigmoid", "cost": "cross_entropy"},
    "gelu identity": {"hidden": "gelu_tanh", "output": "identity"},
}
OPTIMIZERS = {
    "sgd": bpx.SGD(0.5),
    "momentum": bpx.SGD(0.1, momentum=0.9),
    "nesterov": bpx.SGD(0.1, momentum=0.9, nesterov=True),
    "adam": bpx.Adam(),
}


def samples(n=60, k0=12, k=4):
    rng = np.random.default_rng(7)
    return rng.random((n, k0)), rng.integers(0, k, n)


def trained(target, settings, optimizer, lmbda=0.0):
    """100 float64 steps: ten epochs of ten batches."""
    net = target.network([12, 9, 7, 4], seed=3, dtype="float64", **SETTINGS[settings])
    x, y = samples(100)
    net.fit(
        x, y, epochs=10, batch_size=10, optimizer=OPTIMIZERS[optimizer], lmbda=lmbda, seed=5,
        compile=target.value.compile,
    )  # fmt: skip
    return net


@cache
def reference(settings, optimizer):
    return trained(Target.NUMPY, settings, optimizer)


def largest_difference(ours, theirs):
    """The largest difference over the largest weight, the worst of all arrays."""
    pairs = zip((*ours.weights, *ours.biases), (*theirs.weights, *theirs.biases), strict=True)
    return max(np.max(np.abs(host(a) - host(b))) / np.max(np.abs(host(b))) for a, b in pairs)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("init", list(bpx.initializers.INITIALIZERS))
def test_initial_weights_are_bit_identical(target, init, dtype):
    ours = target.network([7, 5, 3], init=init, seed=11, dtype=dtype)
    theirs = bpx.Network([7, 5, 3], init=init, seed=11, dtype=dtype)
    for a, b in zip(
        (*ours.weights, *ours.biases), (*theirs.weights, *theirs.biases), strict=True
    ):
        assert_at_home(a, ours, dtype)
        np.testing.assert_array_equal(host(a), host(b))


def test_batches_are_identical(target):
    """A step that only records which rows it was given: the order, seen from inside."""
    seen = target.network([1, 1], activations=["identity"], seed=0, dtype="float64")
    seen.parameters = ([[[0.0]]], [[0.0]])
    costs = []
    x, y = np.arange(20.0)[:, None], np.arange(20.0)
    bpx_train = bpx.train(
        seen, (x, y), epochs=2, batch_size=1, optimizer=bpx.SGD(1e-300), seed=4,
        progress=lambda p: costs.append((p.samples, p.cost)), compile=target.value.compile,
    )  # fmt: skip
    list(bpx_train)
    (first, second) = (bpx.arrays.host.batches(4, e, 20, 1, shuffle=True)[0] for e in (1, 2))
    assert not np.array_equal(first, second)
    samples_seen, cost = costs[0]
    expected = np.mean(0.5 * first[:samples_seen, 0].astype(float) ** 2)
    assert cost == pytest.approx(expected, rel=1e-12)


def test_random_words_uniforms_and_masks_are_bit_identical(target):
    words = np.array(random.key_words(2**63 + 12345), dtype=np.int32)
    ours, theirs = target.asarray(words, "int32"), words
    ours, theirs = random.fold_in(ours, 3), random.fold_in(theirs, 3)
    np.testing.assert_array_equal(
        host(random.words(ours, 9, 1001)), random.words(theirs, 9, 1001)
    )
    for dtype in ("float32", "float64"):
        dtypes = getattr(bpx.namespace(ours), dtype), getattr(np, dtype)
        np.testing.assert_array_equal(
            host(random.uniform(ours, 1, (5, 7), dtypes[0])),
            random.uniform(theirs, 1, (5, 7), dtypes[1]),
        )
        np.testing.assert_allclose(
            host(random.normal(ours, 1, (5, 7), dtypes[0])),
            random.normal(theirs, 1, (5, 7), dtypes[1]),
            rtol=1e-5,
            atol=1e-6,
        )
    np.testing.assert_array_equal(
        host(random.bernoulli(ours, 2, (64, 3), 0.3)), random.bernoulli(theirs, 2, (64, 3), 0.3)
    )


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("settings", SETTINGS)
def test_a_hundred_steps_agree(target, settings, optimizer):
    ours = trained(target, settings, optimizer)
    assert largest_difference(ours, reference(settings, optimizer)) < 1e-11


def test_a_hundred_steps_with_a_penalty_agree(target):
    ours = trained(target, "book", "sgd", lmbda=2.0)
    theirs = trained(Target.NUMPY, "book", "sgd", lmbda=2.0)
    assert largest_difference(ours, theirs) < 1e-11
    assert largest_difference(theirs, reference("book", "sgd")) > 1e-3


def test_any_two_backends_agree():
    nets = [trained(t, "relu softmax", "adam") for t in available()]
    assert len(nets) >= 2
    assert max(largest_difference(a, b) for a, b in combinations(nets, 2)) < 1e-11


def test_a_network_saved_anywhere_loads_here(target, tmp_path):
    for source in available():
        saved = source.network(
            [5, 4, 3], hidden="relu", output="softmax", seed=2, cost="cross_entropy"
        )
        saved.save(tmp_path / f"{source.name}.safetensors")
        loaded = bpx.load(tmp_path / f"{source.name}.safetensors", backend=target.spec)
        assert loaded.spec == saved.spec
        for a, b in zip(loaded.weights, saved.weights, strict=True):
            assert_at_home(a, loaded, "float32")
            np.testing.assert_array_equal(host(a), host(b))


def test_a_network_moves_to_every_backend_and_back(target):
    net = bpx.Network([5, 4, 3], seed=2, dtype="float64")
    before = [host(w) for w in net.weights]
    assert net.to(target.spec) is net
    for w in net.weights:
        assert_at_home(w, net, "float64")
    net.to("numpy")
    for w, b in zip(net.weights, before, strict=True):
        np.testing.assert_array_equal(w, b)


def test_float64_on_jax_without_x64_is_refused():
    if problem("jax:cpu"):
        pytest.skip(problem("jax:cpu"))
    import subprocess
    import sys

    program = (
        "import sys; sys.path[:0] = ['.', 'backends']\n"
        "import bpx\n"
        "net = bpx.Network([2, 2], backend='jax', seed=0)\n"
        "w = net.weights\n"
        "for act in (lambda: bpx.Network([2, 2], backend='jax', dtype='float64'),\n"
        "            lambda: net.to(dtype='float64'),\n"
        "            lambda: bpx.asarray([1.0], backend='jax', dtype='float64'),\n"
        "            lambda: bpx.asarray([2**32 + 5], backend='jax')):\n"
        "    try: act()\n"
        "    except bpx.BackendError as e: print('refused' if 'X64' in str(e).upper() else e)\n"
        "print(net.weights is w, net.home.dtype)\n"
    )
    clean = {"PATH": "", "JAX_ENABLE_X64": "0", "JAX_PLATFORMS": "cpu"}
    ran = subprocess.run(
        [sys.executable, "-c", program], env=clean, capture_output=True, text=True
    )
    assert ran.stdout.split() == ["refused"] * 4 + ["True", "float32"], ran.stderr
