"""Collisions with the columns of HIGGS (Baldi et al. 2014), drawn from a seed.

Nothing is downloaded and no physics is in it: the columns have the kinds, the number and the
scales of the published ones, and the two classes differ in ways that a network can learn.
"""

import numpy as np

__all__ = ["FEATURES", "higgs"]

MASSES = 7
FEATURES = 21 + MASSES


def higgs(samples: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw events of two classes, about half of them signal.

    The columns are a lepton's momentum and two angles; the size and the angle of the missing
    energy; for each of four jets its momentum, two angles and one of three tags; and seven
    masses, which follow narrower distributions for the signal and depend on the momenta.

    Parameters
    ----------
    samples : int
    rng : Generator

    Returns
    -------
    x : ndarray of float32, shape (samples, 28)
        Each column has mean 0 and variance 1.
    y : ndarray of int32, shape (samples,)
        1 for the signal.
    """
    y = rng.integers(2, size=samples, dtype=np.int32)
    momenta = np.exp(rng.normal(0.1 * y[:, None], 0.5, (samples, 6)))
    angles = rng.uniform(-1.0, 1.0, (samples, 6))
    along = rng.normal(0.0, 1.0 - 0.1 * y[:, None], (samples, 5))
    tags = rng.choice([0.0, 1.1, 2.2], (samples, 4))
    width = np.where(y == 1, 0.3, 0.6)[:, None]
    masses = np.exp(width * rng.normal(size=(samples, MASSES)))
    masses *= momenta.mean(axis=1, keepdims=True)
    x = np.concatenate([momenta, angles, along, tags, masses], axis=1)
    return ((x - x.mean(axis=0)) / x.std(axis=0)).astype(np.float32), y
