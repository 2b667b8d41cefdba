"""The running sums of a mini-batch's rows, which each rank has for its own rows alone."""

from bpx._typing import Array
from bpx.arrays.home import Home
from bpx.arrays.ranks import Communicator
from bpx.arrays.registry import namespace
from bpx.arrays.transfer import to_host
from bpx.optim.trees import mapped
from bpx.program.contract import leaves, rebuilt
from bpx.training.step import Metrics

__all__ = ["gathered", "own"]


def gathered(ranks: Communicator, metrics: Metrics, home: Home) -> Metrics:
    """Return the sums of all ranks, side by side, on each of them.

    Parameters
    ----------
    ranks, home
    metrics : Metrics
        Those of this rank, of shape (w,); the result has shape (size · w,).
    """
    each = ranks.gather([to_host(x) for x in leaves(metrics)])
    whole = (_side_by_side(those, home) for those in zip(*each, strict=True))
    found: Metrics = rebuilt(metrics, whole)
    return found


def _side_by_side(each: tuple[Array, ...], home: Home) -> Array:
    there = [home.asarray(x, str(x.dtype)) for x in each]
    whole: Array = namespace(there[0]).concat(there, axis=-1)
    return whole


def own(ranks: Communicator | None, metrics: Metrics, width: int) -> Metrics:
    """Return the part of this rank, of shape (width,), of the sums of all.

    Another number of ranks may have written them: then a sum may be for another row, but the
    total is the same.
    """
    rank, size = (0, 1) if ranks is None else (ranks.rank, ranks.size)
    parts: Metrics = mapped(lambda x: _part(x, rank, size, width), metrics)
    return parts


def _part(x: Array, rank: int, size: int, width: int) -> Array:
    if size == 1 and x.shape[-1] == width:
        return x
    xp, there, all_of = namespace(x), x.shape[-1], size * width
    device = getattr(x, "device", None)
    total = xp.zeros((*x.shape[:-1], all_of), dtype=x.dtype, device=device)
    for begin in range(0, there, all_of):
        some = x[..., begin : begin + all_of]
        shape = (*x.shape[:-1], all_of - some.shape[-1])
        rest = xp.zeros(shape, dtype=x.dtype, device=device)
        total = total + xp.concat([some, rest], axis=-1)
    part: Array = total[..., rank * width : (rank + 1) * width]
    return part
