"""Driving a black box: from the outside it is a map of a start state and the noise it draws.

With the exact score of a Gaussian every step of every known sampler is affine in both, so one call on basis rows reads
the whole run off, and its output law follows with no sampling (LAW.1, LAW.2).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from refscore.arrays import Float
from refscore.conformance.exact_model import Exact
from refscore.conformance.guard import AdapterFailure, Call, describe, where
from refscore.conformance.recorders import INTERCEPTED, Tape, WrongDraws
from refscore.exact.laws import AffineMap, probe
from refscore.targets import Gaussian, Mixture, gaussian, mixture

__all__ = ["GAUSSIAN", "MIXTURE", "Driver", "NotFinite", "ends", "level", "start_states"]

# m ≠ 0 and unequal variances: standard data hide bugs. |m| < 1 keeps the mean path clear of samplers that clip at ±1.
GAUSSIAN = gaussian([0.75, -0.375], [[0.5, 0.125], [0.125, 0.1875]])
MIXTURE = mixture([0.3, 0.7], [[-1.0, 0.25], [0.75, -0.375]], [0.25**2, 0.4**2])

POINTS = np.array([[0.0, 0.0], [1.0, -0.5], [-1.5, 0.25], [0.25, 1.75], [-0.5, -1.25]])
SMALL = {"float64": 2.0**-20, "float32": 2.0**-8}  # amplitude of a probe that must not reach a clamp
ULPS = {"float64": 1e6, "float32": 1e12}  # what is still affine, in units of 2⁻⁵³


def level(conventions: Mapping[str, Any], end: str, n_steps: int) -> tuple[float, float]:
    """(α, σ) at the start or the stop of a run.

    Parameters
    ----------
    conventions : mapping
        As declared; `start` and `stop` are pairs or functions of the number of steps.
    end : {"start", "stop"}
        Which.
    n_steps : int
        Number of steps.

    Returns
    -------
    (float, float)
        α and σ.

    Raises
    ------
    AdapterFailure
        If the adapter's function raises or returns something else than two numbers.
    """
    value = conventions[end]
    try:
        alpha, sigma = value(n_steps) if callable(value) else value
        return float(alpha), float(sigma)
    except Exception as error:  # it is the adapter's function
        raise AdapterFailure(f"{end}({n_steps}) raised {describe(error)}{where(error)}") from None


def ends(conventions: Mapping[str, Any], n_steps: int) -> dict[str, tuple[float, float]]:
    """Both levels of a run.

    Parameters
    ----------
    conventions : mapping
        As declared.
    n_steps : int
        Number of steps.

    Returns
    -------
    dict
        `start` and `stop`.
    """
    return {end: level(conventions, end, n_steps) for end in ("start", "stop")}


def start_states(conventions: Mapping[str, Any], n_steps: int) -> Float:
    """Five typical start states.

    Parameters
    ----------
    conventions : mapping
        As declared.
    n_steps : int
        Number of steps.

    Returns
    -------
    (5, 2) ndarray
        Around the mean, up to two standard deviations of the largest scale.
    """
    alpha, sigma = level(conventions, "start", n_steps)
    return np.asarray(alpha * GAUSSIAN.mean + math.hypot(alpha, sigma) * POINTS)


class NotFinite(ValueError):
    """A run ends on something that is no number."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Driver:
    """One black box under its conventions.

    Parameters
    ----------
    call : Call
        The implementation, NumPy in and out.
    conventions : mapping
        As declared.
    dtype : {"float64", "float32"}
        What it computes in.
    """

    call: Call
    conventions: Mapping[str, Any]
    dtype: str

    def run(
        self,
        target: Gaussian | Mixture,
        x: Float,
        n_steps: int,
        noise: Callable[[int, tuple[int, ...]], Float] | None = None,
        prediction: str | None = None,
    ) -> tuple[Float, list[tuple[int, ...]]]:
        """Last state, and the shapes of the draws on the way.

        Parameters
        ----------
        target : Gaussian or Mixture
            Whose exact model it is given.
        x : (n, d) ndarray
            Start states.
        n_steps : int
            Number of steps.
        noise : callable, optional
            From the number of a draw and its shape to the noise; zeros by default.
        prediction : str, optional
            Passed on where the adapter declares several predictions.

        Returns
        -------
        ndarray, list
            The state, and the shapes.

        Raises
        ------
        WrongDraws
            If a deterministic sampler draws, or the output has another shape than the state.
        """
        tape: Tape | None = Tape(noise or (lambda _, shape: np.zeros(shape)))
        if not self.conventions["stochastic"]:
            tape = Tape(_none_expected) if self.call.kind.library in INTERCEPTED else None
        declared = self.conventions["predictions"]
        chosen = {"prediction": prediction or declared[0]} if declared else {}
        (out,) = self.call((Exact(target), x), {"n_steps": n_steps, **chosen}, tape=tape)
        if out.shape != x.shape:
            raise WrongDraws(f"returned shape {out.shape}; expected that of x, {x.shape}")
        return out, tape.asked if tape is not None else []

    def affine(self, n_steps: int) -> AffineMap:
        """The whole run on the Gaussian as one affine map, probed around the mean of its start.

        Parameters
        ----------
        n_steps : int
            Number of steps.

        Returns
        -------
        AffineMap
            From the start to the stop.

        Raises
        ------
        NotAffine
            If the run bends.
        NotFinite
            If it ends on something that is no number.
        WrongDraws
            If a draw has not one number for each entry of the state.
        """
        d = GAUSSIAN.d
        centre = level(self.conventions, "start", n_steps)[0] * GAUSSIAN.mean
        _, shapes = self.run(GAUSSIAN, np.tile(centre, (3, 1)), n_steps)
        for number, shape in enumerate(shapes):
            if int(np.prod(shape)) != 3 * d or shape[0] != 3:
                raise WrongDraws(
                    f"draw {number + 1} of a run on 3 samples has shape {shape}; expected one number for each "
                    f"entry of the state: samples or dimensions share their noise"
                )

        # In units of the start's spread: a clamp that only typical states reach would not be seen by small ones.
        spread = 2.0 ** round(np.log2(np.sqrt(self.start_law(n_steps).cov.diagonal().max())))

        def run(x: Float, noise: Float) -> Float:
            out, _ = self.run(GAUSSIAN, centre + spread * x, n_steps, lambda k, shape: noise[k].reshape(shape))
            if not np.isfinite(out).all():
                raise NotFinite
            return out

        scale = SMALL[self.dtype] if self.conventions["clamps"] else 1.0
        found = probe(run, d, len(shapes), scale=scale, ulps=ULPS[self.dtype])
        matrix = found.matrix / spread
        return AffineMap(matrix, found.noises, found.constant - matrix @ centre)

    def start_law(self, n_steps: int) -> Gaussian:
        """The law of the state at the start."""
        return GAUSSIAN.perturb(*level(self.conventions, "start", n_steps))

    def stop_law(self, n_steps: int) -> Gaussian:
        """The law the state should have at the stop."""
        return GAUSSIAN.perturb(*level(self.conventions, "stop", n_steps))


def _none_expected(_: int, shape: tuple[int, ...]) -> Float:
    raise WrongDraws(f"draws noise of shape {shape}, and is declared stochastic=False")
