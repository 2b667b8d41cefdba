"""Cast samples that are stored as bytes to numbers while their rows are gathered."""

from collections.abc import Callable

from bpx.program.operation import Operation
from bpx.program.plan import Plan, plan
from bpx_backends.engines.cuda.expressions import TYPES
from bpx_backends.engines.shared.patterns import Bound, Rule, rewritten

__all__ = ["casting"]


def casting(made: Plan, fuses: Callable[[Operation], bool]) -> Plan:
    """Return the plan with casts moved into the gather of rows that have no other use."""
    program = rewritten(made.program, (_CAST,))
    if program.operations == made.program.operations:
        return made
    return plan(program, fuses)


def _known(op: Operation, bound: Bound) -> bool:
    return all(v.dtype.name in TYPES for v in (bound["x"], op.result))


_CAST = Rule(
    ("astype", ("take", "x", "r")),
    *("take", "gather", "xr"),
    fits=_known,
    alone=True,
)
