"""SDE-DPM-Solver and SDE-DPM-Solver++: the reverse SDE with a model that is constant, or has a slope from the history.

    data:   x_{k+1} = (σ_s/σ_t) e^(-h) x + α_s (1 - e^(-2h)) m + σ_s √(1 - e^(-2h)) z                       (DPMM.6)
    noise:  x_{k+1} = (α_s/α_t) x - 2 σ_s (e^h - 1) m + σ_s √(e^(2h) - 1) z                                 (DPMM.7)

with m for a constant model, weak order 1, and m_k + ½ D_1 of (DPMM.1) for weak order 2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float
from refscore.paths import Path
from refscore.samplers.dpm_multistep import from_tables, half_slope
from refscore.samplers.exponential import Form, data_form, hold_form, levels_along
from refscore.samplers.multistep import Multistep

__all__ = ["sde_dpm_multistep_2", "sde_dpm_solver_1"]


def sde_dpm_solver_1(path: Path, times: ArrayLike, *, form: Form = data_form) -> Multistep:
    """SDE-DPM-Solver-1 (noise form) and SDE-DPM-Solver++-1 (data form): the reverse SDE with a frozen model.

        data:   x_{k+1} = (σ_s/σ_t) e^(-h) x + α_s (1 - e^(-2h)) m + σ_s √(1 - e^(-2h)) z                   (DPMM.6)
        noise:  x_{k+1} = (α_s/α_t) x - 2 σ_s (e^h - 1) m + σ_s √(e^(2h) - 1) z                             (DPMM.7)

    Parameters
    ----------
    path : Path
        α, σ and λ.
    times : (n + 1,)
        Descending time grid, where λ is finite.
    form : Form
        ``data_form`` or ``noise_form``.

    Returns
    -------
    Multistep
        Of n steps with one evaluation and one noise vector each; weak order 1.

    Raises
    ------
    ValueError
        If the grid does not descend, leaves the path or meets an infinite λ.

    Notes
    -----
    The data form is ancestral sampling with the small variance, DDIM with η = 1. The noise form is another method: with
    α = 1 it is x - 2 (σ_t - σ_s) ε̂ + √(σ_t² - σ_s²) z, with the large variance.

    References
    ----------
    Lu et al. (2022), DPM-Solver++, section 5, eq. 16 to 18.

    Examples
    --------
    >>> import refscore as rs
    >>> p, path, times = rs.targets.gaussian([1.0], 0.25), rs.paths.VP(), [0.9, 0.5, 0.1]
    >>> law, ddpm = (rs.exact.law(make(path, times), p) for make in (sde_dpm_solver_1, rs.samplers.ancestral_vp))
    >>> bool(rs.exact.wasserstein2(law, ddpm) < 1e-14)
    True
    """
    hold_form(form)
    return _noisy(path, times, form, f"sde-dpm-solver 1 ({form.name})", 1)


def sde_dpm_multistep_2(path: Path, times: ArrayLike, *, form: Form = data_form) -> Multistep:
    """SDE-DPM-Solver++(2M), in noise form SDE-DPM-Solver-2M: the reverse SDE with the slope from the history.

        data:   as (DPMM.6), with m_k + ½ D_1 in the place of m                                        (DPMM.8)
        noise:  as (DPMM.7), with m_k + ½ D_1 in the place of m

    Parameters
    ----------
    path : Path
        α, σ and λ.
    times : (n + 1,)
        Descending time grid, where λ is finite.
    form : Form
        ``data_form`` or ``noise_form``.

    Returns
    -------
    Multistep
        Of n steps with one evaluation and one noise vector each; weak order 2 on Gaussians. The first step is
        (DPMM.6) or (DPMM.7).

    Raises
    ------
    ValueError
        If the grid does not descend, leaves the path or meets an infinite λ.

    Notes
    -----
    The history is as noisy as the state, and that is needed: the step misses how the model follows the noise inside of
    it, and the slope D_1 puts in as much from the noise of the step before.

    References
    ----------
    Lu et al. (2022), DPM-Solver++, section 5.

    Examples
    --------
    >>> import refscore as rs
    >>> sde_dpm_multistep_2(rs.paths.EDM(), [2.0, 1.0, 0.5])
    Multistep(sde-dpm-solver 2M (data): 2 steps from (α, σ) = (1, 2) to (1, 0.5), one noise vector a step)
    """
    hold_form(form)
    return _noisy(path, times, form, f"sde-dpm-solver 2M ({form.name})", 2)


def _noisy(path: Path, times: ArrayLike, form: Form, name: str, order: int) -> Multistep:
    at = levels_along(path, times)
    h, a_s, s_s = np.diff(at.log_snr), at.alpha[1:], at.sigma[1:]
    keep = form.keep(at.alpha[:-1], at.sigma[:-1], a_s, s_s)
    if form.sign == -1:
        keep, gain, scale = keep * np.exp(-h), -a_s * np.expm1(-2 * h), s_s * np.sqrt(-np.expm1(-2 * h))  # (DPMM.6)
    else:
        gain, scale = -2 * s_s * np.expm1(h), s_s * np.sqrt(np.expm1(2 * h))  # (DPMM.7)

    def row(k: int) -> Float:
        found: Float = gain[k : k + 1] if order == 1 or k == 0 else gain[k] * half_slope(at, k)  # (DPMM.8)
        return found

    return from_tables(path, at, form, name, order, keep, [row(k) for k in range(len(h))], scale, None)
