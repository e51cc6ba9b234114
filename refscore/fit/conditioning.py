"""Noise levels and Langevin step from data, by the techniques of NCSNv2 (Song & Ermon 2020).

    technique 1    σ_1 = max_ij |x_i - x_j|                                                           (COND.2)
    technique 2    the fewest geometric levels whose neighbours overlap by C(γ) (SCH.7)
    technique 4    the step whose variance after T steps at a level is nearest to that level's (SCH.10)

The paper has no rule for the last level: it takes σ_L = 0.01 for images in [0, 1]. :func:`suggest_sigma_min` is ours.
Techniques 3 and 5 are the model's s(x)/σ and the running mean of θ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import SupportsIndex, final

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, integer, number, positive, read_only
from refscore.fit.distances import largest_distance, nearest_distances
from refscore.fit.loss import rows
from refscore.schedules import geometric, ncsnv2, ncsnv2_step

__all__ = ["Conditioning", "conditioning", "suggest_sigma_min"]


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Conditioning:
    """Levels and step size for training and for annealed Langevin dynamics, with the reason for each.

    Parameters
    ----------
    sigmas : (L,)
        σ_1 > … > σ_L, geometric, in the data's unit.
    step_size : float
        ε at σ_L, as ``samplers.annealed_langevin`` takes it: x + (ε/2) s + √ε z.
    steps_per_level : int
        T.
    reasons : tuple of str
        How σ_1, σ_L, L, T and ε were chosen, one line each.

    Notes
    -----
    Not to be confused with ``step_lr`` of the released code, x + ε s + √(2ε) z: that is half of `step_size`.
    """

    sigmas: Float
    step_size: float
    steps_per_level: int
    reasons: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "sigmas", read_only(self.sigmas, "sigmas"))

    def __repr__(self) -> str:
        return "\n".join(("Conditioning", *(f"  {reason}" for reason in self.reasons)))


def conditioning(
    data: ArrayLike,
    *,
    sigma_min: float,
    sigma_max: float | None = None,
    overlap: float = 0.5,
    n_levels: SupportsIndex | None = None,
    steps_per_level: SupportsIndex = 5,
) -> Conditioning:
    """Choose noise levels and a Langevin step for a data set.

        σ_1 = max_ij |x_i - x_j|                                                                      (COND.2)
        L = the least integer with (σ_1/σ_L)^(1/(L-1)) ≤ γ, where C(γ) = overlap                      (COND.4)
        ε = 2 argmin_e R(e)                                                                           (COND.5)

    Parameters
    ----------
    data : (N, d)
        The data set, N ≥ 2.
    sigma_min : float
        σ_L > 0, in the data's unit: 0.01 in the paper, for images in [0, 1]; see :func:`suggest_sigma_min`.
    sigma_max : float, optional
        σ_1, in the place of technique 1.
    overlap : float
        C in (0, 0.9973), the probability that a sample of one level is a likely one at the level before.
    n_levels : int, optional
        L ≥ 2, in the place of technique 2. Below five dimensions it has to be given: any two levels overlap there.
    steps_per_level : int
        T ≥ 1. The paper takes what one can afford: 3 to 5.

    Returns
    -------
    Conditioning
        It prints how each number was chosen.

    Raises
    ------
    ValueError
        If a number is outside its range, or d < 5 and `n_levels` is missing.

    Notes
    -----
    The paper says C ≈ 0.5; its published levels have C = 0.566 to 0.567, which gives 5 per cent more of them.

    References
    ----------
    Song & Ermon (2020), Improved techniques for training score-based generative models, techniques 1, 2 and 4.

    Examples
    --------
    Two points 50 apart in 3072 dimensions stand for CIFAR-10, published with 232 levels and a ``step_lr`` of 6.2e-6:

    >>> import numpy as np
    >>> data = np.zeros((2, 3072))
    >>> data[1, 0] = 50.0
    >>> conditioning(data, sigma_min=0.01, overlap=0.5669)
    Conditioning
      sigma_max 50: the largest distance between two of 2 points (technique 1)
      sigma_min 0.01: given
      232 levels, ratio 1.03756: neighbours overlap by 0.5669 in 3072 dimensions (technique 2)
      5 steps a level: given
      step_size 1.237e-05: least variance after 5 steps, 1.0555 times the level's (technique 4); step_lr 6.184e-06
    """
    points = rows(data)
    d = points.shape[1]
    low = number(sigma_min, "sigma_min", positive)
    if sigma_max is None:
        high = largest_distance(points)
        why_high = f"the largest distance between two of {len(points)} points (technique 1)"
    else:
        high, why_high = number(sigma_max, "sigma_max", positive), "given"
    if n_levels is not None:
        n, why_n = integer(n_levels, "n_levels", 2), "given"
    elif d < 5:
        raise ValueError(
            f"data has shape {points.shape}; expected n_levels, since below 5 dimensions any two levels overlap"
        )
    else:
        n = ncsnv2(d=d, sigma_min=low, sigma_max=high, overlap=overlap)[1]  # (COND.4)
        why_n = f"neighbours overlap by {overlap:g} in {d} dimensions (technique 2)"
    sigmas, steps = geometric(n=n, sigma_min=low, sigma_max=high), integer(steps_per_level, "steps_per_level", 1)
    half = ncsnv2_step(sigmas=sigmas, n_steps=steps)
    gamma = float(np.exp(np.log(high / low) / (n - 1)))
    e = half / low**2
    fixed = 2 / (2 - e)
    ratio = (1 - e) ** (2 * steps) * (gamma**2 - fixed) + fixed
    reasons = (
        f"sigma_max {high:.6g}: {why_high}",
        f"sigma_min {low:.6g}: given",
        f"{n} levels, ratio {gamma:.6g}: {why_n}",
        f"{steps} steps a level: given",
        f"step_size {2 * half:.4g}: least variance after {steps} steps, {ratio:.5g} times the level's (technique 4);"
        f" step_lr {half:.4g}",
    )
    return Conditioning(sigmas, 2 * half, steps, reasons)  # (COND.5)


def suggest_sigma_min(data: ArrayLike, *, fraction: float = 0.5) -> float:
    """A last noise level from the distances between neighbours. This rule is ours, not the paper's.

        σ_L = f · median_i min_{j≠i} |x_i - x_j| / √d                                                 (COND.6)

    Noise at σ is √d σ long. When that is a fraction f of the distance to the nearest neighbour, the samples no longer
    overlap, and below that a finite data set has nothing to say about the density between them: its ideal score
    leads to single samples.

    Parameters
    ----------
    data : (N, d)
        N ≥ 2 points.
    fraction : float
        f > 0.

    Returns
    -------
    float
        In the data's unit. It falls with the size of the data set, about as N^(-1/d).

    Raises
    ------
    ValueError
        If more than half of the points are there twice.

    Notes
    -----
    Not to be confused with the paper's σ_L = 0.01 for images in [0, 1], which is chosen so that noise cannot be seen.

    Examples
    --------
    >>> suggest_sigma_min([[0.0, 0.0], [0.0, 2.0], [9.0, 0.0], [9.0, 2.0]]), 0.5 * 2 / 2**0.5
    (0.7071067811865475, 0.7071067811865475)
    """
    distance = float(np.median(nearest_distances(data)))
    if not distance > 0:
        raise ValueError("data has more than half of its points twice; expected different points")
    return number(fraction, "fraction", positive) * distance / float(np.sqrt(rows(data).shape[1]))  # (COND.6)
