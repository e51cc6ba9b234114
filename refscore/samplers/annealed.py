"""Annealed Langevin dynamics (NCSN): Langevin at one noise level after another, from the largest to the smallest.

The step size follows the noise, so that every level does the same work relative to its width:

    ε_i = ε σ_i² / σ_L²                                                                               (ALD.1)

Each level is left after T steps and not at its stationary law, and the last one targets the data plus N(0, σ_L² I).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, number, of_shape, positive, read_only
from refscore.samplers.arguments import whole
from refscore.samplers.langevin import langevin_step
from refscore.samplers.replay import Sampler, Score, replay

__all__ = ["annealed", "annealed_langevin"]


def annealed_langevin(
    score: Callable[[Float, float], ArrayLike],
    x: ArrayLike,
    noise: ArrayLike,
    *,
    sigmas: ArrayLike,
    step_size: ArrayLike,
    steps_per_level: int,
    denoise: bool = False,
) -> Float:
    """A whole run of annealed Langevin dynamics.

        x' = x + (ε_i/2) s(x, σ_i) + √ε_i z,   ε_i = ε σ_i² / σ_L²,   T times for each i = 1 … L       (ALD.2)

    and with `denoise` one step of Tweedie's formula at the end:

        x' = x + σ_L² s(x, σ_L)                                                                       (ALD.3)

    Parameters
    ----------
    score : callable
        s(x, σ), the score of the data plus N(0, σ² I), with σ a float.
    x : (\\*batch, d)
        First state.
    noise : (L T, \\*batch, d)
        Standard normal z, one vector a step.
    sigmas : (L,)
        σ_1 > … > σ_L > 0, in the data's unit.
    step_size : float
        ε > 0, the step size at σ_L, in squared units of x.
    steps_per_level : int
        T ≥ 1.
    denoise : bool
        Whether the last state is replaced by the mean of the clean data given it.

    Returns
    -------
    (\\*batch, d)
        The last state.

    Raises
    ------
    ValueError
        If the levels do not descend, a parameter is not positive, or the tape has another shape than (L T, \\*batch,
        d).

    Notes
    -----
    Not to be confused with the released code, which steps x + ε_i s + √(2 ε_i) z: its ``step_lr`` is half of this ε.
    Nor with the corrector called "ald" in score_sde, whose step size is 2 (snr σ_i)².

    References
    ----------
    Song & Ermon (2019), Generative modeling by estimating gradients of the data distribution, Algorithm 1; Song & Ermon
    (2020), Improved techniques for training score-based generative models, section 3.5 for the last denoising step.

    Examples
    --------
    Without noise, on N(0, 1) and with ε = 1: σ = (2, 1) gives ε_i = (4, 1), variances 5 and 2, factors 3/5 and 3/4:

    >>> import numpy as np
    >>> score = lambda x, sigma: -x / (1 + sigma**2)
    >>> z = np.zeros((2, 1, 1))
    >>> annealed_langevin(score, [[20.0]], z, sigmas=[2, 1], step_size=1, steps_per_level=1)
    array([[9.]])
    """
    sampler = annealed(sigmas, step_size=step_size, steps_per_level=steps_per_level, denoise=denoise)

    def at_level(y: Float, alpha: float, sigma: float) -> Float:  # noqa: ARG001  α is 1 at every level
        return of_shape(score(y, sigma), "score(x, sigma)", y.shape, "x")

    return replay(sampler, at_level, x, noise)


def annealed(sigmas: ArrayLike, *, step_size: ArrayLike, steps_per_level: int, denoise: bool = False) -> Sampler:
    """Annealed Langevin dynamics as a :class:`Sampler` of L T steps at the levels (1, σ_i).

        x' = x + (ε_i/2) s(x, 1, σ_i) + √ε_i z,   i = 1 + ⌊k/T⌋                                        (ALD.4)

    Parameters
    ----------
    sigmas : (L,)
        σ_1 > … > σ_L > 0, in the data's unit.
    step_size : float
        ε > 0, the step size at σ_L, in squared units of x.
    steps_per_level : int
        T ≥ 1.
    denoise : bool
        Whether the last step ends with (ALD.3).

    Returns
    -------
    Sampler
        From N(0, σ_1² I) unless told otherwise.

    Raises
    ------
    ValueError
        If the levels do not descend or a parameter is not positive.
    """
    level = read_only(sigmas, "sigmas")
    if level.ndim != 1 or len(level) == 0 or not (level > 0).all() or not (np.diff(level) < 0).all():
        raise ValueError(
            f"sigmas of shape {level.shape} do not descend to a positive level; expected σ_1 > … > σ_L > 0"
        )
    each = whole(steps_per_level, "steps_per_level", 1)
    n = len(level) * each
    step_sizes = number(step_size, "step_size", positive) * (level / level[-1]) ** 2  # (ALD.1)

    def step(score: Score, x: Float, k: int, noise: Float | None) -> Float:
        assert noise is not None
        sigma, eps = float(level[k // each]), step_sizes[k // each]
        value = langevin_step(lambda y: score(y, 1.0, sigma), x, noise, step_size=eps)  # (ALD.2) (ALD.4)
        if denoise and k == n - 1:
            value = value + sigma**2 * score(value, 1.0, sigma)  # (ALD.3)
        return value

    first, last = (1.0, float(level[0])), (1.0, 0.0 if denoise else float(level[-1]))
    return Sampler("annealed langevin", n, 1, first[1], first, last, step)
