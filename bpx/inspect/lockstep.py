"""Training one step at a time, on several backends or engines, and comparing each step."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from bpx._typing import Array
from bpx.backend import dtype_name, namespace
from bpx.boundary import samples
from bpx.engine import leaves, named_leaves, rebuilt
from bpx.host import largest_difference
from bpx.inspect.draws import Draws
from bpx.inspect.taken import Equation, Taken, Trained, eager_step, equations_of, layer_of
from bpx.optimizers import Optimizer, initial
from bpx.passes import as_targets
from bpx.placing import placed
from bpx.selection import Home
from bpx.spec import Parameters, Spec
from bpx.step import Data, State, TrainingStep, joined, zero_metrics
from bpx.transfer import to_host

__all__ = ["EPSILON", "EagerPair", "EnginePair", "Parting", "Run", "Start"]

ULPS = 16.0
"""Units in the last place, times the square root of the number of terms of a sum."""

EPSILON = {"float32": 2.0**-23, "float64": 2.0**-52}
"""A unit in the last place of 1."""


class Start(NamedTuple):
    """What all have in common: host arrays."""

    parameters: Parameters
    feedback: tuple[Any, ...]
    data: Data


class Parting(NamedTuple):
    """An equation that two backends compute differently from the same numbers.

    Attributes
    ----------
    step : int
        Counted from 1; 0 for what was there before the first.
    layer : int
        Counted from 1; 0 for the inputs.
    equation : str
        "weights" or "inputs", if these differ; "z", "a" (sigma), "C", "BP1" to "BP4",
        "update"; or "step", for an engine, which runs all of them at once.
    difference, allowed : float
        The largest, and what rounding explains.
    """

    step: int
    layer: int
    equation: str
    difference: float
    allowed: float


class Run:
    """A network that is trained eagerly on one backend, a step at a time."""

    def __init__(
        self, spec: Spec, optimizer: Optimizer, home: Home, label: str, start: Start
    ) -> None:
        self.spec, self.optimizer, self.home, self.label = spec, optimizer, home, label
        with home.active():
            arrived = samples(home, spec, *start.data)
            self.data, self.accuracy = Data(arrived.x, arrived.y), arrived.accuracy
            parameters, feedback = placed(spec, start.parameters, start.feedback, home)
            state = initial(optimizer, joined(spec, parameters, feedback))
        self.start = self.after = Trained(parameters, state, feedback)

    def batch(self, rows: Any) -> tuple[Array, Array]:
        """The samples of a step, and their targets as numbers."""
        xp, index = namespace(self.data.x), self.home.asarray(rows[0], "int32")
        x, y = (xp.take(each, index, axis=0) for each in self.data)
        return x, as_targets(self.spec, y, x)

    def take(self, rows: Any) -> None:
        """Train on one mini-batch."""
        with self.home.active():
            x, y = self.batch(rows)
            self.taken = eager_step(self.spec, self.optimizer.update, self.after, x, y)
            self.after = self.taken.after


class EagerPair:
    """Two backends, each equation computed on both from the first one's numbers."""

    def __init__(self, first: Run, other: Run) -> None:
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
        """The weights before the first step, which are to be the same to the last bit."""
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
        given = self._first.taken.a[0], self._first.taken.y
        pairs = zip(given, arrived, strict=True)
        off = max(largest_difference(to_host(one), to_host(two)) for one, two in pairs)
        return Parting(step, 0, "inputs", off, 0.0) if off else None

    def _equations(self, step: int) -> Parting | None:
        first = self._first
        with first.home.active():
            told = list(equations_of(first.spec, first.optimizer.update, first.taken))
        for equation in told:
            for place, off, allowed in self._again(equation):
                if off > allowed:
                    layer = equation.layer or layer_of(place, len(first.spec.layers))
                    return Parting(step, layer, equation.name, off, allowed)
        return None

    def _again(self, equation: Equation) -> Iterator[tuple[str, float, float]]:
        """How far the second one is, given the first one's numbers, array by array."""
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

    def __init__(self, run: Run, batch: int) -> None:
        self._run, home = run, run.home
        self.labels = run.label, "its engine"
        self._step = TrainingStep(run.spec, run.optimizer.update, run.accuracy)
        self.growth: list[float] = []
        self.parting: Parting | None = None
        with home.active():
            self._zero = zero_metrics(run.start.parameters.b[0], batch, run.accuracy)
            self._after = run.after
            self._shaking = _last_places(run, batch)

    def look(self, step: int, rows: Any) -> None:
        """Run the engine, once from its own weights and once from those of the eager step."""
        taken = self._run.taken
        with self._run.home.active():
            index = self._run.home.asarray(rows, "int32")
            self._after = self._scan(self._after, index)
            if self.parting is None:
                found = self._scan(taken.before, index)
                self.parting = self._part(step, found, self._shaken(taken))
            self.growth.append(_growth(taken.after, self._after))

    def _scan(self, before: Trained, rows: Any) -> Trained:
        parameters, optimizer, feedback = before
        entered = State(parameters, optimizer, None, self._zero, feedback)
        scan = self._run.home.backend.scan
        left = scan(self._step, entered, self._run.data, rows, 0, 1)
        return Trained(left.parameters, left.optimizer, left.feedback)

    def _shaken(self, taken: Taken) -> Trained:
        """What the eager step gives if all weights are changed in the last place."""
        run, (w_and_b, x) = self._run, self._shaking
        pairs = zip(leaves(taken.before.parameters), leaves(w_and_b), strict=True)
        parameters = rebuilt(w_and_b, [p * shake for p, shake in pairs])
        before = taken.before._replace(parameters=parameters)
        update = run.optimizer.update
        return eager_step(run.spec, update, before, taken.a[0] * x, taken.y).after

    def _part(self, step: int, found: Any, shaken: Any) -> Parting | None:
        expected, epsilon = self._run.taken.after, EPSILON[self._run.home.dtype]
        trees = named_leaves(expected), leaves(found), leaves(shaken)
        for (place, one), two, moved in zip(*trees, strict=True):
            off, by_shaking = (
                largest_difference(to_host(one), to_host(each)) for each in (two, moved)
            )
            allowed = ULPS * (by_shaking + epsilon * _largest(one))
            if off > allowed:
                layer = layer_of(place, len(self._run.spec.layers))
                return Parting(step, layer, "step", off, allowed)
        return None


def _last_places(run: Run, batch: int) -> tuple[Any, Array]:
    """Factors that change numbers in the last place: of the parameters, and of a batch."""
    draws, epsilon = Draws(run.home, 0), EPSILON[run.home.dtype]

    def factors(*shape: int) -> Array:
        return 1.0 + epsilon * draws.signs(*shape)

    like = run.start.parameters
    parameters = rebuilt(like, [factors(*p.shape) for p in leaves(like)])
    return parameters, factors(batch, run.spec.sizes[0])


def _at(home: Home, tree: Any) -> Any:
    """Copies of a tree's arrays at a home, by way of the host; fractions in its dtype."""

    def copied(leaf: Array) -> Any:
        host = to_host(leaf)
        return home.asarray(host, None if "float" in dtype_name(leaf) else dtype_name(leaf))

    return rebuilt(tree, map(copied, leaves(tree)))


def _growth(first: Trained, other: Trained) -> float:
    pairs = zip(leaves(first.parameters), leaves(other.parameters), strict=True)
    off = max(largest_difference(to_host(one), to_host(two)) for one, two in pairs)
    return off / (max(map(_largest, leaves(first.parameters))) or 1.0)


def _largest(x: Array) -> float:
    host = to_host(x)
    return float(abs(host).max()) if host.size else 0.0
