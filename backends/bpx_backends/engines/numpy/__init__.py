"""The NumPy engine: plans replayed with NumPy's functions, or with numba's kernels."""
