"""JAX: the recorded step in its own calls."""
