"""Private training: DP-SGD with exact clipping and accounting.

``bpx.train(..., privacy=bpx.privacy.DPSGD(noise_multiplier=1.1))`` clips each sample's
gradient within the one backward pass, adds noise, and reports in each epoch's record the
(epsilon, delta) that the weights have spent.
"""

from typing import TYPE_CHECKING

from bpx import _lazy

if TYPE_CHECKING:
    from bpx.privacy.names import *  # noqa: F403
else:
    __getattr__, __dir__ = _lazy.names_of(__name__, "bpx.privacy.names")
