"""curvlinops: linear operators, which make their own passes besides the gradient's."""

import warnings
from typing import Any

import numpy as np
from torch import nn

from benchmarks.quantities import Subject, Work, split_gauge
from benchmarks.quantities._torch import given, gradients, plain_pass

with warnings.catch_warnings():  # of torch.jit
    warnings.simplefilter("ignore", DeprecationWarning)
    import curvlinops

__all__ = ["operator"]

FISHER = {"kfac-labels": "empirical", "kfac-drawn": "mc", "kfac-exact": "type-2"}
PRODUCTS = {"hessian": "HessianLinearOperator", "ggn": "GGNLinearOperator"}


def operator(key: str, subject: Subject) -> Work:
    """The gradient, and then the operator's factors or its product with the direction."""
    model, batch, v = given(subject)
    plain = plain_pass(model, batch)
    about = model, nn.CrossEntropyLoss(), list(model.parameters()), [batch]
    if key in PRODUCTS:
        product = getattr(curvlinops, PRODUCTS[key])(*about, check_deterministic=False)
        return Work(plain, lambda: (plain(), product @ v)[1], gradients)
    names = [name.rpartition(".")[0] for name, _ in model.named_parameters()][::2]

    def telling() -> Any:
        plain()
        factors = curvlinops.KFACLinearOperator(
            *about,
            fisher_type=FISHER[key],
            separate_weight_and_bias=False,
            check_deterministic=False,
        )
        factors.compute_kronecker_factors()
        return factors

    def read(factors: Any) -> list[np.ndarray]:
        inputs, errors = (
            [np.asarray(held[name]) for name in names]
            for held in (factors._input_covariances, factors._gradient_covariances)
        )
        return split_gauge([a[:-1, :-1] for a in inputs], errors)

    return Work(plain, telling, read)
