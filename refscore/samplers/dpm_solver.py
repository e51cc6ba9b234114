"""DPM-Solver and DPM-Solver++, single step: the Taylor series of the exponential integrator, by stages inside the step.

The stages stand at parts r of the step in λ, (DPM.1). With K, G and c of (EXPI.4) noise form (DPM-Solver) and data form
(DPM-Solver++) are one formula. The order 1 is DDIM, the orders 2 and 3 take two and three evaluations. Nothing is
remembered, so every step has the full order.
"""

from __future__ import annotations

from numpy.typing import ArrayLike

from refscore.arrays import Float
from refscore.paths import Path
from refscore.samplers.dpm_stages import TimeScore, along, begin, part
from refscore.samplers.exponential import Form, data_form, hold_form, phi
from refscore.samplers.replay import Sampler

__all__ = ["dpm_solver_1_step", "dpm_solver_2", "dpm_solver_2_step", "dpm_solver_3", "dpm_solver_3_step"]


def dpm_solver_1_step(
    score: TimeScore, x: ArrayLike, t: ArrayLike, s: ArrayLike, *, path: Path, form: Form = data_form
) -> Float:
    """One step of DPM-Solver-1, which is DDIM in either form.

        x_s = K x + G h φ_1(c h) m,   m = predict(s(x, t))                                             (DPM.2)

    Parameters
    ----------
    score : callable
        s(x, t), the score at the path's time t.
    x : (\\*batch, d)
        State at t.
    t, s : () or (\\*batch,)
        Where the step starts and ends; s < t, and λ is finite at both.
    path : Path
        α, σ and λ.
    form : Form
        ``noise_form`` for DPM-Solver, ``data_form`` for DPM-Solver++.

    Returns
    -------
    (\\*batch, d)
        x_s.

    Raises
    ------
    ValueError
        If the step does not go down, a time is outside the path, λ is infinite there, or a shape is not that of `x`.

    References
    ----------
    Lu et al. (2022), DPM-Solver, eq. 3.7.

    Examples
    --------
    On EDM's path from 2 to 1 at N(0, 1) data: x̂_0 = x/5, and x_s = x/2 + (1 - ½) x̂_0.

    >>> import refscore as rs
    >>> dpm_solver_1_step(lambda x, t: -x / 5, [[5.0]], 2.0, 1.0, path=rs.paths.EDM())
    array([[3.]])
    """
    x, stage, m, h = begin(score, x, t, s, path, form)
    keep, gain = stage(1.0)[:2]
    value: Float = keep * x + gain * h * phi(1, form.sign * h) * m  # (DPM.2)
    return value


def dpm_solver_2_step(
    score: TimeScore,
    x: ArrayLike,
    t: ArrayLike,
    s: ArrayLike,
    *,
    path: Path,
    form: Form = data_form,
    r1: float = 0.5,
) -> Float:
    """One step of DPM-Solver-2 or DPM-Solver++(2S), with the second stage at any part of the step.

        u = K_1 x + G_1 r_1 h φ_1(c r_1 h) m                                                            (DPM.3)
        x_s = K x + G h φ_1(c h) (m + (m_u - m)/(2 r_1))                                                 (DPM.4)

    Parameters
    ----------
    score : callable
        s(x, t), the score at the path's time t; it is asked at t and at s_1.
    x : (\\*batch, d)
        State at t.
    t, s : () or (\\*batch,)
        Where the step starts and ends; s < t, and λ is finite at both.
    path : Path
        α, σ, λ and its inverse.
    form : Form
        ``noise_form`` for DPM-Solver, ``data_form`` for DPM-Solver++.
    r1 : float
        0 < r_1 ≤ 1, where the second stage stands in λ.

    Returns
    -------
    (\\*batch, d)
        x_s.

    Raises
    ------
    ValueError
        If the step does not go down, a time is outside the path, λ is infinite there, r_1 is out of range, or a shape
        is not that of `x`.

    Notes
    -----
    Not to be confused with EDM's Heun, whose second stage at r_1 = 1 is the same but whose sum is that of σ and not of
    λ. Nor with ``dpm_2`` of k-diffusion, the midpoint rule in σ with the midpoint taken in log σ.

    References
    ----------
    Lu et al. (2022), DPM-Solver, Algorithm 4; Lu et al. (2022), DPM-Solver++, Algorithm 1.

    Examples
    --------
    If the model has the same answer everywhere, every order is exact, here for data at the point 3:

    >>> import refscore as rs
    >>> dpm_solver_2_step(lambda x, t: (3 - x) / t**2, [[5.0]], 2.0, 1.0, path=rs.paths.EDM())
    array([[4.]])
    """
    r1 = part(r1, "r1")
    x, stage, m, h = begin(score, x, t, s, path, form)
    keep, gain, model = stage(r1)
    u = keep * x + gain * r1 * h * phi(1, form.sign * r1 * h) * m  # (DPM.3)
    slope = (model(u) - m) / r1
    keep, gain, _ = stage(1.0)
    value: Float = keep * x + gain * h * phi(1, form.sign * h) * (m + 0.5 * slope)  # (DPM.4)
    return value


def dpm_solver_3_step(
    score: TimeScore,
    x: ArrayLike,
    t: ArrayLike,
    s: ArrayLike,
    *,
    path: Path,
    form: Form = data_form,
    r1: float = 1 / 3,
    r2: float = 2 / 3,
) -> Float:
    """One step of DPM-Solver-3, in noise form or, as in the released code for "++", in data form.

        u_1 = K_1 x + G_1 r_1 h φ_1(c r_1 h) m                                                          (DPM.5)
        u_2 = K_2 x + G_2 r_2 h (φ_1(c r_2 h) m + (r_2/r_1) φ_2(c r_2 h) (m_1 - m))                       (DPM.6)
        x_s = K x + G h (φ_1(c h) m + φ_2(c h) (m_2 - m)/r_2)                                           (DPM.7)

    Parameters
    ----------
    score : callable
        s(x, t), the score at the path's time t; it is asked at t, s_1 and s_2.
    x : (\\*batch, d)
        State at t.
    t, s : () or (\\*batch,)
        Where the step starts and ends; s < t, and λ is finite at both.
    path : Path
        α, σ, λ and its inverse.
    form : Form
        ``noise_form`` for DPM-Solver, ``data_form`` for DPM-Solver++.
    r1, r2 : float
        0 < r_1 < r_2 ≤ 1, where the stages stand in λ.

    Returns
    -------
    (\\*batch, d)
        x_s.

    Raises
    ------
    ValueError
        If the step does not go down, a time is outside the path, λ is infinite there, the parts do not rise, or a shape
        is not that of `x`.

    Notes
    -----
    The order is 3 for r_2 = 2/3 and any r_1, and 2 for any other r_2: the published code takes r_2 as a free parameter.
    :func:`dpm_solver_3_corrected_step` has order 3 for any pair.

    References
    ----------
    Lu et al. (2022), DPM-Solver, Algorithm 5.

    Examples
    --------
    >>> import refscore as rs
    >>> dpm_solver_3_step(lambda x, t: (3 - x) / t**2, [[5.0]], 2.0, 1.0, path=rs.paths.EDM())
    array([[4.]])
    """
    r1, r2 = part(r1, "r1"), part(r2, "r2")
    if not r1 < r2:
        raise ValueError(f"r1 is {r1} and r2 {r2}; expected r1 < r2")
    x, stage, m, h = begin(score, x, t, s, path, form)
    c = form.sign
    keep, gain, model = stage(r1)
    first = model(keep * x + gain * r1 * h * phi(1, c * r1 * h) * m) - m  # (DPM.5)
    keep, gain, model = stage(r2)
    u = keep * x + gain * r2 * h * (phi(1, c * r2 * h) * m + r2 / r1 * phi(2, c * r2 * h) * first)  # (DPM.6)
    second = model(u) - m
    keep, gain, _ = stage(1.0)
    value: Float = keep * x + gain * h * (phi(1, c * h) * m + phi(2, c * h) * second / r2)  # (DPM.7)
    return value


def dpm_solver_2(path: Path, times: ArrayLike, *, form: Form = data_form, r1: float = 0.5) -> Sampler:
    """DPM-Solver-2 or DPM-Solver++(2S) along a path as a :class:`Sampler`; the steps are (DPM.4).

    Parameters
    ----------
    path : Path
        α, σ, λ and its inverse.
    times : (n + 1,)
        Descending time grid, where λ is finite.
    form : Form
        ``noise_form`` for DPM-Solver, ``data_form`` for DPM-Solver++.
    r1 : float
        0 < r_1 ≤ 1.

    Returns
    -------
    Sampler
        Of n steps with two evaluations each, no noise; order 2.

    Raises
    ------
    ValueError
        If the grid does not descend, leaves the path or meets an infinite λ, or r_1 is out of range.
    """
    hold_form(form)
    r1 = part(r1, "r1")

    def one(score: TimeScore, x: Float, t: float, s: float) -> Float:
        return dpm_solver_2_step(score, x, t, s, path=path, form=form, r1=r1)

    return along(path, times, f"dpm-solver-2 ({form.name})", one)


def dpm_solver_3(
    path: Path, times: ArrayLike, *, form: Form = data_form, r1: float = 1 / 3, r2: float = 2 / 3
) -> Sampler:
    """DPM-Solver-3 along a path as a :class:`Sampler`; the steps are (DPM.7).

    Parameters
    ----------
    path : Path
        α, σ, λ and its inverse.
    times : (n + 1,)
        Descending time grid, where λ is finite.
    form : Form
        ``noise_form`` for DPM-Solver, ``data_form`` for DPM-Solver++.
    r1, r2 : float
        0 < r_1 < r_2 ≤ 1; the order is 3 for r_2 = 2/3 only.

    Returns
    -------
    Sampler
        Of n steps with three evaluations each, no noise.

    Raises
    ------
    ValueError
        If the grid does not descend, leaves the path or meets an infinite λ, or the parts do not rise.
    """
    hold_form(form)
    r1, r2 = part(r1, "r1"), part(r2, "r2")

    def one(score: TimeScore, x: Float, t: float, s: float) -> Float:
        return dpm_solver_3_step(score, x, t, s, path=path, form=form, r1=r1, r2=r2)

    return along(path, times, f"dpm-solver-3 ({form.name})", one)
