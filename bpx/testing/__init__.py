"""Compare one training run on several backends, for authors of a backend or a formula."""

from bpx.testing.comparison import Comparison, Parting, Twins, compare

__all__ = ["Comparison", "Parting", "Twins", "compare"]
