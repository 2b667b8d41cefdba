"""The names and the constants of a graph."""

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the exports need onnx")

from bpx.export.onnx.graph import Graph


def test_names_are_unique():
    graph = Graph(17, "float32", ["add"])
    names = [graph.add("Add", "x", "y"), graph.add("Add", "x", "y"), graph.reserve("add")]
    names.append(graph.initializer("w", np.zeros(2)))
    names.append(graph.initializer("w", np.ones(2)))
    assert names == ["add_2", "add_3", "add_4", "w", "w_2"]


def test_an_output_is_renamed_wherever_it_is_used():
    graph = Graph(17, "float32")
    first = graph.add("Abs", "x")
    second = graph.add("Neg", first)
    assert graph.named(first, "y") == "y"
    assert [(each.inputs, each.output) for each in graph.nodes] == [
        (("x",), "y"),
        (("y",), second),
    ]


def test_equal_constants_are_kept_once():
    graph = Graph(17, "float64")
    graph.add("Mul", "x", 0.5)
    graph.add("Add", "x", 0.5)
    graph.add("Add", "x", np.float32([0.5]))
    graph.add("Gather", np.array(["a", "b"], object), "x")
    graph.add("Gather", np.array(["a", "c"], object), "x")
    nodes, arrays = graph.protos()
    assert [each.input[1] for each in nodes[:2]] == ["constant"] * 2
    assert [each.data_type for each in arrays] == [11, 1, 8, 8]
    assert arrays[3].string_data == [b"a", b"c"]
