"""Optimizers: what is done with a gradient."""
