"""Ranges of numbers: each accepted end is taken, and what lies just beyond is refused."""

import ast
import importlib
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import pytest

import bpx
from bpx.arrays.host import check_seed
from bpx.inspect.health.probe import HealthProbe
from bpx.interop import spectrum
from bpx.optim import (
    Epochs,
    ScheduleFreeAdamW,
    add_decayed_weights,
    add_l1_decay,
    average_parameters,
    clip_by_global_norm,
    constant_schedule,
    cosine_decay_schedule,
    cosine_onecycle_momentum,
    cosine_onecycle_schedule,
    exponential_decay,
    linear_onecycle_schedule,
    linear_schedule,
    linear_warmup,
    momentum,
    piecewise_constant_schedule,
    polynomial_schedule,
    reduce_on_plateau,
    scale,
    scale_by_adam,
    scale_by_learning_rate,
    scale_by_muon,
    scale_by_rms,
    scale_by_rss,
    schedule_free,
    sgdr_schedule,
    step_decay,
    warmup_cosine,
)
from bpx.privacy import DPSGD, epsilon, noise_for
from bpx.random import key_words
from tests.backends import host

BPX = Path(bpx.__file__).parent
TINY = 5e-324  # the least positive number
BELOW_1 = 1.0 - 2.0**-53
ABOVE_1 = 1.0 + 2.0**-52
SEEDS = [0, 2**64 - 1], [-1, 2**64]
X, Y = np.linspace(0.0, 1.0, 24).reshape(8, 3), np.arange(8) % 2


class Range(NamedTuple):
    """What takes a number, its ends that are accepted, and what is beyond."""

    takes: Callable[[Any], Any]
    accepted: list[Any]
    refused: list[Any]


def net():
    return bpx.Network([3, 4, 2], seed=0, backend="numpy")


def fit(**given):
    return net().fit(X, Y, **{"epochs": 1, "batch_size": 8, "optimizer": bpx.SGD(0.1), **given})


def stream(**given):
    return bpx.train(net(), batches=[(X, Y)], epochs=1, optimizer=bpx.SGD(0.1), **given)


def windows(**given):
    own = {"epochs": 1, "batch_size": 8, "optimizer": bpx.SGD(0.1), **given}
    return net().fit(bpx.data.stream(X, Y), **own)


def hidden(number):
    """Fit a network of two hidden layers, and take the activations of one."""
    sklearn = pytest.importorskip("bpx.sklearn", reason="scikit-learn is not installed")
    estimator = sklearn.MLPRegressor(hidden_layer_sizes=(2, 2), tol=1e9, n_iter_no_change=1)
    return sklearn.MLPTransformer(estimator, layer=number).fit(X, X[:, 0])


def rate_of_an_estimator(rate):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    return importlib.import_module("bpx.interop.sklearn.networks").dropout_rates(rate)


def groups():
    dataset = pytest.importorskip("pyarrow.dataset", reason="pyarrow is not installed")
    return bpx.data.stream(dataset.dataset(dataset.pa.table({"x": [1.0, 2.0], "y": [0, 1]})))


def to_onnx(opset):
    pytest.importorskip("onnx", reason="onnx is not installed")
    return net().to_onnx(opset=opset)


def keep(number):
    with TemporaryDirectory() as folder:
        fit(checkpoint=f"{folder}/run", keep=number)


def set_eta(eta):
    trainer = bpx.Trainer(net(), optimizer=bpx.SGD(0.1))
    trainer.eta = eta


def rates(**given):
    own = {"batch_size": 2, "optimizer": bpx.SGD(0.1), "low": 0.01, "high": 1.0, "steps": 3}
    return bpx.learning_rate_range(net(), (X, Y), **{**own, **given})


def several(**given):
    own = {"epochs": 1, "batch_size": 2, "optimizer": bpx.SGD(0.1)}
    return bpx.seeds(net(), (X, Y), **{**own, **given})


def spent(noise=1.0, rate=0.5, steps=1, delta=1e-5):
    return epsilon(noise, rate, steps, delta, accountant="rdp")


def compare(**given):
    own = {"data": (X, Y), "steps": 1, "batch_size": 1, "engines": False, **given}
    return bpx.testing.compare(net(), ["numpy", "numpy"], **own)


def operator():
    linalg = pytest.importorskip("scipy.sparse.linalg", reason="SciPy is not installed")
    return linalg.aslinearoperator(np.diag([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]))


def trace():
    return net().backprop(X.astype("float32"), Y)


def drawn(samples):
    at = net()
    return bpx.inspect.kfac(
        at.spec, at.parameters, at.forward(X.astype("float32")), Y, kind="monte_carlo",
        samples=samples,
    )  # fmt: skip


POSITIVE = [TINY], [0.0, -TINY]
NORMAL = [2.0**-126], [2.0**-127, 0.0]  # of float32
AT_LEAST_0 = [0.0], [-TINY]
AT_LEAST_1 = [1], [0]
WITHIN_1 = [0.0, BELOW_1], [-TINY, 1.0]
INSIDE_1 = [TINY, BELOW_1], [0.0, 1.0]

RANGES = {
    "arrays/host.py: seed": Range(check_seed, *SEEDS),
    "random.py: seed": Range(key_words, *SEEDS),
    "metrics/per_sample.py: k": Range(bpx.metrics.top_k, *AT_LEAST_1),
    "metrics/probabilities.py: bins": Range(bpx.metrics.calibration_error, *AT_LEAST_1),
    "costs/entropies.py: label_smoothing": Range(bpx.costs.cross_entropy, *WITHIN_1),
    "costs/focal.py: gamma": Range(bpx.costs.categorical_focal, *AT_LEAST_0),
    "costs/focal.py: alpha": Range(lambda a: bpx.costs.binary_focal(alpha=a), *INSIDE_1),
    "costs/regression.py: delta": Range(bpx.costs.huber, *POSITIVE),
    "costs/regression.py: quantile": Range(bpx.costs.quantile, *INSIDE_1),
    "data/streams/stream.py: rows": Range(lambda n: groups().sample(n), *AT_LEAST_1),
    "layers/dropout.py: width": Range(lambda k: bpx.Dropout(k, 0.5), *AT_LEAST_1),
    "layers/residual.py: width": Range(lambda k: bpx.layers.Add(k, 1), *AT_LEAST_1),
    "layers/residual.py: over": Range(lambda over: bpx.layers.Add(3, over), *AT_LEAST_1),
    "layers/dropout.py: rate": Range(lambda p: bpx.Dropout(3, p), *WITHIN_1),
    "model/widths.py: dropout": Range(
        lambda p: bpx.Network([3, 4, 2], dropout=p, seed=0), *WITHIN_1
    ),
    "layers/dense.py: max_norm": Range(
        lambda c: bpx.Dense(3, 2, "tanh", max_norm=c), *NORMAL
    ),
    "layers/columns.py: columns": Range(lambda i: bpx.Periodic(3, [i]), [0, 2], [-1, 3]),
    "layers/embedding.py: n_in": Range(lambda n: bpx.Embedding(n, [0], [2], 4), *AT_LEAST_1),
    "layers/embedding.py: levels": Range(
        lambda n: bpx.Embedding(3, [0], [n], 4), [1, 2**23], [0, 2**23 + 1]
    ),
    "layers/embedding.py: dim": Range(lambda n: bpx.Embedding(3, [0], [2], n), *AT_LEAST_1),
    "layers/periodic.py: n_in": Range(bpx.Periodic, *AT_LEAST_1),
    "layers/periodic.py: frequencies": Range(lambda n: bpx.Periodic(3, (), n), *AT_LEAST_1),
    "layers/periodic.py: sigma": Range(lambda s: bpx.Periodic(3, (), 4, s), *POSITIVE),
    "layers/batch_norm.py: width": Range(bpx.BatchNorm, *AT_LEAST_1),
    "layers/batch_norm.py: momentum": Range(
        lambda m: bpx.BatchNorm(3, m), [TINY, 1.0], [0.0, ABOVE_1]
    ),
    "export/c/convert.py: batch_size": Range(lambda n: net().to_c(batch_size=n), *AT_LEAST_1),
    "export/c/convert.py: penalty": Range(
        lambda v: net().to_c(training=True, optimizer=bpx.SGD(0.1), penalty=v), *AT_LEAST_0
    ),
    "export/onnx/model.py: opset": Range(to_onnx, [17], [16, 26]),
    "interop/sklearn/networks.py: dropout": Range(rate_of_an_estimator, *WITHIN_1),
    "interop/sklearn/transformer.py: layer": Range(hidden, [-2, -1, 1, 2], [-3, 0, 3]),
    "layers/batch_norm.py: epsilon": Range(lambda e: bpx.BatchNorm(3, 0.1, e), *NORMAL),
    "layers/layer_norm.py: width": Range(bpx.LayerNorm, [2], [1]),
    "layers/layer_norm.py: epsilon": Range(lambda e: bpx.LayerNorm(3, e), *NORMAL),
    "optim/limits.py: decay": Range(add_decayed_weights, *AT_LEAST_0),
    "optim/limits.py: largest": Range(clip_by_global_norm, *POSITIVE),
    "optim/limits.py: l1": Range(add_l1_decay, *AT_LEAST_0),
    "optim/adagrad.py: initial": Range(scale_by_rss, *AT_LEAST_0),
    "optim/adagrad.py: epsilon": Range(lambda e: scale_by_rss(epsilon=e), *POSITIVE),
    "optim/averaging.py: decay": Range(average_parameters, [0.0, 1.0], [-TINY, ABOVE_1]),
    "optim/muon.py: beta": Range(scale_by_muon, *WITHIN_1),
    "optim/muon.py: beta1": Range(lambda b: scale_by_muon(beta1=b), *WITHIN_1),
    "optim/muon.py: beta2": Range(lambda b: scale_by_muon(beta2=b), *WITHIN_1),
    "optim/muon.py: epsilon": Range(lambda e: scale_by_muon(epsilon=e), *POSITIVE),
    "optim/rmsprop.py: beta": Range(scale_by_rms, *WITHIN_1),
    "optim/rmsprop.py: epsilon": Range(lambda e: scale_by_rms(epsilon=e), *POSITIVE),
    "optim/schedule_free.py: eta": Range(schedule_free, *POSITIVE),
    "optim/schedule_free.py: beta": Range(
        lambda b: schedule_free(0.1, b), [0.0, 1.0], [-TINY, ABOVE_1]
    ),
    "optim/schedule_free.py: beta1": Range(
        lambda b: ScheduleFreeAdamW(beta1=b), [0.0, 1.0], [-TINY, ABOVE_1]
    ),
    "optim/schedule_free.py: beta2": Range(lambda b: ScheduleFreeAdamW(beta2=b), *WITHIN_1),
    "optim/schedule_free.py: warmup": Range(
        lambda n: schedule_free(0.1, warmup=n), [0, 1], [-1]
    ),
    "optim/scaling.py: factor": Range(scale, [-1e308, 1e308], [float("inf")]),
    "optim/scaling.py: eta": Range(scale_by_learning_rate, *POSITIVE),
    "optim/moments.py: momentum": Range(momentum, *WITHIN_1),
    "optim/moments.py: beta1": Range(lambda b: scale_by_adam(beta1=b), *WITHIN_1),
    "optim/moments.py: beta2": Range(lambda b: scale_by_adam(beta2=b), *WITHIN_1),
    "optim/moments.py: epsilon": Range(lambda e: scale_by_adam(epsilon=e), *POSITIVE),
    "optim/schedules/cosines.py: start": Range(cosine_decay_schedule, *POSITIVE),
    "optim/schedules/cosines.py: peak": Range(
        lambda v: warmup_cosine(v, warmup=0, steps=1), *POSITIVE
    ),
    "optim/schedules/cosines.py: end": Range(
        lambda v: warmup_cosine(1.0, warmup=0, steps=1, end=v), [0.0, 1.0], [-TINY, ABOVE_1]
    ),
    "optim/schedules/cosines.py: warmup": Range(
        lambda n: warmup_cosine(1.0, warmup=n, steps=3), [0, 2], [-1, 3]  # below `steps`
    ),
    "optim/schedules/cosines.py: steps": Range(
        lambda n: warmup_cosine(1.0, warmup=0, steps=n), *AT_LEAST_1
    ),
    "optim/schedules/cosines.py: period": Range(
        lambda n: sgdr_schedule(0.1, period=n), *AT_LEAST_1
    ),
    "optim/schedules/cosines.py: factor": Range(
        lambda n: sgdr_schedule(0.1, period=1, factor=n), *AT_LEAST_1
    ),
    "optim/schedules/pieces.py: eta": Range(constant_schedule, *POSITIVE),
    "optim/schedules/decays.py: start": Range(linear_schedule, *AT_LEAST_0),
    "optim/schedules/decays.py: end": Range(lambda v: linear_schedule(0.1, end=v), *AT_LEAST_0),
    "optim/schedules/pieces.py: changes": Range(
        lambda v: piecewise_constant_schedule(0.1, {1: v}), *POSITIVE
    ),
    "optim/schedules/decays.py: factor": Range(
        lambda v: step_decay(0.1, every=1, factor=v), *POSITIVE
    ),
    "optim/schedules/decays.py: every": Range(lambda n: step_decay(0.1, every=n), *AT_LEAST_1),
    "optim/schedules/decays.py: rate": Range(
        lambda v: exponential_decay(0.1, rate=v), *POSITIVE
    ),
    "optim/schedules/decays.py: power": Range(
        lambda v: polynomial_schedule(0.1, power=v), *POSITIVE
    ),
    "optim/schedules/joined.py: steps": Range(
        lambda n: linear_warmup(0.1, steps=n), *AT_LEAST_1
    ),
    "optim/schedules/lengths.py: number": Range(Epochs, *POSITIVE),
    "optim/schedules/one_cycle.py: peak": Range(linear_onecycle_schedule, *POSITIVE),
    "optim/schedules/one_cycle.py: high": Range(
        lambda mu: cosine_onecycle_momentum(mu, 0.0), *WITHIN_1
    ),
    "optim/schedules/one_cycle.py: low": Range(
        lambda mu: cosine_onecycle_momentum(0.5, mu), [0.0, 0.5], [-0.1, 0.51]
    ),
    "optim/schedules/one_cycle.py: pct_start": Range(
        lambda v: cosine_onecycle_schedule(0.1, pct_start=v), [TINY, BELOW_1], [0.0, 1.0]
    ),
    "optim/schedules/one_cycle.py: pct_final": Range(
        lambda v: linear_onecycle_schedule(0.1, pct_start=0.5, pct_final=v),
        [0.5 + 2.0**-53, BELOW_1], [0.5, 1.0],
    ),
    "optim/schedules/one_cycle.py: div_factor": Range(
        lambda v: cosine_onecycle_schedule(0.1, div_factor=v), [1.0], [BELOW_1]
    ),
    "optim/schedules/one_cycle.py: final_div_factor": Range(
        lambda v: cosine_onecycle_schedule(0.1, final_div_factor=v), [1.0], [BELOW_1]
    ),
    "optim/schedules/pieces.py: start": Range(
        lambda v: piecewise_constant_schedule(v, {1: 0.5}), *POSITIVE
    ),
    "optim/schedules/plateau.py: start": Range(reduce_on_plateau, *POSITIVE),
    "optim/schedules/plateau.py: factor": Range(
        lambda v: reduce_on_plateau(0.1, factor=v), [TINY, BELOW_1], [0.0, 1.0]
    ),
    "optim/schedules/plateau.py: patience": Range(
        lambda n: reduce_on_plateau(0.1, patience=n), [0], [-1]
    ),
    "optim/schedules/plateau.py: cooldown": Range(
        lambda n: reduce_on_plateau(0.1, cooldown=n), [0], [-1]
    ),
    "optim/schedules/plateau.py: threshold": Range(
        lambda v: reduce_on_plateau(0.1, threshold=v), *WITHIN_1
    ),
    "optim/schedules/plateau.py: smallest": Range(
        lambda v: reduce_on_plateau(0.1, smallest=v), *AT_LEAST_0
    ),
    "optim/schedules/schedule.py: steps": Range(
        lambda n: linear_schedule(0.1).preview(n), *AT_LEAST_1
    ),
    "optim/schedules/schedule.py: epochs": Range(
        lambda n: linear_schedule(0.1).preview(5, epochs=n), [1, 5], [0, 6]
    ),
    "training/stopping.py: patience": Range(bpx.EarlyStopping, *AT_LEAST_1),
    "training/stopping.py: warmup": Range(lambda n: bpx.EarlyStopping(warmup=n), [0], [-1]),
    "training/stopping.py: min_delta": Range(
        lambda v: bpx.EarlyStopping(min_delta=v), *AT_LEAST_0
    ),
    "training/held_out.py: validation_split": Range(
        lambda v: fit(validation_split=v, batch_size=1), [0.0, 0.25, 0.75], [-TINY, 1.0]
    ),
    "training/accumulated.py: accumulate": Range(lambda n: fit(accumulate=n), [1, 8], [0, 9]),
    "training/course.py: eta": Range(set_eta, *POSITIVE),
    "network/resuming/opening.py: keep": Range(keep, *AT_LEAST_1),
    "training/start.py: batch_size": Range(
        lambda n: net().program(batch_size=n, optimizer=bpx.SGD(0.1)), *AT_LEAST_1
    ),
    "training/start.py: lmbda": Range(
        lambda v: net().program(batch_size=1, optimizer=bpx.SGD(0.1), lmbda=v), *AT_LEAST_0
    ),
    "training/arguments.py: lmbda": Range(lambda v: fit(lmbda=v), *AT_LEAST_0),
    "training/arguments.py: epochs": Range(lambda n: fit(epochs=n), *AT_LEAST_1),
    "training/arguments.py: batch_size": Range(lambda n: fit(batch_size=n), [1, 8], [0, 9]),
    "network/learning_rates.py: low": Range(lambda v: rates(low=v), [1e-300], [0.0, -TINY]),
    "network/learning_rates.py: high": Range(
        lambda v: rates(low=0.1, high=v), [0.2], [0.1, 0.05]
    ),
    "network/learning_rates.py: steps": Range(lambda n: rates(steps=n), [2], [1]),
    "network/seeds.py: n": Range(lambda n: several(n=n), [2], [1]),
    "network/windows.py: epochs": Range(lambda n: windows(epochs=n), *AT_LEAST_1),
    "network/windows.py: batch_size": Range(lambda n: windows(batch_size=n), [1, 8], [0, 9]),
    "network/streams.py: penalty": Range(lambda v: stream(penalty=v), *AT_LEAST_0),
    "network/trainer.py: penalty": Range(
        lambda v: bpx.Trainer(net(), optimizer=bpx.SGD(0.1), penalty=v), *AT_LEAST_0
    ),
    "testing/comparison.py: steps": Range(lambda n: compare(steps=n), *AT_LEAST_1),
    "testing/comparison.py: batch_size": Range(
        lambda n: compare(batch_size=n), [1, 8], [0, 9]
    ),
    "inspect/checks/check.py: tolerance": Range(
        lambda v: bpx.inspect.check(bpx.activations.tanh, tolerance=v),
        [TINY, np.nextafter(0.1, 0.0)], [0.0, 0.1],
    ),
    "inspect/inputs.py: layer": Range(
        lambda layer: bpx.inspect.input_jacobian(net(), X, layer=layer), [1, 2], [0, 3, 1.5]
    ),
    "inspect/health/probe.py: samples": Range(
        lambda n: HealthProbe(samples=n), *AT_LEAST_1
    ),
    "inspect/curvature/output.py: samples": Range(drawn, *AT_LEAST_1),
    "inspect/samples/gradients.py: chunk": Range(
        lambda n: list(bpx.inspect.individual_gradients(trace(), chunk=n)), *AT_LEAST_1
    ),
    "inspect/samples/influence.py: eta": Range(
        lambda v: bpx.inspect.tracin(net(), (X, Y), (X, Y), eta=v), *POSITIVE
    ),
    "interop/spectrum.py: k": Range(
        lambda k: spectrum.eigenpairs(operator(), k), [1, 7], [0, 8]
    ),
    "interop/spectrum.py: products": Range(
        lambda n: spectrum.estimated_trace(operator(), products=n), [6], [5]
    ),
    "privacy/limits.py: clip": Range(
        lambda c: DPSGD(noise_multiplier=1.0, clip=c), [TINY, (TINY, 1.0)], [0.0, (1.0, 0.0)]
    ),
    "privacy/dpsgd.py: noise_multiplier": Range(
        lambda v: DPSGD(noise_multiplier=v), *AT_LEAST_0
    ),
    "privacy/dpsgd.py: delta": Range(
        lambda v: DPSGD(noise_multiplier=1.0, delta=v), [TINY, BELOW_1], [0.0, 1.0]
    ),
    "privacy/dpsgd.py: draws": Range(
        lambda n: DPSGD(noise_multiplier=1.0, draws=n), *AT_LEAST_1
    ),
    "privacy/dpsgd.py: physical_size": Range(
        lambda n: DPSGD(noise_multiplier=1.0, physical_size=n), *AT_LEAST_1
    ),
    "privacy/dpsgd.py: seed": Range(lambda n: DPSGD(noise_multiplier=1.0, seed=n), *SEEDS),
    "privacy/accounting.py: noise_multiplier": Range(lambda v: spent(noise=v), *AT_LEAST_0),
    "privacy/accounting.py: sampling_rate": Range(
        lambda v: spent(rate=v), [1e-300, 1.0], [0.0, ABOVE_1]
    ),
    "privacy/accounting.py: steps": Range(lambda n: spent(steps=n), *AT_LEAST_1),
    "privacy/accounting.py: delta": Range(
        lambda v: spent(delta=v), [1e-300, BELOW_1], [0.0, 1.0]
    ),
    "privacy/calibration.py: epsilon": Range(
        lambda v: noise_for(v, 1e-5, sampling_rate=0.5, steps=1, accountant="rdp"),
        [0.5], [0.0, -TINY],
    ),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _with_what_it_needs(request):
    if "privacy/accounting" in request.node.name or "calibration" in request.node.name:
        pytest.importorskip("dp_accounting", reason="dp-accounting is not installed")


def cases(field):
    return [
        pytest.param(name, value, id=f"{name}={value}")
        for name, each in RANGES.items()
        for value in getattr(each, field)
    ]


@pytest.mark.parametrize(("name", "value"), cases("accepted"))
def test_an_end_of_the_range_is_taken(name, value):
    RANGES[name].takes(value)


@pytest.mark.parametrize(("name", "value"), cases("refused"))
def test_what_lies_beyond_is_refused_by_name(name, value):
    with pytest.raises(bpx.InputError, match=name.partition(": ")[2]):
        RANGES[name].takes(value)


def test_every_range_in_bpx_is_here():
    """Every call that checks a number under a name that is written out."""
    found = {
        f"{path.relative_to(BPX).as_posix()}: {call.args[0].value}"
        for path in BPX.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        and getattr(call.func, "id", "") in ("whole", "number", "checked")
        and call.args
        and isinstance(getattr(call.args[0], "value", None), str)
    }
    assert found == RANGES.keys()


# The ends do what they say


@pytest.mark.parametrize("betas", [(0.0, 0.999), (0.9, 0.0), (0.0, 0.0)])
def test_adam_without_a_memory_is_adams_formula(target, betas):
    """With beta1 = beta2 = 0 each step is eta times the sign of the gradient."""
    (beta1, beta2), eta = betas, 0.01
    at = target.network([3, 4, 2], seed=0, dtype="float64")
    rule = bpx.Adam(eta, beta1=beta1, beta2=beta2)
    trainer = bpx.Trainer(at, optimizer=rule, compile=target.value.compile)
    x, y = target.asarray(X, "float64"), target.asarray(Y, "int32")
    w, m, v = host(at.weights[0]), 0.0, 0.0
    for t in (1, 2):
        g = host(at.backprop(x, y).gradients.w[0])
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        w = w - eta * m_hat / (np.sqrt(v_hat) + 1e-8)
        trainer.step(X, Y)
        np.testing.assert_allclose(host(at.weights[0]), w, rtol=1e-9)
