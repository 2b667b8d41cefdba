"""Curvature: products with the Hessian and similar matrices, diagonals, Kronecker factors."""
