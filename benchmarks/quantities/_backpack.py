"""BackPACK: extensions of the backward pass."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from backpack import backpack, extend
from backpack.extensions import (
    KFAC,
    KFLR,
    BatchGrad,
    BatchL2Grad,
    DiagGGNExact,
    DiagGGNMC,
    SumGradSquared,
)
from torch import nn

from benchmarks.quantities import Subject, Work, split_gauge
from benchmarks.quantities._torch import given, gradients, plain_pass

__all__ = ["batch_grad", "extension"]

EXTENSIONS: dict[str, tuple[Callable[[], Any], str]] = {
    "norms": (BatchL2Grad, "batch_l2"),
    "moments": (SumGradSquared, "sum_grad_squared"),
    "kfac-drawn": (KFAC, "kfac"),
    "kfac-exact": (KFLR, "kflr"),
    "diagonal-drawn": (DiagGGNMC, "diag_ggn_mc"),
    "diagonal-exact": (DiagGGNExact, "diag_ggn_exact"),
}


def extension(key: str, subject: Subject) -> Work:
    """One extension, which stores its result, that of the mean cost, at each parameter."""
    make, name = EXTENSIONS[key]
    plain, run, parameters = _passes(subject, make)
    n = subject.problem.case.batch

    def telling() -> list[Any]:
        run()
        left = [getattr(p, name) for p in parameters]
        return [n * torch.sqrt(sum(left))] if key == "norms" else left

    def read(found: list[Any]) -> list[np.ndarray]:
        if key.startswith("kfac"):
            errors, inputs = zip(*found[::2], strict=True)  # those of the weights
            return split_gauge(inputs, errors)
        return [n * each for each in gradients(found)] if key == "moments" else gradients(found)

    return Work(plain, telling, read)


def batch_grad(key: str, subject: Subject) -> Work:
    """Forms every sample's gradient, divided by n."""
    plain, run, parameters = _passes(subject, BatchGrad)
    n = subject.problem.case.batch

    def telling() -> torch.Tensor:
        run()
        rows = [p.grad_batch.flatten(1) for p in parameters]
        if key == "norms":
            return n * torch.sqrt(sum((g * g).sum(1) for g in rows))
        return n**2 * sum(g @ g.T for g in rows)

    return Work(plain, telling, lambda found: [np.asarray(found)])


def _passes(
    subject: Subject, make: Callable[[], Any]
) -> tuple[Callable[[], Any], Callable[[], Any], list[nn.Parameter]]:
    """The plain pass, the pass with an extension, and the parameters that hold its results."""
    model, (x, y), _ = given(subject)
    plain = plain_pass(given(subject)[0], (x, y))
    model, loss = extend(model), extend(nn.CrossEntropyLoss())

    def run() -> None:
        model.zero_grad(set_to_none=True)
        with backpack(make()):
            loss(model(x), y).backward()

    return plain, run, list(model.parameters())
