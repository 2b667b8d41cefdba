"""The CuPy engine: plans as generated CUDA kernels, cuBLASLt products and CUDA graphs."""
