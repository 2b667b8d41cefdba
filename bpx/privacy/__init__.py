"""Private training: DP-SGD, exact and counted.

``bpx.train(..., privacy=bpx.privacy.DPSGD(noise_multiplier=1.1))`` clips every sample's
gradient in the one backward pass, adds noise, and tells in each epoch's record the
(epsilon, delta) that the weights have spent.
"""

from bpx.privacy.accounting import Mechanism, Spent, epsilon, noise_for
from bpx.privacy.clipping import clip_factors, clipped_backprop, clipped_sum
from bpx.privacy.dpsgd import DPSGD

__all__ = [
    "DPSGD",
    "Mechanism",
    "Spent",
    "clip_factors",
    "clipped_backprop",
    "clipped_sum",
    "epsilon",
    "noise_for",
]
