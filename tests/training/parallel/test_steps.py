"""Any number of ranks trains as one does: the weights, the records and what layers draw."""

import warnings

import numpy as np
import pytest

import bpx
from bpx.optim import chain, clip_by_global_norm, reduce_on_plateau
from tests.backends import Target, host
from tests.ranks import on_ranks

N, WIDTH = 53, 6
TARGETS = [Target.NUMPY, Target.STRICT, Target.TORCH]
SOFTMAX = {"output": "softmax", "cost": "cross_entropy", "seed": 1}
RNG = np.random.default_rng(0)
X, LABELS, WEIGHTS = RNG.normal(size=(N, WIDTH)), RNG.integers(0, 3, N), RNG.random(N)
HELD = RNG.normal(size=(31, WIDTH)), RNG.integers(0, 3, 31)


def dense(target, **more):
    return target.network([WIDTH, 8, 3], dtype="float64", **SOFTMAX, **more)


def normed(target):
    return target.network([WIDTH, 8, 7, 3], norm="batch", dtype="float64", **SOFTMAX)


def residual(target):
    layers = [
        bpx.Dense(WIDTH, 8, "relu"),
        bpx.Residual([bpx.Dense(8, 8, "tanh"), bpx.LayerNorm(8), bpx.Dropout(8, 0.2)]),
        bpx.Dense(8, 3, "softmax"),
    ]
    return target.network(layers, cost="cross_entropy", seed=1, dtype="float64")


PRIVATE = bpx.privacy.DPSGD(noise_multiplier=1.0, clip=1.0, delta=1e-3, seed=4)
CASES = {
    "adam": (dense, {"optimizer": bpx.Adam(0.01)}),
    "momentum": (dense, {"optimizer": bpx.SGD(0.1, momentum=0.9), "lmbda": 0.1}),
    "clipped": (dense, {"optimizer": chain(clip_by_global_norm(0.1), bpx.Adam(0.1))}),
    "eager": (dense, {"optimizer": bpx.Adam(0.01), "compile": False}),
    "dropout": (
        lambda target: dense(target, dropout=0.3),
        {"optimizer": bpx.SGD(0.1, momentum=0.9)},
    ),
    "weights": (dense, {"optimizer": bpx.Adam(0.01), "sample_weight": WEIGHTS}),
    "classes": (dense, {"optimizer": bpx.Adam(0.01), "class_weight": "balanced"}),
    "batch_norm": (normed, {"optimizer": bpx.Adam(0.01)}),
    "weighted_norm": (normed, {"optimizer": bpx.Adam(0.01), "sample_weight": WEIGHTS}),
    "residual": (residual, {"optimizer": bpx.Adam(0.01)}),
    "accumulated": (
        lambda target: dense(target, dropout=0.2),
        {"optimizer": bpx.Adam(0.01), "accumulate": 2},
    ),
    "kolen_pollack": (
        lambda target: dense(target, feedback="kp"),
        {"optimizer": bpx.Adam(0.01)},
    ),
    "private": (dense, {"optimizer": bpx.Adam(0.01), "privacy": PRIVATE, "seed": None}),
    "stopped": (
        dense,
        {
            "optimizer": bpx.Adam(0.3),
            "validation": HELD,
            "early_stopping": 2,
            "epochs": 30,
            "metrics": ["f1_macro"],
        },
    ),
    "held_out": (
        dense,
        {
            "optimizer": bpx.Adam(reduce_on_plateau(0.1, patience=1)),
            "validation_split": 0.2,
            "drop_last": True,
        },
    ),
}


def trained(make, target, settings, ranks=None):
    net = make(target)
    usual = {"epochs": 3, "batch_size": 10, "seed": 3}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        history = net.fit(X, LABELS, **{**usual, **settings}, ranks=ranks or "off")
    return [host(w) for w in (*net.weights, *net.biases)], history


def assert_alike(target, make, settings, size):
    alone, history = trained(make, target, settings)
    first, *others = on_ranks(size, lambda ranks: trained(make, target, settings, ranks))
    assert history.stopped == first[1].stopped
    for weights, own in (first, *others):
        pairs = zip(alone, weights, first[0], strict=True)
        for expected, w, of_first in pairs:
            np.testing.assert_allclose(w, expected, rtol=0, atol=1e-12)
            assert w.tobytes() == of_first.tobytes()
        for expected, epoch in zip(history, own, strict=True):
            assert epoch.cost == pytest.approx(expected.cost, abs=1e-12)
            assert epoch.accuracy == pytest.approx(expected.accuracy, abs=1e-12)
            assert epoch.eta == expected.eta
            if expected.validation is not None:
                assert epoch.validation.cost == pytest.approx(
                    expected.validation.cost, abs=1e-12
                )
                assert epoch.validation.metrics == expected.validation.metrics


@pytest.mark.parametrize("size", [2, 3, 4])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("target", TARGETS[:1], indirect=True, ids=["numpy"])
def test_ranks_train_as_one(target, case, size):
    assert_alike(target, *CASES[case], size)


@pytest.mark.parametrize("case", ["adam", "dropout", "batch_norm", "weights", "stopped"])
@pytest.mark.parametrize("target", TARGETS[1:], indirect=True, ids=["strict", "torch"])
def test_so_they_do_on_other_libraries(target, case):
    assert_alike(target, *CASES[case], 3)


def test_in_16_bits_they_do_up_to_their_rounding():
    pytest.importorskip("torch", reason="the other library is PyTorch")

    def run(ranks):
        net = Target.TORCH.network([WIDTH, 32, 16, 3], **SOFTMAX)
        settings = {"epochs": 3, "batch_size": 10, "optimizer": bpx.Adam(0.01), "seed": 3}
        net.fit(X, LABELS, precision="bfloat16", ranks=ranks or "off", **settings)
        return [host(w) for w in net.weights]

    first, *others = on_ranks(3, run)
    for w, expected in zip(first, run(None), strict=True):
        np.testing.assert_allclose(w, expected, rtol=0, atol=5e-3)
    for other in others:
        assert [w.tobytes() for w in other] == [w.tobytes() for w in first]


@pytest.mark.parametrize("case", CASES)
def test_so_they_do_in_native_calls(monkeypatch, case):
    pytest.importorskip("numba", reason="numba is not installed")
    monkeypatch.setenv("BPX_NUMBA", "on")
    assert_alike(Target.NUMPY, *CASES[case], 3)
