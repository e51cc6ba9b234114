"""What to keep of a run: callbacks of ``replay`` that thin, remember, and sum up.

Means and covariances are kept without the states, and those of parts make those of the whole. With n states of mean m
and scatter S = Σ (x - m)(x - m)ᵀ in one part, and n', m', S' in the other,

    m'' = m + (n'/n'') (m' - m),   S'' = S + S' + (n n'/n'') (m' - m)(m' - m)ᵀ,   n'' = n + n'           (MOM.1)

in which nothing of the size of Σ x xᵀ is subtracted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, integer, of_shape, read_only, samples
from refscore.samplers.arguments import whole

__all__ = ["Callback", "Moments", "Running", "Trajectory", "moments", "several", "thinned"]

Callback = Callable[[int, Float], None]
"""callback(k, x) with the state after step k, as ``replay`` calls it."""


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Moments:
    """Number, mean and scatter of states.

    Parameters
    ----------
    count : int
        n.
    mean : (d,)
        m.
    scatter : (d, d)
        S = Σ (x - m)(x - m)ᵀ.
    """

    count: int
    mean: Float
    scatter: Float

    def __post_init__(self) -> None:
        integer(self.count, "count", 1)
        mean = read_only(self.mean, "mean")
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "scatter", read_only(self.scatter, "scatter", (len(mean), len(mean))))

    def __repr__(self) -> str:
        return f"Moments of {self.count} states in dimension {len(self.mean)}"

    @property
    def cov(self) -> Float:
        """S/n, shape (d, d): of these states, not the unbiased estimate, which divides by n - 1."""
        value: Float = self.scatter / self.count
        return value

    def merge(self, other: Moments) -> Moments:
        """Moments of both sets of states together.

            m'' = m + (n'/n'') (m' - m),   S'' = S + S' + (n n'/n'') (m' - m)(m' - m)ᵀ                   (MOM.1)

        Parameters
        ----------
        other : Moments
            Of states of the same dimension.

        Returns
        -------
        Moments
            Of n + n' states.

        Raises
        ------
        TypeError
            If `other` is no Moments, such as the value of a :class:`Running` that has seen no state.
        ValueError
            If the dimensions differ.
        """
        if not isinstance(other, Moments):
            raise TypeError(f"other is {other!r}; expected Moments, which a Running has once it has seen a state")
        if len(self.mean) != len(other.mean):
            raise ValueError(f"other has dimension {len(other.mean)}; expected {len(self.mean)}")
        count, gap = self.count + other.count, other.mean - self.mean
        share = other.count / count
        scatter = self.scatter + other.scatter + self.count * share * np.outer(gap, gap)
        return Moments(count, self.mean + share * gap, scatter)  # (MOM.1)


def moments(x: ArrayLike) -> Moments:
    """Number, mean and scatter of states, by two passes.

    Parameters
    ----------
    x : (\\*batch, d)
        At least one state.

    Returns
    -------
    Moments
        Of all of them.

    Raises
    ------
    ValueError
        If there is none.

    Examples
    --------
    >>> import numpy as np
    >>> found = moments([[1.0], [3.0]]).merge(moments([[8.0]]))
    >>> found.mean, found.cov, np.var([1, 3, 8]).round(12)
    (array([4.]), array([[8.66666667]]), np.float64(8.666666666667))
    """
    rows = samples(x, "x")
    rows = rows.reshape(-1, rows.shape[-1])
    if not len(rows):
        raise ValueError(f"x has shape {np.shape(x)}; expected at least one state")
    mean = rows.mean(0)
    away = rows - mean
    return Moments(len(rows), mean, away.T @ away)


@final
class Running:
    """A callback that keeps the moments of all states it is shown, over the batch and over the steps.

    Its ``value`` is None before the first state. Those of several runs are merged: ``one.value.merge(two.value)``.

    Examples
    --------
    >>> import numpy as np
    >>> import refscore as rs
    >>> kept, score = Running(), rs.samplers.noisy_score(rs.targets.gaussian([0.0], 1.0))
    >>> _ = rs.samplers.replay(rs.samplers.langevin(step_size=1), score, [[8.0]], np.zeros((3, 1, 1)), callback=kept)
    >>> kept.value, kept.value.mean  # 4, 2 and 1
    (Moments of 3 states in dimension 1, array([2.33333333]))
    """

    def __init__(self) -> None:
        self.value: Moments | None = None

    def __call__(self, k: int, x: Float) -> None:  # noqa: ARG002  a callback's signature
        found = moments(x)
        self.value = found if self.value is None else self.value.merge(found)


@final
class Trajectory:
    """A callback that keeps the states it is shown, and which steps they came after.

    Examples
    --------
    >>> import numpy as np
    >>> import refscore as rs
    >>> kept, score = Trajectory(), rs.samplers.noisy_score(rs.targets.gaussian([0.0], 1.0))
    >>> sampler, z = rs.samplers.langevin(step_size=1), np.zeros((4, 2, 1))
    >>> _ = rs.samplers.replay(sampler, score, [[16.0], [32.0]], z, callback=thinned(kept, every=2))
    >>> kept.steps, kept.states[:, 0, 0]
    ([1, 3], array([4., 1.]))
    >>> {name: array.shape for name, array in kept.posterior().items()}  # chain, draw, coordinate
    {'x': (2, 2, 1)}
    """

    def __init__(self) -> None:
        self.steps: list[int] = []
        self._kept: list[Float] = []

    def __call__(self, k: int, x: Float) -> None:
        state = samples(x, "x") if not self._kept else of_shape(x, "x", self._kept[0].shape, "the states before")
        self._kept.append(np.array(state))  # a copy: a step may write into its state
        self.steps.append(k)

    @property
    def states(self) -> Float:
        """The states, shape (kept, \\*batch, d)."""
        if not self._kept:
            raise ValueError("no state was kept; expected a run with this as its callback")
        return np.stack(self._kept)

    def posterior(self, name: str = "x") -> dict[str, Float]:
        """The states as ArviZ has them.

        ``arviz.from_dict(posterior=kept.posterior())``, since 1.0 ``arviz.from_dict({"posterior": kept.posterior()})``.

        Parameters
        ----------
        name : str
            Of the variable.

        Returns
        -------
        dict
            `name` with an array (chain, draw, d), where each sample of the batch is a chain and each kept step a draw.
        """
        states = self.states
        flat = states.reshape(len(states), -1, states.shape[-1])
        return {name: np.ascontiguousarray(flat.swapaxes(0, 1))}


def thinned(callback: Callback, *, every: int, first: int = 0) -> Callback:
    """Show a callback only some states: after every so many steps, once the first ones are over.

        k ≥ first   and   k - first + 1 divisible by `every`                                           (MOM.2)

    Parameters
    ----------
    callback : callable
        ``callback(k, x)``.
    every : int
        At least 1; of each so many states the last is shown.
    first : int
        How many steps are left out before, at least 0.

    Returns
    -------
    callable
        For ``replay(…, callback=…)``.

    Raises
    ------
    TypeError
        If `callback` cannot be called.
    ValueError
        If `every` is not positive or `first` is negative.

    Examples
    --------
    >>> import numpy as np
    >>> kept = Trajectory()
    >>> look = thinned(kept, every=3, first=4)
    >>> for k in range(11):
    ...     look(k, np.zeros(1))
    >>> kept.steps
    [6, 9]
    """
    _callable(callback)
    period = whole(every, "every", 1)
    begin = whole(first, "first", 0)

    def look(k: int, x: Float) -> None:
        if k >= begin and (k - begin + 1) % period == 0:  # (MOM.2)
            callback(k, x)

    return look


def several(*callbacks: Callback) -> Callback:
    """One callback that calls several, in their order.

    Parameters
    ----------
    *callbacks : callable
        Each ``callback(k, x)``.

    Returns
    -------
    callable
        For ``replay(…, callback=…)``.

    Raises
    ------
    TypeError
        If one of them cannot be called.

    Examples
    --------
    >>> import numpy as np
    >>> kept, summed = Trajectory(), Running()
    >>> several(kept, summed)(0, np.ones((2, 3)))
    >>> kept.steps, summed.value
    ([0], Moments of 2 states in dimension 3)
    """
    for callback in callbacks:
        _callable(callback)

    def look(k: int, x: Float) -> None:
        for callback in callbacks:
            callback(k, x)

    return look


def _callable(callback: object) -> None:
    if not callable(callback):
        raise TypeError(f"callback is {callback!r}; expected a callable callback(k, x)")
