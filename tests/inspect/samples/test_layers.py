"""The samples' own gradients by a layer that only has these, against Dense's formulas."""

from typing import Any, NamedTuple

import numpy as np
import pytest

import bpx
from bpx.inspect.samples import layers
from bpx.layers.dense import DenseParameters, DenseSaved
from tests.backends import Target, host
from tests.peers import close

N, N_IN, N_OUT = 5, 4, 3


class Plain(NamedTuple):
    """What a layer of somebody's own saves: the same numbers, and no formula but one."""

    a_prev: Any
    z: Any
    a: Any

    def individual(self, delta):
        return DenseParameters(delta[..., :, None] * self.a_prev[..., None, :], delta)


class Gain(NamedTuple):
    gain: Any


class Bare(NamedTuple):
    """What a layer saves that was made for training alone."""

    a: Any

    def gradients(self, r, delta):
        return ((r * delta).sum(),)


class Coupled(Bare):
    """What a layer saves whose outputs depend on the whole batch."""

    couples_samples = True

    def individual(self, delta):
        return (delta,)

    squared_norms = inner_products = along = individual


def arrays(target, seed=0, n=N):
    rng = np.random.default_rng(seed)
    shapes = (n, N_IN), (n, N_OUT), (n, N_OUT), (n, N_OUT)
    *kept, delta = (target.asarray(rng.standard_normal(s), "float64") for s in shapes)
    return kept, delta


def test_what_is_made_of_the_gradients_is_what_the_formulas_give(target):
    kept, delta = arrays(target)
    other, delta_other = arrays(target, seed=1, n=7)
    plain, dense = Plain(*kept), DenseSaved(*kept)
    close(layers.squared_norms(plain, delta), host(dense.squared_norms(delta)))
    close(
        layers.inner_product(plain, delta, Plain(*other), delta_other),
        host(dense.inner_products(delta, DenseSaved(*other), delta_other)),
    )
    v = DenseParameters(
        target.asarray(np.arange(12.0).reshape(N_OUT, N_IN), "float64"),
        target.asarray([3.0, -1.0, 0.5], "float64"),
    )
    assert tuple(layers.along(plain, v, delta).shape) == (N, 1)
    close(layers.along(plain, v, delta), host(dense.along(v, delta)))
    for one, another in zip(
        layers.individual(plain, delta), dense.individual(delta), strict=True
    ):
        assert (host(one) == host(another)).all()


def test_shapes_of_the_formulas(target):
    kept, delta = arrays(target)
    other, delta_other = arrays(target, seed=1, n=7)
    dense = DenseSaved(*kept)
    assert tuple(layers.squared_norms(dense, delta).shape) == (N,)
    products = layers.inner_product(dense, delta, DenseSaved(*other), delta_other)
    assert tuple(products.shape) == (N, 7)


def test_a_cheaper_formula_is_taken_where_there_is_one():
    class Cheap(Plain):
        def individual(self, delta):
            raise AssertionError("the gradients were made")

        def squared_norms(self, delta):
            return np.full(N, 7.0)

        def inner_products(self, delta, other, delta_other):
            return np.full((N, N), 8.0)

        def along(self, v, delta):
            return np.full((N, 1), 9.0)

    kept, delta = Cheap(None, None, None), np.ones((N, N_OUT))
    assert set(layers.squared_norms(kept, delta)) == {7.0}
    assert set(layers.inner_product(kept, delta, kept, delta).flat) == {8.0}
    assert set(layers.along(kept, None, delta).flat) == {9.0}


@pytest.mark.parametrize("method", ["squared_norms", "inner_products", "along", "individual"])
def test_a_formula_of_another_shape_is_named(method):
    kept, delta = arrays(Target.NUMPY)
    v = DenseParameters(np.ones((N_OUT, N_IN)), np.ones(N_OUT))
    given = Gain(np.ones(N_OUT)) if method == "individual" else np.ones((N, 1, 1))
    wrong = type("Wrong", (Plain,), {method: lambda *_: given})(*kept)
    asked = {
        "squared_norms": lambda: layers.squared_norms(wrong, delta),
        "inner_products": lambda: layers.inner_product(wrong, delta, wrong, delta),
        "along": lambda: layers.along(wrong, v, delta),
        "individual": lambda: layers.squared_norms(wrong, delta),
    }
    with pytest.raises(bpx.InputError, match=rf"{method}, of a layer that saves Wrong, gave"):
        asked[method]()


class Heads(NamedTuple):
    """What a layer saves that has axes of its own in front of the samples'."""

    each: Any
    of_sample: Any
    nothing: None = None


def test_some_rows_of_what_was_saved(target):
    """The samples are on axis -2, whatever is in front, and None stays None."""
    numbers = np.arange(2.0 * N * 3).reshape(2, N, 3)
    kept = Heads(
        target.asarray(numbers, "float64"), target.asarray(numbers[0, :, :1], "float64")
    )
    delta = target.asarray(numbers[0], "float64")
    layers.check_rows(1, kept, delta, N)
    rows, part = layers.of_rows(slice(1, 3), kept, delta)
    assert (host(rows.each) == numbers[:, 1:3, :]).all()
    assert (host(rows.of_sample) == numbers[0, 1:3, :1]).all()
    assert rows.nothing is None
    assert (host(part) == numbers[0, 1:3, :]).all()


@pytest.mark.parametrize("shape", [(), (3,), (N,), (N, 2, 3), (3, N)])
def test_arrays_without_a_row_for_each_sample_are_refused_by_name(shape):
    right, wrong = np.ones((N, 3)), np.ones(shape)
    given = r"has shape \(.*\); expected \(5, ·\), with samples on axis -2"
    with pytest.raises(
        bpx.InputError, match=rf"layer 2, which saves Heads, .* 'of_sample' .* {given}"
    ):
        layers.check_rows(2, Heads(right, wrong), right, N)
    with pytest.raises(
        bpx.InputError, match=rf"layer 2, which saves Heads, .*: its delta {given}"
    ):
        layers.check_rows(2, Heads(right, right), wrong, N)
    with pytest.raises(bpx.InputError, match=r"'each' of what it saves has shape \(\)"):
        layers.check_rows(2, Heads(3.0, right), right, N)


def calls(kept):
    delta = np.ones((N, N_OUT))
    return [
        lambda: layers.individual(kept, delta),
        lambda: layers.squared_norms(kept, delta),
        lambda: layers.inner_product(kept, delta, kept, delta),
        lambda: layers.along(kept, (np.ones(1),), delta),
    ]


@pytest.mark.parametrize("i", range(4))
def test_a_layer_that_couples_samples_is_refused_by_name(i):
    with pytest.raises(bpx.InputError, match="saves Coupled couples the samples of a batch"):
        calls(Coupled(np.ones((N, N_OUT))))[i]()


@pytest.mark.parametrize("i", range(4))
def test_a_layer_without_them_is_refused_by_name(i):
    said = r"saves Bare was made without .* individual\(delta\): see bpx\.layers\.Layer"
    with pytest.raises(bpx.InputError, match=said):
        calls(Bare(np.ones((N, N_OUT))))[i]()
