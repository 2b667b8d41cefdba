"""What a backend must offer, and what works without what it may offer besides."""

from types import SimpleNamespace

import numpy as np
import pytest

import bpx
from bpx.arrays import registry as backend
from bpx.arrays.registry import by_name
from tests.backends import host, problem

OPTIONAL = ("immutable", "precisions", "halves", "release", "engine", "is_traced", "compiled")
X, Y = np.linspace(0.0, 1.0, 24).reshape(8, 3), np.arange(8) % 2


def test_every_backend_offers_what_the_protocol_asks():
    asked = {n for n in vars(backend.Backend) if not n.startswith("_")}
    for info in bpx.backends():
        if info.problem is None:
            assert asked <= set(dir(by_name(info.name))), info.name


@pytest.fixture(params=["strict", "jax"])
def bare(request, monkeypatch):
    """Another package's backend, of a library of ours, with what is needed and no more."""
    if reason := problem(request.param):
        pytest.skip(reason)
    full = by_name(request.param)
    names = {n for n in vars(backend.Backend) if not n.startswith("_")} - set(OPTIONAL)
    made = SimpleNamespace(**{n: getattr(full, n) for n in names | {"xp"}} | {"name": "mine"})
    monkeypatch.setattr(backend, "_entry_points", lambda: {"mine": SimpleNamespace()})
    monkeypatch.setattr(backend, "_loaded", {"mine": made})  # first to be asked
    return SimpleNamespace(full=full, made=made)


def network(spec, **settings):
    return bpx.Network([3, 4, 2], seed=0, backend=spec, dtype="float64", **settings)


def test_without_what_is_optional_a_network_trains_and_answers_alike(bare):
    found, expected = network("mine"), network("numpy")
    assert found.home.backend is bare.made
    settings = {"epochs": 2, "batch_size": 3, "optimizer": bpx.Adam(), "seed": 0}
    for net in (found, expected):
        net.fit(X, Y, **settings)
    for w, wanted in zip(found.weights, expected.weights, strict=True):
        np.testing.assert_allclose(host(w), host(wanted), rtol=1e-9)
    assert found.evaluate(X, Y).cost == pytest.approx(expected.evaluate(X, Y).cost, rel=1e-9)
    np.testing.assert_array_equal(found.classify(X), expected.classify(X))
    assert not bpx.arrays.registry.is_traced(found.weights[0])


def test_without_it_outputs_in_parts_are_joined_and_not_written(bare):
    """An array of a library that says nothing may refuse to be written."""
    net = bpx.Network([1, 2**18, 1], seed=0, backend="mine")  # 16 samples a part
    x = np.linspace(0.0, 1.0, 20)[:, None]
    found = net.predict(bpx.asarray(x, backend="mine"))
    assert net.home.owns(found)
    alone = [net.predict(x[i : i + 1])[0, 0] for i in (0, 15, 16, 19)]
    np.testing.assert_allclose(host(found)[[0, 15, 16, 19], 0], alone, rtol=1e-4)


def test_without_it_samples_are_copied_for_a_training(bare):
    """Who does not say that arrays stay as they are may change them."""
    x = bpx.asarray(X, backend="mine", dtype="float64")
    home = network("mine").home
    taken = bpx.arrays.transfer.lasting(x, home, "x")
    assert taken is not x
    np.testing.assert_array_equal(host(taken), X)


def test_without_it_products_are_in_float32_and_no_engine_is_told(bare):
    with pytest.raises(
        bpx.InputError, match=r"precision='tf32' was given; expected float32, in which "
    ):
        network("mine").fit(
            X, Y, epochs=1, batch_size=8, optimizer=bpx.SGD(0.1), precision="tf32"
        )
    (info,) = (each for each in bpx.backends() if each.name == "mine")
    assert (info.problem, info.engine) == (None, None)
    assert info.version == bare.full.version()


@pytest.mark.parametrize("dtype", ["float32", "int32", "bool"])
def test_pytorchs_copies_are_its_own_and_begin_in_a_cache_line(dtype):
    if reason := problem("torch:cpu"):
        pytest.skip(reason)
    library = by_name("torch")
    given = (
        np.arange(66).astype(">f8")[60:0:-2].reshape(6, 5).T
    )  # negative strides, other bytes
    for x in (given, np.ones(()), np.zeros((0, 3))):
        made = library.asarray(x, dtype, library.device("cpu"))
        assert made.data_ptr() % 64 == 0
        assert made.is_contiguous()
        np.testing.assert_array_equal(host(made), x.astype(dtype))
