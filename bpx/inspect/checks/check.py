"""Is the formula right? Each equation against differences of what it differentiates.

A network with a wrong derivative still trains, only worse, and nothing says so. `check`
takes the equations of an activation, a cost or a network one by one, compares each with a
derivative by differences alone, in float64, and names those that are wrong.
"""

from typing import Any, NamedTuple, TypeAlias

from bpx._typing import Array
from bpx._validate import number
from bpx.activations import ACTIVATIONS, Activation, ActivationName
from bpx.arrays.home import Home, select
from bpx.arrays.transfer import bring
from bpx.costs import COSTS, BuiltInCost, Cost
from bpx.errors import BackendError, InputError, nearest
from bpx.feedback import FEEDBACKS, Feedback, FeedbackName
from bpx.inspect.checks.activations import activation_rows
from bpx.inspect.checks.costs import cost_rows
from bpx.inspect.checks.draws import Draws
from bpx.inspect.checks.feedback import alignment_notes, feedback_rows
from bpx.inspect.checks.networks import curvature_rows, network_rows
from bpx.inspect.checks.point import Point
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
"""The relative deviation that is allowed: differences know most derivatives to 1e-9."""

Part: TypeAlias = Activation | ActivationName | Cost | BuiltInCost | Feedback | FeedbackName
"""What has formulas of its own, or its name."""

_SAMPLES = 16
_RULE_SIZES = (5, 6, 5, 4)


class _Small(NamedTuple):
    """What a `Network` is to those that only look at it."""

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
    """Compare the equations of a part, or of a network, with derivatives by differences.

    Parameters
    ----------
    what : Activation, Cost, Feedback, Network, or str
        A part of your own, a network with such parts, or the name of a built-in part. A
        network is not changed: a copy in float64 is checked.
    x, y : arrays from anywhere, optional
        For a network, the samples to check it at, of which the first 16 are taken; left
        out, random ones.
    backend : str, optional
        Where a part is checked, ``backend[:device]``; left out, as for a new network. A
        network is checked at its home. Where no float64 can be stored, NumPy is taken, and
        a note says so.
    tolerance : float, optional
        The relative deviation that is allowed: the distance of what a formula gives from what
        is expected, over the larger of the two.
    seed : int, optional
        Of the random points.

    Returns
    -------
    Report
        Its `ok`, its `rows`, `raise_if_wrong()`, and, by ``str``, a table.

    Raises
    ------
    InputError
        If `what` is none of these, or an argument cannot be used.

    Notes
    -----
    Of an activation: shapes and dtypes (float32 stays float32), purity, whether each sample,
    and for an `Elementwise` each unit, is alone, and every derivative that it has. Of a cost:
    the same, grad_a, hess_a, and for each pair its value and its delta against the plain
    ones. Of a feedback, which need not give the gradient: the same but for derivatives, in a
    small network, and in notes how far it leads from the gradient. Of a network: the forward
    equation and BP1 to BP4 of each layer, the whole gradient, and, where all parts have their
    second derivatives, R1 and R2, which are BP1 and BP2 differentiated once.

    Points where left and right derivatives differ, as relu's do at 0, have no derivative and
    are skipped. Differences cannot see a derivative that is smaller than 1e-5 of what is
    differentiated.

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
        raise InputError("x and y were given; they are for a network: leave them out")
    return _part(found, backend, tolerance, seed)


def _named(name: str) -> Any:
    built_in: dict[str, Any] = {**ACTIVATIONS, **COSTS, **FEEDBACKS}
    if name not in built_in:
        raise InputError(
            f"there is no built-in part {name!r}{nearest(name, built_in)}; known: "
            f"{', '.join(built_in)}"
        )
    return built_in[name]


def _rule(rule: Feedback, backend: str | None, tolerance: float, seed: int) -> Report:
    """A rule in a small network, whose other parts are bpx's own."""
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
            "bpx.Cost, a bpx.feedback.Feedback, a bpx.Network, or the name of a built-in part"
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
    """Where a network is checked, and what a part does wrong there with shapes or dtypes."""
    spec, draws = network.spec, Draws(home, seed)
    parameters, feedback = placed(spec, network.parameters, network.feedback, home)
    arrived = _samples(network, home, draws, x, y)
    wrong = _misshapen(network, parameters, arrived, feedback)
    layers = () if wrong else saved(spec, parameters, arrived[0])
    return Point(spec, parameters, *arrived, layers, feedback, draws, tolerance), wrong


def _widened(home: Home) -> tuple[Home, tuple[str, ...]]:
    """The same home in float64, or NumPy's, with a note."""
    try:
        return home.stored_as("float64"), ()
    except BackendError as error:
        note = f"float64 cannot be stored on {home} ({error}): derivatives were taken on numpy"
        return select("numpy", "float64"), (note,)


def _samples(network: Placed, home: Home, draws: Draws, x: Any, y: Any) -> tuple[Any, Any]:
    """A few samples, as numbers: the first of those that were given, or random ones."""
    spec = network.spec
    if (x is None) != (y is None):
        raise InputError("one of x and y was given; expected both, or neither")
    if x is None:
        shape = _SAMPLES, spec.sizes[-1]
        return draws.normal(_SAMPLES, spec.sizes[0]), draws.targets(spec.cost, *shape)
    arrived = samples(home, spec, x, y)
    few = bring(arrived.x[:_SAMPLES, :], home, "x")
    labels = arrived.y[:_SAMPLES] if arrived.y.ndim == 1 else arrived.y[:_SAMPLES, :]
    return few, as_targets(spec, labels, few)


def _misshapen(
    network: Placed, parameters: Parameters, arrived: tuple[Any, Any], feedback: tuple[Any, ...]
) -> str:
    """What a part does wrong with shapes or dtypes, in float64 and in the network's own."""
    spec, own = network.spec, network.home
    try:
        dry_run(spec, parameters, *_copied(arrived), feedback)
        with own.active():
            x, y = (bring(each, own, "x") for each in _copied(arrived))
            dry_run(spec, network.parameters, x, y, network.feedback)
    except InputError as error:
        return str(error)
    except Exception as error:  # a function of the caller's may raise anything
        return f"a part raised {type(error).__name__}: {error}"
    return ""


def _copied(arrays: tuple[Any, Any]) -> tuple[Any, Any]:
    """Copies, which a part that writes may spoil."""
    x, y = arrays
    return 0.0 + x, 0.0 + y


def _curvature(point: Point) -> tuple[list[Row], tuple[str, ...]]:
    """R1 and R2, or the note which part has no second derivative."""
    try:
        return list(curvature_rows(point)), ()
    except InputError as error:
        return [], (f"R1 and R2 were not checked: {error}",)
