"""A running mean of the parameters: noise of single steps averages out, and the mean is what one samples with.

Every form in use is one recursion with its own decay d_k at step k = 0, 1, 2, …, where θ_k is what the step ends with:

    θ̄_k = d_k θ̄_{k-1} + (1 - d_k) θ_k,   θ̄_{-1} the parameters before the first step                  (EMA.1)

    plain        d_k = d                                                                              (EMA.2)
    debiased     d_k = d (1 - dᵏ) / (1 - dᵏ⁺¹)                                                        (EMA.3)
    warmed up    d_k = min(d, (2 + k)/(11 + k))                                                       (EMA.4)
    half-life    d_k = 2^(-1/min(h, ρ k))                                                             (EMA.5)

Only the plain form remembers where training began: with weight dᵏ⁺¹ after step k. The others have d_0 = 0, or nearly.
"""

from __future__ import annotations

import math

import numpy as np

from refscore.arrays import not_negative, number, positive
from refscore.fit.rates import Rate, StepFunction, of_step
from refscore.models.activations import Array

__all__ = ["debiased", "decay_of", "ema_step", "half_life", "warmed_up"]


def ema_step(mean: Array, theta: Array, decay: float, *, out: Array | None = None) -> Array:
    """One step of the running mean.

        θ̄_k = θ̄_{k-1} + (1 - d_k) (θ_k - θ̄_{k-1})                                                    (EMA.1)

    Parameters
    ----------
    mean, theta : (p,)
        θ̄_{k-1} and θ_k.
    decay : float
        d_k in [0, 1].
    out : (p,), optional
        Memory for the difference, so that the step is done in place; then `mean` is written to and returned.

    Returns
    -------
    (p,)
        θ̄_k.

    Notes
    -----
    Not to be confused with the ``momentum`` of batch normalisation in torch, which is 1 - d.

    Examples
    --------
    >>> import numpy as np
    >>> ema_step(np.array([4.0]), np.array([8.0]), 0.75), 0.75 * 4 + 0.25 * 8
    (array([5.]), 5.0)
    """
    change = np.subtract(theta, mean, out=out)
    np.multiply(change, 1.0 - decay, out=change)
    after: Array = np.add(mean, change, out=None if out is None else mean)  # (EMA.1)
    return after


def decay_of(ema: Rate) -> StepFunction:
    """Take a number for the plain form and a callable for what it is.

        d_k = d                                                                                       (EMA.2)

    Parameters
    ----------
    ema : float or callable
        d in [0, 1), or d_k as a function of k.

    Returns
    -------
    StepFunction
        Of the step.

    Raises
    ------
    ValueError
        If a number, or a value of the function, is outside [0, 1].

    Examples
    --------
    >>> decay_of(0.999), decay_of(0.999)(0)
    (0.999, 0.999)
    """
    inner = of_step(ema if callable(ema) else _decay(ema), "ema", not_negative)

    def at(k: int) -> float:
        value = inner(k)
        if not value <= 1.0:
            raise ValueError(f"ema {inner} is {value} at step {k}; expected a decay in [0, 1]")
        return value

    return StepFunction(inner.name, at)  # (EMA.2)


def debiased(decay: float) -> StepFunction:
    """The decay of the mean with the weights dⁱ, normalised over the steps so far, as in Adam.

        d_k = d (1 - dᵏ) / (1 - dᵏ⁺¹),   θ̄_k = Σ_{i≤k} dᵏ⁻ⁱ θ_i / Σ_{i≤k} dᵏ⁻ⁱ                        (EMA.3)

    Parameters
    ----------
    decay : float
        d in [0, 1).

    Returns
    -------
    StepFunction
        d_k; 0 at the first step, so that the initial parameters leave no trace.

    Notes
    -----
    Not to be confused with the plain form, which keeps dᵏ⁺¹ of the initial parameters, nor with torch's
    ``AveragedModel``, which begins with d_0 = 0, goes on with d, and so keeps dᵏ of the first step's.

    Examples
    --------
    The weighted mean of three parameters, by its definition:

    >>> d, theta, mean = 0.5, [1.0, 3.0, 5.0], 77.0
    >>> for k, value in enumerate(theta):
    ...     mean += (1 - debiased(d)(k)) * (value - mean)
    >>> abs(mean - (1 * 0.25 + 3 * 0.5 + 5) / (0.25 + 0.5 + 1)) < 1e-15
    True
    """
    d = _decay(decay)

    def at(k: int) -> float:
        if k == 0 or d == 0.0:
            return 0.0
        log = math.log(d)
        return d * math.expm1(k * log) / math.expm1((k + 1) * log)  # (EMA.3)

    return StepFunction(f"debiased({d})", at)


def warmed_up(decay: float) -> StepFunction:
    """The decay of TensorFlow's averages and of score_sde: short at first, then d.

        d_k = min(d, (2 + k)/(11 + k))                                                                (EMA.4)

    Parameters
    ----------
    decay : float
        d in [0, 1).

    Returns
    -------
    StepFunction
        d_k, with the number of updates counted from 1 after the first, as there.

    Examples
    --------
    >>> [warmed_up(0.75)(k) for k in (0, 1, 25, 1000)], (1 + 1) / (10 + 1), (1 + 2) / (10 + 2)
    ([0.18181818181818182, 0.25, 0.75, 0.75], 0.18181818181818182, 0.25)
    """
    d = _decay(decay)
    return StepFunction(f"warmed_up({d})", lambda k: min(d, (2 + k) / (11 + k)))  # (EMA.4)


def half_life(steps: float, *, ramp: float = 0.05) -> StepFunction:
    """The decay of EDM: an old parameter counts half after so many steps, and never more than a share of the run.

        d_k = 2^(-1/min(h, ρ k)),   d_0 = 0                                                           (EMA.5)

    Parameters
    ----------
    steps : float
        h > 0, in steps. EDM counts images: its ``ema_halflife_kimg`` is h times the batch over 1000.
    ramp : float
        ρ > 0. EDM's ``ema_rampup_ratio``.

    Returns
    -------
    StepFunction
        d_k.

    Notes
    -----
    Not to be confused with a time constant: the weights fall by 2 and not by e over h steps, d ≈ 1 - 0.693/h.

    References
    ----------
    Karras et al. (2022), Elucidating the design space of diffusion-based generative models; the form is their code's.

    Examples
    --------
    >>> d = half_life(100)
    >>> abs(d(10_000) ** 100 - 0.5) < 1e-14, abs(d(40) ** 2 - 0.5) < 1e-15, d(0)
    (True, True, 0.0)
    """
    h, rho = number(steps, "steps", positive), number(ramp, "ramp", positive)
    return StepFunction(
        f"half_life({h}, ramp={rho})",
        lambda k: 2.0 ** (-1.0 / min(h, rho * k)) if k else 0.0,  # (EMA.5)
    )


def _decay(value: float) -> float:
    decay = number(value, "decay", not_negative)
    if not decay < 1.0:
        raise ValueError(f"decay is {decay}; expected 0 <= decay < 1")
    return decay
