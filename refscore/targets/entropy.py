"""Entropy by quadrature, for mixtures on the line: no closed form is known."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np

from refscore.arrays import Float

__all__ = ["entropy_on_the_line"]

LOG_2PI = float(np.log(2 * np.pi))
CUTS = np.array([0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 40.0])  # beyond 38.6 a normal density is below the least float64


def entropy_on_the_line(weights: Float, means: Float, scales: Float) -> float:
    """Differential entropy of Σ_k w_k N(μ_k, s_k²), in nats.

        H = -∫ p log p dx                                                                             (MIX.10)

    The line is cut at μ_k ± {0, ½, 1, 2, 4, …, 40} s_k for every k, so that no piece hides a component narrower than
    itself, and each piece is integrated by the adaptive Gauss-Kronrod rule of QUADPACK, in the distance from the
    narrower component at its ends: from the origin, a narrow component far out would be lost in the rounding of x.

    Parameters
    ----------
    weights : (K,)
        w_k ≥ 0, of sum 1.
    means, scales : (K,)
        μ_k and s_k.

    Returns
    -------
    float
        H.

    Raises
    ------
    ValueError
        If the estimated error exceeds 1e-10 of max(1, |H|).
    """
    from scipy.integrate import quad  # here, since nothing else needs it and it is slow to import

    weights, means, scales = (a[weights > 0] for a in (weights, means, scales))
    chance = np.log(weights) - np.log(scales) - 0.5 * LOG_2PI

    def integrand(x: float, others: Float) -> float:
        terms = chance - 0.5 * ((x - others) / scales) ** 2
        top = terms.max()
        log_prob = top + np.log(np.exp(terms - top).sum())
        return float(-np.exp(log_prob) * log_prob)  # (MIX.10)

    offsets = scales[:, None] * np.concatenate([-CUTS[::-1], [0.0], CUTS])
    # Fractions are exact: rounded, the cuts of a narrow component far out would all be at its mean.
    cuts = sorted(
        (Fraction(mean) + Fraction(offset), k, offset) for k, mean in enumerate(means) for offset in offsets[k]
    )
    pieces = []
    for (_, i, left), (_, j, right) in pairwise(cuts):
        others = means - means[i if scales[i] <= scales[j] else j]
        ends = others[i] + left, others[j] + right
        pieces.append(quad(integrand, *ends, args=(others,), epsabs=1e-12 / len(cuts), epsrel=1e-12, full_output=1)[:2])
    value, error = (float(total) for total in np.sum(pieces, axis=0))
    if error > 1e-10 * max(1.0, abs(value)):
        raise ValueError(f"quadrature gives the entropy as {value} ± {error:.1e}; expected an error below 1e-10")
    return value
