"""What a fit minimises: a network's cost on samples, with scikit-learn's penalty."""

from dataclasses import dataclass, replace
from typing import Any

from bpx.arrays.home import Home
from bpx.arrays.host import HostArray
from bpx.interop.sklearn.rows import taken
from bpx.model.spec import Spec

__all__ = ["Problem"]


@dataclass(frozen=True)
class Problem:
    """The network and the samples of one fit.

    Attributes
    ----------
    spec : Spec
    home : Home
    x : array, shape (n, k_0)
        Of the caller's library; or a SciPy sparse matrix in CSR form.
    y : host array, shape (n,), int32 labels, or (n, k_L), numbers
    s : host array, shape (n,), or None
        Sample weights.
    alpha : float
        The strength of the penalty.
    share : float
        The factor of C_x in the reported loss: see `PenalisedStep`.
    """

    spec: Spec
    home: Home
    x: Any
    y: HostArray
    s: HostArray | None
    alpha: float
    share: float

    @property
    def n(self) -> int:
        """The number of samples."""
        n: int = self.x.shape[0]
        return n

    def rows(self, picked: HostArray) -> "Problem":
        """Return the problem with some of the samples."""
        s = None if self.s is None else self.s[picked]
        return replace(self, x=taken(self.x, picked), y=self.y[picked], s=s)
