"""The cases of a dry run: so small that they take no time."""

from benchmarks.cases import CASES

__all__ = ["TINY"]

TINY = {
    "S": CASES["S"]._replace(sizes=(12, 5, 4), eta=0.5, samples=20),
    "M": CASES["M"]._replace(sizes=(12, 7, 6, 4), batch=8, samples=16),
    "L": CASES["L"]._replace(sizes=(12, 9, 8, 4), batch=8, samples=16),
}
