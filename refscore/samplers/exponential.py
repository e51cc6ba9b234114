"""Exponential integrators in the log-SNR: the linear part of the probability flow is solved, the model is interpolated.

With λ = log(α/σ) as the clock, the probability flow has two exact solutions, one for each form of the model,

    x_s = (α_s/α_t) x_t - α_s ∫ e^(-λ) ε̂ dλ,   x_s = (σ_s/σ_t) x_t + σ_s ∫ e^λ x̂_0 dλ,   from λ_t to λ_s    (EXPI.1)

in noise form and in data form. A model that is a polynomial in λ over the step is integrated by the φ-functions

    φ_k(z) = ∫_0^1 e^((1-δ) z) δ^(k-1)/(k-1)! dδ,   φ_{k+1}(z) = (φ_k(z) - 1/k!)/z,   φ_0 = e^z            (EXPI.2)

and both solutions become one, with h = λ_s - λ_t and m the prediction,

    x_s = K x_t + G Σ_n h^(n+1) φ_{n+1}(c h) m⁽ⁿ⁾(λ_t)                                                    (EXPI.3)
    noise: K = α_s/α_t, G = -σ_s, c = 1;   data: K = σ_s/σ_t, G = α_s, c = -1                             (EXPI.4)

DPM-Solver, DEIS and UniPC are different ways to find the derivatives. λ is half of VDM's log-SNR.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64, integer
from refscore.paths import Path
from refscore.samplers.arguments import grid
from refscore.samplers.linear_multistep import linear_multistep
from refscore.samplers.multistep import Multistep
from refscore.samplers.replay import Sampler

__all__ = [
    "Form",
    "Levels",
    "data_form",
    "exponential_adams",
    "exponential_weights",
    "hold_form",
    "levels_along",
    "noise_form",
    "phi",
]


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Form:
    """In which prediction the flow is solved: what the model says, and (EXPI.4).

    Parameters
    ----------
    name : str
        "noise" or "data".
    sign : int
        c of (EXPI.3): 1 or -1.
    predict : callable
        ``predict(s, x, α, σ)``, the prediction that the score s stands for.
    keep, gain : callable
        ``keep(α_t, σ_t, α_s, σ_s)`` is K, ``gain(α_s, σ_s)`` is G.

    Examples
    --------
    >>> noise_form, data_form
    (Form(noise), Form(data))
    """

    name: str
    sign: int
    predict: Callable[[Float, Float, Float | float, Float | float], Float]
    keep: Callable[[Float, Float, Float, Float], Float]
    gain: Callable[[Float, Float], Float]

    def __repr__(self) -> str:
        return f"Form({self.name})"


def hold_form(form: object) -> None:
    """Refuse what is no form: "data" is a word, ``data_form`` is one.

    Parameters
    ----------
    form : Form
        What was given.

    Raises
    ------
    TypeError
        If it is something else.

    Examples
    --------
    >>> hold_form("data")
    Traceback (most recent call last):
        ...
    TypeError: form is 'data'; expected refscore.samplers.noise_form or data_form
    """
    if not isinstance(form, Form):
        raise TypeError(f"form is {form!r}; expected refscore.samplers.noise_form or data_form")


def _data(s: Float, x: Float, alpha: Float | float, sigma: Float | float) -> Float:
    value: Float = (x + sigma**2 * s) / alpha
    return value


noise_form = Form(
    "noise",
    1,
    lambda s, x, alpha, sigma: -sigma * s,  # noqa: ARG005
    lambda a_t, s_t, a_s, s_s: a_s / a_t,  # noqa: ARG005
    lambda a_s, s_s: -s_s,  # noqa: ARG005
)
"""The noise form of (EXPI.1): the model is ε̂ = -σ s."""

data_form = Form(
    "data",
    -1,
    _data,
    lambda a_t, s_t, a_s, s_s: s_s / s_t,  # noqa: ARG005
    lambda a_s, s_s: a_s,  # noqa: ARG005
)
"""The data form of (EXPI.1): the model is x̂_0 = (x + σ² s)/α."""


class Levels(NamedTuple):
    """A descending grid of times with its levels, all (n + 1,).

    Parameters
    ----------
    times, alpha, sigma, log_snr : (n + 1,)
        t, α, σ and λ; λ is finite and rises.
    """

    times: Float
    alpha: Float
    sigma: Float
    log_snr: Float


def levels_along(path: Path, times: ArrayLike) -> Levels:
    """The levels of a grid on which λ is finite: neither σ = 0 nor α = 0.

    Parameters
    ----------
    path : Path
        α(t), σ(t) and λ(t).
    times : (n + 1,)
        Descending time grid.

    Returns
    -------
    Levels
        Of the grid.

    Raises
    ------
    ValueError
        If the grid does not descend, leaves the path, or reaches a level without noise or without signal.

    Examples
    --------
    >>> import refscore as rs
    >>> levels_along(rs.paths.EDM(), [2.0, 0.0])
    Traceback (most recent call last):
        ...
    ValueError: log_snr is inf at times[1] = 0; expected it finite: end above σ = 0, or take the last step with ddim
    """
    t, alpha, sigma = grid(path, times)
    log_snr = path.log_snr(t)
    if not (finite := np.isfinite(log_snr)).all():
        k = int(np.argmin(finite))
        raise ValueError(
            f"log_snr is {log_snr[k]:g} at times[{k}] = {t[k]:g}; expected it finite: end above σ = 0, or take the "
            "last step with ddim"
        )
    return Levels(t, alpha, sigma, log_snr)


def phi(k: int, z: ArrayLike) -> Float:
    """The φ-functions of exponential integrators.

        φ_k(z) = ∫_0^1 e^((1-δ) z) δ^(k-1)/(k-1)! dδ = Σ_j z^j / (j + k)!                                (EXPI.2)

    Parameters
    ----------
    k : int
        Which; at least 0, and φ_0 = e^z.
    z : array_like
        Argument; c h of a step.

    Returns
    -------
    ndarray
        φ_k(z), to a few units of roundoff, of the shape of `z`.

    Notes
    -----
    The recursion φ_{k+1} = (φ_k - 1/k!)/z loses the digits of 1/z each time; below |z| = 1 the series is summed. Not to
    be confused with ``phi_1``, ``phi_2`` and ``phi_3`` of the DPM-Solver code, which are ±h φ_1, h φ_2 and ±h φ_3.

    References
    ----------
    Hochbruck & Ostermann (2010), Exponential integrators, eq. 2.10 and 2.11.

    Examples
    --------
    φ_1(1) = e - 1 and φ_2(1) = e - 2:

    >>> bool(abs(phi(1, 1) - (math.e - 1)) < 1e-15), bool(abs(phi(2, 1) - (math.e - 2)) < 1e-15)
    (True, True)
    """
    k, z = integer(k, "k", 0), as_float64(z, "z")
    small = np.abs(z) < 1
    near, far = np.where(small, z, 0.0), np.where(small, 1.0, z)
    series = np.zeros_like(z)
    for j in reversed(range(20)):
        series = series * near + 1 / math.factorial(j + k)  # (EXPI.2)
    value = np.exp(far)
    for j in range(k):
        value = (np.expm1(far) if j == 0 else value - 1 / math.factorial(j)) / far  # (EXPI.2)
    return np.where(small, series, value)


def exponential_weights(nodes: ArrayLike, z: float) -> Float:
    """What each of q predictions counts, if their interpolation polynomial is integrated exactly.

        Σ_j w_j c_j^n = n! φ_{n+1}(z),   n = 0 … q - 1                                                    (EXPI.5)

    Parameters
    ----------
    nodes : (q,)
        c_j = (λ_j - λ_t)/h, where the predictions stand, in steps: 0 for the present, negative for the past.
    z : float
        c h, that is h in noise form and -h in data form.

    Returns
    -------
    (q,)
        w; a step is x_s = K x_t + G h Σ_j w_j m_j.

    References
    ----------
    Hochbruck & Ostermann (2010), Exponential integrators, section 2.5, exponential Adams methods.

    Examples
    --------
    For z → 0 they are the weights of Adams and Bashforth, here 3/2 and -1/2:

    >>> exponential_weights([0.0, -1.0], 0.0).tolist()
    [1.5, -0.5]
    """
    c = as_float64(nodes, "nodes")
    moments = np.array([math.factorial(n) * float(phi(n + 1, z)) for n in range(len(c))])
    value: Float = np.linalg.solve(np.vander(c, increasing=True).T, moments)  # (EXPI.5)
    return value


def exponential_adams(
    path: Path, times: ArrayLike, *, order: int, form: Form = data_form, starter: Sampler | None = None
) -> Multistep:
    """Exponential Adams-Bashforth in λ as a :class:`Multistep`: the last q predictions are interpolated in λ.

        x_{k+1} = K x_k + G h Σ_j w_j m_{k-j},   w of (EXPI.5) with c_j = (λ_{k-j} - λ_k)/h             (EXPI.6)

    Parameters
    ----------
    path : Path
        α, σ and λ.
    times : (n + 1,)
        Descending time grid, where λ is finite.
    order : int
        q ≥ 1, how many predictions are interpolated; q = 1 is DDIM.
    form : Form
        :data:`noise_form` or :data:`data_form`.
    starter : Sampler, optional
        Who takes the first q - 1 steps, on the same grid, for instance ``dpm_solver_2(path, times)``; by default they
        are taken with the order that the history allows.

    Returns
    -------
    Multistep
        Of n steps, no noise, one evaluation each.

    Raises
    ------
    ValueError
        If the grid does not descend, leaves the path or meets an infinite λ, or `starter` has another grid.

    Notes
    -----
    Order q on grids that are smooth in λ, if the start has order q - 1. With the default start the first step is DDIM,
    and its local error of order h² stays: the order is 2 for every q ≥ 2, with a small factor where the model hardly
    changes at first. In noise form it is DEIS with polynomials in log ρ, what diffusers calls DEIS.

    References
    ----------
    Hochbruck & Ostermann (2010), Exponential integrators, section 2.5; Zhang & Chen (2023), Fast sampling of diffusion
    models with exponential integrator, for the noise form.

    Examples
    --------
    The order 1 is DDIM in both forms:

    >>> import refscore as rs
    >>> p, path, times = rs.targets.gaussian([1.0], 0.25), rs.paths.VP(), [0.9, 0.5, 0.1]
    >>> laws = [rs.exact.law(exponential_adams(path, times, order=1, form=f), p) for f in (noise_form, data_form)]
    >>> bool(all(rs.exact.wasserstein2(law, rs.exact.law(rs.samplers.ddim(path, times), p)) < 1e-14 for law in laws))
    True
    """
    hold_form(form)
    at, order = levels_along(path, times), integer(order, "order", 1)

    def weights(k: int) -> Float:
        h = at.log_snr[k + 1] - at.log_snr[k]
        past = at.log_snr[k::-1][:order]
        gain = form.gain(at.alpha[k + 1], at.sigma[k + 1])
        value: Float = gain * h * exponential_weights((past - at.log_snr[k]) / h, form.sign * float(h))  # (EXPI.6)
        return value

    n = len(at.times) - 1
    return linear_multistep(
        f"exponential adams {order} ({form.name})",
        levels=(at.alpha, at.sigma),
        prior_scale=path.prior_scale,
        order=order,
        predict=lambda s, x, k: form.predict(s, x, float(at.alpha[k]), float(at.sigma[k])),
        keep=form.keep(at.alpha[:-1], at.sigma[:-1], at.alpha[1:], at.sigma[1:]),
        weights=[weights(k) for k in range(n)],
        starter=starter,
    )
