"""The equations of backpropagation, for a batch of n samples, one sample per row.

For layer l of width k_l: a^l, z^l and delta^l have shape (n, k_l), w^l has shape
(k_l, k_{l-1}), so that ``w[j, k]`` is w^l_{jk}, and b^l has shape (k_l,). C_x is the cost
of sample x, and delta^l = dC_x/dz^l is kept for each sample, unnormalised. The row weights
r, a number such as 1/n or a column (n, 1), enter where BP3 and BP4 sum over the samples.

The arrays may have one more leading axis, of K networks: w (K, k_l, k_{l-1}),
b (K, 1, k_l), and z, a and delta (K, n, k_l). The same code computes these.

The equations are (25) and (BP1) to (BP4) in chapter 2 of M. Nielsen, "Neural Networks and
Deep Learning" (2015).

R0 to R4 are the derivatives of the forward equation and of BP1 to BP4 as the weights move
along a direction (v_w, v_b): R{q} is the derivative of q. They follow B. Pearlmutter, "Fast
exact multiplication by the Hessian" (1994).
"""

from bpx._typing import A
from bpx.arrays.registry import namespace
from bpx.jacobians import Activation, bends, pullback_derivative
from bpx.program.marks import equation

__all__ = ["bp1", "bp2", "bp3", "bp4", "forward", "r0", "r1", "r2", "r3", "r4", "sent"]


@equation(label="forward")
def forward(w: A, b: A | None, a_prev: A) -> A:
    """z^l = w^l a^{l-1} + b^l, of shape (n, k_l); b is None for a layer without biases."""
    z = a_prev @ w.mT
    return z if b is None else z + b


@equation("delta^l", "BP1", of="z")
def bp1(sigma: Activation, z: A, a: A, grad_a: A) -> A:
    """delta^L = grad_a C ⊙ sigma'(z^L), of shape (n, k_L)."""
    delta: A = sigma.pullback(z, a, grad_a)
    return delta


def sent(w_next: A, delta_next: A) -> A:
    """(w^{l+1})^T delta^{l+1}, of shape (n, k_l): dC_x/da^l, which BP2 sends back."""
    return delta_next @ w_next


@equation("delta^l", "BP2", of="z")
def bp2(sigma: Activation, z: A, a: A, w_next: A, delta_next: A) -> A:
    """delta^l = ((w^{l+1})^T delta^{l+1}) ⊙ sigma'(z^l), of shape (n, k_l)."""
    delta: A = sigma.pullback(z, a, sent(w_next, delta_next))
    return delta


@equation("db^l", "BP3", of="delta")
def bp3(r: A | float, delta: A) -> A:
    """dC/db^l = sum_x r_x delta^l_x, of shape (k_l,); (K, 1, k_l) for K networks."""
    return namespace(delta).sum(r * delta, axis=-2, keepdims=delta.ndim > 2)


@equation("dw^l", "BP4", of="delta")
def bp4(r: A | float, delta: A, a_prev: A) -> A:
    """dC/dw^l = sum_x r_x delta^l_x (a^{l-1}_x)^T, of shape (k_l, k_{l-1})."""
    return (r * delta).mT @ a_prev


def r0(w: A, v_w: A, v_b: A | None, a_prev: A, ra_prev: A | None) -> A:
    """R{z^l} = w^l R{a^{l-1}} + v_w^l a^{l-1} + v_b^l; R{a^0} = 0 is passed as None.

    Without biases v_b is None, too.
    """
    moved = a_prev @ v_w.mT
    moved = moved if v_b is None else moved + v_b
    return moved if ra_prev is None else moved + ra_prev @ w.mT


def r1(sigma: Activation, z: A, a: A, grad_a: A, rgrad_a: A, rz: A) -> A:
    """R{delta^L} = R{grad_a C} ⊙ sigma'(z^L) + grad_a C ⊙ sigma''(z^L) ⊙ R{z^L}."""
    return sigma.pullback(z, a, rgrad_a) + pullback_derivative(sigma, z, a, grad_a, rz)


def r2(
    sigma: Activation, z: A, a: A, w_next: A, v_next: A, delta_next: A, rdelta_next: A, rz: A
) -> A:
    """R{delta^l}, of shape (n, k_l): BP2 by the product rule.

    R{delta^l} = ((w^{l+1})^T R{delta^{l+1}} + (v_w^{l+1})^T delta^{l+1}) ⊙ sigma'(z^l)
    + (w^{l+1})^T delta^{l+1} ⊙ sigma''(z^l) ⊙ R{z^l}.
    """
    moved = sigma.pullback(z, a, rdelta_next @ w_next + delta_next @ v_next)
    if not bends(sigma):
        return moved
    return moved + pullback_derivative(sigma, z, a, delta_next @ w_next, rz)


def r3(r: A | float, rdelta: A) -> A:
    """R{dC/db^l} = sum_x r_x R{delta^l_x}, of shape (k_l,)."""
    return bp3(r, rdelta)


def r4(r: A | float, delta: A, rdelta: A, a_prev: A, ra_prev: A | None) -> A:
    """R{dC/dw^l} = sum_x r_x (R{delta^l_x} a^{l-1}_x^T + delta^l_x R{a^{l-1}_x}^T)."""
    moved = bp4(r, rdelta, a_prev)
    return moved if ra_prev is None else moved + bp4(r, delta, ra_prev)
