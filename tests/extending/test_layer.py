"""A layer of one's own, from outside: one file, and one line where files are to name it."""

import logging

import numpy as np
import pytest

import bpx
from bpx import inspect
from bpx.inspect.samples import layers
from bpx.program.contract import leaves
from tests.backends import host
from tests.extending import rms_norm
from tests.extending.rms_norm import RMSNorm

SETTINGS = {"epochs": 3, "batch_size": 7, "optimizer": bpx.Adam(0.01), "lmbda": 0.1, "seed": 0}


def network(target=None, dtype="float64", dropout=False, **settings):
    make = target.network if target else bpx.Network
    between = [bpx.Dropout(5, 0.3)] * dropout
    layers = [
        bpx.Dense(4, 5, bpx.activations.tanh),
        *between,
        RMSNorm(5),
        bpx.Dense(5, 3, bpx.activations.softmax),
    ]
    return make(layers, cost="cross_entropy", seed=0, dtype=dtype, **settings)


def samples(n=23):
    rng = np.random.default_rng(1)
    return rng.standard_normal((n, 4)), rng.integers(0, 3, n).astype("int32")


@pytest.mark.parametrize("dropout", [False, True])
def test_it_trains_alike_compiled_and_eager_on_every_backend(target, dropout, caplog):
    x, y = samples()
    with caplog.at_level(logging.WARNING, "bpx"):
        nets = [network(target, dropout=dropout) for _ in range(2)]
        nets[0].fit(x, y, **SETTINGS, compile=target.value.compile)
        nets[1].fit(x, y, **SETTINGS, compile=False)
    assert not caplog.records  # nothing fell back
    there = network(dropout=dropout)
    there.fit(x, y, **SETTINGS, compile=False)
    for a, b, c in zip(*(leaves(n.parameters) for n in (*nets, there)), strict=True):
        np.testing.assert_allclose(host(a), host(b), rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(host(b), c, rtol=1e-10, atol=1e-12)
    assert abs(host(nets[0].parameters.layers[-2].gain) - 1.0).max() > 1e-3


@pytest.mark.parametrize("dropout", [False, True])
def test_its_equations_are_right(dropout):
    report = inspect.check(network(dropout=dropout))
    assert report.ok, str(report)
    kinds = {(row.part, row.equation) for row in report.rows}
    assert {("rms_norm", each) for each in ("BP2", "BP4", "own gradients", "R2")} <= kinds
    assert (("dropout", "R2") in kinds) == dropout


@pytest.mark.parametrize("equation", ["BP2", "BP4", "own gradients", "R2"])
def test_a_wrong_equation_of_its_is_named(monkeypatch, equation):
    wrong = {
        "BP2": (RMSNorm, "send_back"),
        "BP4": (rms_norm.Saved, "gradients"),
        "own gradients": (rms_norm.Saved, "individual"),
        "R2": (RMSNorm, "r_send_back"),
    }[equation]
    right = getattr(*wrong)

    def off(*arguments):
        found = right(*arguments)
        if isinstance(found, rms_norm.Gain):
            return rms_norm.Gain(1.01 * found.gain)
        return 1.01 * found

    monkeypatch.setattr(*wrong, off)
    report = inspect.check(network())
    assert not report.ok
    assert (report.wrong[0].part, report.wrong[0].layer) == ("rms_norm", 2)
    assert equation in {row.equation for row in report.wrong}


CHEAPER = {
    "squared_norms": "own norms",
    "inner_products": "own products",
    "along": "own slopes",
}


@pytest.mark.parametrize("method", CHEAPER)
@pytest.mark.parametrize("right", [True, False])
def test_what_it_says_is_cheaper_is_held_against_its_gradients(monkeypatch, method, right):
    equation = CHEAPER[method]

    def plain(saved, delta):
        return layers.Plain(saved.individual(delta))

    made = {
        "squared_norms": lambda s, d: layers.squared_norms(plain(s, d), d),
        "inner_products": lambda s, d, o, e: layers.inner_product(
            plain(s, d), d, plain(o, e), e
        ),
        "along": lambda s, v, d: layers.along(plain(s, d), v, d),
    }[method]
    factor = 1.0 if right else 0.0
    monkeypatch.setattr(
        rms_norm.Saved, method, lambda *given: factor * made(*given), raising=False
    )
    report = inspect.check(network())
    assert report.ok == right
    assert equation in {row.equation for row in (report.rows if right else report.wrong)}


def test_clipping_and_norms_of_each_sample(target):
    net, (x, y) = network(target), samples(6)
    at_home = target.asarray(x, "float64"), target.asarray(y, "int32")
    trace = net.backprop(*at_home)
    each = [
        np.concatenate([host(g).reshape(-1) for g in leaves(one.gradients)])
        for one in (net.backprop(*(part[i : i + 1, ...] for part in at_home)) for i in range(6))
    ]
    norms = np.linalg.norm(each, axis=1)
    np.testing.assert_allclose(host(inspect.gradient_norms(trace)), norms, rtol=1e-10)
    products = host(inspect.inner_products(trace))
    np.testing.assert_allclose(
        products, np.array(each) @ np.array(each).T, rtol=1e-9, atol=1e-12
    )
    for part, some in inspect.individual_gradients(trace, chunk=4):
        for i, one in enumerate(each[part]):
            flat = np.concatenate([host(g)[i].reshape(-1) for g in leaves(some)])
            np.testing.assert_allclose(flat, one, rtol=1e-9, atol=1e-12)
    found = bpx.privacy.clipped_sum(trace, 0.3)
    expected = sum(g * min(1.0, 0.3 / np.linalg.norm(g)) for g in each)
    flat = np.concatenate([host(g).reshape(-1) for g in leaves(found)])
    np.testing.assert_allclose(flat, expected, rtol=1e-9, atol=1e-12)


def test_a_hessian_product_against_differences(target):
    net, (x, y) = network(target), samples(6)
    x, y = target.asarray(x, "float64"), target.asarray(y, "int32")
    trace, rng = net.backprop(x, y), np.random.default_rng(3)
    direction = [rng.standard_normal(p.shape) for p in leaves(net.parameters)]
    v = net.parameters.grown([target.asarray(d, "float64") for d in direction])
    found = inspect.hessian_vector_product(net.spec, net.parameters, trace, y, v)

    def gradient(t):
        parameters = bpx.optim.mapped(lambda p, d: p + t * d, net.parameters, v)
        made = bpx.backprop(net.spec, parameters, x, y).gradients
        return [host(g) for g in leaves(made)]

    ahead, behind = gradient(1e-5), gradient(-1e-5)
    for g, a, b in zip(leaves(found), ahead, behind, strict=True):
        np.testing.assert_allclose(host(g), (a - b) / 2e-5, rtol=1e-6, atol=1e-9)


def test_a_file_names_it(tmp_path, monkeypatch):
    net, (x, _) = network(dropout=True), samples(4)
    net.save(tmp_path / "net")
    with pytest.raises(bpx.InputError, match=r"'rms_norm'.*custom="):
        bpx.load(tmp_path / "net")
    again = bpx.load(tmp_path / "net", custom={"rms_norm": RMSNorm})
    assert again.spec == net.spec
    np.testing.assert_array_equal(again.predict(x), net.predict(x))
    monkeypatch.setitem(bpx.layers.LAYERS, "rms_norm", RMSNorm)  # the one line
    net.save(tmp_path / "built_in")
    assert bpx.load(tmp_path / "built_in").spec == net.spec


def test_layers_that_do_not_fit_are_refused():
    dense = bpx.Dense(4, 5, bpx.activations.tanh)
    with pytest.raises(bpx.InputError, match=r"layer 2, RMSNorm.* takes 6 .* gives 5"):
        bpx.Network([dense, RMSNorm(6), bpx.Dense(6, 2, bpx.activations.sigmoid)])
    with pytest.raises(
        bpx.InputError, match=r"the last layer is RMSNorm.*expected a bpx.Dense"
    ):
        bpx.Network([dense, RMSNorm(5)])
