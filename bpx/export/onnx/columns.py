"""A table's columns as the inputs of an ONNX graph, which encodes them as the schema does.

Each column is an input of shape (n, 1), with its name: float64 for numbers, booleans (0 and 1)
and dates (days since 1970-01-01), in which NaN is a missing cell; or text, in which the empty
text is one. float64, since dates and large numbers lose digits in float32.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpx.data.tables.column import Column
from bpx.data.tables.feature import Feature
from bpx.export.onnx.graph import Graph
from bpx.export.onnx.package import package

__all__ = ["ML_OPSET", "input_type", "write_columns"]

ML_OPSET = 3
"""The version of the operators of ``ai.onnx.ml``, of which LabelEncoder is one."""


def write_columns(graph: Graph, features: Sequence[Feature]) -> str:
    """Write the encoding of all columns; return the network's inputs, of the graph's dtype."""
    parts = [_texts(graph, each) if each.levels else _numbers(graph, each) for each in features]
    x = graph.add("Concat", *parts, axis=1)
    single = graph.dtype.itemsize == 4  # a schema makes float32, in any network
    return x if single else graph.add("Cast", x, to=package().TensorProto.DOUBLE)


def input_type(feature: Feature) -> Any:
    """Return the type of the elements of a column."""
    types = package().TensorProto
    return types.STRING if feature.levels else types.DOUBLE


def _numbers(graph: Graph, feature: Feature) -> str:
    to = package().TensorProto.FLOAT
    missing = graph.add("IsNaN", feature.name)
    filled = graph.add("Where", missing, _double(feature.fill), feature.name)
    centred = graph.add("Sub", filled, _double(feature.center))
    own = graph.add("Cast", graph.add("Div", centred, _double(feature.scale)), to=to)
    if not feature.indicator:
        return own
    return graph.add("Concat", own, graph.add("Cast", missing, to=to), axis=1)


def _texts(graph: Graph, feature: Feature) -> str:
    """Look each text up: it is the row of a table that bpx itself has encoded."""
    count = len(feature.levels)
    code = graph.add(
        "LabelEncoder",
        feature.name,
        domain="ai.onnx.ml",
        keys_strings=[*feature.levels, ""],
        values_int64s=[*range(count + 1)],
        default_int64=count + 1,
    )
    return graph.add("Squeeze", graph.add("Gather", _rows(feature), code), np.array([1]))


def _rows(feature: Feature) -> NDArray[np.float32]:
    """Return the inputs for each level, for a missing cell, and for any other text."""
    levels, count = feature.levels, len(feature.levels)
    other = "?" * (1 + max(map(len, levels)))  # longer than all levels
    cells = np.array([*range(count), -1, count], np.int32)
    rows, _ = feature.encode(Column(feature.name, "category", cells, (*levels, other)), "x")
    return rows.astype(np.float32)


def _double(value: float) -> NDArray[np.float64]:
    return np.array(value, np.float64)
