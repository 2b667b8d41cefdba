"""Each operator: what it becomes, and what it is refused for."""

import numpy as np
import pytest

import bpx
from bpx.interop.onnx.reading import read_model
from tests.interop.onnx.models import FLOAT, drawn, layers_of, model, node

W, B = drawn(2, 3), drawn(2, seed=1)
DENSE = bpx.Dense(3, 2, "identity")


@pytest.mark.parametrize(
    ("attributes", "w", "scale", "shift"),
    [
        ({"transB": 1}, W, 1.0, 1.0),
        ({}, np.ascontiguousarray(W.T), 1.0, 1.0),
        ({"transB": 1, "alpha": 2.0, "beta": 0.5}, W, 2.0, 0.5),
    ],
)
def test_gemm(attributes, w, scale, shift):
    (layer,), (entry,) = layers_of(
        [node("Gemm", "x", "w", "b", **attributes)], {"w": w, "b": B}
    )
    assert layer == DENSE
    assert (entry.w == scale * W).all()
    assert (entry.b == shift * B).all()


@pytest.mark.parametrize("b", [B, B[None], np.float32(3.0), np.float32([3.0])])
def test_the_biases_of_a_gemm_broadcast(b):
    _, (entry,) = layers_of([node("Gemm", "x", "w", "b", transB=1)], {"w": W, "b": b})
    assert (entry.b == np.broadcast_to(b, (1, 2))[0]).all()


@pytest.mark.parametrize("b", [B, B[None]])
@pytest.mark.parametrize("swapped", [True, False])
def test_matmul_and_add(b, swapped):
    ends = ("b", "z") if swapped else ("z", "b")
    nodes = [node("MatMul", "x", "w", output="z"), node("Add", *ends)]
    (layer,), (entry,) = layers_of(nodes, {"w": W.T.copy(), "b": b})
    assert layer == DENSE
    assert (entry.w == W).all()
    assert (entry.b == B).all()


def test_matmul_without_biases():
    (layer,), (entry,) = layers_of([node("MatMul", "x", "w")], {"w": W.T.copy()})
    assert (layer.bias, entry.b) == (False, None)


NORM = {f"n{i}": np.abs(drawn(2, seed=i)) for i in range(4)} | {"w": W, "v": drawn(2, 2)}
FIRST = node("Gemm", "x", "w", output="a", transB=1)
LAST = node("Gemm", "c", "v", transB=1)


def test_batch_normalization():
    norm = node("BatchNormalization", "a", *NORM, output="c", epsilon=1e-3, momentum=0.8)
    norm.input[5:] = []
    layers, entries = layers_of([FIRST, norm, LAST], NORM)
    assert layers[1] == bpx.BatchNorm(2, 0.2, 1e-3)
    assert all((x == NORM[f"n{i}"]).all() for i, x in enumerate(entries[1]))


@pytest.mark.parametrize("arrays", [("n0", "n1"), ("n0",)])
def test_layer_normalization(arrays):
    norm = node("LayerNormalization", "a", *arrays, output="c", axis=1)
    layers, entries = layers_of([FIRST, norm, LAST], NORM)
    assert layers[1] == bpx.LayerNorm(2, 1e-5)
    assert (entries[1].gamma == NORM["n0"]).all()
    assert (entries[1].beta == (NORM["n1"] if len(arrays) > 1 else 0.0)).all()


@pytest.mark.parametrize(
    ("arrays", "attributes", "rate"),
    [({"r": np.float32(0.25)}, {}, 0.25), ({}, {}, 0.5), ({}, {"ratio": 0.1}, 0.1)],
)
def test_dropout(arrays, attributes, rate):
    nodes = [FIRST, node("Dropout", "a", *arrays, output="c", **attributes), LAST]
    layers, _ = layers_of(nodes, NORM | arrays, opset=11 if attributes else 17)
    assert layers[1] == bpx.Dropout(2, rate)


def test_what_changes_nothing():
    shape = {"s": np.array([-1, 2])}
    nodes = [
        node("Cast", "x", output="x1", to=FLOAT),
        node("Gemm", "x1", "w", output="a", transB=1),
        node("Identity", "a", output="a1"),
        node("Flatten", "a1", output="a2"),
        node("Reshape", "a2", "s", output="c"),
        node("Identity", "v", output="v1"),
        node("Gemm", "c", "v1", transB=1),
    ]
    layers, _ = layers_of(nodes, NORM | shape)
    assert layers == tuple(bpx.Dense(n, 2, "identity", bias=False) for n in (3, 2))


def test_a_norm_before_an_activation_becomes_part_of_the_layer():
    norm = node("BatchNormalization", "a", "n0", "n1", "n2", "n3", output="z")
    dense, relu = (
        node("Gemm", "x", "w", "b", output="a", transB=1),
        node("Relu", "z", output="c"),
    )
    arrays = NORM | {"b": B}
    net = bpx.from_onnx(model([dense, norm, relu, LAST], arrays))
    assert [each.kind for each in net.spec.layers] == ["dense", "dense"]
    apart = bpx.from_onnx(model([dense, norm, node("Identity", "z", output="c"), LAST], arrays))
    assert [each.kind for each in apart.spec.layers] == ["dense", "batch_norm", "dense"]
    x = drawn(9, 3, seed=7)
    z = bpx.forward(apart.spec, apart.parameters, x).a[1]
    np.testing.assert_allclose(net.predict(x), np.maximum(z, 0.0) @ NORM["v"].T, atol=1e-6)


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([node("Gemm", "x")], r"\(Gemm\) has 1 inputs; expected 2 ... 3"),
        ([node("Gemm", "x", "w", "w", "w")], "has 4 inputs; expected 2 ... 3"),
        ([node("Gemm", "w", "x")], r"the node 'y' \(Gemm\) has no constant as input 2"),
        ([node("Gemm", "x", "w", transA=1)], "transposes its samples"),
        ([node("Gemm", "x", "w")], "takes 2 numbers, but is given 3"),
        ([node("Gemm", "x", "n0")], r"weights of shape \(2,\), float32; expected a matrix"),
        ([node("Gemm", "x", "doubles")], r"weights of shape .*float64"),
        ([node("Gemm", "x", "w", "three", transB=1)], r"takes \(3,\); expected one number for"),
        (
            [node("MatMul", "w", "w")],
            "takes a constant where bpx expects",
        ),
        (
            [node("Conv", "x", "w")],
            r"'y' \(Conv\) has no counterpart in bpx; expected Gemm, or MatMul and Add",
        ),
        ([node("Relu", "x")], "'y' \\(Relu\\) is an elementwise function of the inputs"),
        (
            [FIRST, node("Relu", "a", output="b"), node("Tanh", "b")],
            r"m.onnx: the node 'y' \(Tanh\) makes a function that is no activation of bpx",
        ),
        (
            [FIRST, node("LeakyRelu", "a", output="c", alpha=0.2), LAST],
            r"the node 'c' \(LeakyRelu\) with alpha=0.2 makes a function that is no activation",
        ),
        (
            [FIRST, node("Gelu", "a", output="c", approximate="none"), LAST],
            r"the node 'c' \(Gelu\) with approximate='none' makes a function",
        ),
        (
            [
                FIRST,
                node("BatchNormalization", "a", "n0", "n1", "n2", "n3", output="z"),
                node("Elu", "z", output="c", alpha=0.5),
                LAST,
            ],
            r"the node 'c' \(Elu\) with alpha=0.5 makes a function",
        ),
        ([FIRST, node("Mul", "a", "n0")], "takes several numbers"),
        ([FIRST, node("Mul", "a", "x")], "combines values of different layers"),
        ([FIRST, node("Add", "w", "w", output="d"), LAST], "nothing computes 'c'"),
        ([node("Add", "w", "w")], "adds constants"),
        ([FIRST, node("Add", "a", "column")], "takes several numbers"),
        ([FIRST, node("Add", "a", "deep")], "takes several numbers"),
        ([FIRST, node("LayerNormalization", "a", "n0", axis=0)], "over other axes"),
        (
            [FIRST, node("LayerNormalization", "a", "n0", axis="b")],
            "has axis=b'b'; expected a n",
        ),
        ([FIRST, node("LayerNormalization", "a", "three")], "takes 3 numbers, but is given 2"),
        ([FIRST, node("LayerNormalization", "a", "n0")], "the last layer is LayerNorm"),
        (
            [FIRST, node("BatchNormalization", "a", *["n0"] * 4, training_mode=1)],
            "is in training mode",
        ),
        ([FIRST, node("Dropout", "a", "n0", "true")], "is in training mode"),
        ([FIRST, node("Dropout", "a", "three")], r"Dropout\): rate=.* was given"),
        ([FIRST, node("Flatten", "a", axis=0)], "changes the shape"),
        ([FIRST, node("Reshape", "a", "s")], r"changes the shape to \[1, -1\]"),
        ([FIRST, node("Cast", "a", to=10)], "changes the type"),
        ([FIRST, node("BatchNormalization", "a", *["n0"] * 4, epsilon=-1.0)], "epsilon=-1.0"),
    ],
)
def test_refusals(nodes, message):
    arrays = NORM | {
        "doubles": W.astype(np.float64),
        "three": np.float32([2.0, 3.0, 4.0]),
        "true": np.array(True),
        "column": np.float32([[1.0], [2.0]]),
        "deep": np.float32([[[1.0, 2.0]]]),
        "s": np.array([1, -1]),
    }
    nodes[-1].name = "y"
    with pytest.raises(bpx.FileFormatError, match=message):
        read_model(model(nodes, arrays, opset=20 if "Gelu" in message else 17), "m.onnx")
