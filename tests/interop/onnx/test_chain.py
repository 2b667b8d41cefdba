"""Residual blocks, found from the values that are added."""

from itertools import pairwise

import numpy as np
import pytest

import bpx
from bpx.layers import Add
from tests.interop.onnx.models import drawn, layers_of, model, node

W = {name: drawn(3, 3, seed=i) for i, name in enumerate("uvw")}


def dense(x, w, z):
    return node("MatMul", x, w, output=z)


def test_blocks_in_blocks():
    nodes = [
        dense("x", "u", "a"),
        node("Relu", "a", output="b"),
        dense("b", "v", "c"),
        node("Add", "b", "c", output="d"),
        node("Add", "d", "x", output="e"),
        dense("e", "w", "y"),
    ]
    layers, _ = layers_of(nodes, W)
    assert [each.kind for each in layers] == ["dense", "dense", "add", "add", "dense"]
    assert layers[2:4] == (Add(3, 1), Add(3, 3))
    x = drawn(5, 3, seed=9)
    b = np.maximum(x @ W["u"], 0.0)
    expected = (b + b @ W["v"] + x) @ W["w"]
    np.testing.assert_allclose(bpx.from_onnx(model(nodes, W)).predict(x), expected, rtol=1e-4)


@pytest.mark.parametrize(
    "nodes",
    [
        # two branches
        [dense("x", "u", "a"), dense("x", "v", "b"), node("Add", "a", "b", output="c")],
        # a value twice
        [dense("x", "u", "a"), node("Add", "a", "a", output="c")],
        # z, not the activation, is added
        [
            dense("x", "u", "a"),
            node("Relu", "a", output="b"),
            dense("b", "v", "d"),
            node("Add", "a", "d", output="c"),
        ],
    ],
)
def test_other_sums_are_refused(nodes):
    nodes = [*nodes, dense("c", "w", "y")]
    with pytest.raises(bpx.FileFormatError, match=r"of which none is computed|no activation"):
        layers_of(nodes, W)


def test_an_add_of_many_layers_is_one_layer_each():
    names = ["x", *(f"d{i}" for i in range(400))]
    nodes = [dense(one, "u", other) for one, other in pairwise(names)]
    names = [names[-1], *(f"a{i}" for i in range(400))]
    nodes += [node("Add", one, "x", output=other) for one, other in pairwise(names)]
    layers, _ = layers_of([*nodes, dense(names[-1], "w", "y")], W)
    assert layers[-2] == Add(3, 799)


def test_two_nodes_of_one_function_make_one_layer():
    nodes = [
        dense("x", "u", "a"),
        node("Relu", "a", output="b"),
        node("Relu", "a", output="same"),
        dense("b", "v", "c"),
        node("Add", "c", "same", output="d"),
        dense("d", "w", "y"),
    ]
    layers, _ = layers_of(nodes, W)
    assert [each.kind for each in layers] == ["dense", "dense", "add", "dense"]


@pytest.mark.parametrize("alpha", [1.0, 2.0])
def test_nodes_that_share_an_array_make_no_network_larger_than_the_file(alpha):
    w = {"w": drawn(300, 300)}
    names = ["x", *(f"d{i}" for i in range(20)), "y"]
    nodes = [
        node("Gemm", one, "w", output=other, alpha=alpha) for one, other in pairwise(names)
    ]
    with pytest.raises(bpx.FileFormatError, match="shares its array with other nodes"):
        layers_of(nodes, w, width=300)
    assert len(layers_of(nodes[:3], w, width=300, outputs=[("d2", 1)])[0]) == 3
