"""Write a flat loop: its elements are independent, and a thread takes `VECTOR` at once."""

from collections.abc import Iterator

from bpx.program.operation import Value
from bpx_backends.engines.cuda.loops import VECTOR, Function, Loop
from bpx_backends.engines.cuda.scribe import Scribe, at

__all__ = ["flat"]


def flat(loop: Loop) -> Function:
    """Write the function of a loop without reductions.

    If every array is read whole or is a single number, the size is an argument, so that layers
    of any size share the function.
    """
    scribe, (n, k) = Scribe(loop), loop.domain
    linear = all(scribe.steps(v) == (0, 0) or _is_whole(loop, v) for v in loop.read)
    width = VECTOR if (n * k if linear else k) % VECTOR == 0 else 1
    return scribe.function(_lines(scribe, width, linear), items=n * k // width)


def _is_whole(loop: Loop, v: Value) -> bool:
    n, k = loop.domain
    place = loop.places[v]
    return place.contiguous and place.size == n * k


def _lines(s: Scribe, width: int, linear: bool) -> Iterator[str]:
    loop, index, (n, k) = s.loop, s.index, s.loop.domain
    size = s.argument(n * k) if linear else str(n * k)
    yield from s.scalars()
    yield f"const {index} size = ({index}){size}, threads = ({index})blockDim.x;"
    yield (
        f"for ({index} e = (({index})block * threads + ({index})threadIdx.x) * {width}; "
        f"e < size; e += ({index})blocks * threads * {width}) {{"
    )
    if not linear:
        yield f"const {index} i = e / {k}, j = e - i * {k};"
    for v in loop.read:
        if v not in s.names:
            yield from _load(s, v, width)
    yield from s.computed(loop.operations, width)
    for v in loop.stored:
        yield f"store<{width}>({s.pointer(v)} + e, {s.kept(v)});"
    yield "}"


def _load(s: Scribe, v: Value, width: int) -> Iterator[str]:
    row, column = s.steps(v)
    if _is_whole(s.loop, v):
        yield from s.vector(v, width, "e", "e + u")
    elif column == 0:
        name = s.names[v] = s.fresh("x")
        yield f"const {s.type(v)} {name} = {s.pointer(v)}[{at(('i', row))}];"
    else:
        yield from s.along(v, width)
