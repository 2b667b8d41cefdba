"""The device of a rank on a GPU: by its number on its host, and no other rank has the same."""

import os
import socket
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bpx.errors import BackendError
from bpx_backends.ranks.launched import launched

__all__ = ["Place", "check_own", "device_number", "local_rank"]

_LOCAL = (
    "LOCAL_RANK",  # torchrun
    "OMPI_COMM_WORLD_LOCAL_RANK",
    "MPI_LOCALRANKID",  # MPICH
    "SLURM_LOCALID",
)
"""The variables in which a launcher tells a process its number on its host, from 0."""


class Place(NamedTuple):
    """The device that a rank uses.

    Attributes
    ----------
    device : str
        Its name there, such as ``"cuda:0"``.
    identity : str
        What no other device has, such as its UUID.
    seen : int
        The number of devices that the rank can see.
    host : str
        The name of its machine.
    """

    device: str
    identity: str
    seen: int
    host: str = socket.gethostname()


def local_rank(environment: Mapping[str, str] = os.environ) -> int | None:
    """Return the number of this rank on its host, from 0; None if the process is alone."""
    if launched(environment) is None:
        return None
    told = (environment.get(name, "") for name in _LOCAL)
    return next((int(each) for each in told if each.isdecimal()), None)


def device_number(count: int, local: int | None) -> int | None:
    """Return the number of the device that a rank uses if nobody has named one.

    Parameters
    ----------
    count : int
        The number of devices that the rank can see. Slurm may show it a single one, its own.
    local : int or None
        Its number on its host.

    Returns
    -------
    int or None
        None for the library's default.
    """
    return None if local is None or count == 0 else local % count


def check_own(places: Sequence[Place]) -> None:
    """Refuse ranks that share a device.

    Parameters
    ----------
    places : sequence of Place
        Those of all ranks, by rank.

    Raises
    ------
    BackendError
        On every rank; the message names the host, its devices and its ranks.
    """
    first: dict[tuple[str, str], int] = {}
    for rank, place in enumerate(places):
        other = first.setdefault((place.host, place.identity), rank)
        if other != rank:
            raise BackendError(_shared(places, other, rank))


def _shared(places: Sequence[Place], first: int, second: int) -> str:
    place = places[second]
    ranks = sum(each.host == place.host for each in places)
    devices = "1 device" if place.seen == 1 else f"{place.seen} devices"
    advice = (
        f"start at most {place.seen} there, or give each rank a device of its own"
        if place.seen < ranks
        else "name the backend without a number, as torch:cuda or cupy"
    )
    return (
        f"ranks {first} and {second} both use {place.device} of {place.host}, where {ranks} "
        f"ranks see {devices}; expected a device for each rank: {advice}"
    )
