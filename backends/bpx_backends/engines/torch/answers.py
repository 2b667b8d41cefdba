"""Functions of parameters and samples as calls of PyTorch's functions."""

from collections.abc import Callable
from typing import Any

import torch

from bpx.program.plan import Plan
from bpx_backends.engines.shared.answers import Answers
from bpx_backends.engines.torch.calls import dtypes
from bpx_backends.engines.torch.replay import step_on

__all__ = ["bound"]


def _bind(planned: Plan, arrays: list[Any], x: torch.Tensor) -> Callable[[Any], Any]:
    (after,) = planned.program.state
    samples = torch.empty_like(x, memory_format=torch.contiguous_format)
    answers = torch.empty(after.shape, dtype=dtypes[after.dtype.name], device=x.device)
    scratch = torch.empty(planned.scratch, dtype=torch.uint8, device=x.device)
    calls = step_on(planned, (answers, *arrays, samples, None), scratch)

    def run(x: Any) -> Any:
        samples.copy_(x)
        for call in calls:
            call()
        return answers.clone()

    return run


bound: Answers[Plan] = Answers(lambda planned: planned, _bind)
"""Binds a function to parameters: see `Answers`."""
