"""What an ONNX model answers: outputs, probabilities, labels, and numbers in their units."""

from typing import Any, NamedTuple

import numpy as np

from bpx.data.tables.target import Target
from bpx.export.onnx.graph import Graph
from bpx.export.onnx.package import package
from bpx.model.metrics import single_rule
from bpx.model.outputs import are_probable
from bpx.model.spec import Spec

__all__ = ["Answer", "write_answers"]


class Answer(NamedTuple):
    """An output of the graph: its name, the type of its elements, and its shape but for n."""

    name: str
    type: Any
    shape: tuple[int, ...]


def write_answers(graph: Graph, spec: Spec, target: Target | None, a: str) -> list[Answer]:
    """Write what follows a^L; return the outputs of the graph.

    Parameters
    ----------
    graph : Graph
    spec : Spec
    target : Target or None
        The target of the network's schema: numbers are in its units, labels are its classes.
    a : str
        a^L, shape (n, k_L).
    """
    label = _label(graph, spec, target, a)
    if target is None:
        answers = [_numbers(graph, "y", a, spec.sizes[-1])]
    elif target.classes:
        answers = [_of_classes(graph, spec, target, a)]
    else:
        answers = [_numbers(graph, "prediction", _in_units(graph, target, a), spec.sizes[-1])]
    return answers if label is None else [*answers, label]


def _numbers(graph: Graph, name: str, value: str, width: int) -> Answer:
    return Answer(graph.named(value, name), _type(graph.dtype), (width,))


def _in_units(graph: Graph, target: Target, a: str) -> str:
    if target.scale != 1.0:
        a = graph.add("Mul", a, target.scale)
    return graph.add("Add", a, target.center) if target.center else a


def _of_classes(graph: Graph, spec: Spec, target: Target, a: str) -> Answer:
    """One probability for each class; outputs that are none are scores."""
    if not are_probable(spec):
        return _numbers(graph, "scores", a, spec.sizes[-1])
    if spec.sizes[-1] == 1:  # the probability of the second class
        a = graph.add("Concat", graph.add("Sub", 1.0, a), a, axis=1)
    return _numbers(graph, "probabilities", a, len(target.classes))


def _label(graph: Graph, spec: Spec, target: Target | None, a: str) -> Answer | None:
    """The class of each sample, as `bpx.Network.classify` has it, if the outputs tell one."""
    rule = _rule(spec)
    if rule is None or (target is not None and not target.classes):
        return None
    if rule == "argmax":
        at = graph.add("ArgMax", a, axis=1, keepdims=0)
    else:
        above = graph.add("Greater", a, 0.5 if rule == "threshold" else 0.0)
        flat = graph.add("Reshape", above, np.array([-1]))
        at = graph.add("Cast", flat, to=package().TensorProto.INT64)
    classes = np.arange(2) if target is None else np.array(target.classes)
    if target is not None:
        texts = classes.dtype.kind == "U"
        at = graph.add("Gather", classes.astype(object) if texts else classes, at)
    return Answer(graph.named(at, "label"), _type(classes.dtype), ())


def _rule(spec: Spec) -> str | None:
    if spec.sizes[-1] == 1:
        return single_rule(spec)
    told = spec.cost.targets in ("binary", "distribution", "one_hot")
    return "argmax" if told or are_probable(spec) else None


def _type(dtype: Any) -> Any:
    types = package().TensorProto
    if dtype.kind == "U":
        return types.STRING
    return package().helper.np_dtype_to_tensor_dtype(dtype)
