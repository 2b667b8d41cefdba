"""Which parts of something long are hashed for a fingerprint."""

from collections.abc import Iterator

__all__ = ["BLOCK", "BLOCKS", "WHOLE", "spans"]

WHOLE = 1 << 26
"""The bytes up to which all of it is hashed."""
BLOCK = 1 << 16
BLOCKS = 1024


def spans(
    n: int, row: int, whole: int = WHOLE, block: int = BLOCK, blocks: int = BLOCKS
) -> Iterator[tuple[int, int]]:
    """Yield the rows to hash, a few at a time.

    Parameters
    ----------
    n : int
        The number of rows.
    row : int
        The bytes of a row.
    whole : int, optional
        The bytes up to which all rows are hashed. Of more, it is so many blocks at even
        distances, the first rows and the last ones among them.
    block : int, optional
        The bytes of a block, which has at least one row.
    blocks : int, optional
        At least 2.
    """
    rows = max(1, block // max(1, row))
    if n * row <= whole:
        yield from ((a, min(a + rows, n)) for a in range(0, n, rows))
        return
    last = max(0, n - rows)
    for i in range(blocks):
        start = i * last // (blocks - 1)
        yield start, min(start + rows, n)
