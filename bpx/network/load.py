"""Reading a network from a file, to wherever it shall live."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bpx.activations import Activation, ActivationName
from bpx.arrays.choice import Dtype
from bpx.arrays.home import select
from bpx.costs import Cost, CostName
from bpx.errors import FileFormatError, InputError
from bpx.io import checkpoint
from bpx.model.spec import Spec
from bpx.network.network import Network
from bpx.network.tables import check_schema
from bpx.privacy.accounting import Mechanism, is_mechanism
from bpx_backends import BackendName

if TYPE_CHECKING:
    from bpx.data import Schema

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
    cost: CostName | Cost | None = None,
) -> Network:
    """Read a network that `Network.save` wrote, or the Linear layers of a PyTorch `Sequential`.

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
    activations, hidden, output, cost : optional
        What a file of PyTorch's does not say, as for `bpx.Network`, whose defaults they have;
        one of the first three is needed. A file that `Network.save` wrote says it all itself.

    Returns
    -------
    Network

    Raises
    ------
    InputError
        If there is no such file, a part of somebody's own is missing, or the activations and
        the cost are not those of the file's layers, or given where the file says them.
    FileFormatError
        If the file is truncated, or neither one of bpx's nor of Linear layers alone; or its
        activations are not given.
    BackendError
        If the backend cannot be used.

    Notes
    -----
    A safetensors file of PyTorch's is what ``safetensors.torch.save_file(model.state_dict(),
    path)`` writes. Its layers are called by their places in the ``Sequential``, ``0``, ``2``,
    ..., behind one prefix if any, or by consecutive numbers, ``fc1``, ``fc2``, ....
    """
    given = {"activations": activations, "hidden": hidden, "output": output, "cost": cost}
    chosen = {name: value for name, value in given.items() if value is not None}
    saved = checkpoint.read(path, custom or {}, _are_right, chosen)
    home = select(backend, dtype or saved.dtype)
    drawn = saved.seed, saved.feedback
    network = Network.from_arrays(saved.spec, saved.parameters, home, *drawn)
    network.mechanisms = tuple(Mechanism(*each) for each in _mechanisms(saved.notes))
    network.schema = _schema(saved.notes)
    if network.schema is not None:
        _check_schema(path, network.schema, saved.spec)
    return network


def _check_schema(path: str | Path, schema: "Schema", spec: Spec) -> None:
    try:
        check_schema(schema, spec)
    except InputError as error:
        raise FileFormatError(f"{path} does not fit its own schema: {error}") from error


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
