"""What a checkpoint holds for a network and its training, checked before anything changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from logging import getLogger
from typing import Any

from bpx.errors import FileFormatError, InputError
from bpx.io import checkpoint, tensors
from bpx.io.runs import MODEL, OPTIMIZER
from bpx.model.spec import Spec
from bpx.network import notes
from bpx.network.resuming import states
from bpx.network.resuming.opening import Opened
from bpx.network.resuming.values import restored
from bpx.network.tables import Schema
from bpx.privacy.accounting import Mechanism
from bpx.training.course import Course
from bpx.training.keeper import Start
from bpx.training.observers import Observer

__all__ = ["Resumption", "read", "tell_differences"]

_log = getLogger("bpx")


@dataclass(frozen=True)
class Resumption:
    """A checkpoint that fits a network.

    Attributes
    ----------
    run, name : str
        The folders of the run and of the checkpoint, for messages.
    state : mapping of str to JSON values
    saved : bpx.io.checkpoint.Saved
        The network, on the host.
    arrays : mapping of str to array
        The rest of the training's state.
    kept : mapping of str to array
        The arrays of observers.
    """

    run: str
    name: str
    state: Mapping[str, Any]
    saved: checkpoint.Saved
    arrays: Mapping[str, Any]
    kept: Mapping[str, Any]

    @property
    def schema(self) -> "Schema | None":
        """The network's schema."""
        return notes.schema(self.saved.notes)

    def check_schema(self, given: "Schema | None") -> None:
        """Refuse a network's schema if it differs from that of the run; None takes the run's.

        Raises
        ------
        InputError
        """
        if given is not None and given != self.schema:
            how = "has none" if self.schema is None else "encodes its columns otherwise"
            raise InputError(
                f"the network has another schema than {self.run}, which {how}; give it the "
                "schema of the run, fitted to the same rows with the same options, or none"
            )

    @property
    def mechanisms(self) -> tuple[Mechanism, ...]:
        """The private training up to the checkpoint."""
        return notes.mechanisms(self.saved.notes)

    def restore(self, course: Course) -> Start | None:
        """Set a course to the checkpoint; return the place within an epoch, if it is in one."""
        arrays = self.saved.parameters, self.saved.feedback
        return states.restore(course, self.name, self.arrays, self.state, *arrays)

    def restore_observers(self, observers: Sequence[Observer]) -> None:
        """Give the observers that have a state of their own what they had."""
        for observer in observers:
            value = self.state["observers"].get(observer.name)
            if value is not None and hasattr(observer, "restore"):
                observer.restore(restored(value, self.kept))


def read(opened: Opened, spec: Spec, dtype: str) -> Resumption:
    """Read the checkpoint that an open folder continues from, for a network with this spec.

    Raises
    ------
    InputError
        If it is of another network.
    FileFormatError
        If its files do not fit together.
    """
    assert opened.found is not None
    folder = opened.run.place(opened.found.number)
    try:
        saved = checkpoint.read(folder / MODEL, _parts(spec), notes.are_right)
    except FileFormatError:
        raise
    except InputError as error:  # parts that this network does not have
        raise InputError(_why_another(opened.name, spec, str(error))) from error
    if saved.spec != spec:
        raise InputError(_why_another(opened.name, spec, _differs(saved.spec, spec)))
    if saved.dtype != dtype:
        raise InputError(
            f"the network has the dtype {dtype}, but {opened.name} was trained in "
            f"{saved.dtype}; expected the same dtype"
        )
    with tensors.opened(folder / OPTIMIZER, "a run") as file:
        arrays = tensors.arrays(file)
    kept = states.of_observers(arrays)
    own = {name: x for name, x in arrays.items() if name not in kept}
    return Resumption(opened.name, str(folder), opened.found.state, saved, own, kept)


def tell_differences(opened: Opened, saved: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Warn of what may change the last bits of a run that is continued elsewhere.

    Parameters
    ----------
    opened : Opened
    saved, now : mapping of str to JSON values
        The machine of the checkpoint and this one: see `bpx.network.resuming.machine`.
    """
    if saved.get("backend") != now["backend"]:
        return  # the bits differ then, as the user knows who chose it
    differing = [
        f"{name} {saved.get(name)}, now {value}"
        for name, value in now.items()
        if saved.get(name) != value
    ]
    if differing:
        _log.warning(
            "%s was trained with %s: it continues with the same batches and masks, but its "
            "last bits may differ from those of an uninterrupted run",
            opened.name,
            "; ".join(differing),
        )


def _parts(spec: Spec) -> dict[str, Any]:
    """The parts of a network by name, as `bpx.load` takes its custom ones."""
    found: dict[str, list[Any]] = {}
    for layer in spec.layers:
        found.setdefault(layer.kind, []).append(type(layer))
        if hasattr(layer, "activation"):
            found.setdefault(layer.activation.name, []).append(layer.activation)
    found.setdefault(spec.cost.name, []).append(spec.cost)
    found.setdefault(spec.feedback.name, []).append(spec.feedback)
    return dict(found)


def _why_another(name: str, spec: Spec, how: str) -> str:
    return (
        f"{name} holds the training of another network: {how}; continue it with a network "
        "like the one that it was begun with, or choose another folder"
    )


def _differs(saved: Spec, given: Spec) -> str:
    for what, of in (
        ("the sizes", lambda spec: list(spec.sizes)),
        ("the layers", lambda spec: [layer.kind for layer in spec.layers]),
        ("the activations", lambda spec: [layer.activation.name for layer in spec.dense]),
        ("the cost", lambda spec: spec.cost.name),
        ("the feedback", lambda spec: spec.feedback.name),
    ):
        if of(saved) != of(given):
            return f"it has {what} {of(saved)}, and this one {of(given)}"
    return "its layers have other settings"
