"""PyTorch alone: `torch.func` on one sample at a time, and a second backward pass."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.func import functional_call, grad, jvp, vjp, vmap
from torch.nn.functional import cross_entropy

from benchmarks.peers._torch import _model as model_of
from benchmarks.quantities import Subject, Work, interleaved

__all__ = ["functional", "given", "gradients", "plain_pass", "twice"]

Model = nn.Sequential
Batch = tuple[torch.Tensor, torch.Tensor]


def given(subject: Subject) -> tuple[Model, Batch, list[torch.Tensor]]:
    """The model, x and y, and the direction in the order of the model's parameters."""
    problem = subject.problem
    batch = torch.from_numpy(problem.x), torch.from_numpy(problem.y).long()
    return model_of(problem), batch, [torch.from_numpy(each) for each in interleaved(subject.v)]


def plain_pass(model: Model, batch: Batch) -> Callable[[], Any]:
    """The usual forward and backward pass."""

    def run() -> torch.Tensor:
        model.zero_grad(set_to_none=True)
        loss = cross_entropy(model(batch[0]), batch[1])
        loss.backward()
        return loss

    return run


def gradients(each: Any) -> list[np.ndarray]:
    """Tensors as NumPy arrays."""
    return [np.asarray(tensor.detach()) for tensor in each]


def functional(key: str, subject: Subject) -> Work:
    """Transforms of a loss by `torch.func`: ``vmap(grad)``, or one derivative of another."""
    model, (x, y), v = given(subject)
    p = {name: each.detach() for name, each in model.named_parameters()}
    direction = dict(zip(p, v, strict=True))

    def logits(p: Any, x: torch.Tensor) -> torch.Tensor:
        return functional_call(model, p, (x,))

    def loss(p: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return cross_entropy(logits(p, x), y)

    def one(p: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return loss(p, x[None], y[None])

    def each() -> list[torch.Tensor]:
        """The samples' gradients, one row for each."""
        return [g.flatten(1) for g in vmap(grad(one), (None, 0, 0))(p, x, y).values()]

    def norms() -> torch.Tensor:
        return torch.sqrt(sum((g * g).sum(1) for g in each()))

    def clipping() -> list[torch.Tensor]:
        rows = each()
        size = torch.sqrt(sum((g * g).sum(1) for g in rows))
        factors = (subject.bound / size).clamp(max=1.0)
        return [(factors @ g).reshape(q.shape) for g, q in zip(rows, p.values(), strict=True)]

    def products() -> torch.Tensor:
        return sum(g @ g.T for g in each())

    def hessian() -> Any:
        return jvp(grad(partial(loss, x=x, y=y)), (p,), (direction,))[1].values()

    def ggn() -> Any:
        z, rz = jvp(partial(logits, x=x), (p,), (direction,))
        a = torch.softmax(z, dim=1)
        error = a * (rz - (a * rz).sum(1, keepdim=True)) / len(x)
        return vjp(partial(logits, x=x), p)[1](error)[0].values()

    def ntk() -> torch.Tensor:
        kernel = 0.0
        for j in range(subject.problem.case.sizes[-1]):
            output = grad(lambda p, x, j=j: logits(p, x[None])[0, j])
            rows = vmap(output, (None, 0))(p, x)
            kernel = kernel + sum(g.flatten(1) @ g.flatten(1).T for g in rows.values())
        return kernel / subject.problem.case.sizes[-1]

    tell = {
        "norms": norms,
        "clipping": clipping,
        "products": products,
        "hessian": hessian,
        "ggn": ggn,
        "ntk": ntk,
    }[key]
    plain = plain_pass(model, (x, y))
    alone = key in ("hessian", "ggn", "ntk")  # these leave no gradient
    read = (
        (lambda found: [np.asarray(found)])
        if key in ("norms", "products", "ntk")
        else gradients
    )
    return Work(plain, (lambda: (plain(), tell())[1]) if alone else tell, read)


def twice(key: str, subject: Subject) -> Work:
    """A gradient that is differentiated again, with both from one forward pass."""
    model, (x, y), v = given(subject)
    parameters = list(model.parameters())

    def run() -> Any:
        loss = cross_entropy(model(x), y)
        first = torch.autograd.grad(loss, parameters, create_graph=True)
        return torch.autograd.grad(first, parameters, v)

    return Work(plain_pass(model, (x, y)), run, gradients)
