"""PyTorch, eager, as a user writes it: nn.Sequential, autograd and a fused optimizer.

The data are resident tensors, a mini-batch is gathered by its indices, and cost and hits
are summed up in tensors: no ``.item()`` before the end of the epoch.
"""

import torch
from torch import nn
from torch.nn import functional

from benchmarks.cases import Case, Problem
from benchmarks.peers import Outcome, Train

OPTIMIZERS = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}
ACTIVATIONS = {"sigmoid": nn.Sigmoid, "relu": nn.ReLU}


def eager(problem: Problem) -> Train:
    case, orders = problem.case, problem.orders()
    x, y = torch.from_numpy(problem.x), torch.from_numpy(problem.y).long()
    eye = torch.eye(case.sizes[-1])
    model = _model(problem)
    optimizer = OPTIMIZERS[case.optimizer](model.parameters(), lr=case.eta, fused=True)

    def loss_of(outputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        if case.cost == "cross_entropy":
            return functional.cross_entropy(outputs, labels)
        return 0.5 * functional.mse_loss(outputs, eye[labels], reduction="sum") / case.batch

    def train() -> Outcome:
        cost, hits = torch.zeros(()), torch.zeros((), dtype=torch.int64)
        for rows in torch.from_numpy(next(orders)).long():
            labels = y[rows]
            outputs = model(x[rows])
            loss = loss_of(outputs, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            cost += loss.detach()
            hits += (outputs.argmax(dim=1) == labels).sum()
        return Outcome(cost.item() / case.steps, hits.item() / case.samples)

    return train


def _model(problem: Problem) -> nn.Sequential:
    layers: list[nn.Module] = []
    for w, b in zip(problem.w, problem.b, strict=True):
        layers += [_linear(w, b), ACTIVATIONS[problem.case.hidden]()]
    return nn.Sequential(*layers[:-1], *_output(problem.case))


def _output(case: Case) -> list[nn.Module]:
    # functional.cross_entropy takes logits.
    return [] if case.output == "softmax" else [ACTIVATIONS[case.output]()]


def _linear(w, b) -> nn.Linear:
    layer = nn.Linear(w.shape[1], w.shape[0])
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(w))
        layer.bias.copy_(torch.from_numpy(b))
    return layer
