"""PyTorch as its users write it: nn.Sequential, autograd and a fused optimizer.

The data are resident tensors. A mini-batch is gathered by `index_select` (faster than
``x[rows]``), and cost and hits are summed in tensors, without ``.item()`` before the end of the
epoch. There are three variants: eager; with the model and its loss compiled by `torch.compile`;
and, on CUDA, with the whole step captured as a graph, as PyTorch's notes on CUDA semantics
show.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from benchmarks.cases import MOMENTUM, Case, Problem
from benchmarks.peers import Answer, Outcome, Train

ACTIVATIONS = {"sigmoid": nn.Sigmoid, "relu": nn.ReLU, "tanh": nn.Tanh}
WARM_UPS = 3

Step = Callable[[torch.Tensor], object]


def eager(problem: Problem) -> Train:
    trainer = _Trainer(problem)
    return trainer.epochs(trainer.step)


def compiled(problem: Problem) -> Train:
    torch.compiler.reset()  # otherwise the shapes of another case would count as this one's
    trainer = _Trainer(problem)
    trainer.forward = torch.compile(trainer.forward)
    return trainer.epochs(trainer.step)


def graphed(problem: Problem) -> Train:
    trainer = _Trainer(problem, capturable=True)
    rows = torch.zeros(problem.case.batch, dtype=torch.int64, device=problem.device)
    graph = trainer.captured(rows)

    def step(each: torch.Tensor) -> None:
        rows.copy_(each)
        graph.replay()

    return trainer.epochs(step)


def answers(problem: Problem, batch: int) -> Answer:
    model = _model(problem)
    if problem.case.cost == "cross_entropy":
        model.append(nn.Sigmoid() if problem.case.is_binary else nn.Softmax(dim=1))
    model.to(problem.device).eval()
    x = torch.from_numpy(problem.x[:batch]).to(problem.device)

    @torch.inference_mode()
    def answer() -> torch.Tensor:
        outputs = model(x)
        if x.is_cuda:
            torch.cuda.synchronize()
        return outputs

    return answer


def products(problem: Problem) -> Train:
    """The matrix products of a step alone, captured as a graph, on existing tensors."""
    case, weights = problem.case, problem.parameters()[0]
    w = [torch.from_numpy(each).to(problem.device) for each in weights]
    dw = [torch.empty_like(each) for each in w]
    a = [torch.rand(case.batch, k, device=problem.device) for k in case.sizes]
    z = [torch.empty_like(each) for each in a]

    def multiply() -> None:
        for i, matrix in enumerate(w):
            torch.mm(a[i], matrix.T, out=z[i + 1])
            torch.mm(a[i + 1].T, a[i], out=dw[i])
            if i:
                torch.mm(a[i + 1], matrix, out=z[i])

    graph = _capture(multiply)

    def train() -> Outcome:
        for _ in range(case.steps):
            graph.replay()
        torch.cuda.synchronize()
        return Outcome()

    return train


class _Trainer:
    """A problem on its device: the data, the model, the optimizer, and the running sums."""

    def __init__(self, problem: Problem, *, capturable: bool = False) -> None:
        case, device = problem.case, torch.device(problem.device)
        self.case, self.device, self.orders = case, device, problem.orders()
        self.x = torch.from_numpy(problem.x).to(device)
        self.y = torch.from_numpy(problem.y).long().to(device)
        self.eye = torch.eye(case.sizes[-1], device=device)
        self.model = _model(problem).to(device)
        self.optimizer = _optimizer(case, self.model, capturable)
        self.cost = torch.zeros((), device=device)
        self.hits = torch.zeros((), dtype=torch.int64, device=device)

    def forward(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The mean cost of a mini-batch, and its hits."""
        labels = self.y.index_select(0, rows)
        outputs = self.model(self.x.index_select(0, rows))
        answers = outputs[:, 0] > 0.0 if self.case.is_binary else outputs.argmax(dim=1)
        return self._loss(outputs, labels), (answers == labels).sum()

    def _loss(self, outputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        if self.case.is_binary:
            y = labels[:, None].to(outputs.dtype)
            return functional.binary_cross_entropy_with_logits(outputs, y)
        if self.case.cost == "cross_entropy":
            return functional.cross_entropy(outputs, labels)
        y = self.eye.index_select(0, labels)
        return 0.5 * functional.mse_loss(outputs, y, reduction="sum") / self.case.batch

    def step(self, rows: torch.Tensor) -> None:
        loss, hits = self.forward(rows)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.cost += loss.detach()
        self.hits += hits

    def epochs(self, step: Step) -> Train:
        """Train an epoch, one step after another."""

        def train() -> Outcome:
            self.cost.zero_()
            self.hits.zero_()
            for rows in torch.from_numpy(next(self.orders)).long().to(self.device):
                step(rows)
            cost, hits = self.cost.item(), self.hits.item()
            return Outcome(cost / self.case.steps, hits / self.case.samples)

        return train

    def captured(self, rows: torch.Tensor) -> torch.cuda.CUDAGraph:
        """The step as a graph that reads `rows`; the updates of the warm-up are undone."""
        kept = [p.detach().clone() for p in self.model.parameters()]
        graph = _capture(lambda: self.step(rows))
        with torch.no_grad():
            for p, before in zip(self.model.parameters(), kept, strict=True):
                p.copy_(before)
            for state in self.optimizer.state.values():
                for each in state.values():
                    each.zero_()
        return graph


def _capture(run: Callable[[], None]) -> torch.cuda.CUDAGraph:
    """Warm up on a side stream, as PyTorch asks, then capture."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(WARM_UPS):
            run()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        run()
    return graph


def _optimizer(case: Case, model: nn.Module, capturable: bool) -> torch.optim.Optimizer:
    if case.optimizer != "adam":
        mu = MOMENTUM if case.optimizer == "momentum" else 0.0
        return torch.optim.SGD(model.parameters(), lr=case.eta, momentum=mu, fused=True)
    return torch.optim.Adam(model.parameters(), lr=case.eta, fused=True, capturable=capturable)


def _model(problem: Problem) -> nn.Sequential:
    """The layers; before a cross-entropy, the outputs are logits, which its functions take."""
    case, layers = problem.case, []
    for w, b in zip(*problem.parameters(), strict=True):
        layers += [linear(w, b), ACTIVATIONS[case.hidden]()]
    last = [] if case.cost == "cross_entropy" else [ACTIVATIONS[case.output]()]
    return nn.Sequential(*layers[:-1], *last)


def linear(w: np.ndarray, b: np.ndarray) -> nn.Linear:
    """A layer with these weights and biases."""
    layer = nn.Linear(w.shape[1], w.shape[0])
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(w))
        layer.bias.copy_(torch.from_numpy(b))
    return layer
