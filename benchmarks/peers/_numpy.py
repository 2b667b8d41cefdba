"""Plain functional NumPy, in which every operation returns a new array; and the floor."""

import numpy as np

from benchmarks.cases import MOMENTUM, Case, Problem
from benchmarks.peers import Outcome, Train

Arrays = list[np.ndarray]


def by_hand(problem: Problem) -> Train:
    case, orders = problem.case, problem.orders()
    targets = _targets(case)
    update = {"sgd": _sgd, "momentum": _momentum, "adam": _adam}[case.optimizer](case.eta)
    w, b = problem.parameters()
    parameters = [*w, *b]

    def train() -> Outcome:
        nonlocal parameters
        cost, hits = 0.0, 0
        for rows in next(orders):
            x, labels = problem.x[rows], problem.y[rows]
            gradients, costs, a = _backprop(case, parameters, x, targets[labels])
            parameters = update(parameters, gradients)
            cost += costs.sum()
            hits += np.count_nonzero(_answers(case, a) == labels)
        return Outcome(float(cost) / case.samples, hits / case.samples)

    return train


def _targets(case: Case) -> np.ndarray:
    """The targets of each label."""
    if case.is_binary:
        return np.array([[0.0], [1.0]], np.float32)
    return np.eye(case.sizes[-1], dtype=np.float32)


def _answers(case: Case, a: np.ndarray) -> np.ndarray:
    return a[:, 0] > 0.5 if case.is_binary else a.argmax(axis=1)


def products(problem: Problem) -> Train:
    """The matrix products of a step alone, from and into existing arrays."""
    case, w = problem.case, problem.parameters()[0]
    rng = np.random.default_rng(0)
    a = [rng.random((case.batch, k), dtype=np.float32) for k in case.sizes]
    z, dw = [np.empty_like(each) for each in a], [np.empty_like(each) for each in w]

    def train() -> Outcome:
        for _ in range(case.steps):
            for i, matrix in enumerate(w):
                np.matmul(a[i], matrix.T, out=z[i + 1])
                np.matmul(a[i + 1].T, a[i], out=dw[i])
                if i:
                    np.matmul(a[i + 1], matrix, out=z[i])
        return Outcome()

    return train


def _backprop(
    case: Case, parameters: Arrays, x: np.ndarray, y: np.ndarray
) -> tuple[Arrays, np.ndarray, np.ndarray]:
    """The gradients, the cost of each sample, and the outputs."""
    depth = len(case.sizes) - 1
    w, b = parameters[:depth], parameters[depth:]
    a = [x]
    for i in range(depth):
        name = case.hidden if i < depth - 1 else case.output
        a.append(SIGMA[name](a[-1] @ w[i].T + b[i]))
    error, costs = _output(case, a[-1], y)
    delta = error / len(x)
    dw, db = [], []
    for i in reversed(range(depth)):
        dw.append(delta.T @ a[i])
        db.append(delta.sum(axis=0))
        if i:
            delta = (delta @ w[i]) * SIGMA_PRIME[case.hidden](a[i])
    return [*reversed(dw), *reversed(db)], costs, a[-1]


def _output(case: Case, a: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """delta^L and the cost of each sample."""
    error = a - y
    if case.cost == "quadratic":
        return error * a * (1.0 - a), 0.5 * (error * error).sum(axis=1)
    if case.is_binary:
        return error, -np.log(np.where(y > 0.5, a, 1.0 - a)).sum(axis=1)
    return error, -np.log((a * y).sum(axis=1))


def _softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


SIGMA = {
    "sigmoid": lambda z: 1.0 / (1.0 + np.exp(-z)),
    "relu": lambda z: np.maximum(z, 0.0),
    "tanh": np.tanh,
    "softmax": _softmax,
}
SIGMA_PRIME = {
    "sigmoid": lambda a: a * (1.0 - a),
    "relu": lambda a: a > 0.0,
    "tanh": lambda a: 1.0 - a * a,
}


def _sgd(eta: float):
    return lambda parameters, gradients: [
        p - eta * g for p, g in zip(parameters, gradients, strict=True)
    ]


def _momentum(eta: float, mu: float = MOMENTUM):
    velocity = None

    def update(parameters: Arrays, gradients: Arrays) -> Arrays:
        nonlocal velocity
        before = velocity or [np.zeros_like(g) for g in gradients]
        velocity = [mu * v - eta * g for v, g in zip(before, gradients, strict=True)]
        return [p + v for p, v in zip(parameters, velocity, strict=True)]

    return update


def _adam(eta: float, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8):
    t, ms, vs = 0, None, None

    def update(parameters: Arrays, gradients: Arrays) -> Arrays:
        nonlocal t, ms, vs
        t += 1
        zeros = [np.zeros_like(g) for g in gradients]
        ms = _decayed(beta1, ms or zeros, gradients)
        vs = _decayed(beta2, vs or zeros, [g * g for g in gradients])
        rate, scale = eta / (1.0 - beta1**t), (1.0 - beta2**t) ** 0.5
        return [
            p - rate * m / (np.sqrt(v) / scale + epsilon)
            for p, m, v in zip(parameters, ms, vs, strict=True)
        ]

    return update


def _decayed(beta: float, means: Arrays, values: Arrays) -> Arrays:
    return [beta * m + (1.0 - beta) * v for m, v in zip(means, values, strict=True)]
