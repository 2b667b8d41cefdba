"""PyTorch: plans replayed by its functions, on CUDA as a graph."""
