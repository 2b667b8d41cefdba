"""The JAX engine: a recorded step in JAX's own functions."""
