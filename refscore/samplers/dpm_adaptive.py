"""DPM-Solver with adaptive steps: orders 1 and 2, or 2 and 3, in one step, with its length in the log-SNR.

    x' of order q - 1,  x'' of order q,  from t to s = t(min(λ_t + h, λ_stop))                          (DPMA.1)

The difference x'' - x' is of order h^q, so r = 1/q in (STC.2). With E held near a constant h is of order ε^(1/q), and
the error of the run, that of x'', of order h^q: it goes with the tolerance. The state moves on by x'', the local error
held is that of x'.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, number
from refscore.paths import Path
from refscore.samplers.dpm_solver import dpm_solver_1_step, dpm_solver_2_step, dpm_solver_3_step
from refscore.samplers.exponential import Form, noise_form
from refscore.samplers.step_control import Adaptive, Rows, attempt

__all__ = ["dpm_adaptive_12_step", "dpm_adaptive_23_step"]

TimeScore = Callable[[Float, Float], ArrayLike]


def dpm_adaptive_12_step(
    score: TimeScore,
    state: Adaptive,
    *,
    path: Path,
    t_stop: float,
    form: Form = noise_form,
    rtol: float = 0.05,
    atol: float = 0.0078,
    safety: float = 0.9,
) -> Adaptive:
    """One attempt of DPM-Solver-12: DPM-Solver-1 within DPM-Solver-2.

        x' of (DPM.2),   x'' of (DPM.4) with r_1 = ½,   h ← θ h E^(-1/2)                                (DPMA.2)

    Parameters
    ----------
    score : callable
        s(x, t), from (m, d) and (m,) to (m, d): it is asked for the samples that still run.
    state : Adaptive
        Before; h is a step of λ. The first is that of :func:`adaptive_start`, in the paper with h = 0.05.
    path : Path
        α, σ, λ and its inverse.
    t_stop : float
        Where the run ends, met exactly; λ is finite there.
    form : Form
        ``noise_form``, as published, or ``data_form``.
    rtol, atol : float
        ε_rel and ε_abs of (STC.1).
    safety : float
        θ of (STC.2).

    Returns
    -------
    Adaptive
        After. Where t is as before, the step was rejected, or the sample had arrived.

    Raises
    ------
    ValueError
        If a time is outside the path, λ is infinite there, or a shape is another.

    Notes
    -----
    The released code has one h for a batch, from the largest E. Written as two steps the model is asked three times at
    two places; a code of one's own keeps the answer at t.

    References
    ----------
    Lu et al. (2022), DPM-Solver, appendix C, DPM-Solver-12.

    Examples
    --------
    Data at the point 3 have one answer everywhere: E = 0, and the second attempt ends.

    >>> import refscore as rs
    >>> path, state = rs.paths.EDM(), rs.samplers.adaptive_start([[5.0]], t=2.0, h=0.05)
    >>> for _ in range(2):
    ...     state = dpm_adaptive_12_step(lambda x, t: (3 - x) / t[:, None] ** 2, state, path=path, t_stop=1.0)
    >>> state.x.round(12), state.t
    (array([[4.]]), array([1.]))
    """

    def both(x: Float, t: Float, s: Float) -> tuple[Float, Float]:
        low = dpm_solver_1_step(score, x, t, s, path=path, form=form)
        return low, dpm_solver_2_step(score, x, t, s, path=path, form=form)

    return _attempt(both, state, path, t_stop, rtol, atol, safety, 1 / 2)  # (DPMA.2)


def dpm_adaptive_23_step(
    score: TimeScore,
    state: Adaptive,
    *,
    path: Path,
    t_stop: float,
    form: Form = noise_form,
    rtol: float = 0.05,
    atol: float = 0.0078,
    safety: float = 0.9,
) -> Adaptive:
    """One attempt of DPM-Solver-23: DPM-Solver-2 within DPM-Solver-3.

        x' of (DPM.4) with r_1 = ⅓,   x'' of (DPM.7) with r_1 = ⅓, r_2 = ⅔,   h ← θ h E^(-1/3)           (DPMA.3)

    Parameters
    ----------
    score : callable
        s(x, t), from (m, d) and (m,) to (m, d): it is asked for the samples that still run.
    state : Adaptive
        Before; h is a step of λ.
    path : Path
        α, σ, λ and its inverse.
    t_stop : float
        Where the run ends, met exactly; λ is finite there.
    form : Form
        ``noise_form``, as published, or ``data_form``.
    rtol, atol : float
        ε_rel and ε_abs of (STC.1).
    safety : float
        θ of (STC.2).

    Returns
    -------
    Adaptive
        After. Where t is as before, the step was rejected, or the sample had arrived.

    Raises
    ------
    ValueError
        If a time is outside the path, λ is infinite there, or a shape is another.

    Notes
    -----
    k-diffusion's ``sample_dpm_adaptive`` is this with a PID controller and another rule of acceptance.

    References
    ----------
    Lu et al. (2022), DPM-Solver, appendix C, DPM-Solver-23.

    Examples
    --------
    >>> import refscore as rs
    >>> path, state = rs.paths.EDM(), rs.samplers.adaptive_start([[5.0]], t=2.0, h=0.05)
    >>> for _ in range(2):
    ...     state = dpm_adaptive_23_step(lambda x, t: (3 - x) / t[:, None] ** 2, state, path=path, t_stop=1.0)
    >>> state.x.round(12), state.t
    (array([[4.]]), array([1.]))
    """

    def both(x: Float, t: Float, s: Float) -> tuple[Float, Float]:
        low = dpm_solver_2_step(score, x, t, s, path=path, form=form, r1=1 / 3)
        return low, dpm_solver_3_step(score, x, t, s, path=path, form=form)

    return _attempt(both, state, path, t_stop, rtol, atol, safety, 1 / 3)  # (DPMA.3)


def _attempt(
    both: Callable[[Float, Float, Float], tuple[Float, Float]],
    state: Adaptive,
    path: Path,
    t_stop: float,
    rtol: float,
    atol: float,
    safety: float,
    exponent: float,
) -> Adaptive:
    last = number(t_stop, "t_stop")
    end = float(path.log_snr(last))
    if not np.isfinite(end):
        raise ValueError(f"log_snr is {end:g} at t_stop = {last:g}; expected it finite: end above σ = 0")

    def pair(
        x: Float,
        t: Float,
        h: Float,
        rows: Rows,  # noqa: ARG001  an ODE draws nothing
    ) -> tuple[Float, Float, Float, Float]:
        rest = end - path.log_snr(t)
        length = np.minimum(h, rest)
        # never asked beyond the end of the path
        s = np.where(
            h >= rest, last, path.time(np.where(h >= rest, 0.5 * (end + path.log_snr(t)), path.log_snr(t) + h))
        )
        low, high = both(x, t, s)  # (DPMA.1)
        return low, high, s, length

    return attempt(state, pair, t_stop=last, rtol=rtol, atol=atol, safety=safety, exponent=exponent)
