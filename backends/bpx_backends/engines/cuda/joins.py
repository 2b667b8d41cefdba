"""Put arrays one behind the other, in one launch: `concat` of vectors or matrices."""

from collections.abc import Iterator, Sequence

from bpx_backends.engines.cuda.expressions import TYPES
from bpx_backends.engines.cuda.layout import Place
from bpx_backends.engines.cuda.loops import Function

__all__ = ["joined"]


def joined(parts: Sequence[Place], out: Place, axis: int) -> Function:
    """Copy the parts into `out`, one behind the other along an axis.

    Parameters
    ----------
    parts : sequence of Place
        Vectors or matrices of one dtype, with any strides.
    out : Place
        Contiguous.
    axis : int
        0, or 1 for matrices.
    """
    return Function(
        "\n".join(_lines(parts, out, axis)),
        (out.offset, *(each.offset for each in parts)),
        256,
        max(each.size for each in parts),
        0,
        tuple(each.span for each in parts),
        (out.span,),
    )


def _lines(parts: Sequence[Place], out: Place, axis: int) -> Iterator[str]:
    kind, width = TYPES[out.dtype.name], out.shape[-1]
    step = width if len(out.shape) > 1 and axis == 0 else 1  # between places along the axis
    first = 0
    yield f"{kind}* const to = ({kind}*)(arena + a0);"
    yield "const long long threads = (long long)blocks * blockDim.x;"
    yield "const long long thread = (long long)block * blockDim.x + threadIdx.x;"
    for number, part in enumerate(parts, 1):
        rows, columns = (0, *part.strides)[-2:]
        k = part.shape[-1]
        yield f"const {kind}* const from{number} = (const {kind}*)(arena + a{number});"
        yield f"for (long long e = thread; e < {part.size}; e += threads) {{"
        yield f"const long long i = e / {k}, j = e - i * {k};"
        yield f"to[{first} + i * {width} + j] = from{number}[i * {rows} + j * {columns}];"
        yield "}"
        first += part.shape[axis] * step
