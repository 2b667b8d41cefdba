"""A pure function of parameters and samples, bound to the parameters: the same bits, sooner.

The function is recorded, and its operations become calls of NumPy's functions that write into
the same memory each time. Only the samples are copied in, and the answers out.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from bpx.program.contract import leaves, named_leaves
from bpx.program.operation import Value
from bpx.program.plan import plan
from bpx.program.record import record
from bpx_backends.engines.numpy.bound import Compiled, Given, Workers
from bpx_backends.engines.numpy.calls import Call
from bpx_backends.engines.numpy.replay import prepare

__all__ = ["bound"]

LARGEST = 1 << 20
"""The most bytes that a binding keeps; with more, hardly any time is lost around the calls."""
KEPT = 64
_ROWS = np.zeros(1, np.int32)
_known: dict[Any, Compiled | None] = {}
"""The plans of functions, by the kinds of their arguments; None for those that have none."""

Answer = Callable[[Any, Any], Any]


def bound(answer: Answer, parameters: Any, x: np.ndarray) -> Callable[[Any], Any] | None:
    """Return a function of arrays like x that computes ``answer(parameters, x)``.

    Parameters
    ----------
    answer : callable
        Pure and hashable; it returns one array.
    parameters : tree of arrays
        Their values are read at each call.
    x : ndarray

    Returns
    -------
    callable or None
        For one thread at a time; its results are in new memory. None if it cannot be recorded,
        or is too large to gain.
    """
    kinds = tuple(
        (name, each.shape, each.dtype) for name, each in named_leaves((parameters, x))
    )
    key = answer, kinds
    if key not in _known:
        if len(_known) >= KEPT:
            _known.clear()
        _known[key] = _planned(answer, parameters, x)
    found = _known[key]
    return None if found is None else _run(found, [*leaves(parameters)], x)


def _planned(answer: Answer, parameters: Any, x: np.ndarray) -> Compiled | None:
    def step(state: Any, data: Any, rows: Any) -> Any:
        return (answer(*data),)

    try:
        recorded = record(step, (), (parameters, x), _ROWS)
    except Exception:  # the function itself will say what is wrong
        return None
    (after,) = recorded.outputs
    program = replace(recorded, state=(Value(after.shape, after.dtype, "answer"),))
    found = prepare(plan(program))
    sizes = found.plan.scratch, after.nbytes, x.nbytes
    return found if sum(sizes) <= LARGEST else None


def _run(compiled: Compiled, arrays: list[Any], x: np.ndarray) -> Callable[[Any], Any]:
    program = compiled.plan.program
    samples, answers = np.empty(x.shape, x.dtype), np.empty(*_kind(program.state[0]))
    inputs = dict(zip(program.data, (*arrays, samples), strict=True))
    scratch = np.empty(compiled.plan.scratch, np.uint8)
    given = Given(
        compiled,
        {**inputs, program.rows: _ROWS},
        [answers],
        [answers],
        scratch,
        Workers(None, 1),
    )
    calls = [_plain(each) for each in given.bound().calls()]

    def run(x: Any) -> Any:
        samples[...] = x
        for function, arguments in calls:
            function(*arguments)
        return answers.copy()

    return run


def _kind(v: Value) -> tuple[tuple[int, ...], str]:
    return v.shape, v.dtype.name


def _plain(call: Call) -> Call:
    """The call of the function that an operator calls, whose bits are promised."""
    return Call(np.matmul, call.arguments) if call.function is np.dot else call
