"""Functions of parameters and samples as calls of NumPy's functions."""

from collections.abc import Callable
from typing import Any

import numpy as np

from bpx_backends.engines.numpy.bound import Compiled, Given, Workers
from bpx_backends.engines.numpy.calls import Call
from bpx_backends.engines.numpy.replay import prepare
from bpx_backends.engines.shared.answers import ROWS, Answers

__all__ = ["bound"]


def _bind(compiled: Compiled, arrays: list[Any], x: np.ndarray) -> Callable[[Any], Any]:
    program = compiled.plan.program
    (after,) = program.state
    samples, answers = np.empty(x.shape, x.dtype), np.empty(after.shape, after.dtype.name)
    inputs = {program.rows: ROWS, **dict(zip(program.data, (*arrays, samples), strict=True))}
    scratch = np.empty(compiled.plan.scratch, np.uint8)
    given = Given(compiled, inputs, [answers], [answers], scratch, Workers(None, 1))
    calls = [_plain(each) for each in given.bound().calls()]

    def run(x: Any) -> Any:
        samples[...] = x
        for function, arguments in calls:
            function(*arguments)
        return answers.copy()

    return run


def _plain(call: Call) -> Call:
    """The call of the function that an operator calls, whose bits are promised."""
    return Call(np.matmul, call.arguments) if call.function is np.dot else call


bound: Answers[Compiled] = Answers(prepare, _bind)
"""Binds a function to parameters: see `Answers`."""
