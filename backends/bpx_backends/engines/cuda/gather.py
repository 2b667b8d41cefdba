"""The rows that a mini-batch picks, gathered: all that a step reads of the data."""

from collections.abc import Iterator

from bpx.program.operation import DType
from bpx_backends.engines.cuda.expressions import TYPES
from bpx_backends.engines.cuda.layout import COUNTER, ROWS, Place
from bpx_backends.engines.cuda.loops import VECTOR, Function

__all__ = ["gather", "pick"]


def gather(
    out: Place, source: Place | int, height: int, indices: Place | None, rows: DType
) -> Function:
    """``out[i] = source[indices[i]]``.

    Parameters
    ----------
    out : Place
        Shape (batch, …).
    source : Place or int
        In the arena, or the slot where its address stands. Contiguous.
    height : int
        Its rows.
    indices : Place or None
        In the arena, negative ones counted from the end; None for those of the step, of the
        index matrix, which are in range.
    rows : DType
        Of the indices.
    """
    batch = out.shape[0]
    width = VECTOR if out.size // batch % VECTOR == 0 else 1
    places = [place for place in (source, indices) if isinstance(place, Place)]
    addresses = [f"arena + a{i}" for i in range(1, 1 + len(places))]
    base = addresses.pop(0) if isinstance(source, Place) else f"slots[{source}]"
    kind = TYPES[out.dtype.name]
    lines = (
        f"const {kind}* const from = (const {kind}*)({base});",
        f"{kind}* const to = ({kind}*)(arena + a0);",
        _indices(rows, addresses[0] if addresses else None, batch),
        *_loop(kind, batch, out.size // batch, width, height if addresses else 0),
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
    """The step's row of the index matrix itself."""
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


def _loop(kind: str, batch: int, k: int, width: int, height: int) -> Iterator[str]:
    yield f"const long long size = {batch * k}LL, threads = blockDim.x;"
    yield (
        f"for (long long e = (block * threads + threadIdx.x) * {width}; e < size; "
        f"e += blocks * threads * {width}) {{"
    )
    yield f"const long long i = e / {k}, j = e - i * {k};"
    yield f"{kind} x[{width}];"
    yield "long long r = rows[i];"
    if height:
        yield f"r += r < 0 ? {height} : 0;"
    yield f"load<{width}>(from + r * {k} + j, x);"
    yield f"store<{width}>(to + e, x);"
    yield "}"
