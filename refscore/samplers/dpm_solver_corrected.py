"""DPM-Solver-3 with its stages at any two parts of the step, and order 3 for all of them.

The published third order has the weights of a line through m and m_2, and order 3 for r_2 = 2/3 alone. A parabola
through m, m_1 and m_2 has it for any pair, if the second stage makes up for what the first one misses:

    β_1 r_1 + β_2 r_2 = φ_2,   β_1 r_1² + β_2 r_2² = 2 φ_3                                              (DPMC.1)
    A = (r_2/r_1) φ_2(c r_2 h) + ρ φ_2(c r_1 h),   ρ = (3 r_2 - 2)/(2 - 3 r_1)                           (DPMC.2)

For r_2 = 2/3 the ρ is 0, and the stages are those of the published method.
"""

from __future__ import annotations

from numpy.typing import ArrayLike

from refscore.arrays import Float
from refscore.paths import Path
from refscore.samplers.dpm_stages import TimeScore, along, begin, part
from refscore.samplers.exponential import Form, data_form, hold_form, phi
from refscore.samplers.replay import Sampler

__all__ = ["dpm_solver_3_corrected", "dpm_solver_3_corrected_step"]


def dpm_solver_3_corrected_step(
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
    """One step of order 3 with stages at any r_1 < r_2, in noise form or in data form.

        u_1 = K_1 x + G_1 r_1 h φ_1(c r_1 h) m
        u_2 = K_2 x + G_2 r_2 h (φ_1(c r_2 h) m + A (m_1 - m))                                          (DPMC.3)
        x_s = K x + G h (φ_1(c h) m + β_1 (m_1 - m) + β_2 (m_2 - m))                                    (DPMC.4)

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
        ``noise_form`` or ``data_form``.
    r1, r2 : float
        0 < r_1 < r_2 ≤ 1, with r_1 < 2/3, where the stages stand in λ.

    Returns
    -------
    (\\*batch, d)
        x_s.

    Raises
    ------
    ValueError
        If the step does not go down, a time is outside the path, λ is infinite there, the parts are out of their
        range, or a shape is not that of `x`.

    Notes
    -----
    Not to be confused with :func:`dpm_solver_3_step`, which has order 2 for r_2 ≠ 2/3. A model that is a parabola in λ
    and does not see x is integrated exactly here, there a line is.

    References
    ----------
    Hochbruck & Ostermann (2010), Exponential integrators, section 2.3, for the order conditions.

    Examples
    --------
    >>> import refscore as rs
    >>> dpm_solver_3_corrected_step(lambda x, t: (3 - x) / t**2, [[5.0]], 2.0, 1.0, path=rs.paths.EDM(), r2=0.5)
    array([[4.]])
    """
    r1, r2 = _parts(r1, r2)
    x, stage, m, h = begin(score, x, t, s, path, form)
    c = form.sign
    keep, gain, model = stage(r1)
    first = model(keep * x + gain * r1 * h * phi(1, c * r1 * h) * m) - m
    keep, gain, model = stage(r2)
    rho = (3 * r2 - 2) / (2 - 3 * r1)
    inner = r2 / r1 * phi(2, c * r2 * h) + rho * phi(2, c * r1 * h)  # (DPMC.2)
    second = model(keep * x + gain * r2 * h * (phi(1, c * r2 * h) * m + inner * first)) - m  # (DPMC.3)
    keep, gain, _ = stage(1.0)
    line, bend = phi(2, c * h), 2 * phi(3, c * h)
    beta1, beta2 = (r2 * line - bend) / (r1 * (r2 - r1)), (bend - r1 * line) / (r2 * (r2 - r1))  # (DPMC.1)
    value: Float = keep * x + gain * h * (phi(1, c * h) * m + beta1 * first + beta2 * second)  # (DPMC.4)
    return value


def dpm_solver_3_corrected(
    path: Path, times: ArrayLike, *, form: Form = data_form, r1: float = 1 / 3, r2: float = 2 / 3
) -> Sampler:
    """DPM-Solver-3 of order 3 for any parts, along a path, as a :class:`Sampler`; the steps are (DPMC.4).

    Parameters
    ----------
    path : Path
        α, σ, λ and its inverse.
    times : (n + 1,)
        Descending time grid, where λ is finite.
    form : Form
        ``noise_form`` or ``data_form``.
    r1, r2 : float
        0 < r_1 < r_2 ≤ 1, with r_1 < 2/3.

    Returns
    -------
    Sampler
        Of n steps with three evaluations each, no noise.

    Raises
    ------
    ValueError
        If the grid does not descend, leaves the path or meets an infinite λ, or the parts are out of their range.
    """
    hold_form(form)
    r1, r2 = _parts(r1, r2)

    def one(score: TimeScore, x: Float, t: float, s: float) -> Float:
        return dpm_solver_3_corrected_step(score, x, t, s, path=path, form=form, r1=r1, r2=r2)

    return along(path, times, f"dpm-solver-3 corrected ({form.name})", one)


def _parts(r1: float, r2: float) -> tuple[float, float]:
    r1, r2 = part(r1, "r1"), part(r2, "r2")
    if not (r1 < r2 and r1 < 2 / 3):
        raise ValueError(f"r1 is {r1} and r2 {r2}; expected r1 < r2 and r1 < 2/3")
    return r1, r2
