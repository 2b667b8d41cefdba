"""NumPy: plans replayed by its functions, or with kernels by numba."""
