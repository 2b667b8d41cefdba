"""The equations of backpropagation, for a batch of n samples, one sample a row.

For layer l of width k_l: a^l, z^l and delta^l have shape (n, k_l), w^l has shape
(k_l, k_{l-1}), so that ``w[j, k]`` is w^l_{jk}, and b^l has shape (k_l,). C_x is the cost
of sample x, and delta^l = dC_x/dz^l is kept for each sample, unnormalised. The row weights
r, a number such as 1/n or a column (n, 1), enter where BP3 and BP4 sum over the samples.

After M. Nielsen, "Neural Networks and Deep Learning" (2015), chapter 2, where they are
(25) and (BP1) to (BP4).
"""

from bpx._typing import A
from bpx.activations import Activation
from bpx.backend import namespace

__all__ = ["bp1", "bp2", "bp3", "bp4", "forward"]


def forward(w: A, b: A, a_prev: A) -> A:
    """z^l = w^l a^{l-1} + b^l, of shape (n, k_l)."""
    return a_prev @ w.mT + b


def bp1(sigma: Activation, z: A, a: A, grad_a: A) -> A:
    """delta^L = grad_a C ⊙ sigma'(z^L), of shape (n, k_L)."""
    return sigma.pullback(z, a, grad_a)


def bp2(sigma: Activation, z: A, a: A, w_next: A, delta_next: A) -> A:
    """delta^l = ((w^{l+1})^T delta^{l+1}) ⊙ sigma'(z^l), of shape (n, k_l)."""
    return sigma.pullback(z, a, delta_next @ w_next)


def bp3(r: A | float, delta: A) -> A:
    """dC/db^l = sum_x r_x delta^l_x, of shape (k_l,)."""
    return namespace(delta).sum(r * delta, axis=0)


def bp4(r: A | float, delta: A, a_prev: A) -> A:
    """dC/dw^l = sum_x r_x delta^l_x (a^{l-1}_x)^T, of shape (k_l, k_{l-1})."""
    return (r * delta).mT @ a_prev
