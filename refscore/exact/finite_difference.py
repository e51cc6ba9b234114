"""The truth about finite-difference score matching where differences are exact: affine scores, quadratic energies.

A quadratic log density has no third derivative, so that both differences (FDS.1), (FDS.2) are free of error whatever
the step is, and so are those of an affine field in (FDS.6). Then, sample by sample,

    finite_difference = finite_difference_score = sliced                                              (FDS.8)

and expectation, variance and minimiser are those of ``sliced``. For any other score on a mixture in one or two
dimensions there is ``refscore.exact.on_mixtures.over_data_and_signs``.
"""

from __future__ import annotations

from refscore.exact import expectations, minimisers, variances
from refscore.exact.projections import Projection
from refscore.exact.residuals import Moments
from refscore.models.affine import AffineScore

__all__ = ["finite_difference_expectation", "finite_difference_minimiser", "finite_difference_variance"]


def finite_difference_expectation(score: AffineScore, data: Moments) -> float:
    """E of ``objectives.finite_difference_score``, and of ``finite_difference`` for a symmetric A: (FDS.8), (EXPECT.9).

    Parameters
    ----------
    score : AffineScore
        The model s(x) = -A (x - b); that of an energy where A = Aᵀ.
    data : Moments
        Mean μ and covariance Σ of x.

    Returns
    -------
    float
        E ℓ, in 1/unit², the same for any step, and for any number of projections with E[v vᵀ] = I.

    Raises
    ------
    ValueError
        If `data` are of another dimension than `score`.
    """
    return expectations.sliced(score, data)


def finite_difference_minimiser(data: Moments) -> AffineScore:
    """The affine score that minimises :func:`finite_difference_expectation`: that of ``implicit``, (MIN.1).

    Parameters
    ----------
    data : Moments
        Mean μ and covariance Σ of x.

    Returns
    -------
    AffineScore
        The minimiser; symmetric, and so that of an energy too.
    """
    return minimisers.sliced(data)


def finite_difference_variance(
    score: AffineScore, data: Moments, *, projection: Projection, n_projections: int = 1
) -> float:
    """Var of one sample of both finite-difference objectives, over x and its projections: (FDS.8), (VAR.5).

    Parameters
    ----------
    score : AffineScore
        The model s(x) = -A (x - b).
    data : Moments
        The law N(μ, Σ) of x, a ``Gaussian``.
    projection : callable
        The law of v, from ``refscore.exact.projections``.
    n_projections : int
        How many projections m each sample has, drawn as the law says.

    Returns
    -------
    float
        Var ℓ, in 1/unit⁴.

    Raises
    ------
    ValueError
        If `n_projections` is less than 1, or `data` are of another dimension than `score`.

    Examples
    --------
    >>> import refscore as rs
    >>> from refscore.exact.projections import rademacher_projection as law
    >>> s, p = rs.models.AffineScore([[2]], [0.5]), rs.targets.gaussian([1], 4)
    >>> finite_difference_variance(s, p, projection=law) == rs.exact.variances.implicit(s, p)
    True
    """
    return variances.sliced(score, data, projection=projection, n_projections=n_projections)
