"""How each sample affects a network: gradients, kernels and influence."""
