"""What is sampled, drawn and evaluated: the same laws, starts, grids and noise for every contestant."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

import refscore as rs
from refscore.samplers import Sampler
from refscore.targets import Gaussian, Mixture

__all__ = ["CHECKED", "FEW", "SEED", "Chains", "Normals", "Points", "Tables"]

Array = NDArray[Any]
SEED = 11  # of the noise that contestants are compared on
CHECKED, FEW = 3, 64  # steps and chains that they are compared on
STEP = 0.01  # of Langevin, in squared units of x
MALA_STEP = 0.24  # accepted four times out of five
T_START, T_END = 5.01, 0.01  # of the reverse SDE, on the path σ = t


class Tables(NamedTuple):
    """x' = x + b s(x) + c z, a row for each step, or one for all.

    Parameters
    ----------
    precision, log_weight : (L, K)
        1/σ_k² and log w_k - ½ d log σ_k² of the components; of a Gaussian nothing.
    b, c : (L,)
        What score and noise are multiplied by.
    """

    precision: Array
    log_weight: Array
    b: Array
    c: Array


@final
@dataclass(frozen=True, slots=True)
class Chains:
    """Steps of many chains on a Gaussian with correlations or a mixture of isotropic ones, started in the law.

    Parameters
    ----------
    method : str
        "langevin"; "reverse", Euler–Maruyama on the reverse SDE of the path σ = t; or "mala".
    components : int
        Of the mixture; 0 is a Gaussian.
    d, n, steps : int
        Dimension, chains, and steps in a unit of work.
    dtype : str
        float64 or float32.
    threads : int
        That ours may use.
    """

    method: str
    components: int
    d: int
    n: int
    steps: int
    dtype: str = "float64"
    threads: int = 1

    @property
    def number(self) -> type[np.floating[Any]]:
        """The type of the numbers."""
        return np.float32 if self.dtype == "float32" else np.float64

    @property
    def means(self) -> Array:
        """μ (K, d)."""
        return 2 * rs.noise.normals(1, np.arange(self.components), self.d)

    @property
    def variances(self) -> Array:
        """σ² (K,)."""
        return 0.2 + 0.1 * rs.noise.uniforms(2, np.arange(self.components), 1)[:, 0]

    @property
    def weights(self) -> Array:
        """Of the components, (K,)."""
        raw = 0.5 + rs.noise.uniforms(3, np.arange(self.components), 1)[:, 0]
        return np.asarray(raw / raw.sum())

    @property
    def matrix(self) -> Array:
        """The precision of the Gaussian, 1 + 0.3 A Aᵀ/d (d, d)."""
        a = rs.noise.normals(4, np.arange(self.d), self.d)
        return np.asarray(np.eye(self.d) + 0.3 / self.d * (a @ a.T))

    @property
    def law(self) -> Gaussian | Mixture:
        """As a target of refscore."""
        if not self.components:
            inverse = np.linalg.inv(self.matrix)
            return rs.targets.gaussian(np.zeros(self.d), 0.5 * (inverse + inverse.T))
        return rs.targets.mixture(self.weights, self.means, self.variances)

    @property
    def start(self) -> Array:
        """(n, d)."""
        x = rs.noise.normals(5, np.arange(self.n), self.d)
        if self.method == "reverse":
            x = T_START * x
        elif self.components:
            x = self.means[np.arange(self.n) % self.components] + 0.5 * x
        return x.astype(self.dtype)

    @property
    def times(self) -> Array:
        """Of the reverse SDE, (steps + 1,), descending."""
        return np.linspace(T_START, T_END, self.steps + 1)

    @property
    def sampler(self) -> Sampler:
        """As refscore's."""
        if self.method == "reverse":
            return rs.samplers.euler_maruyama(rs.paths.EDM(sigma_max=2 * T_START), self.times)
        return rs.samplers.langevin(STEP)

    @property
    def tables(self) -> Tables:
        """For whoever steps by hand."""
        t = self.times[:-1] if self.method == "reverse" else np.zeros(1)
        spread = self.variances + t[:, None] ** 2
        log_weight = np.log(self.weights) - 0.5 * self.d * np.log(spread)
        squares = np.diff(-self.times) * 2 * t if self.method == "reverse" else np.array([STEP])  # g² h
        b = squares if self.method == "reverse" else 0.5 * squares
        return Tables(*(np.asarray(a, self.dtype) for a in (1 / spread, log_weight, b, np.sqrt(squares))))

    @property
    def noise(self) -> Array:
        """What the steps that are compared use, (CHECKED, few, d)."""
        from refscore_kernels import tape

        return tape(SEED, CHECKED, min(FEW, self.n), self.d, dtype=self.number, backend="portable")

    @property
    def fewer(self) -> Chains:
        """The first chains alone."""
        return replace(self, n=min(FEW, self.n))


@final
@dataclass(frozen=True, slots=True)
class Normals:
    """An array of standard normals, drawn again and again into the same place.

    Parameters
    ----------
    n, d : int
        Rows and columns.
    dtype : str
        float64 or float32.
    """

    n: int
    d: int
    dtype: str


@final
@dataclass(frozen=True, slots=True)
class Points:
    """log p and score of a mixture of isotropic Gaussians at draws from it.

    Parameters
    ----------
    n, components, d : int
        Points, components and dimension.
    dtype : str
        float64 or float32.
    """

    n: int
    components: int
    d: int
    dtype: str = "float64"

    @property
    def chains(self) -> Chains:
        """Whose law and start these are."""
        return Chains("langevin", self.components, self.d, self.n, 1, self.dtype)
