"""The structure and the computations of a network: spec, passes, inputs and evaluation."""
