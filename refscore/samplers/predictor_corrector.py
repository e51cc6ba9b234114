"""Predictor-corrector sampling: steps down a path, with Langevin steps at the levels in between.

The paper predicts first, the released code corrects first:

    x̃ = predictor(x, t_k → t_{k+1}),   then M times x ← corrector(x, t_{k+1})                         (PCS.7)
    M times x ← corrector(x, t_k),   then x̃ = predictor(x, t_k → t_{k+1})                             (PCS.8)

Both are one alternation, cut at two places. Laws of whole runs are exact with a corrector that is an affine map, such
as ``annealed_corrector_step``.
"""

from __future__ import annotations

from collections.abc import Callable

from numpy.typing import ArrayLike

from refscore.arrays import Float, integer
from refscore.paths import Path
from refscore.samplers.arguments import grid
from refscore.samplers.correctors import PlainScore
from refscore.samplers.replay import Sampler, Score

__all__ = ["corrector_predictor", "predictor_corrector"]

Corrector = Callable[[PlainScore, Float, Float, float], Float]
"""corrector(score, x, noise, t): one step at the path's time t, with the score of that level as score(x)."""
Predictor = Callable[[Path, ArrayLike], Sampler]


def predictor_corrector(
    path: Path, times: ArrayLike, *, predictor: Predictor, corrector: Corrector, corrector_steps: int = 1
) -> Sampler:
    """Predict, then correct at the new level: the paper's order, as a :class:`Sampler`.

        x̃ = predictor(x, t_k → t_{k+1}),   then M times x ← corrector(x, t_{k+1})                     (PCS.7)

    Parameters
    ----------
    path : Path
        The forward process.
    times : (n + 1,)
        Descending time grid.
    predictor : callable
        Makes a :class:`Sampler` of path and times, such as ``reverse_diffusion``, ``ancestral_ve`` or ``euler_ode``.
    corrector : callable
        ``corrector(score, x, noise, t)``: one step at time t, with the score of that level.
    corrector_steps : int
        M ≥ 1.

    Returns
    -------
    Sampler
        Of n (1 + M) steps, one noise vector each, which a predictor without noise leaves unused.

    Raises
    ------
    ValueError
        If the grid does not descend or leaves the path, or `corrector_steps` is below 1.

    Notes
    -----
    Not to be confused with :func:`corrector_predictor`, the order of score_sde's code. Here the last thing done is a
    correction at the last level, whose bias stays.

    References
    ----------
    Song et al. (2021), Score-based generative modeling through stochastic differential equations, Algorithm 1.

    Examples
    --------
    >>> import refscore as rs
    >>> path = rs.paths.VE()
    >>> def corrector(score, x, noise, t):
    ...     return rs.samplers.annealed_corrector_step(score, x, noise, snr=0.16, sigma=path.sigma(t))
    >>> predictor_corrector(path, [1.0, 0.5, 0.0], predictor=rs.samplers.reverse_diffusion, corrector=corrector)
    Sampler(reverse diffusion, then 1 correction: 4 steps from (α, σ) = (1, 50) to (1, 0.01), one noise vector a step)
    """
    return _made(path, times, predictor, corrector, corrector_steps, predicts_at=0)


def corrector_predictor(
    path: Path, times: ArrayLike, *, predictor: Predictor, corrector: Corrector, corrector_steps: int = 1
) -> Sampler:
    """Correct at the present level, then predict: the order of score_sde's code, as a :class:`Sampler`.

        M times x ← corrector(x, t_k),   then x̃ = predictor(x, t_k → t_{k+1})                         (PCS.8)

    Parameters
    ----------
    path : Path
        The forward process.
    times : (n + 1,)
        Descending time grid.
    predictor : callable
        Makes a :class:`Sampler` of path and times, such as ``reverse_diffusion``, ``ancestral_ve`` or ``euler_ode``.
    corrector : callable
        ``corrector(score, x, noise, t)``: one step at time t, with the score of that level.
    corrector_steps : int
        M ≥ 1.

    Returns
    -------
    Sampler
        Of n (1 + M) steps, one noise vector each, which a predictor without noise leaves unused.

    Raises
    ------
    ValueError
        If the grid does not descend or leaves the path, or `corrector_steps` is below 1.

    Notes
    -----
    Not to be confused with :func:`predictor_corrector`, the order of the paper. Here the first thing done is a
    correction at the prior, and the last level is never corrected.

    References
    ----------
    Song et al. (2021), Score-based generative modeling through stochastic differential equations, code
    (``get_pc_sampler``).

    Examples
    --------
    >>> import refscore as rs
    >>> path = rs.paths.VE()
    >>> def corrector(score, x, noise, t):
    ...     return rs.samplers.batch_corrector_step(score, x, noise, snr=0.16)
    >>> corrector_predictor(path, [1.0, 0.5, 0.0], predictor=rs.samplers.ancestral_ve, corrector=corrector).n_steps
    4
    """
    return _made(path, times, predictor, corrector, corrector_steps, predicts_at=corrector_steps)


def _made(
    path: Path, times: ArrayLike, predictor: Predictor, corrector: Corrector, corrector_steps: int, *, predicts_at: int
) -> Sampler:
    m = integer(corrector_steps, "corrector_steps", 1)
    grid_t, alpha, sigma = grid(path, times)
    inner = predictor(path, grid_t)
    later = 1 if predicts_at == 0 else 0  # corrections belong to the level of the step's end, or of its start

    def step(score: Score, x: Float, k: int, noise: Float | None) -> Float:
        assert noise is not None
        i, j = divmod(k, 1 + m)
        if j == predicts_at:
            return inner.step(score, x, i, noise if inner.draws else None)
        a, s = float(alpha[i + later]), float(sigma[i + later])
        return corrector(lambda y: score(y, a, s), x, noise, float(grid_t[i + later]))  # (PCS.7) (PCS.8)

    corrections = f"{m} correction{'s' * (m != 1)}"
    name = f"{inner.name}, then {corrections}" if later else f"{corrections}, then {inner.name}"
    start, stop = (float(alpha[0]), float(sigma[0])), (float(alpha[-1]), float(sigma[-1]))
    return Sampler(name, (len(grid_t) - 1) * (1 + m), 1, path.prior_scale, start, stop, step)
