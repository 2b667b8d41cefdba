"""The speed targets of bpx, and whether a run meets them."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from benchmarks.peers import PRODUCTS
from benchmarks.report import band, table
from benchmarks.rounds import ratio, ratios

__all__ = ["ASKED", "CASES", "Asked", "answers", "show"]

CASES = ("S", "M", "L")


class Asked(NamedTuple):
    """How many times as long as `bpx` another peer must take, in each case.

    Attributes
    ----------
    what, device : str
    bpx, other : str
        Peers.
    least : tuple of float
        For each of `CASES`.
    """

    what: str
    device: str
    bpx: str
    other: str
    least: tuple[float, float, float]


_NUMBA, _EAGER = "bpx numpy+numba", "PyTorch eager"

ASKED = (
    Asked("numpy + numba against PyTorch eager", "cpu", _NUMBA, _EAGER, (4.0, 1.3, 1.0)),
    Asked("numpy alone against PyTorch eager", "cpu", "bpx numpy", _EAGER, (3.5, 0.9, 1.0)),
    Asked("numpy + numba: share of the products", "cpu", _NUMBA, PRODUCTS, (0.5, 0.8, 0.95)),
    Asked("jax against JAX scan", "cpu", "bpx jax", "JAX scan", (0.95, 0.95, 0.95)),
    Asked("torch against PyTorch eager", "cpu", "bpx torch", _EAGER, (1.2, 1.0, 1.0)),
    Asked("cupy against PyTorch eager", "cuda", "bpx cupy", _EAGER, (5.0, 3.0, 1.1)),
    Asked(
        "cupy against PyTorch with CUDA graphs",
        *("cuda", "bpx cupy", "PyTorch CUDA graphs"),
        (1.2, 1.1, 1.0),
    ),
)
"""A share is a target of the same form: the time of the products over the time of bpx."""


def answers(device: str, training: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Each target with the ratio measured on a device; None where it was not measured.

    The ratio of the medians over the rounds decides whether a target is met. The ratios within
    the rounds, and that of the two best rounds, show how far to trust it.
    """
    for asked in ASKED:
        for case, least in zip(CASES, asked.least, strict=True):
            times = training.get(case, {}).get("microseconds", {})
            here = asked.device == device and {asked.bpx, asked.other} <= times.keys()
            found = _found(asked, times) if here else {"ratio": None}
            met = found["ratio"] >= least if here else None
            about = {"what": asked.what, "device": asked.device, "case": case, "least": least}
            yield about | found | {"met": met}


def _found(asked: Asked, times: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "ratio": ratio(times, asked.other, asked.bpx),
        "rounds": ratios(times, asked.other, asked.bpx),
        "best": min(times[asked.other]) / min(times[asked.bpx]),
    }


def show(found: list[dict[str, Any]]) -> str:
    """The table."""
    head = ("ratio", "case", "at least", "measured", "in the rounds", "of the best", "met")
    return table(head, [_row(each) for each in found])


def _row(each: Mapping[str, Any]) -> tuple[str, ...]:
    device = "GPU" if each["device"] == "cuda" else "CPU"
    about = (f"{each['what']}, {device}", each["case"], f"{each['least']:.2f}")
    if each["ratio"] is None:
        return (*about, "not measured", "", "", "")
    told = f"{each['ratio']:.2f}", band(each["rounds"], 2), f"{each['best']:.2f}"
    return (*about, *told, "yes" if each["met"] else "no")
