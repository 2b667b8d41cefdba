"""Curvature: products with the Hessian and its kin, diagonals and Kronecker factors."""
