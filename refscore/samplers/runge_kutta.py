"""Runge-Kutta methods on the probability flow or on a velocity: Euler, midpoint, Heun, Ralston, RK4, and RK45 of SciPy.

A method is a table: nodes c, a strictly lower matrix a, weights b. From t down to s, with h = s - t < 0,

    k_i = u(x + h Σ_j a_ij k_j, t + c_i h),   x_s = x + h Σ_i b_i k_i                                    (RK.1)

where u is the velocity dx/dt. Flow matching samples with just these, on its learned velocity; on a score the velocity
is u = f x - ½ g² s. Flow-matching codes run from noise at t = 0; here t = 0 is data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import solve_ivp

from refscore.arrays import Float, number, of_shape, positive, read_only, samples
from refscore.paths import Path
from refscore.samplers.arguments import grid, times_of_step
from refscore.samplers.replay import Sampler, Score
from refscore.sde import flow_drift

__all__ = ["EULER", "HEUN", "MIDPOINT", "RALSTON", "RK4", "Tableau", "flow_rk45", "runge_kutta", "runge_kutta_step"]

Field = Callable[[Float, Float], ArrayLike]


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Tableau:
    """The table of an explicit Runge-Kutta method.

    Parameters
    ----------
    name : str
        What reports call it.
    order : int
        Its order.
    nodes : (r,)
        c, with c_1 = 0.
    matrix : (r, r)
        a, strictly lower; its rows sum to c.
    weights : (r,)
        b, which sum to 1.

    Raises
    ------
    ValueError
        If the shapes do not fit, the matrix is not strictly lower, or a sum is off.

    Examples
    --------
    >>> RK4
    Tableau(rk4: 4 stages, order 4)
    """

    name: str
    order: int
    nodes: Float
    matrix: Float
    weights: Float

    def __post_init__(self) -> None:
        c = read_only(self.nodes, "nodes")
        r = len(c)
        a, b = read_only(self.matrix, "matrix", (r, r)), read_only(self.weights, "weights", (r,))
        if np.triu(a).any():
            raise ValueError("matrix has entries on or above the diagonal; expected an explicit method")
        if np.abs(a.sum(axis=1) - c).max() > 1e-15 * r or abs(b.sum() - 1) > 1e-15 * r:
            raise ValueError(f"the rows of matrix sum to {a.sum(axis=1)} and weights to {b.sum()}; expected {c} and 1")
        for name, value in (("nodes", c), ("matrix", a), ("weights", b)):
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        r = len(self.nodes)
        return f"Tableau({self.name}: {r} stage{'s' * (r > 1)}, order {self.order})"


def _two_stages(name: str, c: float) -> Tableau:
    return Tableau(name, 2, np.array([0, c]), np.array([[0, 0], [c, 0]]), np.array([1 - 1 / (2 * c), 1 / (2 * c)]))


EULER = Tableau("euler", 1, np.zeros(1), np.zeros((1, 1)), np.ones(1))
"""Euler's method."""
MIDPOINT = _two_stages("midpoint", 0.5)
"""The midpoint rule, order 2."""
HEUN = _two_stages("heun", 1.0)
"""Heun's method, the explicit trapezoidal rule, order 2."""
RALSTON = _two_stages("ralston", 2 / 3)
"""Ralston's method, order 2, with the least bound of the local error."""
RK4 = Tableau(
    "rk4",
    4,
    np.array([0, 0.5, 0.5, 1]),
    np.array([[0, 0, 0, 0], [0.5, 0, 0, 0], [0, 0.5, 0, 0], [0, 0, 1, 0]]),
    np.array([1, 2, 2, 1]) / 6,
)
"""The classical method of Runge and Kutta, order 4."""


def _hold_tableau(tableau: object) -> None:
    if not isinstance(tableau, Tableau):
        raise TypeError(f"tableau is {tableau!r}; expected a Tableau, such as refscore.samplers.RK4")


def runge_kutta_step(velocity: Field, x: ArrayLike, t: ArrayLike, s: ArrayLike, *, tableau: Tableau) -> Float:
    """One step of a Runge-Kutta method on a velocity, from t down to s.

        k_i = u(x + h Σ_j a_ij k_j, t + c_i h),   x_s = x + h Σ_i b_i k_i,   h = s - t                   (RK.1)

    Parameters
    ----------
    velocity : callable
        u(x, t) = dx/dt, from (\\*batch, d) to (\\*batch, d).
    x : (\\*batch, d)
        State at t.
    t, s : () or (\\*batch,)
        Where the step starts and ends; s < t.
    tableau : Tableau
        The method.

    Returns
    -------
    (\\*batch, d)
        x_s.

    Raises
    ------
    ValueError
        If the step does not go down, or a shape is not that of `x`.

    References
    ----------
    Hairer, Nørsett & Wanner (1993), Solving ordinary differential equations I, section II.1.

    Examples
    --------
    du/dt = x from 1 down to 0 in one step of RK4 is e^(-1) to the fourth order, 1 - 1 + ½ - 1/6 + 1/24:

    >>> runge_kutta_step(lambda x, t: x, [[1.0]], 1.0, 0.0, tableau=RK4)
    array([[0.375]])
    """
    _hold_tableau(tableau)
    x = samples(x, "x")
    t, s, length = times_of_step(t, s, x)
    stages: list[Float] = []
    for c, row in zip(tableau.nodes, tableau.matrix, strict=True):
        here = x
        for weight, k in zip(row, stages, strict=False):
            here = here - weight * length * k
        time = s if c == 1 else t - c * (t - s)
        stages.append(of_shape(velocity(here, time), "velocity(x, t)", x.shape, "x"))
    value: Float = x - length * sum(b * k for b, k in zip(tableau.weights, stages, strict=True))  # (RK.1)
    return value


def runge_kutta(path: Path, times: ArrayLike, *, tableau: Tableau) -> Sampler:
    """A Runge-Kutta method on the probability flow of a path as a :class:`Sampler`.

        u(x, t) = f(t) x - ½ g(t)² s(x, α(t), σ(t))                                                    (RK.2)

    Parameters
    ----------
    path : Path
        The forward process.
    times : (n + 1,)
        Descending time grid.
    tableau : Tableau
        The method: :data:`EULER`, :data:`MIDPOINT`, :data:`HEUN`, :data:`RALSTON`, :data:`RK4` or one's own.

    Returns
    -------
    Sampler
        Of n steps, no noise.

    Raises
    ------
    ValueError
        If the grid does not descend or leaves the path.

    Notes
    -----
    On Gaussians whose variance V(t) is quadratic in t, so on flow matching's path and on EDM's, the midpoint rule has
    order 3, on other data 2. Its local error is

        x(s) - x_s = h³ V'''/(48 V) x + O(h⁴)                                                         (RK.4)

    Where α = 0, at the end of flow matching's path, a score says nothing of the mean and u is infinite: start below it,
    or give a velocity to :func:`runge_kutta_step`.

    Examples
    --------
    >>> import refscore as rs
    >>> runge_kutta(rs.paths.Flow(), [0.9, 0.5, 0.0], tableau=MIDPOINT)
    Sampler(midpoint: 2 steps from (α, σ) = (0.1, 0.9) to (1, 0), no noise)
    """
    t, alpha, sigma = grid(path, times)
    _hold_tableau(tableau)

    def step(score: Score, x: Float, k: int, noise: Float | None) -> Float:  # noqa: ARG001  an ODE draws nothing
        def velocity(y: Float, at: Float) -> Float:
            return flow_drift(score(y, float(path.alpha(at)), float(path.sigma(at))), y, at, path=path)  # (RK.2)

        return runge_kutta_step(velocity, x, t[k], t[k + 1], tableau=tableau)

    start, stop = (float(alpha[0]), float(sigma[0])), (float(alpha[-1]), float(sigma[-1]))
    return Sampler(tableau.name, len(t) - 1, 0, path.prior_scale, start, stop, step)


def flow_rk45(
    score: Field, x: ArrayLike, *, path: Path, t_start: float, t_stop: float, rtol: float = 1e-5, atol: float = 1e-5
) -> Float:
    """The probability flow by SciPy's RK45, with adaptive steps: what score_sde samples and measures likelihoods with.

        dx/dt = f(t) x - ½ g(t)² s(x, t),   from t_start down to t_stop                                (RK.3)

    Parameters
    ----------
    score : callable
        s(x, t), the score at the path's time t.
    x : (\\*batch, d)
        State at t_start.
    path : Path
        f and g.
    t_start, t_stop : float
        0 ≤ t_stop < t_start.
    rtol, atol : float
        Of every step, relative and absolute.

    Returns
    -------
    (\\*batch, d)
        State at t_stop.

    Raises
    ------
    ValueError
        If the interval does not go down or a tolerance is not positive.
    ArithmeticError
        If the integration fails.

    Notes
    -----
    The whole batch is one system with one step size, and the error that is held is its root mean square: a sample's
    result depends, below the tolerance, on its company. Nothing in it is affine in x. Not to be confused with
    ``refscore.exact.flow``, which says how far off it is.

    References
    ----------
    Song et al. (2021), Score-based generative modeling through stochastic differential equations, appendix D.2.

    Examples
    --------
    >>> import refscore as rs
    >>> found = flow_rk45(lambda x, t: -x / (1 + t**2), [[5.0]], path=rs.paths.EDM(), t_start=2, t_stop=0, rtol=1e-10)
    >>> bool(abs(found[0, 0] - 5 / 5**0.5) < 1e-4)  # the scale goes from √5 to 1
    True
    """
    x = samples(x, "x")
    first, last, _ = times_of_step(number(t_start, "t_start"), number(t_stop, "t_stop"), x)
    options = {"rtol": number(rtol, "rtol", positive), "atol": number(atol, "atol", positive)}

    def field(t: float, flat: Float) -> Float:
        y, at = flat.reshape(x.shape), np.asarray(t, dtype=np.float64)
        s = of_shape(score(y, at), "score(x, t)", x.shape, "x")
        return flow_drift(s, y, at, path=path).ravel()  # (RK.3)

    found = solve_ivp(field, (float(first), float(last)), x.ravel(), method="RK45", **options)
    if not found.success:
        raise ArithmeticError(f"RK45 stopped at t = {found.t[-1]:.6g}: {found.message}")
    value: Float = found.y[:, -1].reshape(x.shape)
    return value
