"""The state of a training as the arrays and numbers of a checkpoint, and back."""

from collections.abc import Callable, Mapping
from typing import Any

from bpx._typing import Array
from bpx.arrays.registry import dtype_name
from bpx.arrays.transfer import bring
from bpx.errors import FileFormatError, InputError
from bpx.model.parameters import Parameters
from bpx.network.resuming.values import UntoldError, told
from bpx.program.contract import named_leaves
from bpx.program.preparation import clock
from bpx.training.course import Course
from bpx.training.keeper import Place, Start
from bpx.training.records import Sums
from bpx.training.step import Metrics, State

__all__ = ["OBSERVERS", "arrays", "numbers", "of_observer", "of_observers", "restore"]

_WHOLE = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
_STORED = ("bool", *_WHOLE, "float32", "float64")
"""The dtypes of an observer's arrays that ``optimizer.safetensors`` holds."""

OBSERVERS = "observers"
"""The first part of the names of arrays that belong to observers."""

_IN_MODEL = ("parameters", "feedback")
"""The parts of the state that the network's own file holds."""


def arrays(course: Course, place: Place | None) -> dict[str, Array]:
    """Return all arrays of the state except the network's own, by name.

    Within an epoch these are also the running metrics, and the state before the epoch.
    """
    own = course.snapshot.arrays
    state = course.state if place is None else place.state
    found: dict[str, Array] = {}
    for part in own._fields:
        if part not in _IN_MODEL:
            found |= dict(named_leaves(getattr(state, part), part))
    if place is not None:
        found |= dict(named_leaves(place.state.metrics, "metrics"))
        found |= dict(named_leaves(own, "before"))
    return found


def numbers(course: Course, place: Place | None) -> dict[str, Any]:
    """Return the numbers of the state, as JSON values."""
    found: dict[str, Any] = {
        "epoch": course.epochs,
        "step": 0 if place is None else place.steps,
        "steps": course.steps,
        "seed": course.seed,
        "within": None,
    }
    if place is not None:
        sums = place.sums
        found["within"] = {
            "stretch": place.stretch,
            "first": place.first,
            "start": place.start,
            "reached": place.samples,
            "seconds": sums.seconds,
            "total": sums.total,
            "cost": sums.cost,
            "hits": sums.hits,
            "samples": sums.samples,
            "weights": sums.weights,
        }
    return found


def restore(
    course: Course,
    name: str,
    given: Mapping[str, Any],
    told: Mapping[str, Any],
    parameters: Parameters,
    feedback: tuple[Any, ...],
) -> Start | None:
    """Continue a course from a checkpoint; return the place within the epoch, if it is in one.

    Parameters
    ----------
    course : Course
    name : str
        The checkpoint, for messages.
    given : mapping of str to array
        The result of `arrays`.
    told : mapping of str to JSON values
        The result of `numbers`.
    parameters, feedback
        The arrays in the network's own file.

    Raises
    ------
    InputError
        If the state does not fit this training; nothing has changed.
    """
    of_model = dict(named_leaves(parameters, "parameters"))
    of_model |= dict(named_leaves(feedback, "feedback"))
    counts = {"epochs": told["epoch"], "steps": told["steps"], "seed": told["seed"]}
    parts: dict[str, dict[str, Any]] = {part: {} for part in ("before", "metrics")} | {
        "now": dict(of_model)
    }
    for key, array in given.items():
        part, _, rest = key.partition(".")
        if part in ("before", "metrics"):
            parts[part][rest] = array
        else:
            parts["now"][key] = array
    now = course.state_of(name, parts["now"], counts)
    if told["within"] is None:
        course.restore(now, accounted=True)
        return None
    before = course.state_of(name, parts["before"], counts)
    state = course.placed(now)._replace(metrics=_metrics(course, name, parts["metrics"]))
    course.restore(before, accounted=True)
    return Start(_place(state, told), course.state)


def of_observers(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return those arrays of a file that belong to observers."""
    return {name: x for name, x in given.items() if name.partition(".")[0] == OBSERVERS}


def of_observer(observer: Any, kept: dict[str, Any]) -> Any:
    """Return the state of an observer that has one, and put its arrays into `kept`.

    Raises
    ------
    InputError
        If no file can hold it.
    """
    save: Callable[[], Any] | None = getattr(observer, "saved", None)
    if save is None:
        return None

    def keep(array: Any) -> str | None:
        if dtype_name(array) not in _STORED:
            return None
        name = f"{OBSERVERS}.{len(kept)}"
        kept[name] = array
        return name

    try:
        return told(save(), keep)
    except UntoldError as error:
        raise InputError(
            f"saved() of the observer {observer.name!r} gave a value that a checkpoint cannot "
            f"hold ({error}); expected numbers, texts, arrays, and lists or mappings of them"
        ) from error


def _metrics(course: Course, name: str, given: Mapping[str, Any]) -> Metrics:
    if "cost" not in given:
        raise FileFormatError(f"{name} lacks the metrics of the epoch that it is in")
    with course.home.active():
        brought = {name: bring(x, course.home, name, copy=True) for name, x in given.items()}
    return Metrics(brought["cost"], brought.get("hits"), brought.get("weights"))


def _place(state: State, told: Mapping[str, Any]) -> Place:
    within = told["within"]
    sums = Sums(
        told["epoch"] + 1,
        within["total"],
        clock() - within["seconds"],
        within["cost"],
        within["hits"],
        within["samples"],
        within["weights"],
    )
    where = within["stretch"], within["first"], within["start"]
    return Place(state, sums, *where, told["step"], within["reached"])
