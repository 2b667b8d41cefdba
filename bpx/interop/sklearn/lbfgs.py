"""The solver "lbfgs": SciPy's L-BFGS-B on the cost of all samples and the penalty."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize
from sklearn.utils.optimize import _check_optimize_result

from bpx.arrays.host import HostArray
from bpx.arrays.registry import compiled, dtype_name, namespace
from bpx.arrays.transfer import to_host
from bpx.interop.sklearn.networks import fitted, network_of
from bpx.interop.sklearn.problem import Problem
from bpx.interop.sklearn.rows import blocks, targets
from bpx.model.inputs import chunks
from bpx.model.parameters import Parameters
from bpx.model.passes import backprop
from bpx.model.spec import Spec
from bpx.program.contract import leaves, rebuilt

__all__ = ["Objective", "fit_lbfgs"]


def fit_lbfgs(estimator: Any, problem: Problem) -> None:
    """Minimise from the estimator's weights, and set its fitted attributes."""
    network = network_of(problem.spec, problem.home, estimator.coefs_, estimator.intercepts_)
    objective = Objective(problem, network.parameters)
    limits = {"maxfun": estimator.max_fun, "maxiter": estimator.max_iter, "gtol": estimator.tol}
    begin = objective.flat(network.parameters)
    with problem.home.active():
        found = minimize(objective, begin, method="L-BFGS-B", jac=True, options=limits)
    estimator.n_iter_ = _check_optimize_result("lbfgs", found, estimator.max_iter)
    estimator.loss_ = objective.reported(found.x)
    if estimator.verbose:
        print(f"Iteration {estimator.n_iter_}, loss = {estimator.loss_:.8f}")
    network.publish(objective.parameters(found.x))
    network.to(dtype=dtype_name(estimator.coefs_[0]))
    estimator.coefs_, estimator.intercepts_ = fitted(network.parameters, problem.x)


@dataclass(frozen=True)
class Objective:
    """``objective(v) -> (cost, gradient)`` of a flat vector of all parameters, in float64.

    cost = sum_x s_x C_x / S + ½ alpha ‖w‖² / S, with S the sum of the weights of the samples.

    Attributes
    ----------
    problem : Problem
    like : Parameters
        Parameters of the form of the vector.
    """

    problem: Problem
    like: Parameters

    def __call__(self, flat: HostArray) -> tuple[float, HostArray]:
        """Return the cost and its gradient."""
        cost, gradient = self._of_samples(self.parameters(flat))
        penalty, slope = self._penalty(flat)
        return cost + penalty, gradient + slope

    def reported(self, flat: HostArray) -> float:
        """Return the loss as scikit-learn reports it, with the share of the cost."""
        cost, _ = self._of_samples(self.parameters(flat))
        return self.problem.share * cost + self._penalty(flat)[0]

    def parameters(self, flat: HostArray) -> Parameters:
        """Return the parameters in a vector, at home."""
        parts, begin = [], 0
        for each in leaves(self.like):
            size = int(np.prod(each.shape))
            part = flat[begin : begin + size].reshape(tuple(each.shape))
            parts.append(self.problem.home.asarray(part))
            begin += size
        found: Parameters = rebuilt(self.like, parts)
        return found

    def flat(self, parameters: Parameters) -> HostArray:
        """Return all parameters as one vector."""
        each = [to_host(x).reshape(-1) for x in leaves(parameters)]
        return np.concatenate(each).astype(np.float64)

    @property
    def total(self) -> float:
        """S, the sum of the weights of the samples."""
        s = self.problem.s
        return float(self.problem.n if s is None else s.sum())

    def _penalty(self, flat: HostArray) -> tuple[float, HostArray]:
        strength = self.problem.alpha / self.total
        w = np.zeros_like(flat)
        depth = sum(int(np.prod(each.shape)) for each in self.like.w)
        w[:depth] = flat[:depth]  # weights come before biases
        return 0.5 * strength * float(w @ w), strength * w

    def _of_samples(self, parameters: Parameters) -> tuple[float, HostArray]:
        """Return the mean cost of the samples and its gradient, in parts that fit in memory."""
        problem, begin, cost, gradient = self.problem, 0, 0.0, np.zeros(())
        run = compiled(_summed, 1, parameters.like)
        for block in blocks(problem.x, problem.home):
            for x in chunks(problem.spec, block):
                y, r = self._targets(begin, begin + x.shape[0])
                total, slopes = run(problem.spec, parameters, x, y, r)
                cost += float(total)
                gradient = gradient + self.flat(slopes)
                begin += x.shape[0]
        return cost, gradient

    def _targets(self, begin: int, end: int) -> tuple[Any, Any]:
        """Return the targets and the row weights of some samples, at home."""
        y, s, home = self.problem.y[begin:end], self.problem.s, self.problem.home
        r = np.full(end - begin, 1.0) if s is None else s[begin:end]
        return targets(y, home), home.asarray(r[:, None] / self.total)


def _summed(spec: Spec, parameters: Parameters, x: Any, y: Any, r: Any) -> tuple[Any, Any]:
    trace = backprop(spec, parameters, x, y, r=r)
    return namespace(x).sum(r[..., 0] * trace.cost), trace.gradients
