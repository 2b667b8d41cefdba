"""Train one step at a time on several backends or engines, and compare each step."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from bpx._typing import Array
from bpx.arrays.home import Home
from bpx.arrays.host import largest_difference
from bpx.arrays.registry import dtype_name
from bpx.arrays.transfer import to_host
from bpx.inspect.checks.draws import Draws
from bpx.model.expected import as_inputs
from bpx.model.inputs import samples
from bpx.model.parameters import Parameters
from bpx.model.placing import placed
from bpx.model.spec import Spec
from bpx.optim.chain import Optimizer
from bpx.program.contract import leaves, named_leaves, rebuilt
from bpx.testing.step_equations import Equation, eager_step, equations_of, layer_of
from bpx.training.start import first_state
from bpx.training.step import Data, State, TrainingStep, zero_metrics

__all__ = ["EPSILON", "EagerPair", "EnginePair", "Parting", "Side", "Start"]

ULPS = 16.0
"""Tolerance in units in the last place, times the square root of the number of terms."""

EPSILON = {"float32": 2.0**-23, "float64": 2.0**-52}
"""A unit in the last place of 1, by dtype."""


class Start(NamedTuple):
    """The common start of all backends, as host arrays."""

    parameters: Parameters
    feedback: tuple[Any, ...]
    data: Data
    batch: int


class Parting(NamedTuple):
    """An equation that two backends compute differently from the same numbers.

    Attributes
    ----------
    step : int
        The step, from 1; 0 for the state before the first.
    layer : int
        The layer, from 1; 0 for the inputs.
    equation : str
        "weights" or "inputs" if these differ; "z", "a" (sigma), "C", "BP1" to "BP4" or
        "update"; or "step" for an engine, which runs all of them at once.
    difference, allowed : float
        The largest difference, and the difference that rounding explains.
    """

    step: int
    layer: int
    equation: str
    difference: float
    allowed: float


class Side:
    """A network that trains eagerly on one backend, one step at a time."""

    def __init__(
        self, spec: Spec, optimizer: Optimizer, home: Home, label: str, start: Start
    ) -> None:
        self.home, self.label = home, label
        with home.active():
            arrived = samples(home, spec, start.data.x, start.data.y)
            self.data = Data(arrived.x, arrived.y)
            self.step = TrainingStep(spec, optimizer.update, arrived.accuracy)
            parameters, feedback = placed(spec, start.parameters, start.feedback, home)
            metrics = zero_metrics(parameters.like, start.batch, arrived.accuracy)
            state = first_state(spec, parameters, feedback, optimizer)
            self.start = self.after = state._replace(metrics=metrics)

    @property
    def depth(self) -> int:
        """The number of layers, L."""
        return len(self.step.spec.layers)

    def batch(self, rows: Any) -> tuple[Array, Array]:
        """Return the samples of a step, and their targets."""
        x, y = self.step.picked(self.data, self.home.asarray(rows[0], "int32"))
        return as_inputs(x, self.start.parameters.like), y

    def take(self, rows: Any) -> None:
        """Train on one mini-batch."""
        with self.home.active():
            self.taken = eager_step(self.step, self.after, *self.batch(rows))
            self.after = self.taken.after


class EagerPair:
    """Two backends; each equation is computed on both from the first one's numbers."""

    def __init__(self, first: Side, other: Side) -> None:
        self._first, self._other = first, other
        self.labels = first.label, other.label
        self._epsilon = max(EPSILON[run.home.dtype] for run in (first, other))
        self.growth: list[float] = []
        self.parting = self._weights()

    def look(self, step: int, rows: Any) -> None:
        """Compare the step that both have just taken."""
        self.parting = self.parting or self._inputs(step, rows) or self._equations(step)
        self.growth.append(_growth(self._first.after, self._other.after))

    def _weights(self) -> Parting | None:
        """Compare the weights before the first step, which must be identical."""
        first, other = self._first.start.parameters, self._other.start.parameters
        pairs = zip(named_leaves(first), leaves(other), strict=True)
        for (place, one), two in pairs:
            off = largest_difference(to_host(one), to_host(two))
            if off:
                return Parting(0, layer_of(place, 0), "weights", off, 0.0)
        return None

    def _inputs(self, step: int, rows: Any) -> Parting | None:
        with self._other.home.active():
            arrived = self._other.batch(rows)
        made = self._first.taken.passes
        given = self._first.taken.x, made.labels
        pairs = zip(given, arrived, strict=True)
        off = max(largest_difference(to_host(one), to_host(two)) for one, two in pairs)
        return Parting(step, 0, "inputs", off, 0.0) if off else None

    def _equations(self, step: int) -> Parting | None:
        first = self._first
        with first.home.active():
            told = list(equations_of(first.step, first.taken))
        for equation in told:
            for place, off, allowed in self._again(equation):
                if off > allowed:
                    layer = equation.layer or layer_of(place, first.depth)
                    return Parting(step, layer, equation.name, off, allowed)
        return None

    def _again(self, equation: Equation) -> Iterator[tuple[str, float, float]]:
        """Yield the second backend's differences, from the first one's numbers, by array."""
        home = self._other.home
        with home.active():
            found = equation.compute(*(_at(home, tree) for tree in equation.inputs))
        rounding = ULPS * self._epsilon * equation.terms**0.5
        for (place, one), two in zip(named_leaves(equation.given), leaves(found), strict=True):
            scale = _largest(one) if equation.scale is None else float(equation.scale)
            off = largest_difference(to_host(one), to_host(two))
            yield place, off, rounding * scale


class EnginePair:
    """A backend's eager steps, and the same steps by its engine."""

    def __init__(self, run: Side) -> None:
        self._run, self.labels = run, (run.label, "its engine")
        self.growth: list[float] = []
        self.parting: Parting | None = None
        with run.home.active():
            self._after = run.start
            self._shaking = _last_places(run)

    def look(self, step: int, rows: Any) -> None:
        """Run the engine, once from its own weights and once from those of the eager step."""
        taken, home = self._run.taken, self._run.home
        with home.active():
            index = home.asarray(rows, "int32")
            self._after = self._scan(self._after, index)
            if self.parting is None:
                self.parting = self._part(step, self._scan(taken.before, index))
            self.growth.append(_growth(taken.after, self._after))

    def _scan(self, before: State, rows: Any) -> State:
        run = self._run
        entered = before._replace(metrics=run.start.metrics)
        after: State = run.home.backend.scan(run.step, entered, run.data, rows, 0, 1)
        return after._replace(metrics=run.start.metrics)

    def _shaken(self) -> State:
        """Return the eager step's result after a change of all weights in the last place."""
        taken, (w_and_b, x) = self._run.taken, self._shaking
        pairs = zip(leaves(taken.before.parameters), leaves(w_and_b), strict=True)
        parameters = rebuilt(w_and_b, [p * shake for p, shake in pairs])
        before = taken.before._replace(parameters=parameters)
        return eager_step(self._run.step, before, taken.x * x, taken.passes.labels).after

    def _part(self, step: int, found: State) -> Parting | None:
        expected, epsilon = self._run.taken.after, EPSILON[self._run.home.dtype]
        trees = named_leaves(expected), leaves(found), leaves(self._shaken())
        for (place, one), two, moved in zip(*trees, strict=True):
            off, by_shaking = (
                largest_difference(to_host(one), to_host(each)) for each in (two, moved)
            )
            allowed = ULPS * (by_shaking + epsilon * _largest(one))
            if off > allowed:
                return Parting(step, layer_of(place, self._run.depth), "step", off, allowed)
        return None


def _last_places(run: Side) -> tuple[Any, Array]:
    """Return factors that change the parameters and a batch in the last place."""
    draws, epsilon = Draws(run.home, 0), EPSILON[run.home.dtype]

    def factors(*shape: int) -> Array:
        return 1.0 + epsilon * draws.signs(*shape)

    like = run.start.parameters
    parameters = rebuilt(like, [factors(*p.shape) for p in leaves(like)])
    return parameters, factors(run.start.metrics.cost.shape[0], run.step.spec.sizes[0])


def _at(home: Home, tree: Any) -> Any:
    """Copy a tree's arrays to a home through the host; floats take the home's dtype."""

    def copied(leaf: Array) -> Any:
        host = to_host(leaf)
        return home.asarray(host, None if "float" in dtype_name(leaf) else dtype_name(leaf))

    return rebuilt(tree, map(copied, leaves(tree)))


def _growth(first: State, other: State) -> float:
    pairs = zip(leaves(first.parameters), leaves(other.parameters), strict=True)
    off = max(largest_difference(to_host(one), to_host(two)) for one, two in pairs)
    return off / (max(map(_largest, leaves(first.parameters))) or 1.0)


def _largest(x: Array) -> float:
    host = to_host(x)
    return float(abs(host).max()) if host.size else 0.0
