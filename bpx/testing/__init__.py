"""Compare one training on two machines, for authors of a backend or of a formula."""

from bpx.testing.comparison import Comparison, Parting, Twins, compare

__all__ = ["Comparison", "Parting", "Twins", "compare"]
