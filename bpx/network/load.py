"""Reading a network from a file, onto any backend."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bpx._files import expanded
from bpx.activations import Activation, ActivationName
from bpx.arrays.choice import Dtype
from bpx.arrays.home import select
from bpx.costs import Choice, Cost, CostName
from bpx.errors import FileFormatError, InputError, MissingFileError
from bpx.io import checkpoint
from bpx.io.runs import MODEL
from bpx.model.spec import Spec
from bpx.network import notes
from bpx.network.network import Network
from bpx.network.tables import Schema, check_schema
from bpx_backends import BackendName

__all__ = ["load"]


def load(
    path: str | Path,
    *,
    backend: BackendName | str | None = None,
    dtype: Dtype | None = None,
    custom: Mapping[str, Any] | None = None,
    activations: Sequence[ActivationName | Activation] | None = None,
    hidden: ActivationName | Activation | None = None,
    output: ActivationName | Activation | None = None,
    cost: CostName | Cost | Choice | None = None,
) -> Network:
    """Read a network that `Network.save` wrote, or the Linear layers of a PyTorch `Sequential`.

    Parameters
    ----------
    path : str or Path
        The file, or the folder of a run, whose ``model.safetensors`` is read.
    backend : str, optional
        The backend to load it onto. By default the same as for a new network: the file does
        not record one.
    dtype : {"float32", "float64"}, optional
        By default the dtype in which it was saved.
    custom : mapping of str to Activation, Cost, Feedback or a class of layers, optional
        Your own activations, cost, feedback and kinds of layers that the network uses, by
        name.
    activations, hidden, output, cost : optional
        Settings that PyTorch's file does not contain, with the meanings and defaults of
        `bpx.Network`. One of the first three is required. A file that `Network.save` wrote
        contains them all.

    Returns
    -------
    Network

    Raises
    ------
    InputError
        If there is no such file, or the folder holds no network, a custom part is missing, or
        the activations and the cost do not fit the file's layers, or are given although the
        file contains them.
    FileFormatError
        If the file is truncated, is neither bpx's nor one of Linear layers alone, or needs
        activations that are not given.
    BackendError
        If the backend cannot be used.

    Notes
    -----
    PyTorch's safetensors file is the one that ``safetensors.torch.save_file(
    model.state_dict(), path)`` writes. Its layers are named by their places in the
    ``Sequential``, ``0``, ``2``, ..., with at most one prefix, or by consecutive numbers,
    ``fc1``, ``fc2``, ....
    """
    given = {"activations": activations, "hidden": hidden, "output": output, "cost": cost}
    path = _of_run(path)
    chosen = {name: value for name, value in given.items() if value is not None}
    saved = checkpoint.read(path, custom or {}, notes.are_right, chosen)
    home = select(backend, dtype or saved.dtype)
    drawn = saved.seed, saved.feedback
    network = Network.from_arrays(saved.spec, saved.parameters, home, *drawn)
    network.mechanisms = notes.mechanisms(saved.notes)
    network.schema = notes.schema(saved.notes)
    if network.schema is not None:
        _check_schema(path, network.schema, saved.spec)
    return network


def _of_run(path: str | Path) -> str | Path:
    """Return the network's file if `path` is the folder of a run, or else `path`."""
    folder = expanded(path)
    if not folder.is_dir():
        return path
    if not (folder / MODEL).is_file():
        raise MissingFileError(
            f"{path} is a folder without {MODEL}; expected a file that Network.save wrote, or "
            "the folder of a run that has finished an epoch"
        )
    return folder / MODEL


def _check_schema(path: str | Path, schema: "Schema", spec: Spec) -> None:
    try:
        check_schema(schema, spec)
    except InputError as error:
        raise FileFormatError(f"{path} does not fit its own schema: {error}") from error
