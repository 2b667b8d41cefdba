"""The values of a graph: each has one, and arrays are read when they are needed."""

import pytest

import bpx
from bpx.interop.onnx.reading import read_model
from tests.interop.onnx.models import drawn, model, node

W = drawn(2, 3)


def test_a_value_is_computed_once():
    nodes = [node("Gemm", "x", "w", transB=1), node("Gemm", "x", "w", transB=1)]
    with pytest.raises(bpx.FileFormatError, match=r"m.onnx computes 'y' twice; expected it"):
        read_model(model(nodes, {"w": W}), "m.onnx")


@pytest.mark.parametrize("name", ["x", "w", "later"])
def test_a_value_is_there_before_it_is_used(name):
    nodes = [node("Relu", "later"), node("Gemm", "x", "w", output="later", transB=1)]
    with pytest.raises(bpx.FileFormatError, match="nothing computes 'later'"):
        read_model(model(nodes, {"w": W}), "m.onnx")
    nodes = [node("Gemm", "x", "w", transB=1), node("Relu", "y", output=name)]
    if name != "later":
        with pytest.raises(bpx.FileFormatError, match=f"computes {name!r} twice"):
            read_model(model(nodes, {"w": W}), "m.onnx")


def test_an_array_that_nothing_needs_is_not_read():
    found = model([node("Gemm", "x", "w", transB=1)], {"w": W, "other": W})
    found.graph.initializer[1].data_location = 1
    spec, _ = read_model(found, "m.onnx")
    assert spec.sizes == (3, 2)


def test_a_node_without_a_name_is_shown_by_its_output():
    with pytest.raises(
        bpx.FileFormatError, match=r"m.onnx: the node 'y' \(Sin\) has no counter"
    ):
        read_model(model([node("Sin", "x")], {}), "m.onnx")


def test_many_inputs_are_refused():
    many = node("Gemm", *["x"] * 65)
    with pytest.raises(bpx.FileFormatError, match="more than 64 inputs or outputs"):
        read_model(model([many], {}), "m.onnx")
