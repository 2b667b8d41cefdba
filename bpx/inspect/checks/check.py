"""Check formulas: compare each equation with numerical derivatives.

A network with a wrong derivative still trains, only worse, and nothing reports it. `check`
takes the equations of an activation, a cost or a network one by one, compares each with a
numerical derivative in float64, and names those that are wrong.
"""

from typing import Any, NamedTuple, TypeAlias

from bpx._typing import Array
from bpx._validate import number
from bpx.activations import ACTIVATIONS, Activation, ActivationName
from bpx.arrays.home import Home, select
from bpx.arrays.transfer import bring
from bpx.costs import COSTS, BuiltInCost, Choice, Cost
from bpx.costs.table import named
from bpx.errors import BackendError, InputError, nearest
from bpx.feedback import FEEDBACKS, Feedback, FeedbackName
from bpx.inspect.checks.activations import activation_rows
from bpx.inspect.checks.behaviour import raised
from bpx.inspect.checks.costs import cost_rows
from bpx.inspect.checks.draws import Draws
from bpx.inspect.checks.feedback import alignment_notes, feedback_rows
from bpx.inspect.checks.networks import curvature_rows, network_rows
from bpx.inspect.checks.point import Point, copied
from bpx.inspect.checks.report import Report, Row
from bpx.model.dry_run import dry_run
from bpx.model.expected import as_targets
from bpx.model.initial import draw, draw_feedback
from bpx.model.inputs import Placed, samples
from bpx.model.parameters import Parameters
from bpx.model.placing import placed
from bpx.model.run import saved
from bpx.model.spec import Spec, make_spec
from bpx_backends import BackendName

__all__ = ["TOLERANCE", "check"]

TOLERANCE = 1e-6
"""The largest relative deviation that passes; most differences are accurate to 1e-9."""

Part: TypeAlias = Activation | ActivationName | Cost | BuiltInCost | Feedback | FeedbackName
"""A part with formulas of its own, or a part's name."""

_SAMPLES = 16
_RULE_SIZES = (5, 6, 5, 4)


class _Small(NamedTuple):
    """A minimal network: the fields of a `Network` that functions read."""

    spec: Spec
    home: Home
    parameters: Parameters
    feedback: tuple[Array, ...]


def check(
    what: Part | Placed,
    x: Any = None,
    y: Any = None,
    *,
    backend: BackendName | str | None = None,
    tolerance: float = TOLERANCE,
    seed: int = 0,
) -> Report:
    """Compare the equations of a part, or of a network, with numerical derivatives.

    Parameters
    ----------
    what : Activation, Cost, Feedback, Network, or str
        A custom part, a network with such parts, or the name of a built-in part. A
        network is not changed: a copy in float64 is checked.
    x, y : arrays from anywhere, optional
        For a network, the samples at which to check it; the first 16 are used. By
        default, random samples.
    backend : str, optional
        The backend on which to check a part, ``backend[:device]``; by default, that of a new
        network. A network is checked at its home. If that cannot store float64, NumPy is
        used, and a note says so.
    tolerance : float, optional
        The largest relative deviation that passes: the distance between the formula's result
        and the expected value, divided by the larger of the two.
    seed : int, optional
        The seed of the random points.

    Returns
    -------
    Report
        Its `ok`, `rows` and `raise_if_wrong()`; ``str`` makes it a table.

    Raises
    ------
    InputError
        If `what` is none of these, or an argument cannot be used.

    Notes
    -----
    For an activation, it checks shapes and dtypes (float32 stays float32), purity, whether each
    sample, and for an `Elementwise` each unit, is independent of the others, and every
    derivative. For a cost: the same, grad_a, hess_a, and for each pair its value and its delta
    against the plain ones. For a feedback, which need not give the gradient: the same except
    derivatives, in a small network, with notes on its angle to the gradient. For a network: the
    forward equation and BP1 to BP4 of each layer, the whole gradient, and, if all parts have
    second derivatives, R1 and R2, which are BP1 and BP2 differentiated once, and the Hessian's
    product.

    Points where left and right derivatives differ, such as 0 for relu, have no derivative and
    are skipped. Differences cannot resolve a derivative that is smaller than 1e-5 of the
    differentiated value.

    Examples
    --------
    >>> wrong = bpx.Elementwise("square", lambda z: z * z, lambda z, a: 2.02 * z)
    >>> report = bpx.inspect.check(wrong)
    >>> [(row.equation, round(row.deviation, 4)) for row in report.wrong]
    [("sigma'", 0.0099)]
    """
    tolerance = number("tolerance", tolerance, "a number in (0, 0.1)", lambda v: 0 < v < 0.1)
    found: Any = _named(what) if isinstance(what, str) else what
    if hasattr(found, "spec") and hasattr(found, "home"):
        return _network(found, x, y, tolerance, seed)
    if x is not None or y is not None:
        raise InputError("x and y were given, but they are only for a network: omit them")
    return _part(found, backend, tolerance, seed)


def _named(name: str) -> Any:
    known: dict[str, Any] = {**ACTIVATIONS, **COSTS, **FEEDBACKS}
    found = known.get(name) or named(name)  # a cost may have parameters in its name
    if isinstance(found, Choice):
        raise InputError(
            f"{name!r} is one of two costs, as the output decides; check "
            f"{found.categorical.name!r} or {found.binary.name!r}"
        )
    if found is None:
        raise InputError(
            f"there is no built-in part {name!r}{nearest(name, known)}; known: "
            f"{', '.join(known)}"
        )
    return found


def _rule(rule: Feedback, backend: str | None, tolerance: float, seed: int) -> Report:
    """Check a rule in a small network, whose other parts are built in."""
    spec = make_spec(_RULE_SIZES, hidden="tanh", output="identity", feedback=rule)
    home, arrays = select(backend, "float32"), draw_feedback(spec, seed)
    parameters, feedback = placed(spec, draw(spec, None, seed), arrays, home)
    network = _Small(spec, home, parameters, feedback)
    report = _network(network, None, None, tolerance, seed)
    kept = [row for row in report.rows if row.part == rule.name or not row.ok]
    title = f"The feedback {rule.name!r}, in a network {'-'.join(map(str, _RULE_SIZES))}"
    return Report(title, tuple(kept) or report.rows[:1], report.notes)


def _part(what: Any, backend: str | None, tolerance: float, seed: int) -> Report:
    narrow = select(backend, "float32")
    wide, notes = _widened(narrow)
    if isinstance(what, Feedback):
        return _rule(what, backend, tolerance, seed)
    if isinstance(what, Cost):
        kind, rows = "cost", cost_rows(what, wide, narrow, tolerance, seed)
    elif hasattr(what, "sigma") and hasattr(what, "pullback"):
        kind, rows = "activation", activation_rows(what, wide, narrow, tolerance, seed)
    else:
        raise InputError(
            f"{what!r} was given; expected an activation (bpx.Elementwise, bpx.Rowwise), a "
            "bpx.Cost, a bpx.feedback.Feedback, a bpx.Network, or the name of a built-in part; "
            "for a function send(w, delta, B), pass bpx.feedback.get(function)"
        )
    return Report(f"The {kind} {what.name!r}, on {wide}", tuple(rows), notes)


def _network(network: Placed, x: Any, y: Any, tolerance: float, seed: int) -> Report:
    home, notes = _widened(network.home)
    with home.active():
        point, wrong = _point(network, home, x, y, tolerance, seed)
        rows = [Row("shape and dtype", None, "all layers", ok=not wrong, where=wrong)]
        if not wrong:
            rows += [*network_rows(point), *feedback_rows(point)]
            second, unchecked = _curvature(point)
            rows, notes = rows + second, notes + unchecked + alignment_notes(point)
    return Report(f"{network!r}, checked on {home} in float64", tuple(rows), notes)


def _point(
    network: Placed, home: Home, x: Any, y: Any, tolerance: float, seed: int
) -> tuple[Point, str]:
    """Return where to check a network, and a part's wrong shape or dtype there, if any."""
    spec, draws = network.spec, Draws(home, seed)
    parameters, feedback = copied(placed(spec, network.parameters, network.feedback, home))
    arrived = _samples(network, home, draws, x, y)
    wrong = _misshapen(network, parameters, arrived, feedback)
    layers = () if wrong else saved(spec, parameters, arrived[0])
    return Point(spec, parameters, *arrived, layers, feedback, draws, tolerance), wrong


def _widened(home: Home) -> tuple[Home, tuple[str, ...]]:
    """Return the same home in float64, or NumPy's with a note."""
    try:
        return home.stored_as("float64"), ()
    except BackendError as error:
        note = f"float64 cannot be stored on {home} ({error}): derivatives were taken on numpy"
        return select("numpy", "float64"), (note,)


def _samples(network: Placed, home: Home, draws: Draws, x: Any, y: Any) -> tuple[Any, Any]:
    """Return a few samples as numbers: the first of the given ones, or random ones."""
    spec = network.spec
    if (x is None) != (y is None):
        raise InputError("only one of x and y was given; expected both, or neither")
    if x is None:
        shape = _SAMPLES, spec.sizes[-1]
        x = draws.inputs(_SAMPLES, spec.sizes[0], spec.codes)
        return x, draws.targets(spec.cost, *shape)
    arrived = samples(home, spec, x, y)
    few = bring(arrived.x[:_SAMPLES, :], home, "x")
    labels = arrived.y[:_SAMPLES] if arrived.y.ndim == 1 else arrived.y[:_SAMPLES, :]
    return few, as_targets(spec, labels, few)


def _misshapen(
    network: Placed, parameters: Parameters, arrived: tuple[Any, Any], feedback: tuple[Any, ...]
) -> str:
    """Describe a part's wrong shape or dtype, in float64 or in the network's dtype, if any."""
    spec, own = network.spec, network.home
    try:
        dry_run(spec, *copied((parameters, *arrived, feedback)))
        with own.active():
            x, y = (bring(each, own, "x") for each in arrived)
            dry_run(spec, *copied((network.parameters, x, y, network.feedback)))
    except InputError as error:
        return str(error)
    except Exception as error:  # a user's function may raise anything
        return f"a part raised {raised(error)}"
    return ""


def _curvature(point: Point) -> tuple[list[Row], tuple[str, ...]]:
    """Check R1 and R2, or return a note that names a part without a second derivative."""
    try:
        return list(curvature_rows(point)), ()
    except InputError as error:
        return [], (f"R1 and R2 were not checked: {error}",)
