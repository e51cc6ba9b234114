"""DDPM's respacing: which n of the N levels a network was trained on a sampler visits. Whole numbers, then times.

A network of the DDPM family knows the labels i = 0, …, N - 1, least noise first; the path's time is t = (i + 1)/N
(:class:`refscore.paths.DiscreteVP`). Three rules choose n labels, in descending order, k = 0, …, n - 1:

    leading    i_k = (n - 1 - k) ⌊N/n⌋ + offset                                                       (GRD2.1)
    linspace   i_k = round((N - 1)(n - 1 - k)/(n - 1))                                                (GRD2.2)
    trailing   i_k = round(N (n - k)/n) - 1                                                           (GRD2.3)

A half is rounded to the even neighbour. Only the last two start at the prior, i = N - 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refscore.arrays import Float, as_float64, integer

__all__ = ["leading_labels", "linspace_labels", "times_of_labels", "trailing_labels"]

Labels = NDArray[np.int64]


def leading_labels(*, n: int, n_train: int, offset: int = 0) -> Labels:
    """Labels at equal distances counted from the data: "leading".

        i_k = (n - 1 - k) ⌊N/n⌋ + offset,   k = 0, …, n - 1                                            (GRD2.1)

    Parameters
    ----------
    n : int
        Number of steps, 1 ≤ n ≤ N.
    n_train : int
        N, the number of levels in training.
    offset : int
        Added to every label; Stable Diffusion has 1.

    Returns
    -------
    (n,) of int64
        Descending.

    Raises
    ------
    ValueError
        If n is not in 1 … N, or `offset` is negative or carries the first label past N - 1.

    Notes
    -----
    The first label is below N - 1, most with few steps: the run starts from N(0, I), where no such level is. Not to be
    confused with the "leading" of diffusers' DPM-Solver, which divides by n + 1.

    References
    ----------
    Lin et al. (2024), Common diffusion noise schedules and sample steps are flawed, table 2, with its name.

    Examples
    --------
    >>> leading_labels(n=4, n_train=1000, offset=1).tolist()
    [751, 501, 251, 1]
    """
    n, total = _counts(n, n_train)
    shift = integer(offset, "offset", 0)
    labels = np.arange(n - 1, -1, -1, dtype=np.int64) * (total // n) + shift  # (GRD2.1)
    if labels[0] >= total:
        raise ValueError(f"offset is {shift}; expected at most {total - 1 - (n - 1) * (total // n)} with n = {n}")
    return labels


def linspace_labels(*, n: int, n_train: int) -> Labels:
    """Labels at equal distances between both ends: "linspace".

        i_k = round((N - 1)(n - 1 - k)/(n - 1)),   k = 0, …, n - 1                                     (GRD2.2)

    Parameters
    ----------
    n : int
        Number of steps, 2 ≤ n ≤ N.
    n_train : int
        N, the number of levels in training.

    Returns
    -------
    (n,) of int64
        Descending, from N - 1 to 0.

    Raises
    ------
    ValueError
        If n is not in 2 … N. Of one step, diffusers' rule makes the label 0, the level next to the data.

    Notes
    -----
    Not to be confused with the "linspace" of diffusers' Euler scheduler, which does not round. A half that is
    none in floating point can go to the other side there.

    References
    ----------
    Nichol & Dhariwal (2021), Improved denoising diffusion probabilistic models, section 4; Lin et al. (2024), Common
    diffusion noise schedules and sample steps are flawed, table 2, with its name.

    Examples
    --------
    >>> linspace_labels(n=5, n_train=1000).tolist()  # 749.25, 499.5, 249.75
    [999, 749, 500, 250, 0]
    """
    n, total = _counts(n, n_train)
    if n == 1:
        raise ValueError("n is 1; expected at least 2, since both ends are labels")
    return _rounded((total - 1) * np.arange(n - 1, -1, -1, dtype=np.int64), n - 1)  # (GRD2.2)


def trailing_labels(*, n: int, n_train: int) -> Labels:
    """Labels at equal distances counted from the prior: "trailing".

        i_k = round(N (n - k)/n) - 1,   k = 0, …, n - 1                                               (GRD2.3)

    Parameters
    ----------
    n : int
        Number of steps, 1 ≤ n ≤ N.
    n_train : int
        N, the number of levels in training.

    Returns
    -------
    (n,) of int64
        Descending from N - 1.

    Raises
    ------
    ValueError
        If n is not in 1 … N.

    Notes
    -----
    With n dividing N the times are those of ``uniform_times``. These are whole numbers throughout: diffusers counts
    ``arange(N, 0, -N/n)`` in floating point, which at some n sends a half to the other side and at others (N = 1000,
    n = 61) ends with one label more, -1.

    References
    ----------
    Lin et al. (2024), Common diffusion noise schedules and sample steps are flawed, table 2.

    Examples
    --------
    >>> trailing_labels(n=4, n_train=1000).tolist()
    [999, 749, 499, 249]
    """
    n, total = _counts(n, n_train)
    return _rounded(total * np.arange(n, 0, -1, dtype=np.int64), n) - 1  # (GRD2.3)


def times_of_labels(labels: ArrayLike, *, n_train: int) -> Float:
    """The time grid of a list of labels: their times on the path, then 0.

        t_k = (i_k + 1)/N,   t_n = 0                                                                  (GRD2.4)

    Parameters
    ----------
    labels : (n,)
        Whole numbers in 0 … N - 1, descending: from one of the rules, or one's own.
    n_train : int
        N.

    Returns
    -------
    (n + 1,)
        Descending; a time grid for any sampler along ``DiscreteVP`` with N betas.

    Raises
    ------
    ValueError
        If `labels` is no vector of whole numbers in 0 … N - 1, or does not descend.

    Notes
    -----
    The step from the last label goes to the data, ᾱ = 1: ``set_alpha_to_one=True`` in diffusers. Not to be confused
    with ending at label 0, ᾱ = 1 - β_1, which is this grid without its last time, if its last label is 0.

    Examples
    --------
    >>> times_of_labels([999, 499], n_train=1000).tolist()
    [1.0, 0.5, 0.0]
    """
    total, values = integer(n_train, "n_train", 1), as_float64(labels, "labels")
    if values.ndim != 1 or values.size == 0:
        raise ValueError(f"labels has shape {values.shape}; expected (n,) with n >= 1")
    wrong = (values < 0) | (values >= total) | (values != np.round(values))
    if wrong.any():
        k = int(np.argmax(wrong))
        raise ValueError(f"labels[{k}] is {values[k]:g}; expected a whole number in 0 … {total - 1}")
    if not (np.diff(values) < 0).all():
        k = int(np.argmax(np.diff(values) >= 0))
        raise ValueError(f"labels does not descend: labels[{k}] = {values[k]:g}, labels[{k + 1}] = {values[k + 1]:g}")
    return np.append((values + 1) / total, 0.0)  # (GRD2.4)


def _counts(n: int, n_train: int) -> tuple[int, int]:
    total = integer(n_train, "n_train", 1)
    n = integer(n, "n", 1)
    if n > total:
        raise ValueError(f"n is {n}; expected at most n_train = {total}")
    return n, total


def _rounded(numerator: Labels, denominator: int) -> Labels:
    """The nearest whole numbers of a fraction, halves to even, without rounding before."""
    whole, rest = np.divmod(numerator, denominator)
    up = (2 * rest > denominator) | ((2 * rest == denominator) & (whole % 2 == 1))
    value: Labels = whole + up
    return value
