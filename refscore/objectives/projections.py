"""The random directions of sliced objectives and of Hutchinson's trace, as functions of standard normals z.

    normal           v = z                                                                            (PRJ.1)
    signs            v = sign(z)                                                                      (PRJ.2)
    sphere           v = √d z/|z|                                                                     (PRJ.3)
    unit sphere      v = z/|z|,  E[v vᵀ] = I/d                                                        (PRJ.4)
    orthogonal       v_j = √d q_j,  q_j·q_k = δ_jk  among every d of them                             (PRJ.5)

All but the unit sphere have E[v vᵀ] = I, which is all that an expectation needs. What each costs in variance stands in
``refscore.exact.projections``. Nothing is drawn here: a law is a function, and the normals are the caller's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64, samples

__all__ = ["gaussian", "orthogonal", "rademacher", "sphere", "unit_sphere"]


def gaussian(normal: ArrayLike) -> Float:
    """Projections with the standard normal law.

        v = z                                                                                         (PRJ.1)

    Parameters
    ----------
    normal : (\\*batch, d)
        Standard normals z.

    Returns
    -------
    (\\*batch, d)
        v.
    """
    return samples(normal, "normal")  # (PRJ.1)


def rademacher(normal: ArrayLike) -> Float:
    """Projections of random signs.

        v = sign(z)                                                                                   (PRJ.2)

    Parameters
    ----------
    normal : (\\*batch, d)
        Standard normals z; a z that is 0 counts by its sign bit.

    Returns
    -------
    (\\*batch, d)
        v, each component 1 or -1.

    References
    ----------
    Hutchinson (1990), A stochastic estimator of the trace of the influence matrix.

    Examples
    --------
    >>> rademacher([0.3, -2.0])
    array([ 1., -1.])
    """
    return np.copysign(1.0, samples(normal, "normal"))  # (PRJ.2)


def sphere(normal: ArrayLike) -> Float:
    """Projections uniform on the sphere of radius √d.

        v = √d z/|z|                                                                                  (PRJ.3)

    Parameters
    ----------
    normal : (\\*batch, d)
        Standard normals z, none of them all 0.

    Returns
    -------
    (\\*batch, d)
        v, with |v|² = d.

    Raises
    ------
    ValueError
        If a z is 0.

    Notes
    -----
    Not to be confused with :func:`unit_sphere`, which has E[v vᵀ] = I/d.

    Examples
    --------
    >>> v = sphere([3.0, 4.0])
    >>> v, round(float(v @ v), 12)
    (array([0.84852814, 1.13137085]), 2.0)
    """
    z, square = _squared(normal)
    value: Float = z * np.sqrt(z.shape[-1] / square)  # (PRJ.3)
    return value


def unit_sphere(normal: ArrayLike) -> Float:
    """Projections uniform on the unit sphere.

        v = z/|z|                                                                                     (PRJ.4)

    Parameters
    ----------
    normal : (\\*batch, d)
        Standard normals z, none of them all 0.

    Returns
    -------
    (\\*batch, d)
        v, with |v| = 1 and E[v vᵀ] = I/d.

    Raises
    ------
    ValueError
        If a z is 0.

    Notes
    -----
    With these ``objectives.sliced`` is d times too small, as a convention of its own (the authors' code has it), and
    ``objectives.sliced_variance_reduced`` is wrong: only one of its two terms is.

    Examples
    --------
    >>> unit_sphere([3.0, 4.0])
    array([0.6, 0.8])
    """
    z, square = _squared(normal)
    value: Float = z / np.sqrt(square)  # (PRJ.4)
    return value


def orthogonal(normal: ArrayLike) -> Float:
    """Projections that are orthogonal to each other: every d of them are √d times a Haar-distributed basis.

        v_j = √d q_j,   z_jᵀ = Σ_{k ≤ j} q_kᵀ r_kj,   r_jj > 0                                        (PRJ.5)

    Parameters
    ----------
    normal : (m, \\*batch, d)
        Standard normals z_1 … z_m for each sample. The first d make one basis, the next d another, independent of it; a
        last block of fewer rows is a part of a basis.

    Returns
    -------
    (m, \\*batch, d)
        v_1 … v_m, each uniform on the sphere of radius √d.

    Raises
    ------
    ValueError
        If there is no projection, or normals of one sample are linearly dependent.

    Notes
    -----
    With m = d the mean of v_jᵀ M v_j is tr M, exactly and for any M: no estimate is left. Not to be confused with the
    rows of QR as LAPACK returns it, whose signs are its own and whose law is not Haar's.

    References
    ----------
    Mezzadri (2007), How to generate random matrices from the classical compact groups, section 5.

    Examples
    --------
    >>> import numpy as np
    >>> v = orthogonal([[3.0, 4.0], [1.0, 0.0]])
    >>> m = np.array([[2.0, 7.0], [-1.0, 5.0]])
    >>> (v @ v.T).round(12).tolist(), round(float(np.mean([w @ m @ w for w in v])), 12)
    ([[2.0, 0.0], [0.0, 2.0]], 7.0)
    """
    z = as_float64(normal, "normal")
    if z.ndim < 2 or z.size == 0:
        raise ValueError(f"normal has shape {z.shape}; expected (m, *batch, d), m >= 1 projections for each sample")
    d = z.shape[-1]
    value = np.empty_like(z)
    for start in range(0, len(z), d):
        columns = np.moveaxis(z[start : start + d], 0, -1)
        q, r = np.linalg.qr(columns)
        diagonal = np.diagonal(r, axis1=-2, axis2=-1)
        if not diagonal.all():
            raise ValueError("normal has rows of one sample that are linearly dependent; expected independent draws")
        signed = np.sqrt(d) * q * np.copysign(1.0, diagonal)[..., None, :]
        value[start : start + d] = np.moveaxis(signed, -1, 0)  # (PRJ.5)
    return value


def _squared(normal: ArrayLike) -> tuple[Float, Float]:
    """z and |z|², none of which is 0."""
    z = samples(normal, "normal")
    square = (z**2).sum(-1, keepdims=True)
    if not square.all():
        raise ValueError("normal has a row of zeros, which has no direction; expected standard normals")
    return z, square
