"""A training step as a program: a list of array operations, recorded, planned and counted."""
