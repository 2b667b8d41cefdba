"""Layers as ONNX nodes, as they predict: without dropout, and with running averages."""

from collections.abc import Callable
from itertools import accumulate
from math import pi
from typing import Any

import numpy as np

from bpx.errors import InputError
from bpx.export.onnx.activations import write_activation
from bpx.export.onnx.graph import Graph
from bpx.layers.batch_norm import BatchNorm
from bpx.layers.dense import Dense
from bpx.layers.dropout import Dropout
from bpx.layers.embedding import Embedding
from bpx.layers.layer_norm import LayerNorm
from bpx.layers.periodic import Periodic
from bpx.layers.residual import Add
from bpx.model.skips import fed
from bpx.model.spec import Spec

__all__ = ["LAYERS", "write_layers"]

Write = Callable[[Graph, Any, Any, Any], str]

_INT64 = 7
"""TensorProto.INT64, which the format fixes."""


def write_layers(graph: Graph, spec: Spec, entries: list[Any], x: str) -> str:
    """Write a network's layers; return the name of a^L.

    Parameters
    ----------
    graph : Graph
    spec : Spec
    entries : list of named tuples
        The names of each layer's parameters, in the form of the parameters.
    x : str
        The inputs, shape (n, k_0), of the graph's dtype.

    Raises
    ------
    InputError
        If a kind of layers, or an activation, has no form in ONNX.
    """
    carried: dict[int, Any] = {}
    for i, (layer, entry) in enumerate(zip(spec.layers, entries, strict=True)):
        write = LAYERS.get(type(layer))
        if write is None:
            raise InputError(
                f"layer {i + 1}, {layer!r}, cannot be exported to ONNX; expected "
                f"{', '.join(sorted(each.__name__ for each in LAYERS))}"
            )
        x = write(graph, layer, entry, fed(spec.skips, i, x, carried))
    return x


def _dense(graph: Graph, layer: Dense, entry: Any, x: str) -> str:
    parameters = [each for each in entry if each is not None]
    z = graph.add("Gemm", x, *parameters, transB=1)
    return write_activation(graph, layer.activation, layer.n_out, z)


def _layer_norm(graph: Graph, layer: LayerNorm, entry: Any, x: str) -> str:
    rest: dict[str, Any] = {"axis": -1, "epsilon": layer.epsilon}
    if graph.dtype.itemsize == 8:
        rest["stash_type"] = 11  # TensorProto.DOUBLE: the mean and the deviation, too
    return graph.add("LayerNormalization", x, entry.gamma, entry.beta, **rest)


def _batch_norm(graph: Graph, layer: BatchNorm, entry: Any, x: str) -> str:
    return graph.add("BatchNormalization", x, *entry, epsilon=layer.epsilon)


def _dropout(graph: Graph, layer: Dropout, entry: Any, x: str) -> str:
    return x


def _add(graph: Graph, layer: Add, entry: Any, x: tuple[str, str]) -> str:
    return graph.add("Add", *x)


def _embedding(graph: Graph, layer: Embedding, entry: Any, x: str) -> str:
    """The nearest codes, in their range, and their rows of E: see `bpx.layers.codes`."""
    levels = np.array(layer.levels)
    first = np.array([0, *accumulate(layer.levels[:-1])])
    within = graph.add("Clip", _columns(graph, layer.columns, x), 0.0, float(levels.max()))
    nearest = graph.add("Floor", graph.add("Add", within, 0.5))
    codes = graph.add("Min", graph.add("Cast", nearest, to=_INT64), levels - 1)
    found = graph.add("Gather", entry.E, graph.add("Add", codes, first), axis=0)
    vectors = graph.add("Reshape", found, np.array([0, len(levels) * layer.dim]))
    return _with_passed(graph, layer, x, vectors)


def _periodic(graph: Graph, layer: Periodic, entry: Any, x: str) -> str:
    columns = tuple(layer.columns) * layer.frequencies
    c = graph.add("Reshape", entry.c, np.array([1, len(columns)]))
    turns = graph.add("Mul", c, 2.0 * pi)
    angle = graph.add("Mul", turns, _columns(graph, columns, x))
    return _with_passed(graph, layer, x, graph.add("Sin", angle), graph.add("Cos", angle))


def _with_passed(graph: Graph, layer: Any, x: str, *parts: str) -> str:
    passed = [_columns(graph, layer.passed, x)] if layer.passed else []
    return graph.add("Concat", *passed, *parts, axis=-1)


def _columns(graph: Graph, columns: Any, x: str) -> str:
    return graph.add("Gather", x, np.array(columns), axis=1)


LAYERS: dict[type, Write] = {
    Add: _add,
    BatchNorm: _batch_norm,
    Dense: _dense,
    Dropout: _dropout,
    Embedding: _embedding,
    LayerNorm: _layer_norm,
    Periodic: _periodic,
}
"""How to write each kind of layers: one line adds another."""
