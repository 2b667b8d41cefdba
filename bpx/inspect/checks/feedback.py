"""Check a feedback rule: its behaviour, and its angle to the gradient.

A rule need not give the gradient, and usually does not. So it is wrong only if it returns a
wrong shape, is impure, or makes samples depend on one another. A warning says if it is not
linear, and notes give its angle to the gradient.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from bpx._typing import Array
from bpx.arrays.transfer import to_host
from bpx.feedback import transpose
from bpx.inspect.alignment import gradient_alignment
from bpx.inspect.checks.behaviour import Call, behaves
from bpx.inspect.checks.differences import deviation, known
from bpx.inspect.checks.point import Point, copied
from bpx.inspect.checks.report import Row
from bpx.model.passes import backprop, backward
from bpx.model.run import Run
from bpx.model.view import rule_gradients
from bpx.program.contract import leaves, rebuilt

__all__ = ["alignment_notes", "feedback_rows"]


def feedback_rows(point: Point) -> list[Row]:
    """Return the rows of the spec's rule for each layer; none for the transpose."""
    if point.spec.feedback == transpose:
        return []
    rows = _of_parameters(point)
    for layer in range(1, point.depth):
        rows += [row._replace(layer=layer) for row in _of_errors(point, layer)]
    if point.spec.feedback.gradients is not None:
        for layer in range(1, point.depth + 1):
            rows += [row._replace(layer=layer) for row in _of_gradients(point, layer)]
    return rows


def _of_parameters(point: Point) -> list[Row]:
    """Return a row if the rule writes into the network's own arrays."""
    run = _run(point)
    own = copied((run.parameters, run.feedback))
    before = [to_host(each).copy() for each in leaves(own)]
    backprop(run.spec, own[0], *copied((point.x, point.y)), feedback=own[1])
    pairs = zip(before, leaves(own), strict=True)
    if all((one == to_host(other)).all() for one, other in pairs):
        return []
    where = "it wrote into the network's parameters or into B: return new arrays instead"
    return [Row("pure", None, point.spec.feedback.name, ok=False, where=where)]


def alignment_notes(point: Point) -> tuple[str, ...]:
    """Return notes on the angle between the rule's gradient and the true one, by layer."""
    spec, parameters = point.spec, point.parameters
    last = point.depth - (spec.feedback.gradients is None)
    if spec.feedback == transpose or last == 0:
        return ()
    trace = backprop(spec, parameters, point.x, point.y, feedback=point.feedback)
    angles, ratios = gradient_alignment(spec, parameters, trace)
    told = zip(to_host(angles).tolist(), to_host(ratios).tolist(), strict=True)
    name = spec.feedback.name
    return tuple(
        f"layer {layer}: the feedback {name!r} leads {angle:.1f} degrees from the gradient, "
        f"{ratio:.2f} times as far"
        for layer, (angle, ratio) in enumerate(told, 1)
        if layer <= last
    )


def _of_errors(point: Point, layer: int) -> list[Row]:
    """Return the rows of the error that the rule sends back to a layer."""
    name, errors = point.spec.feedback.name, tuple(map(point.like, point.z[layer:]))
    sent, seen = _sent(point, layer, len(errors))
    shape = tuple(point.z[layer - 1].shape)
    calls = [Call(f"the feedback {name!r}", sent, (*errors, *seen), shape)]
    found = behaves(name, calls, [], point.tolerance)
    if all(row.ok for row in found):
        others = tuple(map(point.like, errors))
        found.append(_linear(point, lambda *delta: sent(*delta, *seen), errors, others))
    return found


def _sent(
    point: Point, layer: int, count: int
) -> tuple[Callable[..., Array], tuple[Array, ...]]:
    """Return the rule's replacement of (w^{l+1})^T delta^{l+1}, and the arrays that it sees.

    The replacement is a function of the `count` errors above and of these arrays, whose rows
    are the samples.
    """
    rule, run, w = point.spec.feedback, _run(point), point.parameters.w[layer:]

    def sent(*arrays: Array) -> Array:
        delta, seen = arrays[:count], arrays[count:]
        found: Array
        if rule.local is not None:
            found = rule.local(_seeing(run, seen).view(layer), delta)
        elif rule.send is not None:
            found = rule.send(w, delta, run.array(layer))
        else:
            assert rule.matrix is not None  # one of the three is given
            found = delta[-1 if rule.direct else 0] @ rule.matrix(w, run.array(layer))
        return found

    return sent, () if rule.local is None else _seen(run)


def _run(point: Point) -> Run:
    return Run(point.spec, point.parameters, point.layers, point.y, point.feedback)


def _seen(run: Run) -> tuple[Array, ...]:
    """Copy the arrays with samples on axis -2, since a rule may write into them."""
    return tuple(leaves(copied((run.layers, run.y))))


def _seeing(run: Run, seen: tuple[Array, ...]) -> Run:
    """Return the forward pass with these arrays in place of its own."""
    return run._replace(layers=rebuilt(run.layers, seen[:-1]), y=seen[-1])


def _of_gradients(point: Point, layer: int) -> list[Row]:
    """Return the rows of the gradients that replace BP3 and BP4, and of their row weights."""
    spec, run = point.spec, _run(point)
    rule, place = spec.feedback, spec.places[layer - 1]
    delta, entry = backward(run)[place], point.parameters.layers[place]
    if rule_gradients(rule, _seeing(run, _seen(run)).view(layer), delta, 1.0) is None:
        return []

    def given(field: str, r: Array, delta: Array, *seen: Array) -> Any:
        found = rule_gradients(rule, _seeing(run, seen).view(layer), delta, r)
        return getattr(found, field)

    column, seen = point.y[:, :1] * 0.0 + 1.0 / point.y.shape[0], _seen(run)
    what, functions = (
        f"gradients of the feedback {rule.name!r}",
        {field: partial(given, field) for field in spec.layers[place].shapes},
    )
    calls = [
        Call(what, function, (column, delta, *seen), tuple(getattr(entry, field).shape))
        for field, function in functions.items()
    ]
    rows = behaves(rule.name, calls, [], point.tolerance, together=True)
    if all(row.ok for row in rows):
        r = point.draws.normal(*column.shape)
        off = max(
            deviation(
                f(2.0 * r, delta, *seen), known(2.0 * f(r, delta, *seen)), point.tolerance
            ).largest
            for f in functions.values()
        )
        told = "the row weights r do not scale them" if off > point.tolerance else ""
        rows.append(
            Row("weighted by r", None, rule.name, ok=True, where=told, warning=bool(told))
        )
    return rows


def _linear(
    point: Point,
    sent: Callable[..., Array],
    errors: tuple[Array, ...],
    others: tuple[Array, ...],
) -> Row:
    mixed = sent(*(2.0 * d - 3.0 * e for d, e in zip(errors, others, strict=True)))
    expected = known(2.0 * sent(*errors) - 3.0 * sent(*others))
    off = deviation(mixed, expected, point.tolerance).largest
    bent = off > point.tolerance
    told = f"it is not linear in the errors: off by {off:.1e}" if bent else ""
    name = point.spec.feedback.name
    return Row("linear", None, name, ok=True, where=told, warning=bent)
