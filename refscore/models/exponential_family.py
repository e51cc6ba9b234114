"""Exponential families: a log density that is linear in its parameters, so that score matching is a quadratic problem.

    log p(x) = θ·φ(x) + log h(x) - log Z(θ)                                                           (EXF.1)

The score is linear in θ too, and Z is not needed. The mean of the implicit objective over a sample is

    ½ θᵀ Γ θ + gᵀ θ + constant,   Γ_kl = E[∇φ_k·∇φ_l],   g_k = E[Δφ_k + ∇φ_k·∇log h]                  (EXF.5)

with the minimiser -Γ⁻¹ g, in closed form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, final

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, of_shape, read_only, samples
from refscore.models.features import Features

__all__ = ["BaseDensity", "ExponentialFamily"]

CHUNK = 2**19  # numbers, 4 MiB: samples are taken so many at a time that k d numbers for each stay below it


class BaseDensity(Protocol):
    """The base measure h: a log density that keeps its parameters, for instance a QuadraticEnergy."""

    def log_prob(self, x: ArrayLike, /) -> Float:
        """log h(x), (\\*batch,)."""

    def __call__(self, x: ArrayLike, /) -> Float:
        """∇ log h(x), (\\*batch, d)."""

    def jacobian(self, x: ArrayLike, /) -> Float:
        """The Hessian of log h at `x`, (\\*batch, d, d)."""

    def trace(self, x: ArrayLike, /) -> Float:
        """Its trace, (\\*batch,)."""

    def jvp(self, x: ArrayLike, v: ArrayLike, /) -> Float:
        """Its product with `v`, (\\*batch, d)."""


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ExponentialFamily:
    """The energy-based model θ·φ(x) + log h(x), a :class:`~refscore.models.ParametricLogDensity`.

        s = Σ_k θ_k ∇φ_k + ∇log h                                                                     (EXF.2)
        J v = Σ_k θ_k ∇²φ_k v + ∇²log h v,   tr J = Σ_k θ_k Δφ_k + Δ log h                            (EXF.3)
        ∂/∂θ_k of log p, v·s, tr J, vᵀ J v:   φ_k, v·∇φ_k, Δφ_k, vᵀ ∇²φ_k v                           (EXF.4)

    Parameters
    ----------
    features : Features
        φ with its derivatives: :func:`~refscore.models.monomials`, :func:`~refscore.models.radial_features`,
        :func:`~refscore.models.fourier_features`, or your own.
    theta : (k,)
        θ, one for each feature.
    base : BaseDensity, optional
        log h with its derivatives; it has no part in θ. Without it h = 1.

    Raises
    ------
    ValueError
        If `theta` has not one number for each feature; by the methods, if a feature function returns a wrong shape.
    TypeError
        If `base` has not the methods of a log density.

    Notes
    -----
    Whether exp(θ·φ) h has a finite integral is not checked, and score matching does not ask.
    :func:`~refscore.models.check_slopes` holds features of one's own against difference quotients.

    References
    ----------
    Hyvärinen (2007), Some extensions of score matching, Computational Statistics & Data Analysis 51, section 4.

    Examples
    --------
    The Gaussian N(1, ½) is the family of x and x² with θ = (2, -1):

    >>> from refscore.models import monomials
    >>> from refscore.targets import gaussian
    >>> model = ExponentialFamily(monomials(1, 2), [2, -1])
    >>> model([[3.0]]), gaussian([1], 0.5).score([[3.0]])
    (array([[-4.]]), array([[-4.]]))
    """

    features: Features
    theta: Float
    base: BaseDensity | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.features, Features):
            raise TypeError(f"features is {self.features!r}; expected Features, for instance monomials(d, degree)")
        object.__setattr__(self, "theta", read_only(self.theta, "theta", (self.features.k,)))
        missing = [
            name for name in ("log_prob", "__call__", "jacobian", "trace", "jvp") if not hasattr(self.base, name)
        ]
        if self.base is not None and missing:
            raise TypeError(
                f"base has no method {' or '.join(missing)}; expected a log density such as QuadraticEnergy"
            )

    def __repr__(self) -> str:
        base = "" if self.base is None else f", base {self.base!r}"
        return f"ExponentialFamily({self.features.k} features, d = {self.features.d}{base})"

    @property
    def d(self) -> int:
        """Dimension of x."""
        return self.features.d

    def log_prob(self, x: ArrayLike) -> Float:
        """θ·φ(x) + log h(x), (\\*batch,): the log density up to log Z."""
        x, rows = self._rows(x)
        value: Float = self._each(lambda part: self._values(part) @ self.theta, rows).reshape(x.shape[:-1])  # (EXF.1)
        return value if self.base is None else value + self.base.log_prob(x)

    def __call__(self, x: ArrayLike) -> Float:
        """s(x), (\\*batch, d)."""
        x, rows = self._rows(x)
        value: Float = self._each(lambda part: self.theta @ self._gradients(part), rows).reshape(x.shape)  # (EXF.2)
        return value if self.base is None else value + self.base(x)

    def jacobian(self, x: ArrayLike) -> Float:
        """J(x), (\\*batch, d, d), one product with each axis."""
        x, rows = self._rows(x)
        axes = [np.broadcast_to(e, rows.shape) for e in np.eye(self.d)]
        columns = [self._each(lambda part, e: self.theta @ self._products(part, e), rows, e) for e in axes]  # (EXF.3)
        value = np.stack(columns, axis=-1).reshape(*x.shape, self.d)
        return value if self.base is None else value + self.base.jacobian(x)

    def trace(self, x: ArrayLike) -> Float:
        """tr J(x), (\\*batch,)."""
        x, rows = self._rows(x)
        value = self._each(lambda part: self._laplacians(part) @ self.theta, rows).reshape(x.shape[:-1])  # (EXF.3)
        return value if self.base is None else value + self.base.trace(x)

    def hvp(self, x: ArrayLike, v: ArrayLike) -> Float:
        """J(x) v, (\\*batch, d), for `v` of the shape of `x`."""
        x, rows = self._rows(x)
        v = of_shape(v, "v", x.shape, "x")
        value = self._each(lambda part, w: self.theta @ self._products(part, w), rows, v.reshape(rows.shape))  # (EXF.3)
        return value.reshape(x.shape) if self.base is None else value.reshape(x.shape) + self.base.jvp(x, v)

    def vjp(self, x: ArrayLike, v: ArrayLike) -> Float:
        """vᵀ J(x), (\\*batch, d): J is symmetric."""
        return self.hvp(x, v)

    def jvp(self, x: ArrayLike, v: ArrayLike) -> Float:
        """J(x) v, (\\*batch, d)."""
        return self.hvp(x, v)

    def log_prob_parameters(self, x: ArrayLike, weight: ArrayLike) -> Float:
        """Gradient of Σ w log p(x) in θ, log Z left out: Σ w φ(x), (k,), for `weight` w (\\*batch,)."""
        x, rows = self._rows(x)
        w = of_shape(weight, "weight", x.shape[:-1], "the batch of x").ravel()
        return self._sum(lambda part, u: u @ self._values(part), rows, w)  # (EXF.4)

    def vjp_parameters(self, x: ArrayLike, v: ArrayLike) -> Float:
        """Gradient of Σ v·s(x) in θ: Σ v·∇φ_k, (k,)."""
        x, rows = self._rows(x)
        v = of_shape(v, "v", x.shape, "x").reshape(rows.shape)
        return self._sum(lambda part, w: (self._gradients(part) @ w[:, :, None]).sum(0)[:, 0], rows, v)  # (EXF.4)

    def trace_parameters(self, x: ArrayLike) -> Float:
        """Gradient of Σ tr J(x) in θ: Σ Δφ_k, (k,)."""
        return self._sum(lambda part: self._laplacians(part).sum(0), self._rows(x)[1])  # (EXF.4)

    def quadratic_parameters(self, x: ArrayLike, v: ArrayLike) -> Float:
        """Gradient of Σ vᵀ J(x) v in θ: Σ vᵀ ∇²φ_k v, (k,)."""
        x, rows = self._rows(x)
        v = of_shape(v, "v", x.shape, "x").reshape(rows.shape)
        return self._sum(lambda part, w: (self._products(part, w) @ w[:, :, None]).sum(0)[:, 0], rows, v)  # (EXF.4)

    def pack(self) -> Float:
        """θ, (k,)."""
        return self.theta.copy()

    def unpack(self, theta: ArrayLike) -> ExponentialFamily:
        """The family's member with parameters `theta` (k,)."""
        return ExponentialFamily(self.features, read_only(theta, "theta", self.theta.shape), self.base)

    def _rows(self, x: ArrayLike) -> tuple[Float, Float]:
        """`x`, and the same as rows (n, d)."""
        x = samples(x, "x", self.d)
        return x, x.reshape(-1, self.d)

    def _parts(self, *arrays: Float) -> Iterator[tuple[Float, ...]]:
        """The arrays (n, …), some samples at a time; once, and empty, where there are none."""
        step = max(1, CHUNK // (self.features.k * self.d))
        for start in range(0, max(1, len(arrays[0])), step):
            yield tuple(array[start : start + step] for array in arrays)

    def _each(self, function: Callable[..., Float], *arrays: Float) -> Float:
        return np.concatenate([function(*parts) for parts in self._parts(*arrays)])

    def _sum(self, function: Callable[..., Float], *arrays: Float) -> Float:
        total = np.zeros(self.features.k)
        for parts in self._parts(*arrays):
            total += function(*parts)
        return total

    def _values(self, x: Float) -> Float:
        return of_shape(self.features.value(x), "features.value(x)", (len(x), self.features.k), "a batch of features")

    def _laplacians(self, x: Float) -> Float:
        found = self.features.laplacian(x)
        return of_shape(found, "features.laplacian(x)", (len(x), self.features.k), "a batch of features")

    def _gradients(self, x: Float) -> Float:
        found = self.features.gradient(x)
        return of_shape(found, "features.gradient(x)", (len(x), self.features.k, self.d), "their gradients")

    def _products(self, x: Float, v: Float) -> Float:
        found = self.features.product(x, v)
        return of_shape(found, "features.product(x, v)", (len(x), self.features.k, self.d), "their gradients")
