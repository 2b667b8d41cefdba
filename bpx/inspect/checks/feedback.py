"""Check a feedback rule: its behaviour, and its angle to the gradient.

A rule need not give the gradient, and usually does not. So it is wrong only if its shapes,
its purity or the independence of samples are; notes say if it is not linear, and give the
angle to BP2's direction.
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
    """Return the rows of the spec's rule for each hidden layer; none for the transpose."""
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
    """Return notes on the angle between the rule's gradient of each layer and the gradient."""
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
    """Return what replaces (w^{l+1})^T delta^{l+1}: a function of the errors above."""
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
