"""A finite list of noise levels, and which of them a given σ is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refscore.arrays import Float, positive, read_only

__all__ = ["NoiseLevels"]

NEAR = 2.0**-21  # relative: four units in the last place of float32, in which levels are often kept


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class NoiseLevels:
    """The levels σ_1 > … > σ_L that a model with a table knows.

    Parameters
    ----------
    values : (n_levels,)
        σ, descending, in the data's unit.

    Raises
    ------
    ValueError
        If they are not positive and descending.

    Examples
    --------
    >>> import numpy as np
    >>> levels = NoiseLevels([4, 2, 1])
    >>> levels.index([1.0, 4.0])
    array([2, 0])
    >>> NoiseLevels([0.3, 0.1]).index(np.float32(0.1)).item()
    1
    >>> levels.index(1.9)
    Traceback (most recent call last):
        ...
    ValueError: sigma is 1.9, none of the 3 levels; the nearest is sigmas[1] = 2.0
    """

    values: Float

    def __post_init__(self) -> None:
        values = read_only(positive(self.values, "sigmas"), "sigmas")
        if values.ndim != 1 or values.size == 0 or not (np.diff(values) < 0).all():
            raise ValueError(f"sigmas {_told(values)}; expected (n_levels,) in descending order")
        object.__setattr__(self, "values", values)

    def __repr__(self) -> str:
        return f"NoiseLevels({len(self.values)} from {self.values[0]:g} to {self.values[-1]:g})"

    def index(self, sigma: ArrayLike) -> NDArray[np.signedinteger[Any]]:
        """k with σ_k = `sigma`, of the shape of `sigma`, up to roundings to float32."""
        sigma = positive(sigma, "sigma")
        ascending = self.values[::-1]
        middles = np.sqrt(ascending[1:]) * np.sqrt(ascending[:-1])
        index = len(self.values) - 1 - np.searchsorted(middles, sigma)
        wrong = np.abs(sigma - self.values[index]) > NEAR * sigma
        if wrong.any():
            first = tuple(int(i) for i in np.argwhere(wrong)[0])
            k = int(index[first])
            where = f"[{', '.join(map(str, first))}]" if first else ""
            raise ValueError(
                f"sigma{where} is {float(sigma[first])}, none of the {len(self.values)} levels; the nearest is "
                f"sigmas[{k}] = {float(self.values[k])}"
            )
        return index


def _told(values: Float) -> str:
    return f"has shape {values.shape}" if values.ndim != 1 or not values.size else "do not descend"
