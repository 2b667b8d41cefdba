"""The speed targets of bpx, and whether a run meets them."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from benchmarks.peers import PRODUCTS
from benchmarks.report import band, table
from benchmarks.rounds import interval, ratio, ratios

__all__ = ["ASKED", "CASES", "Asked", "answers", "show"]

CASES = ("S", "M", "L", "deep", "wide", "H")


class Asked(NamedTuple):
    """How many times as long as `bpx` another peer must take, in each case.

    Attributes
    ----------
    what, device : str
    bpx, other : str
        Peers.
    least : mapping of str to float
        For some of `CASES`.
    clock : str or None
        The clock of the run that measures it; None for any.
    surely : tuple of str
        The cases in which the lower end of the interval must reach it, not the ratio.
    """

    what: str
    device: str
    bpx: str
    other: str
    least: Mapping[str, float]
    clock: str | None = None
    surely: tuple[str, ...] = ()


_NUMBA, _EAGER, _SCAN = "bpx numpy+numba", "PyTorch eager", "JAX scan"


def _in(*least: float) -> dict[str, float]:
    """Targets for the first of the cases."""
    return dict(zip(CASES, least, strict=False))


ASKED = (
    Asked(
        *("numpy + numba against PyTorch eager", "cpu", _NUMBA, _EAGER),
        *(_in(16.0, 2.0, 1.2, 3.5, 1.1, 2.0), "cpu"),
    ),
    Asked(
        *("numpy + numba against JAX scan", "cpu", _NUMBA, _SCAN),
        *(_in(1.5, 1.0, 0.97, 1.1, 0.97, 0.97), "cpu", ("L", "wide", "H")),
    ),
    Asked(
        *("numpy + numba: share of the products", "cpu", _NUMBA, PRODUCTS),
        *(_in(1.0, 0.9, 0.97, 0.9, 0.95), "cpu"),
    ),
    Asked(
        *("numpy + numba against JAX scan", "cpu", _NUMBA, _SCAN),
        *({"S": 1.0, "M": 1.0, "deep": 1.0}, "wall"),
    ),
    Asked(
        *("numpy + numba against PyTorch eager", "cpu", _NUMBA, _EAGER),
        *(_in(4.0, 1.3, 1.0), "wall"),
    ),
    Asked(
        *("numpy + numba: share of the products", "cpu", _NUMBA, PRODUCTS),
        *(_in(0.5, 0.8, 0.95), "wall"),
    ),
    Asked("numpy alone against PyTorch eager", "cpu", "bpx numpy", _EAGER, _in(3.5, 0.9, 1.0)),
    Asked("jax against JAX scan", "cpu", "bpx jax", _SCAN, _in(0.95, 0.95, 0.95)),
    Asked("torch against PyTorch eager", "cpu", "bpx torch", _EAGER, _in(1.2, 1.0, 1.0)),
    Asked("cupy against PyTorch eager", "cuda", "bpx cupy", _EAGER, _in(5.0, 3.0, 1.1)),
    Asked(
        "cupy against PyTorch with CUDA graphs",
        *("cuda", "bpx cupy", "PyTorch CUDA graphs"),
        _in(1.2, 1.1, 1.0),
    ),
)
"""A share is a target of the same form: the time of the products over the time of bpx."""


def answers(device: str, clock: str, training: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Each target with the ratio measured on a device; None where it was not measured.

    A target is met if the ratio of the medians over the rounds reaches it, or the lower end of
    the 95 % interval of the median ratio. The ratios within the rounds, and that of the two
    best rounds, show how far to trust it.
    """
    for asked in ASKED:
        is_here = asked.device == device and asked.clock in (None, clock)
        for case, least in asked.least.items():
            times = training.get(case, {}).get("microseconds", {}) if is_here else {}
            known = {asked.bpx, asked.other} <= times.keys()
            found = _found(asked, times) if known else {"ratio": None}
            surely = case in asked.surely
            about = {"what": _named(asked), "case": case, "least": least, "surely": surely}
            yield about | found | {"met": known and _reached(found, surely) >= least}


def _found(asked: Asked, times: Mapping[str, Any]) -> dict[str, Any]:
    within = ratios(times, asked.other, asked.bpx)
    return {
        "ratio": ratio(times, asked.other, asked.bpx),
        "interval": interval(within),
        "rounds": within,
        "best": min(times[asked.other]) / min(times[asked.bpx]),
    }


def _reached(found: Mapping[str, Any], surely: bool) -> float:
    """The number that is compared with a target."""
    return found["interval"][0] if surely else found["ratio"]


def _named(asked: Asked) -> str:
    device = "GPU" if asked.device == "cuda" else "CPU"
    by = {"cpu": ", one core, CPU time", "wall": ", wall clock", None: ""}[asked.clock]
    return f"{asked.what}, {device}{by}"


def show(found: Sequence[Mapping[str, Any]]) -> str:
    """All targets at a glance, and what was measured of each."""
    glance = table(("ratio", *CASES), _glances(found))
    measured = [_row(each) for each in found if each["ratio"] is not None]
    if not measured:
        return glance
    head = ("ratio", "case", "at least", "measured", "95 % interval of the median")
    details = table((*head, "in the rounds", "of the best", "met"), measured)
    return f"{glance}\n\n{_READ}\n\n{details}"


_READ = (
    "A cell has the measured ratio and the target, or only the target if the ratio was not "
    "measured. The ratio is that of the medians; where the target is marked *, it is the lower "
    "end of the bootstrapped 95 % interval of the median over the rounds."
)


def _glances(found: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    for what, group in groupby(found, lambda each: each["what"]):
        cells = {each["case"]: _cell(each) for each in group}
        yield (what, *(cells.get(case, "") for case in CASES))


def _cell(each: Mapping[str, Any]) -> str:
    if each["ratio"] is None:
        return f"≥ {_least(each)}"
    sign = "≥" if each["met"] else "<"
    return f"{_reached(each, each['surely']):.2f} {sign} {_least(each)}"


def _least(each: Mapping[str, Any]) -> str:
    return f"{each['least']:.2f}{' *' if each['surely'] else ''}"


def _row(each: Mapping[str, Any]) -> tuple[str, ...]:
    low, high = each["interval"]
    told = f"{each['ratio']:.2f}", f"[{low:.2f}, {high:.2f}]", band(each["rounds"], 2)
    met = "yes" if each["met"] else "no"
    return (each["what"], each["case"], _least(each), *told, f"{each['best']:.2f}", met)
