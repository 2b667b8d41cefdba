"""A rule in the place of BP2's transpose: its conduct, and how far it is from the gradient.

A rule need not give the gradient, and mostly does not. So only its shapes, its purity and
its samples' independence can be wrong; that it is not linear, and the angle to BP2's
direction, are told.
"""

from collections.abc import Callable

from bpx._typing import Array
from bpx.arrays.transfer import to_host
from bpx.feedback import transpose
from bpx.inspect.alignment import gradient_alignment
from bpx.inspect.checks.behaviour import Call, behaves
from bpx.inspect.checks.differences import deviation, known
from bpx.inspect.checks.point import Point
from bpx.inspect.checks.report import Row
from bpx.model.passes import backprop

__all__ = ["alignment_notes", "feedback_rows"]


def feedback_rows(point: Point) -> list[Row]:
    """The rows of the spec's rule, of each hidden layer; none for the transpose."""
    if point.spec.feedback == transpose:
        return []
    rows: list[Row] = []
    for layer in range(1, point.depth):
        name, sent = point.spec.feedback.name, _sent(point, layer)
        errors = tuple(map(point.like, point.z[layer:]))
        calls = [Call(f"the feedback {name!r}", sent, errors, tuple(point.z[layer - 1].shape))]
        found = behaves(name, calls, [], point.tolerance)
        if all(row.ok for row in found):
            found.append(_linear(point, sent, errors))
        rows += [row._replace(layer=layer) for row in found]
    return rows


def alignment_notes(point: Point) -> tuple[str, ...]:
    """The angle between what the rule gives for each layer's gradient and the gradient."""
    spec, parameters = point.spec, point.parameters
    if spec.feedback == transpose or point.depth == 1:
        return ()
    trace = backprop(spec, parameters, point.x, point.y, feedback=point.feedback)
    angles, ratios = gradient_alignment(spec, parameters, trace)
    told = zip(to_host(angles).tolist(), to_host(ratios).tolist(), strict=True)
    name = spec.feedback.name
    return tuple(
        f"layer {layer}: the feedback {name!r} leads {angle:.1f} degrees from the gradient, "
        f"{ratio:.2f} times as far"
        for layer, (angle, ratio) in enumerate(told, 1)
        if layer < point.depth
    )


def _sent(point: Point, layer: int) -> Callable[..., Array]:
    """What the rule puts in the place of (w^{l+1})^T delta^{l+1}, of the errors above."""
    rule, w = point.spec.feedback, point.parameters.w[layer:]
    B = point.feedback[layer - 1] if point.feedback else None

    def sent(*delta: Array) -> Array:
        if rule.matrix is None:
            assert rule.send is not None  # one of the two is given
            g: Array = rule.send(w, delta, B)
            return g
        product: Array = delta[-1 if rule.direct else 0] @ rule.matrix(w, B)
        return product

    return sent


def _linear(point: Point, sent: Callable[..., Array], errors: tuple[Array, ...]) -> Row:
    others = tuple(map(point.like, errors))
    mixed = sent(*(2.0 * d - 3.0 * e for d, e in zip(errors, others, strict=True)))
    expected = known(2.0 * sent(*errors) - 3.0 * sent(*others))
    off = deviation(mixed, expected, point.tolerance).largest
    bent = off > point.tolerance
    told = f"it is not linear in the errors: off by {off:.1e}" if bent else ""
    name = point.spec.feedback.name
    return Row("linear", None, name, ok=True, where=told, warning=bent)
