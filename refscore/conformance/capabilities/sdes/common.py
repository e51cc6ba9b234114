"""What the cases of all SDEs share: states and times in batches, each sample with a time of its own.

The batch has as many samples as dimensions, where a time that was not lifted broadcasts without a word; then fewer;
then one; and one dimension. Values are numbers of float32.
"""

from __future__ import annotations

import numpy as np

__all__ = ["BATCHES", "LATE", "NEAR", "SCORES", "STATES"]

STATES = np.array([[1.0, -2.0, 0.5], [96.0, 0.25, -0.125], [-1.0, 4.0, 0.75]])
SCORES = np.array([[-0.5, 1.0, 2.0], [0.125, -3.0, 0.25], [1.5, -0.75, -64.0]])
BATCHES = {
    "n=d": (slice(0, 3), slice(0, 3)),
    "n<d": (slice(0, 2), slice(0, 3)),
    "n=1": (slice(1, 2), slice(0, 3)),
    "d=1": (slice(0, 3), slice(0, 1)),
}
NEAR = np.array([np.float32(1e-5), np.float32(0.005), 0.0], dtype=np.float64)
LATE = np.array([1.0, 0.25, 0.875])
