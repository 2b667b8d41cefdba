"""What each sample does to a network: gradients, kernels and influence."""
