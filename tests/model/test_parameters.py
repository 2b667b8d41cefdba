"""Parameters: one entry for each layer, the arrays by name, and what is taken for them."""

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pytest

import bpx
from bpx.layers.dense import DenseParameters
from bpx.model.parameters import Gradients, Parameters, as_parameters, dense
from bpx.program.contract import form, leaves, named_leaves, rebuilt


class Scale(NamedTuple):
    """What a layer of another kind learns: a field of its own, and one that Dense has."""

    gamma: Any
    b: Any


MIXED = Parameters(
    [DenseParameters("w1", "b1"), (), Scale("g", "s"), DenseParameters("w2", "b2")]
)


def of_dense(*sizes):
    rng = np.random.default_rng(0)
    w = [rng.standard_normal((m, k)) for k, m in pairwise(sizes)]
    return Parameters.dense(w, [rng.standard_normal(m) for m in sizes[1:]])


def test_of_dense_layers_the_weights_and_the_biases():
    p = of_dense(4, 3, 2)
    assert [each.shape for each in p.w] == [(3, 4), (2, 3)]
    assert [each.shape for each in p.b] == [(3,), (2,)]
    assert p.layers[1] == DenseParameters(p.w[1], p.b[1])
    assert isinstance(Parameters([(), ()]).layers, tuple)


def test_w_and_b_are_those_of_dense_layers_alone():
    assert MIXED.w == ("w1", "w2")
    assert MIXED.b == ("b1", "b2")
    assert dense(MIXED.layers) == [MIXED.layers[0], MIXED.layers[3]]


def test_the_arrays_of_one_name_stand_together():
    names = [name for name, _ in named_leaves(of_dense(4, 3, 2))]
    assert names == ["w[0]", "w[1]", "b[0]", "b[1]"]
    assert MIXED.branches() == [
        ("w[0]", "w1"),
        ("w[1]", "w2"),
        ("b[0]", "b1"),
        ("b[1]", "s"),
        ("b[2]", "b2"),
        ("gamma[0]", "g"),
    ]


@pytest.mark.parametrize("kind", [Parameters, Gradients])
def test_grown_gives_back_what_branches_took(kind):
    given = kind(MIXED.layers)
    same = given.grown([branch for _, branch in given.branches()])
    assert type(same) is kind
    assert same == given
    other = given.grown("abcdef")
    assert other.layers == (
        DenseParameters("a", "c"),
        (),
        Scale("f", "d"),
        DenseParameters("b", "e"),
    )


def test_a_tree_is_rebuilt_in_its_order():
    p = of_dense(4, 3, 2)
    doubled = rebuilt(p, [2.0 * each for each in leaves(p)])
    assert form(doubled) == form(p) == "Parameters(w[0]=., w[1]=., b[0]=., b[1]=.)"
    assert all((a == 2.0 * b).all() for a, b in zip(doubled.w, p.w, strict=True))
    assert all((a == 2.0 * b).all() for a, b in zip(doubled.b, p.b, strict=True))


@pytest.mark.parametrize("kind", [Parameters, Gradients])
def test_weights_and_biases_side_by_side_are_refused_with_what_to_write(kind):
    p, name = of_dense(4, 3), kind.__name__
    with pytest.raises(bpx.InputError, match=rf"bpx\.{name}\.dense\(w, b\) makes them") as told:
        kind(p.w, p.b)
    assert f"bpx.{name} was given w and b; it now takes one entry for each layer" in str(
        told.value
    )


@pytest.mark.parametrize("kind", [Parameters, Gradients])
@pytest.mark.parametrize(
    ("leaf", "shown"),
    [
        ((3, 4), "(3, 4)"),
        (True, "True"),
        (None, None),
        (0.5, "0.5"),
        (np.dtype("float32"), "dtype('float32')"),
        (np.zeros((3, 4)), "(3, 4)"),
        (list(range(100)), "[0, 1, 2, 3, 4, 5, ...]"),
    ],
)
def test_what_is_no_array_is_shown_in_a_short_form(kind, leaf, shown):
    given = of_dense(4, 3, 2).layers
    found = repr(kind(type(each)(leaf, leaf) for each in given))
    fields = f"w {shown} {shown}, b {shown} {shown}" if shown else ""
    assert found == f"<bpx.{kind.__name__} {fields}>"


def test_any_object_is_shown():
    printed = repr(Parameters.dense([object()], [object()]))
    assert printed.startswith("<bpx.Parameters w <object")


def test_the_trees_of_jax():
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    p = of_dense(4, 3, 2)
    shapes = "w (3, 4) (2, 3), b (3,) (2,)>"
    assert repr(jax.tree.map(lambda a: a.shape, p)) == f"<bpx.Parameters {shapes}"
    assert repr(jax.eval_shape(lambda: p)) == f"<bpx.Parameters {shapes}"
    masks = jax.tree.map(lambda a: a.ndim == 2, p)
    assert repr(masks) == "<bpx.Parameters w True True, b False False>"


def test_parameters_are_taken_as_they_are():
    p, g = of_dense(4, 3), Gradients(of_dense(4, 3).layers)
    assert as_parameters(p) is p
    assert as_parameters(g) is g


@pytest.mark.parametrize("kind", [list, tuple])
def test_a_pair_is_of_dense_layers(kind):
    p = of_dense(4, 3, 2)
    assert as_parameters(kind((list(p.w), p.b))) == p


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, "a NoneType was given as parameters; expected bpx.Parameters"),
        ({"w": [], "b": []}, "a dict was given as parameters"),
        (([np.ones((1, 2))],), "a tuple was given as parameters"),
        ((np.ones((1, 2)), np.ones(1)), r"or a pair \(w, b\) of the weights and biases"),
        (([np.ones((1, 2))], []), "1 weights and 0 biases were given; expected one of each"),
    ],
    ids=str,
)
def test_what_is_neither_is_refused(given, message):
    with pytest.raises(bpx.InputError, match=message):
        as_parameters(given)
    net = bpx.Network([2, 1], seed=0)
    before = net.parameters
    with pytest.raises(bpx.InputError, match=message):
        net.parameters = given
    assert net.parameters is before


def test_parameters_are_a_named_tuple_of_one_field(target):
    net = target.network([4, 3, 2], seed=0)
    assert Parameters._fields == ("layers",)
    assert net.parameters.layers[0].w is net.weights[0]
    assert net.parameters.b == net.biases
