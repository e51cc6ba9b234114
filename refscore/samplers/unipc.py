"""UniPC: a predictor and a corrector of one form, at one evaluation a step.

With D_m = m(λ_m) - m_k at nodes r_m = (λ_m - λ_k)/h,

    x_{k+1} = K x_k + G (h φ_1(c h) m_k + B(h) Σ_m a_m D_m/r_m)                                         (UPC.1)
    B(h) Σ_m a_m r_m^(n-1) = h n! φ_{n+1}(c h)

for n = 1, 2, … as many as nodes. The predictor UniP-p has the p - 1 nodes of the history, the corrector UniC-p also
the new one, r = 1. Solved exactly, B(h) drops out: both are exponential Adams methods, explicit and implicit. It is
there only with one node, where a = ½ stands for the solution, so in the predictor of order 2 and the corrector of order
1:

    B_1(h) = h,   B_2(h) = h φ_1(c h)                                                                   (UPC.2)
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, integer
from refscore.paths import Path
from refscore.samplers.exponential import Form, Levels, data_form, exponential_weights, hold_form, levels_along, phi
from refscore.samplers.linear_multistep import hold_starter
from refscore.samplers.multistep import Memory, Multistep, empty
from refscore.samplers.replay import Sampler, Score

__all__ = ["bh1", "bh2", "unip", "unipc"]

Scale = Callable[[float, int], float]


def bh1(h: float, c: int) -> float:  # noqa: ARG001
    """B_1(h) = h of (UPC.2), "bh1".

    Parameters
    ----------
    h : float
        Step in λ.
    c : int
        1 in noise form, -1 in data form.

    Returns
    -------
    float
        h.
    """
    return h


def bh2(h: float, c: int) -> float:
    """B_2(h) = h φ_1(c h) of (UPC.2), "bh2": e^h - 1 in noise form and 1 - e^(-h) in data form.

    Parameters
    ----------
    h : float
        Step in λ.
    c : int
        1 in noise form, -1 in data form.

    Returns
    -------
    float
        h φ_1(c h).
    """
    return h * float(phi(1, c * h))  # (UPC.2)


def unip(
    path: Path,
    times: ArrayLike,
    *,
    order: int,
    form: Form = data_form,
    scale: Scale = bh2,
    starter: Sampler | None = None,
) -> Multistep:
    """UniP-p, the predictor alone, as a :class:`Multistep`; order p from a start of order p - 1.

    Parameters
    ----------
    path : Path
        α, σ and λ.
    times : (n + 1,)
        Descending time grid, where λ is finite.
    order : int
        p ≥ 1.
    form : Form
        ``data_form`` or ``noise_form``.
    scale : callable
        B(h): :func:`bh1` or :func:`bh2`; it matters in order 2 only.
    starter : Sampler, optional
        Who takes the first p - 1 steps, on the same grid; by default they are taken with the order that the history
        allows.

    Returns
    -------
    Multistep
        Of n steps with one evaluation each, no noise.

    Raises
    ------
    ValueError
        If the grid does not descend, leaves the path or meets an infinite λ, or `starter` has another grid.

    References
    ----------
    Zhao et al. (2023), UniPC, section 3.3.

    Examples
    --------
    In order 2 with B_2 it is DPM-Solver++(2M):

    >>> import refscore as rs
    >>> p, path, times = rs.targets.gaussian([1.0], 0.25), rs.paths.VP(), [0.9, 0.7, 0.4, 0.1]
    >>> laws = rs.exact.law(unip(path, times, order=2), p), rs.exact.law(rs.samplers.dpm_multistep_2(path, times), p)
    >>> bool(rs.exact.wasserstein2(*laws) < 1e-14)
    True
    """
    return _made("unip", path, times, order, form, scale, starter, corrects=False)


def unipc(
    path: Path,
    times: ArrayLike,
    *,
    order: int,
    form: Form = data_form,
    scale: Scale = bh2,
    starter: Sampler | None = None,
) -> Multistep:
    """UniPC-p: UniP-p, then UniC-p with the prediction at the new point, as a :class:`Multistep`.

    Parameters
    ----------
    path : Path
        α, σ and λ.
    times : (n + 1,)
        Descending time grid, where λ is finite.
    order : int
        p ≥ 1.
    form : Form
        ``data_form`` or ``noise_form``.
    scale : callable
        B(h): :func:`bh1` or :func:`bh2`; it matters for the predictor of order 2 and the corrector of order 1.
    starter : Sampler, optional
        Who takes the first p - 1 steps, on the same grid; by default they are taken with the order that the history
        allows.

    Returns
    -------
    Multistep
        Of n steps with one evaluation each, no noise; order p + 1 from a start of order p. The prediction at the
        predicted point goes into the history, and the last step is not corrected, which would take one evaluation more.

    Raises
    ------
    ValueError
        If the grid does not descend, leaves the path or meets an infinite λ, or `starter` has another grid.

    Notes
    -----
    Started by itself the order is at most 3: the first step has a corrector of order 1, whose error h³ stays. So for
    p ≥ 3 the claimed p + 1 needs a starter.

    References
    ----------
    Zhao et al. (2023), UniPC, Algorithms 1 and 2.

    Examples
    --------
    >>> import refscore as rs
    >>> unipc(rs.paths.EDM(), [2.0, 1.0, 0.5], order=2)
    Multistep(unipc 2 (data): 2 steps from (α, σ) = (1, 2) to (1, 0.5), no noise)
    """
    return _made("unipc", path, times, order, form, scale, starter, corrects=True)


def _row(at: Levels, k: int, points: Float, form: Form, scale: Scale) -> Float:
    """What each prediction counts: the present one first, then those at `points` in λ."""
    h, c = float(at.log_snr[k + 1] - at.log_snr[k]), form.sign
    gain = float(form.gain(at.alpha[k + 1], at.sigma[k + 1]))
    if len(points) == 1:
        r = float(points[0] - at.log_snr[k]) / h
        half = 0.5 * scale(h, c) / r  # (UPC.2)
        return gain * np.array([h * float(phi(1, c * h)) - half, half])
    nodes = np.concatenate([[0.0], (points - at.log_snr[k]) / h])
    value: Float = gain * h * exponential_weights(nodes, c * h)  # (UPC.1)
    return value


def _made(
    name: str,
    path: Path,
    times: ArrayLike,
    order: int,
    form: Form,
    scale: Scale,
    starter: Sampler | None,
    *,
    corrects: bool,
) -> Multistep:
    hold_form(form)
    at, p = levels_along(path, times), integer(order, "order", 1)
    n = len(at.times) - 1
    start, stop = (float(at.alpha[0]), float(at.sigma[0])), (float(at.alpha[-1]), float(at.sigma[-1]))
    hold_starter(starter, start, stop, n)
    keep = form.keep(at.alpha[:-1], at.sigma[:-1], at.alpha[1:], at.sigma[1:])
    past = [at.log_snr[max(k - p + 1, 0) : k][::-1] for k in range(n)]
    predicted = [_row(at, k, past[k], form, scale) for k in range(n)]
    corrected = [_row(at, k, np.append(past[k], at.log_snr[k + 1]), form, scale) for k in range(n)]

    def said(score: Score, x: Float, k: int) -> Float:
        alpha, sigma = float(at.alpha[k]), float(at.sigma[k])
        return form.predict(score(x, alpha, sigma), x, alpha, sigma)

    def summed(x: Float, k: int, row: Float, history: Memory) -> Float:
        moved: Float = keep[k] * x
        for weight, prediction in zip(row, history, strict=False):
            moved = moved + weight * prediction
        return moved

    def step(score: Score, x: Float, memory: Memory, k: int, noise: Float | None) -> tuple[Float, Memory]:  # noqa: ARG001
        history = (said(score, x, 0), *memory[1:]) if k == 0 else memory
        begins = starter is not None and k < p - 1
        if starter is not None and begins:
            moved = starter.step(score, x, k, None)
        else:
            moved = summed(x, k, predicted[k], history)
        if k == n - 1:
            return moved, history
        new = said(score, moved, k + 1)
        if corrects and not begins:
            used = (*history[: len(past[k]) + 1], new)
            moved = summed(x, k, corrected[k], used)
        return moved, (new, *history[: p - 1])

    return Multistep(f"{name} {p} ({form.name})", n, 0, path.prior_scale, start, stop, empty(p), step)
