"""Reading a network from a file, to wherever it shall live."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bpx.arrays.home import select
from bpx.io import checkpoint
from bpx.network.network import Network
from bpx.privacy.accounting import Mechanism, is_mechanism

if TYPE_CHECKING:
    from bpx.data import Schema

__all__ = ["load"]


def load(
    path: str | Path,
    *,
    backend: str | None = None,
    dtype: str | None = None,
    custom: Mapping[str, Any] | None = None,
) -> Network:
    """Read a network that `Network.save` wrote, from any backend.

    Parameters
    ----------
    path : str or Path
    backend : str, optional
        Where it shall live; left out, as for a new network: the file does not say.
    dtype : {"float32", "float64"}, optional
        Left out, the dtype it was saved in.
    custom : mapping of str to Activation, Cost, Feedback or a class of layers, optional
        The activations, the cost, the feedback and the kinds of layers of your own that it was
        made with, by name.

    Returns
    -------
    Network

    Raises
    ------
    InputError
        If there is no such file, or a part of somebody's own is missing.
    FileFormatError
        If the file is truncated, or not one of bpx's.
    BackendError
        If the backend cannot be used.
    """
    saved = checkpoint.read(path, custom or {}, _are_right)
    home = select(backend, dtype or saved.dtype)
    drawn = saved.seed, saved.feedback
    network = Network.from_arrays(saved.spec, saved.parameters, home, *drawn)
    network.mechanisms = tuple(Mechanism(*each) for each in _mechanisms(saved.notes))
    network.schema = _schema(saved.notes)
    return network


def _are_right(notes: Mapping[str, Any]) -> bool:
    _schema(notes)
    return all(map(is_mechanism, _mechanisms(notes)))


def _mechanisms(notes: Mapping[str, Any]) -> Any:
    return notes.get("mechanisms", ())


def _schema(notes: Mapping[str, Any]) -> "Schema | None":
    if "schema" not in notes:
        return None
    from bpx.data import Schema

    return Schema.restored(notes["schema"])
