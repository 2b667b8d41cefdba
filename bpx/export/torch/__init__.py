"""A network as a PyTorch module: PyTorch's own layers, or one around bpx's equations."""
