"""Private training: DP-SGD, exact and counted.

``bpx.train(..., privacy=bpx.privacy.DPSGD(noise_multiplier=1.1))`` clips every sample's
gradient in the one backward pass, adds noise, and tells in each epoch's record the
(epsilon, delta) that the weights have spent.
"""

from typing import TYPE_CHECKING

from bpx import _lazy

if TYPE_CHECKING:
    from bpx.privacy.names import *  # noqa: F403
else:
    __getattr__, __dir__ = _lazy.names_of(__name__, "bpx.privacy.names")
