"""Adam in one pass over memory: the same bits as refscore's, which takes a pass for each operation."""

from __future__ import annotations

from functools import cache
from types import ModuleType

from refscore import fit
from refscore.fit.adam import corrected
from refscore.fit.optimiser import Optimiser, Slots
from refscore.fit.rates import Rate, of_step
from refscore.models.activations import Array

__all__ = ["adam"]


@cache
def _loop() -> ModuleType:
    try:
        from refscore_kernels.cpu import adam_loop
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"{error}; the compiled Adam needs pip install 'refscore[kernels]'") from None
    return adam_loop


def adam(rate: Rate = 1e-3, *, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8) -> Optimiser:
    """Adam (ADA.3), compiled: the bits of ``refscore.fit.adam`` and its name, so that either resumes the other.

    Parameters
    ----------
    rate : float or callable
        η > 0, or a function of the step.
    beta1, beta2, epsilon : float
        As for ``refscore.fit.adam``.

    Returns
    -------
    Optimiser
        With the slots m and v.

    Raises
    ------
    ValueError
        If a parameter is outside its range.
    """
    plain = fit.adam(rate, beta1=beta1, beta2=beta2, epsilon=epsilon)
    eta, one, two, eps = of_step(rate, "rate"), float(beta1), float(beta2), float(epsilon)

    def advance(theta: Array, gradient: Array, slots: Slots, _: Array, k: int) -> None:
        length, floor = corrected(eta(k), one, two, eps, k)
        number = theta.dtype.type  # what NumPy makes of a Python float beside an array
        scalars = (number(one), number(1.0 - one), number(two), number(1.0 - two), number(floor), number(length))
        _loop().advance(theta, gradient, *slots, *scalars)

    return Optimiser(plain.name, plain.n_slots, advance)
