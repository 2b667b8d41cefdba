"""For authors of a backend, and of a formula: one training on two machines, compared."""

from bpx.testing.comparison import Comparison, Parting, Twins, compare

__all__ = ["Comparison", "Parting", "Twins", "compare"]
