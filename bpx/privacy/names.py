"""The public names of `bpx.privacy`, which imports them on first access."""

from bpx.privacy.accounting import Mechanism, Spent, epsilon
from bpx.privacy.calibration import noise_for
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
