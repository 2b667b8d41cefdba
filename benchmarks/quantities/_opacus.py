"""Opacus: gradients of each sample by hooks, or by ghost clipping, in two backward passes."""

from typing import Any

import numpy as np
import torch
from opacus.grad_sample import GradSampleModule, GradSampleModuleFastGradientClipping
from opacus.optimizers import DPOptimizerFastGradientClipping
from opacus.utils.fast_gradient_clipping_utils import DPLossFastGradientClipping
from torch.nn.functional import cross_entropy

from benchmarks.quantities import Subject, Work
from benchmarks.quantities._torch import given, gradients, plain_pass

__all__ = ["ghost", "hooks"]


def hooks(key: str, subject: Subject) -> Work:
    """`GradSampleModule` forms every sample's gradient."""
    model, batch, _ = given(subject)
    plain = plain_pass(given(subject)[0], batch)
    forward_and_backward = plain_pass(GradSampleModule(model), batch)
    parameters = list(model.parameters())

    def norms() -> torch.Tensor:
        forward_and_backward()
        each = [p.grad_sample.flatten(1).norm(dim=1) for p in parameters]
        return torch.stack(each, dim=1).norm(dim=1)

    def clipping() -> list[torch.Tensor]:
        factors = (subject.bound / norms()).clamp(max=1.0)
        return [torch.tensordot(factors, p.grad_sample, dims=1) for p in parameters]

    if key == "norms":
        return Work(plain, norms, lambda found: [np.asarray(found)])
    return Work(plain, clipping, gradients)


def ghost(key: str, subject: Subject) -> Work:
    """Ghost clipping: the norms from one backward pass, the clipped sum from another."""
    model, (x, y), _ = given(subject)
    plain = plain_pass(given(subject)[0], (x, y))
    private = GradSampleModuleFastGradientClipping(model, max_grad_norm=subject.bound)
    parameters = list(model.parameters())
    optimizer = DPOptimizerFastGradientClipping(
        torch.optim.SGD(parameters),
        noise_multiplier=0.0,
        max_grad_norm=subject.bound,
        expected_batch_size=len(x),
    )
    loss = DPLossFastGradientClipping(private, optimizer, torch.nn.CrossEntropyLoss())

    def norms() -> torch.Tensor:
        private.zero_grad(set_to_none=True)
        cross_entropy(private(x), y).backward()
        found: torch.Tensor = private.get_norm_sample()
        return found

    def clipping() -> Any:
        optimizer.zero_grad()
        loss(private(x), y).backward()
        return [p.grad for p in parameters]

    if key == "norms":
        return Work(plain, norms, lambda found: [np.asarray(found)])
    return Work(plain, clipping, gradients)
