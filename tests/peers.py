"""Networks of bpx written once more for torch.func: an independent source of derivatives."""

from typing import Any

import numpy as np
import pytest

import bpx


def torch_functions() -> Any:
    """PyTorch, or a skip."""
    return pytest.importorskip("torch", reason="the peer is torch.func")


def random_network(
    sizes, hidden="tanh", output="softmax", cost="cross_entropy", *, seed=0, target=None
) -> bpx.Network:
    """Weights of about 1, so that no derivative is negligible, in float64."""
    net = bpx.Network(
        sizes,
        hidden=hidden,
        output=output,
        cost=cost,
        seed=0,
        backend=target.spec if target else "numpy",
        dtype="float64",
    )
    rng = np.random.default_rng(seed)
    w = [rng.standard_normal(w.shape) / w.shape[1] ** 0.5 for w in net.weights]
    net.parameters = w, [0.5 * rng.standard_normal(b.shape) for b in net.biases]
    return net


def random_samples(net, n=7, seed=1, labels=True):
    """Inputs, and labels or numbers that the cost has a meaning for, on the host."""
    rng = np.random.default_rng(seed)
    x, k = rng.standard_normal((n, net.sizes[0])), net.sizes[-1]
    if labels and k > 1:
        return x, rng.integers(k, size=n).astype(np.int32)
    if net.spec.cost.targets == "real":
        return x, rng.standard_normal((n, k))
    y = rng.uniform(0.05, 0.95, (n, k))
    return x, y / y.sum(axis=1, keepdims=True) if net.spec.cost.targets == "distribution" else y


class Twin:
    """The same network for PyTorch: functions of a flat tuple (w^1, b^1, w^2, b^2, ...)."""

    def __init__(self, net: bpx.Network) -> None:
        self.torch = torch_functions()
        self.names = [layer.activation.name for layer in net.spec.dense]
        self.cost, self.k = net.spec.cost.name, net.sizes[-1]
        self.parameters = tuple(
            self.tensor(each)
            for pair in zip(net.weights, net.biases, strict=True)
            for each in pair
        )

    def tensor(self, x) -> Any:
        return self.torch.from_numpy(np.array(bpx.to_host(x)))

    def targets(self, y) -> Any:
        y = np.asarray(y)
        if y.ndim == 1 and self.k > 1:
            y = np.eye(self.k)[y]
        return self.tensor(np.asarray(y, np.float64).reshape(len(y), self.k))

    def logits(self, parameters, x) -> Any:
        """z^L, of one sample or of many."""
        a = x
        for name, w, b in zip(self.names, parameters[::2], parameters[1::2], strict=True):
            z = a @ w.T + b
            a = self.sigma(name, z)
        return z

    def sigma(self, name, z) -> Any:
        F = self.torch.nn.functional
        known = {
            "identity": lambda z: z,
            "gelu_tanh": lambda z: F.gelu(z, approximate="tanh"),
            "softmax": lambda z: F.softmax(z, dim=-1),
            "tanh": self.torch.tanh,
            "sigmoid": self.torch.sigmoid,
        }
        return known.get(name, getattr(F, name, None))(z)

    def costs(self, parameters, x, y) -> Any:
        """C_x of each sample, or of one."""
        return self.costs_of(self.logits(parameters, x), y)

    def costs_of(self, z, y) -> Any:
        """C_x from z^L."""
        torch = self.torch
        a = self.sigma(self.names[-1], z)
        if self.cost == "quadratic":
            return 0.5 * ((a - y) ** 2).sum(-1)
        if self.cost == "binary_cross_entropy":
            F = torch.nn.functional
            return F.binary_cross_entropy_with_logits(z, y, reduction="none").sum(-1)
        return -(y * torch.log_softmax(z, dim=-1)).sum(-1)

    def each_gradient(self, x, y) -> list[Any]:
        """Of every sample: arrays of shape (n, *parameter), by vmap of grad."""
        one = self.torch.func.grad(self.costs)
        each = self.torch.func.vmap(one, (None, 0, 0))
        found = each(self.parameters, self.tensor(x), self.targets(y))
        return [g.numpy() for g in found]

    def flat_gradients(self, x, y) -> np.ndarray:
        """One row for each sample, all parameters, in the order w^1, b^1, w^2, ..."""
        return np.concatenate([g.reshape(len(x), -1) for g in self.each_gradient(x, y)], axis=1)

    def flat_parameters(self) -> Any:
        """All of them as one vector, in the order w^1, b^1, w^2, ..."""
        return self.torch.cat([each.reshape(-1) for each in self.parameters])

    def split(self, vector) -> tuple[Any, ...]:
        """The parameters of such a vector."""
        parts = self.torch.split(vector, [each.numel() for each in self.parameters])
        return tuple(
            part.reshape(each.shape) for part, each in zip(parts, self.parameters, strict=True)
        )

    def mean_cost(self, vector, x, y) -> Any:
        """C of a vector of parameters, on tensors."""
        return self.costs(self.split(vector), x, y).mean()

    def hessian(self, x, y) -> np.ndarray:
        """Of C by all parameters, dense."""
        func, given = self.torch.func, (self.tensor(x), self.targets(y))
        gradient = func.grad(lambda vector: self.mean_cost(vector, *given))
        return func.jacrev(gradient)(self.flat_parameters()).numpy()

    def hessian_vector_product(self, x, y, v) -> np.ndarray:
        """The Hessian of C times a flat v: the gradient of (gradient · v)."""
        func, given = self.torch.func, (self.tensor(x), self.targets(y))
        gradient, v = func.grad(lambda vector: self.mean_cost(vector, *given)), self.tensor(v)
        return func.grad(lambda vector: gradient(vector) @ v)(self.flat_parameters()).numpy()

    def jacobian(self, x) -> np.ndarray:
        """dz^L_j of each sample by all parameters, shape (n, k_L, parameters)."""
        func, x = self.torch.func, self.tensor(x)
        found = func.jacrev(lambda v: self.logits(self.split(v), x))(self.flat_parameters())
        return found.numpy()

    def output_curvature(self, x, y) -> np.ndarray:
        """H of each sample, shape (n, k_L, k_L): J^T J of the output for the quadratic cost."""
        func = self.torch.func
        if self.cost == "quadratic":
            output = func.vmap(func.jacrev(lambda z: self.sigma(self.names[-1], z)))
            each = output(self.logits(self.parameters, self.tensor(x)))
            return (each.mT @ each).numpy()
        each = func.vmap(func.jacrev(func.grad(self.costs_of)))
        return each(self.logits(self.parameters, self.tensor(x)), self.targets(y)).numpy()

    def ggn(self, x, y) -> np.ndarray:
        """(1/n) sum_x J^T H J, dense."""
        j, h = self.jacobian(x), self.output_curvature(x, y)
        return np.einsum("nip,nij,njq->pq", j, h, j, optimize=True) / len(x)

    def sequential(self) -> Any:
        """The layers up to z^L, as PyTorch's modules."""
        nn, torch = self.torch.nn, self.torch
        known = {"tanh": nn.Tanh, "relu": nn.ReLU, "sigmoid": nn.Sigmoid}
        modules: list[Any] = []
        layers = zip(self.names, self.parameters[::2], self.parameters[1::2], strict=True)
        for name, w, b in layers:
            linear = nn.Linear(w.shape[1], w.shape[0], dtype=torch.float64)
            linear.weight.data, linear.bias.data = w.clone(), b.clone()
            modules += [linear, known.get(name, nn.Identity)()]
        return nn.Sequential(*modules[:-1])


def interleaved(groups) -> list[np.ndarray]:
    """Parameters, or a pair (w, b), in the order w^1, b^1, w^2, ..., on the host."""
    entries = getattr(groups, "layers", None) or zip(*groups, strict=True)
    return [np.array(bpx.to_host(each)) for entry in entries for each in entry]


def flat(groups) -> np.ndarray:
    """The same as one vector."""
    return np.concatenate([each.reshape(-1) for each in interleaved(groups)])


def close(found, expected, tolerance=1e-10) -> None:
    """Alike, relative to the largest number."""
    found, expected = np.asarray(bpx.to_host(found)), np.asarray(expected)
    assert found.shape == expected.shape
    off = np.abs(found - expected).max() / np.abs(expected).max()
    assert off < tolerance, f"off by {off:.1e}"
