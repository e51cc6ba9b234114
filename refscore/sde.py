"""Drift and diffusion: the forward SDE of a path, its time reversal, and the ODE with the same marginals.

    forward     dx = f x dt + g dw                                                                    (SDE.1)
    reverse     dx = (f x - g² s) dt + g dw̄,   dt < 0                                                 (SDE.2)
    flow        dx = (f x - ½ g² s) dt                                                                (SDE.3)

with s = ∇ log p_t(x), and f, g from the path, (PATH.3) and (PATH.4). All three carry the same law p_t at every t. Time
runs from the data at 0 to the prior; the two below are walked from t down to s < t, with the drift as it stands here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64, lift, of_shape, samples
from refscore.paths import Path

__all__ = ["flow_drift", "forward_sde", "reverse_drift"]


def forward_sde(x: ArrayLike, t: ArrayLike, *, path: Path) -> tuple[Float, Float]:
    """Drift and diffusion of the forward SDE, (SDE.1).

    Parameters
    ----------
    x : (\\*batch, d)
        State.
    t : () or (\\*batch,)
        Time.
    path : Path
        Gives f and g.

    Returns
    -------
    drift : (\\*batch, d)
        f x.
    diffusion : () or (\\*batch,)
        g, not g², of the shape of `t`.

    Raises
    ------
    ValueError
        If the shape of `t` is neither () nor that of the batch, `t` is outside the path, or f or g has a pole there.

    Notes
    -----
    Not to be confused with one step of a chain: ``discretize`` in score_sde's code returns f dt and g √dt.

    References
    ----------
    Song et al. (2021), Score-based generative modeling through SDEs, eq. 5.

    Examples
    --------
    An Ornstein–Uhlenbeck process keeps N(0, 1): what the drift takes from the variance, 2 f, the noise gives back.
    With β = 4,

    >>> import refscore as rs
    >>> drift, diffusion = forward_sde([[1.0]], 0.5, path=rs.paths.VP(4, 4))
    >>> float(2 * drift[0, 0] + diffusion**2) == 0
    True
    """
    x, rate, diffusion = _coefficients(x, t, path)
    return lift(rate, x) * x, diffusion  # (SDE.1)


def reverse_drift(score_value: ArrayLike, x: ArrayLike, t: ArrayLike, *, path: Path) -> Float:
    """Drift of the reverse-time SDE, (SDE.2); its diffusion is the forward one.

    Parameters
    ----------
    score_value, x : (\\*batch, d)
        s = ∇ log p_t(x), and the state it was taken at.
    t : () or (\\*batch,)
        Time.
    path : Path
        Gives f and g.

    Returns
    -------
    (\\*batch, d)
        f x - g² s, the coefficient of dt. Time runs down, so a step adds it times s - t < 0.

    Raises
    ------
    ValueError
        As :func:`forward_sde`, and if `score_value` has not the shape of `x`.

    Notes
    -----
    Not to be confused with the drift in τ = 1 - t, which has the other sign: -f x + g² s.

    References
    ----------
    Anderson (1982), Reverse-time diffusion equation models; Song et al. (2021), eq. 6.

    Examples
    --------
    On N(0, 1) the reversed process is the same Ornstein–Uhlenbeck process, so with β = 4 and backward in time its drift
    is -2 x:

    >>> import refscore as rs
    >>> x = np.array([[1.5]])
    >>> (-reverse_drift(-x, x, 0.5, path=rs.paths.VP(4, 4)) == -2 * x).item()
    True
    """
    x, rate, diffusion = _coefficients(x, t, path)
    score = of_shape(score_value, "score_value", x.shape, "x")
    value: Float = lift(rate, x) * x - lift(diffusion, x) ** 2 * score  # (SDE.2)
    return value


def flow_drift(score_value: ArrayLike, x: ArrayLike, t: ArrayLike, *, path: Path) -> Float:
    """Drift of the probability-flow ODE, (SDE.3).

    Parameters
    ----------
    score_value, x : (\\*batch, d)
        s = ∇ log p_t(x), and the state it was taken at.
    t : () or (\\*batch,)
        Time.
    path : Path
        Gives f and g.

    Returns
    -------
    (\\*batch, d)
        f x - ½ g² s = dx/dt, which is also the velocity u = α' x̂0 + σ' ε̂.

    Raises
    ------
    ValueError
        As :func:`reverse_drift`.

    Notes
    -----
    Not to be confused with (SDE.2): the score carries ½ g² here and g² there.

    References
    ----------
    Song et al. (2021), Score-based generative modeling through SDEs, eq. 13.

    Examples
    --------
    The velocity by its other definition, u = α' x̂0 + σ' ε̂:

    >>> import refscore as rs
    >>> path, x, s = rs.paths.Flow(), np.array([[0.3, -2.0]]), np.array([[1.0, 0.5]])
    >>> noise = -0.25 * s
    >>> data = (x - 0.25 * noise) / 0.75
    >>> np.allclose(flow_drift(s, x, 0.25, path=path), noise - data, rtol=1e-14, atol=0)
    True
    """
    x, rate, diffusion = _coefficients(x, t, path)
    score = of_shape(score_value, "score_value", x.shape, "x")
    value: Float = lift(rate, x) * x - 0.5 * lift(diffusion, x) ** 2 * score  # (SDE.3)
    return value


def _coefficients(x: ArrayLike, t: ArrayLike, path: Path) -> tuple[Float, Float, Float]:
    x, t = samples(x, "x"), as_float64(t, "t")
    lift(t, x)
    rate, diffusion = path.drift_rate(t), path.diffusion(t)
    poles = ~(np.isfinite(rate) & np.isfinite(diffusion))
    if poles.any():
        at = np.flatnonzero(poles)[0]
        f, g = np.ravel(rate)[at], np.ravel(diffusion)[at]
        reason = "no signal left" if np.isinf(f) else "a pole"
        raise ValueError(
            f"t is {t.flat[at]:g}, where {path} has {reason}: f = {f:g}, g = {g:g}; expected a time inside"
        )
    return x, rate, diffusion
