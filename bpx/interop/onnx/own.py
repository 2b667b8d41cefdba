"""Models that bpx has exported, which name their own spec and schema.

What a file says of itself is not trusted: the network is exported again, and only if this gives
the same graph, node by node, is it the network of the file. So all that an export writes comes
back, even what could not be told from the nodes, such as the dropout, the cost and the schema.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from bpx.data import Schema
from bpx.errors import FileFormatError, InputError
from bpx.export.onnx.model import METADATA, model_of
from bpx.interop.onnx.tensors import DOUBLE, FLOAT, array_of
from bpx.io.description import restored
from bpx.io.layers import parameters_of
from bpx.model.parameters import Parameters
from bpx.model.spec import Spec, check_shapes
from bpx.network import notes
from bpx.network.tables import check_schema
from bpx.program.contract import leaves

__all__ = ["LONGEST", "Own", "read_own"]

LONGEST = 2**21
"""The most characters of a description that is read."""


class Own(NamedTuple):
    """A network that bpx has exported."""

    spec: Spec
    parameters: Parameters
    schema: Schema | None
    described: Mapping[str, Any]


def read_own(model: Any, label: str, custom: Mapping[str, Any]) -> Own | None:
    """Return the network of a model that bpx has exported, or None of any other model.

    Raises
    ------
    InputError
        If the network has parts of a user's own that `custom` lacks.
    """
    text = {each.key: each.value for each in model.metadata_props}.get(METADATA)
    if text is None or len(text) > LONGEST:
        return None
    try:
        spec, described = restored(label, text, custom, notes.are_right, model.ByteSize())
    except FileFormatError:
        return None
    try:
        found = _network(model, label, spec, described)
        again = None if found is None else _exported(model, found)
    except (InputError, KeyError, TypeError, ValueError, OverflowError):
        return None
    if again is None or _bytes(again.graph) != _bytes(model.graph):
        return None
    return found


def _network(model: Any, label: str, spec: Spec, described: Mapping[str, Any]) -> Own | None:
    kinds = FLOAT, DOUBLE
    tensors = [each for each in model.graph.initializer if each.data_type in kinds]
    arrays = {each.name: array_of(each, label) for each in tensors}
    parameters = parameters_of(spec, arrays)
    check_shapes(spec, parameters)
    if {str(each.dtype) for each in leaves(parameters)} - {str(parameters.like.dtype)}:
        return None
    schema = notes.schema(described)
    if schema is not None:
        check_schema(schema, spec)
        if _cells(schema) > model.ByteSize():
            return None
    return Own(spec, parameters, schema, described)


def _cells(schema: Schema) -> int:
    """The numbers in the tables of texts: a file that holds them has more bytes."""
    return sum((len(each.levels) + 2) * each.width for each in schema.features if each.levels)


def _exported(model: Any, own: Own) -> Any:
    opsets = [each.version for each in model.opset_import if not each.domain]
    arguments = own.spec, own.parameters, own.schema
    return model_of(*arguments, opsets[0] if opsets else 0, model.producer_version)


def _bytes(graph: Any) -> bytes:
    content: bytes = graph.SerializeToString(deterministic=True)
    return content
