"""Networks whose first layers replace columns: on every engine, and in every function."""

import logging
import re

import numpy as np
import pytest

import bpx
from bpx import inspect
from bpx.arrays.registry import by_name
from bpx.program.contract import eager, leaves, rebuilt
from tests.backends import host
from tests.columns import CODES, SETTINGS, job, network, samples

each_order = pytest.mark.parametrize("first", ["periodic", "embedding"])


def close(a, b, within):
    for one, other in zip(leaves(a), leaves(b), strict=True):
        off = np.linalg.norm(host(one) - host(other))
        assert off <= within * np.linalg.norm(host(other))


# Engines


@pytest.mark.parametrize(
    ("first", "dtype", "within"),
    [("periodic", "float32", 5e-5), ("embedding", "float64", 1e-12)],
)
def test_every_engine_compiles_them(target, first, dtype, within, caplog):
    """The log says when a step cannot be compiled: it says nothing."""
    x, y = samples()
    nets = [network(target, first, dtype) for _ in range(2)]
    with caplog.at_level(logging.WARNING, "bpx"):
        nets[0].fit(x, y, **SETTINGS, compile=target.value.compile)
    assert not caplog.records
    nets[1].fit(x, y, **SETTINGS, compile=False)
    there = network(first=first, dtype=dtype)
    start = there.parameters
    there.fit(x, y, **SETTINGS, compile=False)
    close(nets[0].parameters, nets[1].parameters, within)
    close(nets[1].parameters, there.parameters, within)
    for before, after in zip(leaves(start), leaves(there.parameters), strict=True):
        assert not np.array_equal(before, after)


@each_order
def test_numba_compiles_them_too(first, monkeypatch, caplog):
    pytest.importorskip("numba", reason="numba is not installed")
    monkeypatch.setenv("BPX_NUMBA", "on")
    x, y = samples()
    net, eager = network(first=first), network(first=first)
    with caplog.at_level(logging.WARNING, "bpx"):
        net.fit(x, y, **SETTINGS)
    assert not caplog.records
    eager.fit(x, y, **SETTINGS, compile=False)
    close(net.parameters, eager.parameters, 1e-12)


# Each function of a network


@each_order
def test_their_equations_are_right(first):
    report = inspect.check(network(first=first))
    assert report.ok, str(report)
    rows = {(row.part, row.equation) for row in report.rows}
    for part in ("periodic", "embedding"):
        own = ("BP2", "BP4", "own gradients", "own norms", "own products", "own slopes", "R2")
        assert {(part, each) for each in own} <= rows
    assert ("all layers", "Hessian") in rows
    assert inspect.check(network(first=first), *samples()).ok


def test_their_equations_are_right_on_every_backend(target):
    report = inspect.check(network(target))
    assert report.ok, str(report)


@pytest.mark.parametrize("layer", [0, 1])
@pytest.mark.parametrize(
    "method", ["squared_norms", "inner_products", "along", "individual", "gradients"]
)
def test_a_wrong_equation_is_named(layer, method, monkeypatch):
    net = network()
    kind = type(net.forward(samples()[0]).layers[layer])
    right = getattr(kind, method)

    def off(*given):
        found = right(*given)
        return rebuilt(found, [1.01 * x for x in leaves(found)])

    monkeypatch.setattr(kind, method, off)
    report = inspect.check(net)
    assert not report.ok
    assert report.wrong[0].layer == layer + 1


def test_norms_and_clipping_of_each_sample(target):
    net, (x, y) = network(target), samples(6)
    x, y = target.asarray(x, "float64"), target.asarray(y, "int32")
    trace = net.backprop(x, y)
    each = [
        np.concatenate([host(g).reshape(-1) for g in leaves(one.gradients)])
        for one in (net.backprop(*(part[i : i + 1, ...] for part in (x, y))) for i in range(6))
    ]
    norms = np.linalg.norm(each, axis=1)
    np.testing.assert_allclose(host(inspect.gradient_norms(trace)), norms, rtol=1e-10)
    products = host(inspect.inner_products(trace))
    np.testing.assert_allclose(
        products, np.array(each) @ np.array(each).T, rtol=1e-9, atol=1e-12
    )
    clipped = bpx.privacy.clipped_sum(trace, 0.3)
    expected = sum(g * min(1.0, 0.3 / np.linalg.norm(g)) for g in each)
    flat = np.concatenate([host(g).reshape(-1) for g in leaves(clipped)])
    np.testing.assert_allclose(flat, expected, rtol=1e-9, atol=1e-12)


def test_curvature_against_differences(target):
    net, (x, y) = network(target), samples(6)
    x, y = target.asarray(x, "float64"), target.asarray(y, "int32")
    trace, rng = net.backprop(x, y), np.random.default_rng(3)
    direction = [rng.standard_normal(p.shape) for p in leaves(net.parameters)]
    v = net.parameters.grown([target.asarray(d, "float64") for d in direction])
    found = inspect.hessian_vector_product(net.spec, net.parameters, trace, y, v)

    def gradient(t):
        moved = bpx.optim.mapped(lambda p, d: p + t * d, net.parameters, v)
        return [host(g) for g in leaves(bpx.backprop(net.spec, moved, x, y).gradients)]

    ahead, behind = gradient(1e-5), gradient(-1e-5)
    for g, a, b in zip(leaves(found), ahead, behind, strict=True):
        np.testing.assert_allclose(host(g), (a - b) / 2e-5, rtol=1e-6, atol=1e-8)
    curved = inspect.ggn_vector_product(net.spec, net.parameters, trace, y, v)
    product = sum((host(g) * d).sum() for g, d in zip(leaves(curved), direction, strict=True))
    assert product > 0.0


def test_input_gradients_are_those_of_differences_and_zero_for_codes(target):
    net, (x, y) = network(target), samples(4)
    found = host(net.input_gradients(x, y))
    for column in range(x.shape[1]):
        step = np.zeros_like(x)
        step[:, column] = 1e-6
        if column in CODES:
            assert (found[:, column] == 0.0).all()
            continue
        ahead, behind = (
            host(
                net.backprop(
                    target.asarray(x + t * step, "float64"), target.asarray(y, "int32")
                ).cost
            )
            for t in (1.0, -1.0)
        )
        np.testing.assert_allclose(
            found[:, column], (ahead - behind) / 2e-6, rtol=1e-6, atol=1e-9
        )


@pytest.mark.parametrize("rule", ["fa", "dfa", "kp"])
def test_with_other_feedback_too(rule):
    x, y = samples()
    nets = [network(feedback=rule) for _ in range(2)]
    for net, compile_ in zip(nets, (True, False), strict=True):
        net.fit(x, y, **SETTINGS, compile=compile_)
    close(nets[0].parameters, nets[1].parameters, 1e-10)
    assert not np.array_equal(nets[0].parameters.layers[0].c, network().parameters.layers[0].c)


def test_private_training_compiles_and_learns_them(target, caplog):
    pytest.importorskip("dp_accounting", reason="dp-accounting is not installed")
    x, y = samples()
    nets = [network(target) for _ in range(2)]
    settings = {"epochs": 2, "batch_size": 15, "optimizer": bpx.SGD(0.1)}
    with caplog.at_level(logging.WARNING, "bpx"):
        for net, compile_ in zip(nets, (target.value.compile, False), strict=True):
            private = bpx.privacy.DPSGD(noise_multiplier=0.5, seed=3)
            net.fit(x, y, **settings, privacy=private, compile=compile_)
    assert not [each for each in caplog.records if "eagerly" in each.getMessage()]
    close(nets[0].parameters, nets[1].parameters, 1e-10)


def test_health_looks_at_the_dense_layers():
    net, (x, y) = network(), samples()
    history = net.fit(x, y, **SETTINGS, health=True)
    assert history[-1].health is not None
    assert inspect.diagnose(history[-1].health) is not None


def test_the_penalty_acts_on_the_weights_alone():
    net, (x, y) = network(), samples()
    settings = SETTINGS | {"optimizer": bpx.SGD(0.1), "epochs": 1, "batch_size": len(y)}
    with_penalty = network()
    net.fit(x, y, **settings | {"lmbda": 0.0})
    with_penalty.fit(x, y, **settings | {"lmbda": 5.0})
    for i, field in ((0, "c"), (1, "E")):
        one, other = (getattr(n.parameters.layers[i], field) for n in (net, with_penalty))
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(net.weights[0], with_penalty.weights[0])


def test_they_are_saved_with_the_network(tmp_path, target):
    net, (x, _) = network(target), samples()
    net.save(tmp_path / "net")
    again = bpx.load(tmp_path / "net", backend=target.spec)
    assert again.spec == net.spec
    assert hash(again.spec) == hash(net.spec)
    np.testing.assert_array_equal(host(again.predict(x)), host(net.predict(x)))


def test_samples_may_be_bytes():
    x, y = samples()
    x[:, [0, 2, 3]] = np.abs(x[:, [0, 2, 3]].round())
    nets = network(), network()
    nets[0].fit(x, y, **SETTINGS)
    nets[1].fit(x.astype("uint8"), y, **SETTINGS)
    close(nets[0].parameters, nets[1].parameters, 1e-14)


def test_a_printed_step_names_what_they_compute():
    text = str(network().program(batch_size=7, optimizer=bpx.SGD(0.1)))
    for line in (
        r"angle = 6.28\d* \* reshape\(parameters.c\[0\], .*# periodic",
        r"sines = sin\(angle\) .*# periodic",
        r"codes = minimum\(maximum\(astype\(floor\(.*# embedding",
        r"vectors = reshape\(take\(parameters.E\[0\], .*# embedding",
        r"dc = reshape\(sum\(.*# dC/dc",
        r"dE = concat\(.*# dC/dE",
    ):
        assert re.search(f"^{line}$", text, flags=re.M), text
    assert re.search("^z1 = ", text, flags=re.M)  # the book's, of the first Dense layer


# Codes that do not exist


@pytest.mark.parametrize("value", [-1.0, 7.0, 2.5, 1e9])
def test_codes_that_do_not_exist_are_refused_where_values_are_read(value, target):
    net, (x, y) = network(target), samples()
    x[5, 4] = value
    said = re.escape(
        f"x has {value:g} in row 5, column 4, which holds codes for a bpx.Embedding"
    )
    for call in (
        lambda x: net.fit(x, y, **SETTINGS),
        net.predict,
        lambda x: net.evaluate(x, y),
        lambda x: net.input_gradients(x, y),
        lambda x: bpx.Trainer(net, optimizer=bpx.SGD(0.1)).step(x, y),
    ):
        with pytest.raises(bpx.InputError, match=f"{said}.* whole numbers in 0 ... 6"):
            call(x)
    with pytest.raises(bpx.InputError, match=said):
        net.predict(target.asarray(x, "float64"))


def test_the_strict_functions_take_the_nearest_code(target):
    net, (x, _) = network(target), samples(3)
    x[:, 4], x[:, 1] = [-2.0, 6.2, 99.0], [0.0, 3.0, 2.0]
    off = net.forward(target.asarray(x, "float64"))
    x[:, 4] = [0.0, 6.0, 6.0]
    right = net.forward(target.asarray(x, "float64"))
    np.testing.assert_array_equal(host(off.a[-1]), host(right.a[-1]))


# Several networks at once


@each_order
@pytest.mark.parametrize("own", [True, False], ids=["batches of their own", "shared batches"])
def test_several_networks_at_once(first, own, target, caplog):
    """Compiled, with one more axis in front, against each network by itself."""
    rng, steps, batch = np.random.default_rng(1), 4, 7
    shape = (steps, 3, batch) if own else (steps, batch)
    rows = rng.integers(0, 45, shape)
    nets = [network(first=first, seed=i) for i in range(3)]
    step, state, data, picked = job(nets, rows, target)
    scan = by_name(target.spec.partition(":")[0]).scan if target.value.compile else eager
    with caplog.at_level(logging.WARNING, "bpx"):
        found = scan(step, state, data, picked, 0, steps)
    messages = [each.getMessage() for each in caplog.records]
    assert all("on CuPy, products of stacks" in each for each in messages)
    assert bool(messages) == (target.spec == "cupy")
    for i, net in enumerate(nets):
        alone = job([net], rows[:, i] if own else rows)
        after = eager(alone.step, alone.state, alone.data, alone.rows, 0, steps)
        pairs = zip(leaves(found.parameters), leaves(after.parameters), strict=True)
        for x, expected in pairs:
            ours = host(x)[i].reshape(expected.shape)
            np.testing.assert_allclose(ours, expected, rtol=1e-9, atol=1e-12)
