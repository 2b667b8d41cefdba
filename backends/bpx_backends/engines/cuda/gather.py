"""Gather the rows of a mini-batch: all that a step reads of the data."""

from collections.abc import Iterator

from bpx.program.operation import DType
from bpx_backends.engines.cuda.expressions import TYPES, converted
from bpx_backends.engines.cuda.layout import COUNTER, ROWS, Place
from bpx_backends.engines.cuda.loops import VECTOR, Function

__all__ = ["gather", "pick"]


def gather(
    out: Place,
    source: Place | int,
    height: int,
    indices: Place | None,
    rows: DType,
    stored: DType | None = None,
) -> Function:
    """``out[i] = source[indices[i]]``, cast if the source is stored in another dtype.

    Parameters
    ----------
    out : Place
        Shape (batch, …).
    source : Place or int
        A place in the arena, or the slot with its address. Contiguous.
    height : int
        The number of its rows.
    indices : Place or None
        A place in the arena, where negative indices count from the end; None for the step's row
        of the index matrix, which is in range.
    rows : DType
        The dtype of the indices.
    stored : DType, optional
        The dtype of the source; by default, that of `out`.
    """
    batch = out.shape[0]
    width = VECTOR if out.size // batch % VECTOR == 0 else 1
    places = [place for place in (source, indices) if isinstance(place, Place)]
    addresses = [f"arena + a{i}" for i in range(1, 1 + len(places))]
    base = addresses.pop(0) if isinstance(source, Place) else f"slots[{source}]"
    stored = stored or out.dtype
    kind = TYPES[stored.name]
    lines = (
        f"const {kind}* const from = (const {kind}*)({base});",
        f"{TYPES[out.dtype.name]}* const to = ({TYPES[out.dtype.name]}*)(arena + a0);",
        _indices(rows, addresses[0] if addresses else None, batch),
        *_loop(stored, out, width, height if addresses else 0),
    )
    return Function(
        "\n".join(lines),
        (out.offset, *(place.offset for place in places)),
        256,
        out.size // width,
        0,
        tuple(place.span for place in places),
        (out.span,),
    )


def pick(out: Place) -> Function:
    """Copy the step's row of the index matrix."""
    lines = (
        _indices(out.dtype, None, out.size),
        f"{TYPES[out.dtype.name]}* const to = ({TYPES[out.dtype.name]}*)(arena + a0);",
        "for (int e = block * blockDim.x + threadIdx.x; "
        f"e < {out.size}; e += blocks * blockDim.x) to[e] = rows[e];",
    )
    return Function("\n".join(lines), (out.offset,), 256, out.size, 0, (), (out.span,))


def _indices(rows: DType, address: str | None, batch: int) -> str:
    kind = TYPES[rows.name]
    ours = f"(const {kind}*)slots[{ROWS}] + (slots[{COUNTER}] + step) * {batch}"
    return f"const {kind}* const rows = {f'(const {kind}*)({address})' if address else ours};"


def _loop(stored: DType, out: Place, width: int, height: int) -> Iterator[str]:
    k = out.size // out.shape[0]
    yield f"const long long size = {out.size}LL, threads = blockDim.x;"
    yield (
        f"for (long long e = (block * threads + threadIdx.x) * {width}; e < size; "
        f"e += blocks * threads * {width}) {{"
    )
    yield f"const long long i = e / {k}, j = e - i * {k};"
    yield f"{TYPES[stored.name]} x[{width}];"
    yield "long long r = rows[i];"
    if height:
        yield f"r += r < 0 ? {height} : 0;"
    yield f"load<{width}>(from + r * {k} + j, x);"
    if stored == out.dtype:
        yield f"store<{width}>(to + e, x);"
    else:
        yield f"{TYPES[out.dtype.name]} y[{width}];"
        yield f"for (int u = 0; u < {width}; ++u) y[u] = {converted('x[u]', out.dtype)};"
        yield f"store<{width}>(to + e, y);"
    yield "}"
