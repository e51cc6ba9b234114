"""DPM-Solver and DPM-Solver++, multistep: derivatives in λ from the history.

With r = h_{k-1}/h and r' = h_{k-2}/h, in units of the step,

    D_1 = (m_k - m_{k-1})/r,   D_1' = (m_{k-1} - m_{k-2})/r'                                            (DPMM.1)

are slopes, and the second derivative is *twice* the divided difference of slopes:

    h m' ≈ D = D_1 + r/(r + r') (D_1 - D_1'),   h² m'' ≈ 2/(r + r') (D_1 - D_1')                          (DPMM.2)

The released third-order codes have 1 in the place of the 2, and order 2. Both are here, each under its name. The SDE
forms are in ``refscore.samplers.sde_dpm``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float
from refscore.paths import Path
from refscore.samplers.exponential import Form, Levels, data_form, hold_form, levels_along, phi
from refscore.samplers.linear_multistep import linear_multistep
from refscore.samplers.multistep import Multistep
from refscore.samplers.replay import Sampler

__all__ = ["dpm_multistep_2", "dpm_multistep_3", "dpm_multistep_3_corrected", "from_tables", "half_slope"]


def dpm_multistep_2(path: Path, times: ArrayLike, *, form: Form = data_form) -> Multistep:
    """DPM-Solver++(2M), in noise form the multistep DPM-Solver-2, as a :class:`Multistep`.

        x_{k+1} = K x_k + G h φ_1(c h) (m_k + ½ D_1)                                                   (DPMM.3)

    Parameters
    ----------
    path : Path
        α, σ and λ.
    times : (n + 1,)
        Descending time grid, where λ is finite.
    form : Form
        ``data_form`` for DPM-Solver++(2M), ``noise_form`` for DPM-Solver.

    Returns
    -------
    Multistep
        Of n steps with one evaluation each, no noise; order 2. The first step is DDIM.

    Raises
    ------
    ValueError
        If the grid does not descend, leaves the path or meets an infinite λ.

    Notes
    -----
    ½ φ_1 stands for φ_2, which is what :func:`exponential_adams` of order 2 has ("heun" in diffusers, this one
    "midpoint"): the difference is of third order.

    References
    ----------
    Lu et al. (2022), DPM-Solver++, Algorithm 2.

    Examples
    --------
    For a model with the same answer everywhere, here data at the point 3, any grid is exact: 3 + 1/2 · 2.

    >>> import refscore as rs
    >>> sampler = dpm_multistep_2(rs.paths.EDM(), [2.0, 1.7, 1.2, 1.0])
    >>> rs.samplers.replay(sampler, lambda x, alpha, sigma: (3 - x) / sigma**2, [[5.0]]).round(14)
    array([[4.]])
    """
    hold_form(form)
    return _along(path, times, form, f"dpm-solver 2M ({form.name})", 2, lambda at, k: _second(at, k, form))


def dpm_multistep_3(
    path: Path, times: ArrayLike, *, form: Form = data_form, starter: Sampler | None = None
) -> Multistep:
    """DPM-Solver++(3M) as released, in noise form the multistep DPM-Solver-3; its order is 2.

        x_{k+1} = K x_k + G h (φ_1(c h) m_k + φ_2(c h) D + φ_3(c h) (D_1 - D_1')/(r + r'))                (DPMM.4)

    Parameters
    ----------
    path : Path
        α, σ and λ.
    times : (n + 1,)
        Descending time grid, where λ is finite.
    form : Form
        ``data_form`` for DPM-Solver++(3M), ``noise_form`` for DPM-Solver.
    starter : Sampler, optional
        Who takes the first two steps, on the same grid; by default DDIM and (DPMM.3), as in the released code.

    Returns
    -------
    Multistep
        Of n steps with one evaluation each, no noise.

    Raises
    ------
    ValueError
        If the grid does not descend, leaves the path or meets an infinite λ, or `starter` has another grid.

    Notes
    -----
    The last term should be twice that, (DPMM.2); the local error is G h³ m''/12 instead of O(h⁴). So it stands in the
    authors' code, in diffusers and in k-diffusion. Use :func:`dpm_multistep_3_corrected` for order 3.

    References
    ----------
    Lu et al. (2022), DPM-Solver++, released code, ``multistep_dpm_solver_third_update``.

    Examples
    --------
    >>> import refscore as rs
    >>> dpm_multistep_3(rs.paths.EDM(), [2.0, 1.0, 0.5, 0.25])
    Multistep(dpm-solver 3M as released (data): 3 steps from (α, σ) = (1, 2) to (1, 0.25), no noise)
    """
    hold_form(form)
    name = f"dpm-solver 3M as released ({form.name})"
    return _along(path, times, form, name, 3, lambda at, k: _third(at, k, form, 1.0), starter)  # (DPMM.4)


def dpm_multistep_3_corrected(
    path: Path, times: ArrayLike, *, form: Form = data_form, starter: Sampler | None = None
) -> Multistep:
    """DPM-Solver++(3M) with the second derivative as it should be: order 3, given a start of order 2.

        x_{k+1} = K x_k + G h (φ_1(c h) m_k + φ_2(c h) D + φ_3(c h) 2 (D_1 - D_1')/(r + r'))              (DPMM.5)

    Parameters
    ----------
    path : Path
        α, σ and λ.
    times : (n + 1,)
        Descending time grid, where λ is finite.
    form : Form
        ``data_form`` for DPM-Solver++(3M), ``noise_form`` for DPM-Solver.
    starter : Sampler, optional
        Who takes the first two steps, on the same grid, for instance ``dpm_solver_2(path, times)``; by default DDIM and
        (DPMM.3), whose first error O(h²) stays.

    Returns
    -------
    Multistep
        Of n steps with one evaluation each, no noise.

    Raises
    ------
    ValueError
        If the grid does not descend, leaves the path or meets an infinite λ, or `starter` has another grid.

    Examples
    --------
    From the third step on it is the exponential Adams method of order 3, found another way:

    >>> import refscore as rs
    >>> p, path, times = rs.targets.gaussian([1.0], 0.25), rs.paths.VP(), [0.9, 0.7, 0.4, 0.3, 0.1]
    >>> start = rs.samplers.dpm_solver_2(path, times)
    >>> one = rs.exact.law(dpm_multistep_3_corrected(path, times, starter=start), p)
    >>> two = rs.exact.law(rs.samplers.exponential_adams(path, times, order=3, starter=start), p)
    >>> bool(rs.exact.wasserstein2(one, two) < 1e-14)
    True
    """
    hold_form(form)
    name = f"dpm-solver 3M corrected ({form.name})"
    return _along(path, times, form, name, 3, lambda at, k: _third(at, k, form, 2.0), starter)  # (DPMM.5)


def half_slope(at: Levels, k: int) -> Float:
    """The row of m_k + ½ D_1 in terms of (m_k, m_{k-1}).

    Parameters
    ----------
    at : Levels
        The grid.
    k : int
        Which step, k ≥ 1.

    Returns
    -------
    (2,)
        The row.
    """
    r = (at.log_snr[k] - at.log_snr[k - 1]) / (at.log_snr[k + 1] - at.log_snr[k])
    value: Float = np.array([1.0, 0.0]) + np.array([0.5, -0.5]) / r  # (DPMM.1)
    return value


def _first(at: Levels, k: int, form: Form) -> Float:
    h = at.log_snr[k + 1] - at.log_snr[k]
    return np.array([form.gain(at.alpha[k + 1], at.sigma[k + 1]) * h * phi(1, form.sign * h)])


def _second(at: Levels, k: int, form: Form) -> Float:
    first = _first(at, k, form)
    value: Float = first if k == 0 else first * half_slope(at, k)  # (DPMM.3)
    return value


def _third(at: Levels, k: int, form: Form, twice: float) -> Float:
    """The row of (DPMM.4) or (DPMM.5): `twice` is 1 as released and 2 as it should be."""
    if k < 2:
        return _second(at, k, form)
    h0, h1, h = np.diff(at.log_snr[k - 2 : k + 2])
    r, r_before = h1 / h, h0 / h
    slope, before = np.array([1.0, -1.0, 0.0]) / r, np.array([0.0, 1.0, -1.0]) / r_before  # (DPMM.1)
    bend = (slope - before) / (r + r_before)
    phis = [float(phi(j, form.sign * h)) for j in (1, 2, 3)]
    row = phis[0] * np.array([1.0, 0.0, 0.0]) + phis[1] * (slope + r * bend) + phis[2] * twice * bend  # (DPMM.2)
    value: Float = form.gain(at.alpha[k + 1], at.sigma[k + 1]) * h * row  # (DPMM.4) (DPMM.5)
    return value


def _along(
    path: Path,
    times: ArrayLike,
    form: Form,
    name: str,
    order: int,
    row: Callable[[Levels, int], Float],
    starter: Sampler | None = None,
) -> Multistep:
    at = levels_along(path, times)
    keep = form.keep(at.alpha[:-1], at.sigma[:-1], at.alpha[1:], at.sigma[1:])
    weights = [row(at, k) for k in range(len(at.times) - 1)]
    return from_tables(path, at, form, name, order, keep, weights, None, starter)


def from_tables(
    path: Path,
    at: Levels,
    form: Form,
    name: str,
    order: int,
    keep: Float,
    weights: list[Float],
    noises: Float | None,
    starter: Sampler | None,
) -> Multistep:
    """A linear multistep method in one of the two forms, from its tables.

    Parameters
    ----------
    path : Path
        For the scale of the prior.
    at : Levels
        The grid.
    form : Form
        What the model says.
    name : str
        What reports call it.
    order : int
        How many predictions a step uses at most.
    keep : (n,)
        What multiplies x.
    weights : list of (≤ order,)
        What multiplies the predictions, the newest first.
    noises : (n,) or None
        What multiplies the noise.
    starter : Sampler or None
        Who takes the first order - 1 steps.

    Returns
    -------
    Multistep
        Of n steps.
    """
    return linear_multistep(
        name,
        levels=(at.alpha, at.sigma),
        prior_scale=path.prior_scale,
        order=order,
        predict=lambda s, x, k: form.predict(s, x, float(at.alpha[k]), float(at.sigma[k])),
        keep=keep,
        weights=weights,
        noises=noises,
        starter=starter,
    )
