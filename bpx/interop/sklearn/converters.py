"""Converters of skl2onnx for the estimators, so that whole pipelines become ONNX models."""

from typing import Any

import numpy as np

from bpx.arrays.registry import dtype_name
from bpx.data.tables.target import Target
from bpx.errors import BackendError, InputError
from bpx.export.onnx.answers import write_answers
from bpx.export.onnx.graph import Graph
from bpx.export.onnx.layers import write_layers
from bpx.export.onnx.package import package
from bpx.interop.sklearn.classifier import MLPClassifier
from bpx.interop.sklearn.namespaces import on_host
from bpx.interop.sklearn.networks import hidden_spec
from bpx.interop.sklearn.regressor import MLPRegressor
from bpx.interop.sklearn.transformer import MLPTransformer

__all__ = ["register_converters"]

_LOWEST = 13
"""The first opset in which Softmax has an axis of its own."""
_TYPES = {"float32": 1, "float64": 11}
_INT64 = 7
"""TensorProto's FLOAT, DOUBLE and INT64, which the format fixes."""


def register_converters() -> None:
    """Teach skl2onnx the estimators of `bpx.sklearn`, on their own and in pipelines.

    ``skl2onnx.to_onnx(pipeline, X[:1])`` then converts a fitted pipeline that has some, its
    encoders of text columns included. The first output is what `predict` returns, or
    `transform`; a classifier's `predict_proba` is the second.

    Raises
    ------
    BackendError
        If skl2onnx is not installed.

    Notes
    -----
    As in skl2onnx's converter of scikit-learn's classifier, labels that are booleans or floats
    become int64, and a single class has one column of probabilities. An opset below 13 is
    refused.
    """
    try:
        import skl2onnx
        from skl2onnx.common import shape_calculator as shapes
    except ImportError as error:
        raise BackendError(
            "the converters need skl2onnx, which is not installed; install it in a clone of "
            "bpx with: pip install '.[skl2onnx]'"
        ) from error
    skl2onnx.update_registered_converter(
        MLPClassifier,
        "BpxMLPClassifier",
        _classifier_shapes,
        _classifier,
        options={"zipmap": [True, False, "columns"], "nocl": [False]},  # skl2onnx reads both
    )
    skl2onnx.update_registered_converter(
        MLPRegressor,
        "BpxMLPRegressor",
        shapes.calculate_linear_regressor_output_shapes,
        _regressor,
    )
    skl2onnx.update_registered_converter(
        MLPTransformer, "BpxMLPTransformer", _transformer_shapes, _transformer
    )


def _classifier_shapes(operator: Any) -> None:
    """Set the types of the outputs: skl2onnx's, but indicators have a column for each label."""
    from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes

    calculate_linear_classifier_output_shapes(operator)
    if _is_multilabel(operator.raw_operator):
        operator.outputs[0].type.shape = list(operator.outputs[1].type.shape)


def _classifier(scope: Any, operator: Any, container: Any) -> None:
    net = operator.raw_operator
    spec = net._spec(net._sizes())
    graph, a = _network(operator, container, net, spec)
    probabilities, label = _class_answers(graph, spec, operator.raw_operator, a)
    numbers = _cast(graph, probabilities, operator)
    outputs = {label: operator.outputs[0], numbers: operator.outputs[1]}
    _add(scope, container, graph, outputs)


def _class_answers(graph: Graph, spec: Any, estimator: Any, a: str) -> tuple[str, str]:
    """Write what follows a^L; return the names of the probabilities and of the labels."""
    classes = _labels(estimator.classes_)
    if _is_multilabel(estimator):
        return a, graph.add("Cast", graph.add("Greater", a, 0.5), to=_INT64)
    if len(classes) == 1:  # whose label is the answer, whatever its probability
        _, label = write_answers(graph, spec, Target("label", "classes", 2 * classes), a)
        return a, label.name
    probabilities, label = write_answers(graph, spec, Target("label", "classes", classes), a)
    return probabilities.name, label.name


def _labels(classes: Any) -> tuple[Any, ...]:
    """Return the classes as ONNX has them: int64, which skl2onnx expects, or texts."""
    each = np.array(classes.tolist())
    return tuple((each.astype(np.int64) if each.dtype.kind in "bf" else each).tolist())


def _is_multilabel(estimator: Any) -> bool:
    kind: str = estimator._label_binarizer.y_type_
    return kind.startswith("multilabel")


def _regressor(scope: Any, operator: Any, container: Any) -> None:
    net = operator.raw_operator
    _numbers(scope, operator, container, net, net._spec(net._sizes()))


def _transformer_shapes(operator: Any) -> None:
    from skl2onnx.common.data_types import guess_tensor_type

    x, units = operator.inputs[0].type, operator.raw_operator._n_features_out
    operator.outputs[0].type = guess_tensor_type(x)
    operator.outputs[0].type.shape = [x.shape[0], units]


def _transformer(scope: Any, operator: Any, container: Any) -> None:
    net, depth = operator.raw_operator.estimator_, operator.raw_operator._depth()
    _numbers(scope, operator, container, net, hidden_spec(net, net._sizes(), depth))


def _numbers(scope: Any, operator: Any, container: Any, net: Any, spec: Any) -> None:
    graph, a = _network(operator, container, net, spec)
    _add(scope, container, graph, {_cast(graph, a, operator): operator.outputs[0]})


def _network(operator: Any, container: Any, net: Any, spec: Any) -> tuple[Graph, str]:
    """Write the layers of an estimator that a spec has; return the graph and the output."""
    opset = container.target_opset
    if opset < _LOWEST:
        raise InputError(
            f"target_opset={opset} was given; expected at least {_LOWEST} for an estimator of "
            "bpx.sklearn"
        )
    dtype = dtype_name(net.coefs_[0])
    graph = Graph(opset, dtype, [operator.inputs[0].full_name])
    x = graph.add("Cast", operator.inputs[0].full_name, to=_TYPES[dtype])
    pairs = zip(net.coefs_, net.intercepts_, strict=True)
    arrays = iter([{"w": on_host(w).T, "b": on_host(b)} for w, b in pairs])
    entries = [
        layer.entry({name: graph.initializer(name, x) for name, x in next(arrays).items()})
        if layer.shapes
        else layer.entry({})
        for layer in spec.layers
    ]
    return graph, write_layers(graph, spec, entries, x)


def _cast(graph: Graph, value: str, operator: Any) -> str:
    """Cast numbers to the type that skl2onnx has given the last output."""
    from skl2onnx.common.data_types import guess_proto_type

    return graph.add("Cast", value, to=guess_proto_type(operator.outputs[-1].type))


def _add(scope: Any, container: Any, graph: Graph, outputs: dict[str, Any]) -> None:
    """Add a graph to skl2onnx's, under names of its own, and hand on the outputs."""
    names = {value: each.full_name for value, each in outputs.items()}
    for name, array in graph.initializers.items():
        names[name] = scope.get_unique_variable_name(name)
        proto = package().numpy_helper.from_array(np.ascontiguousarray(array), names[name])
        container.initializers.append(proto)
    for node in graph.nodes:
        if node.output not in names:
            names[node.output] = scope.get_unique_variable_name(node.output)
    for node in graph.nodes:
        container.add_node(
            node.op,
            [names.get(each, each) for each in node.inputs],
            [names[node.output]],
            op_domain=node.domain,
            op_version=graph.opset,
            name=scope.get_unique_operator_name(node.op),
            **node.attributes,
        )
