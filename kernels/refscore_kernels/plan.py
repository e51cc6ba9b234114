"""A sampler as numbers: what each step does to states, scores and noise, read off the reference's own step.

Almost every sampler is linear in what it is given. With the state x and its memory as y_0 … y_{V-1}, J scores and R
draws a step, and a row of numbers for each step,

    u_j = Σ_v a_jv y_v + Σ_{i<j} b_ji s_i + Σ_r c_jr z_r,   s_j = s(u_j, α_j, σ_j)                      (PLAN.1)
    y'_v = Σ_w A_vw y_w + Σ_j B_vj s_j + Σ_r C_vr z_r                                                   (PLAN.2)

so one kernel takes the steps of all of them. A corrector whose step size is set by each sample's own lengths is this
with its one score and its one draw scaled by them:

    x' = A x + B ρ² s + C ρ z,   ρ = |z| / |s|                                                         (KPC.1)

The numbers are found by taking the step itself on unit vectors, where
scores, too, are unit vectors, and are held to a step on random numbers: a sampler that is not linear, which mixes
coordinates, or in which samples see each other, is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from refscore.arrays import Float
from refscore.noise import normals
from refscore.samplers import Multistep, Sampler
from refscore.samplers.multistep import advance, first_memory

__all__ = ["NotLinear", "Plan", "plan_of"]

SLACK = 64 * 2.0**-53  # roundings of a step, of the size of its terms
SIZES = np.array([1.0, 1e-3, 1.0, 1e3, 1e6])[:, None]  # of the numbers that a plan is held to: a wall may be far away
Index = NDArray[np.int64]


class NotLinear(ValueError):
    """The sampler is none of (PLAN.2): there is no kernel for it."""


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Plan:
    """The numbers of (PLAN.1) and (PLAN.2) for each step k, or for all of them, if there is one row.

    Parameters
    ----------
    name : str
        The sampler's.
    n_steps : int or None
        Number of steps; None if every step is the same.
    levels : (L, 2)
        (α, σ) of the scores, each once.
    level : (n, J)
        Which level a score has; -1 where a step needs fewer scores.
    point_state, point_score, point_noise : (n, J, V), (n, J, J), (n, J, R)
        a, b and c of (PLAN.1).
    state, score, noise : (n, V, V), (n, V, J), (n, V, R)
        A, B and C of (PLAN.2).
    by_lengths : (n,) of bool
        Whether a step is (KPC.1).
    """

    name: str
    n_steps: int | None
    levels: Float
    level: Index
    point_state: Float
    point_score: Float
    point_noise: Float
    state: Float
    score: Float
    noise: Float
    by_lengths: NDArray[np.bool_]

    def __repr__(self) -> str:
        count = "any number of equal steps" if self.n_steps is None else f"{self.n_steps} steps"
        n_states, n_scores = self.score.shape[1:]
        what = f"{n_states} state{'s' * (n_states != 1)}, {n_scores} score{'s' * (n_scores != 1)}"
        return f"Plan({self.name}: {count}, {what} and {self.draws} draws a step, {len(self.levels)} levels)"

    @property
    def draws(self) -> int:
        """R, noise vectors a step."""
        return int(self.noise.shape[2])

    @property
    def simple(self) -> bool:
        """Whether a step is x' = A x + B s(x) + C z, with one score, at the state itself."""
        one = self.score.shape[1:] == (1, 1) and self.draws <= 1
        at_state = (self.level >= 0).all() and (self.point_state == 1).all() and not self.point_noise.any()
        return bool(one and at_state and not self.by_lengths.any())


def plan_of(sampler: Sampler | Multistep) -> Plan:
    """Read a plan off a sampler.

        y'_v = Σ_w A_vw y_w + Σ_j B_vj s_j + Σ_r C_vr z_r                                               (PLAN.2)

    Parameters
    ----------
    sampler : Sampler or Multistep
        Of refscore, or anybody's of that form.

    Returns
    -------
    Plan
        With a row for each step, or one row, if all are the same.

    Raises
    ------
    NotLinear
        If a step is not of this form, nor (KPC.1): with a Metropolis test, a step size from the batch, walls, or a
        matrix.

    Examples
    --------
    >>> import refscore as rs
    >>> plan = plan_of(rs.samplers.langevin(step_size=0.25))
    >>> plan, plan.state.item(), plan.score.item(), plan.noise.item()
    (Plan(langevin: any number of equal steps, 1 state, 1 score and 1 draws a step, 1 levels), 1.0, 0.125, 0.5)
    """
    try:
        n_states = 1 + len(first_memory(sampler, np.zeros((1, 1))))
        rows = [_row(sampler, k, n_states) for k in range(sampler.n_steps or 1)]
    except NotLinear:
        raise
    except (ValueError, TypeError) as error:
        raise NotLinear(
            f"{sampler.name} takes no step in dimension 1 ({error}); expected backend='reference'"
        ) from None
    most = max(1, *(len(row.levels) for row in rows))
    levels = list(dict.fromkeys(level for row in rows for level in row.levels)) or [(1.0, 0.0)]
    place = {level: i for i, level in enumerate(levels)}
    a, b, c, by_state, by_score, by_noise = (np.stack(part) for part in zip(*(row.padded(most) for row in rows)))
    return Plan(
        sampler.name,
        sampler.n_steps,
        np.array(levels),
        np.array([[place[x] for x in row.levels] + [-1] * (most - len(row.levels)) for row in rows], np.int64),
        a,
        b,
        c,
        by_state,
        by_score,
        by_noise,
        np.array([row.by_lengths for row in rows]),
    )


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    """One step: levels of its scores, points (J, V + J + R) and states (V, V + J + R)."""

    levels: tuple[tuple[float, float], ...]
    points: Float
    states: Float
    by_lengths: bool = False

    def padded(self, most: int) -> tuple[Float, ...]:
        """a, b, c, A, B and C with room for `most` scores."""
        j, v = len(self.levels), len(self.states)
        points = np.zeros((most, self.points.shape[1] + most - j))
        states = np.zeros((v, points.shape[1]))
        for wide, narrow in ((points, self.points), (states, self.states)):
            wide[: len(narrow), : v + j] = narrow[:, : v + j]
            wide[: len(narrow), v + most :] = narrow[:, v + j :]
        split = (v, v + most)
        return (*np.split(points, split, axis=1), *np.split(states, split, axis=1))


class _Watched:
    """A score that answers with what it is given, and remembers where it was asked."""

    def __init__(self, answers: list[Float] | None) -> None:
        self.answers = answers
        self.levels: list[tuple[float, float]] = []
        self.points: list[Float] = []

    def __call__(self, x: Any, alpha: Any, sigma: Any) -> Float:
        self.levels.append((float(alpha), float(sigma)))
        self.points.append(np.array(x, np.float64))
        if self.answers is None:
            return np.ones_like(self.points[-1])
        return self.answers[len(self.points) - 1]


def _row(sampler: Sampler | Multistep, k: int, n_states: int) -> _Row:
    first = _taken(sampler, k, np.zeros((n_states, 1, 1)), np.zeros((sampler.draws, 1, 1)), None)[0]
    n_scores, draws = len(first.levels), sampler.draws
    try:
        return _linear(sampler, k, n_states, n_scores)
    except (ValueError, TypeError) as error:
        if (n_states, n_scores, draws) != (1, 1, 1):
            raise
        try:
            return _by_lengths(sampler, k)
        except NotLinear:
            raise
        except (ValueError, TypeError):
            raise error from None


def _linear(sampler: Sampler | Multistep, k: int, n_states: int, n_scores: int) -> _Row:
    size = n_states + n_scores + sampler.draws
    unit = np.eye(size)[:, :, None]  # source, row of the batch, dimension
    watched, moved = _taken(
        sampler, k, unit[:n_states], unit[n_states + n_scores :], list(unit[n_states : n_states + n_scores])
    )
    points = np.stack(watched.points)[:, :, 0] if n_scores else np.zeros((0, size))
    row = _Row(tuple(watched.levels), points, moved[:, :, 0])
    _hold(sampler, k, row, n_states)
    return row


def _by_lengths(sampler: Sampler | Multistep, k: int) -> _Row:
    """From 0 with s and z along two axes x' has B and C as its coordinates; without noise only A is left."""
    one, other, none = np.eye(3, 2)
    x, s, z = np.stack([none, one]), np.stack([one, other]), np.stack([other, none])
    watched, moved = _taken(sampler, k, x[None], z[None], [s])
    (b, c), (a, _) = moved[0]  # (KPC.1)
    row = _Row(tuple(watched.levels), np.array([[1.0, 0.0, 0.0]]), np.array([[a, b, c]]), True)
    _hold(sampler, k, row, 1)
    return row


def _taken(
    sampler: Sampler | Multistep, k: int, states: Float, noise: Float, answers: list[Float] | None
) -> tuple[_Watched, Float]:
    """One step from `states` (V, batch, d) with `noise` (R, batch, d): what was asked, and where it went."""
    score = _Watched(answers)
    z = None if not len(noise) else noise[0] if len(noise) == 1 else noise
    x, memory = advance(sampler, score, states[0], tuple(states[1:]), k, z)
    return score, np.stack([x, *memory])


def _hold(sampler: Sampler | Multistep, k: int, row: _Row, n_states: int) -> None:
    """The row has to say what the step does with random numbers, in several dimensions and samples, small and large."""
    n_scores = len(row.levels)
    size = row.states.shape[1]
    given = normals(k, np.arange(5 * size), 3).reshape(size, 5, 3) * SIZES
    watched, moved = _taken(
        sampler, k, given[:n_states], given[n_states + n_scores :], list(given[n_states : n_states + n_scores])
    )
    scaled = given
    if row.by_lengths:
        x, s, z = given
        ratio = np.sqrt((z**2).sum(-1, keepdims=True) / (s**2).sum(-1, keepdims=True))
        scaled = np.stack([x, ratio**2 * s, ratio * z])  # (KPC.1)
    asked = np.array(watched.points).reshape(n_scores, 5, 3)
    for found, numbers, sources in ((moved, row.states, scaled), (asked, row.points, given)):
        said = np.tensordot(numbers, sources, 1)
        if (
            tuple(watched.levels) != row.levels
            or (abs(found - said) > SLACK * (np.tensordot(abs(numbers), abs(sources), 1) + abs(found))).any()
        ):
            raise NotLinear(
                f"step {k} of {sampler.name} is not a linear function of states, scores and noise with the same numbers"
                " in every dimension and sample, nor a corrector whose step size is set by each sample's own lengths;"
                " expected one, or backend='reference'"
            )
