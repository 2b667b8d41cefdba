"""The PyTorch engine: plans replayed with PyTorch's functions, on CUDA as a graph."""
