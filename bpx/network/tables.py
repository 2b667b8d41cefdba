"""Tables and DataFrames at a network's boundary, converted by its schema.

Without a schema, arrays pass unchanged. With one, inputs are in the table's own terms: a table
with columns that are found by name, or an array with the schema's columns in their order.
`bpx.data` is imported with the first table.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bpx._validate import is_frame
from bpx.arrays.host import as_host
from bpx.arrays.registry import backend_of
from bpx.arrays.transfer import to_host
from bpx.errors import InputError
from bpx.layers.columns import sources
from bpx.metrics import AnyMetric, check_metrics
from bpx.model.spec import Spec

if TYPE_CHECKING:
    from bpx.data import Schema
else:  # for annotations elsewhere in this folder, without an import of bpx.data
    Schema = Any

__all__ = [
    "Schema",
    "arrays",
    "as_arrays",
    "by_label",
    "by_name",
    "check_schema",
    "in_units",
    "inputs",
    "measures",
    "training_arrays",
]


def inputs(schema: "Schema | None", x: Any) -> Any:
    """Convert inputs to an array, by the schema or, without one, from a table of numbers."""
    if is_frame(x):
        return (schema or _of_numbers(x)).x(x)
    return x if schema is None or schema.is_plain else schema.x_of_array(as_host(x, "x"))


def arrays(schema: "Schema | None", x: Any, y: Any) -> tuple[Any, Any]:
    """Convert inputs and targets to arrays.

    Raises
    ------
    InputError
        If there is no y, and x is not a table with the schema's target.
    """
    learned = None if schema is None else schema.target
    if y is not None:
        return inputs(schema, x), _target(schema, y)
    if not is_frame(x) or schema is None or learned is None:
        raise InputError(
            "no y was given; expected one target for each sample, or a table with the target "
            "of the network's schema"
        )
    return schema.x(x), schema.y(x)


def training_arrays(
    schema: "Schema | None", spec: Spec, data: Any
) -> tuple[Any, "Schema | None"]:
    """Convert training samples to arrays; return them and the new schema.

    A network without a schema that is trained on a table gets a schema of its column names.
    """
    x = data if is_frame(data) else data[0] if _is_pair(data) else None
    if schema is None and is_frame(x):
        schema = _of_numbers(x)
        check_schema(schema, spec)
    return as_arrays(schema, data), schema


def in_units(schema: "Schema | None", answer: Any) -> Any:
    """Convert outputs to the units of the target."""
    learned = None if schema is None else schema.target
    return answer if learned is None else learned.decode(answer)


def measures(schema: "Schema | None", metrics: Any) -> tuple[AnyMetric, ...]:
    """Return checked metrics; those with a unit are in that of the schema's target."""
    found = check_metrics(metrics)
    learned = None if schema is None else schema.target
    if learned is None or learned.classes:
        return found
    return tuple(each.times(learned.scale) if each.in_units else each for each in found)


def by_name(schema: "Schema | None", labels: Any) -> Any:
    """Convert labels to a host array of class names, if the schema has a target."""
    learned = None if schema is None else schema.target
    return labels if learned is None else learned.named(to_host(labels))


def by_label(schema: "Schema | None", class_weight: Any) -> Any:
    """Convert weights of classes from the names in the schema's target to labels.

    Raises
    ------
    InputError
        If a name is not a class of the target.
    """
    learned = None if schema is None else schema.target
    if learned is None or not isinstance(class_weight, Mapping) or not learned.classes:
        return class_weight
    unknown = [each for each in class_weight if each not in learned.classes]
    if unknown:
        raise InputError(
            f"class_weight has {unknown[0]!r}, which is not a class of {learned.name!r}; the "
            f"classes are {', '.join(map(repr, learned.classes))}"
        )
    return {learned.classes.index(each): weight for each, weight in class_weight.items()}


def check_schema(schema: "Schema", spec: Spec) -> None:
    """Refuse a schema whose inputs, outputs or scaled target do not suit the network.

    Raises
    ------
    InputError
        Saying what would fit.
    """
    sizes, learned = spec.sizes, schema.target
    fits = learned is None or sizes[-1] in {learned.outputs, len(learned.classes) or 1}
    if sizes[0] != schema.width or not fits:
        last = sizes[-1] if learned is None else learned.outputs
        outputs = "" if fits else f" and needs {last} outputs"
        raise InputError(
            f"the network has the sizes {list(sizes)}, but the schema gives {schema.width} "
            f"inputs{outputs}; expected sizes such as {[schema.width, *sizes[1:-1], last]}"
        )
    _check_codes(schema, spec)
    _check_target(schema, spec)


def _check_codes(schema: "Schema", spec: Spec) -> None:
    """Refuse codes that no Embedding takes, or that the schema does not make."""
    for at, name in enumerate(schema.inputs):
        made, taken = schema.codes.get(at, 0), spec.codes.get(at, 0)
        if made and not taken:
            raise InputError(
                f"the schema makes codes of {name!r}, but no bpx.Embedding takes them; "
                "expected bpx.Embedding.of(schema, dim) among the first layers, or a schema "
                "fitted with categories='one-hot'"
            )
        if made != taken:
            raise InputError(
                f"a bpx.Embedding takes {taken} codes from input {at}, {name!r}, of which the "
                f"schema makes {made or 'none'}; expected bpx.Embedding.of(schema, dim)"
            )
    for number, (layer, where) in enumerate(sources(spec.layers), 1):
        if not hasattr(layer, "passed"):
            return
        if any(where[column] is None for column in getattr(layer, "columns", ())):
            raise InputError(
                f"layer {number}, {layer!r}, replaces columns that a layer below computes; "
                "expected inputs: make it with of(schema, after=...), which finds them there"
            )


def _check_target(schema: "Schema", spec: Spec) -> None:
    """Refuse a target whose scaled numbers the cost does not accept."""
    learned, cost = schema.target, spec.cost
    if learned is None or learned.classes or cost.targets == "real":
        return
    counts = cost.targets == "nonnegative"
    if learned.center or (learned.scale != 1.0 and not counts):
        what = "counts, or other numbers of at least 0" if counts else "numbers in [0, 1]"
        raise InputError(
            f"the schema scales the target {learned.name!r} to (y - {learned.center:.4g}) / "
            f"{learned.scale:.4g}, but {cost.name} expects {what}; fit the schema with "
            f"target_scaling={'mean' if counts else 'none'!r}"
        )


def as_arrays(schema: "Schema | None", data: Any) -> Any:
    """Convert samples to arrays; anything else passes unchanged and is refused later."""
    if is_frame(data):
        return arrays(schema, data, None)
    if _is_pair(data) and (schema is not None or is_frame(data[0])):
        return (*arrays(schema, data[0], data[1]), *data[2:])
    return data


def _is_pair(data: Any) -> bool:
    return isinstance(data, tuple | list) and len(data) in (2, 3)


def _target(schema: "Schema | None", y: Any) -> Any:
    """Convert a target, which is in the table's own terms if the schema has one."""
    if schema is None or schema.target is None:
        return y.to_numpy() if hasattr(y, "to_numpy") else y
    if is_frame(y):
        return schema.y(y)
    return schema.y_of_array(y if backend_of(y) is None else to_host(y))


def _of_numbers(x: Any) -> "Schema":
    from bpx.data import Schema

    return Schema.of_numbers(x)
