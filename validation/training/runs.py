"""The three runs: what was trained, how far it is from the truth, what it samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np

import refscore as rs
from refscore.arrays import Float
from validation.training import data, measures
from validation.training.learning import Recipe, annealed, geometric, learn, reverse_sde

__all__ = ["RUNS", "Outcome", "Table"]

TOY = Recipe(hidden=(128, 128, 128), sigma_min=0.05, sigma_max=12.0, n_steps=12_000, batch=1000, rate=4e-3)
MOONS = Recipe(hidden=(128, 128, 128), sigma_min=0.05, sigma_max=4.0, n_steps=12_000, batch=1000, rate=4e-3)
DIGITS = Recipe(hidden=(256, 256, 256), sigma_min=0.1, sigma_max=8.0, n_steps=12_000, batch=256, rate=2e-3)
N_SAMPLES = 5000


@final
@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under their names.

    Parameters
    ----------
    caption : str
        What it shows.
    columns : tuple of str
        Names.
    rows : tuple of tuple of str
        Entries.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What a run leaves behind.

    Parameters
    ----------
    summary : str
        How it was made, in a sentence.
    tables : tuple of Table
        Its numbers.
    losses : (n_steps,)
        The training curve.
    panels : dict of str to (n, d) ndarray
        What the figure shows, data first.
    """

    summary: str
    tables: tuple[Table, ...]
    losses: Float
    panels: dict[str, Float]


def mixture(recipe: Recipe = TOY, n: int = N_SAMPLES, *, progress: bool = True) -> Outcome:
    """Four modes of unequal weight, whose noisy score is known exactly.

    Parameters
    ----------
    recipe : Recipe
        What is trained.
    n : int
        How many samples are drawn from it.
    progress : bool
        Whether a terminal shows how far it is.

    Returns
    -------
    Outcome
        Fisher divergences by quadrature, recovered weights.
    """
    target = data.four_modes()
    points = data.draws(target, 20_000, seed=recipe.seed)
    result = learn(points, recipe, progress=progress)
    model, sigmas = result.ema_model, geometric(recipe, 20)
    fisher = [measures.fisher_by_quadrature(model, target, float(sigma)) for sigma in sigmas[::3]]
    step = 0.3 * recipe.sigma_min**2
    by_langevin = annealed(model, sigmas, 2, n=n, steps_per_level=20, step_size=step)
    by_sde = reverse_sde(model, recipe, 2, n=n, n_steps=500)
    exact = annealed(_Exact(target.perturb), sigmas, 2, n=n, steps_per_level=20, step_size=step)
    samples = {"exact draws": data.draws(target, n, seed=99), "annealed Langevin": by_langevin, "reverse SDE": by_sde}
    shares = {
        name: measures.mode_shares(x, target)
        for name, x in (samples | {"annealed Langevin, exact score": exact}).items()
    }
    rows = [
        (name, *(f"{mode.share:.3f} [{mode.low:.3f}, {mode.high:.3f}]" for mode in modes))
        for name, modes in shares.items()
    ]
    weights = tuple(f"weight {weight:g}" for weight in target.weights)
    return Outcome(
        _summary(result, recipe, len(points)),
        (
            _fisher_table(fisher, "by quadrature against the exact score of the noisy mixture"),
            Table(f"Weights of the modes in {n} samples, with 99.9 % intervals", ("samples", *weights), tuple(rows)),
        ),
        result.losses,
        samples,
    )


def moons(recipe: Recipe = MOONS, n: int = N_SAMPLES, *, n_points: int = 2000, progress: bool = True) -> Outcome:
    """Two moons: a finite data set, whose own noisy score is known exactly.

    Parameters
    ----------
    recipe : Recipe
        What is trained.
    n : int
        How many samples are drawn from it.
    n_points : int
        Size of the data set.
    progress : bool
        Whether a terminal shows how far it is.

    Returns
    -------
    Outcome
        Fisher divergences to the score of the points, distances to them.
    """
    centre = np.array([0.5, 0.25])
    points = data.two_moons(n_points, seed=recipe.seed) - centre
    result = learn(points, recipe, progress=progress)
    model, sigmas = result.ema_model, geometric(recipe, 20)
    step = 0.3 * recipe.sigma_min**2
    samples = {
        "training points": points,
        "annealed Langevin": annealed(model, sigmas, 2, n=n, steps_per_level=20, step_size=step),
        "reverse SDE": reverse_sde(model, recipe, 2, n=n, n_steps=500),
    }
    new = data.two_moons(n, seed=98) - centre
    tables = (
        _empirical_fisher(model, points, sigmas[::3], repeat=5),
        _distance_table({"new draws of the moons": new, **samples}, points),
    )
    return Outcome(_summary(result, recipe, len(points)), tables, result.losses, samples)


def digits(recipe: Recipe = DIGITS, n: int = 500, *, progress: bool = True) -> Outcome:
    """The 8×8 digits of scikit-learn: 1438 for training, 359 to compare with.

    Parameters
    ----------
    recipe : Recipe
        What is trained.
    n : int
        How many samples are drawn from it.
    progress : bool
        Whether a terminal shows how far it is.

    Returns
    -------
    Outcome
        Fisher divergences to the score of the training set, distances to it.
    """
    train, test = data.digits()
    centre = train.mean(0)
    points = train - centre
    chosen = rs.fit.conditioning(
        points, sigma_min=recipe.sigma_min, sigma_max=recipe.sigma_max, overlap=0.567, steps_per_level=5
    )
    result = learn(points, recipe, progress=progress)
    model = result.ema_model
    samples = {
        "training digits": train,
        "annealed Langevin": centre
        + annealed(model, chosen.sigmas, 64, n=n, steps_per_level=5, step_size=chosen.step_size),
        "reverse SDE": centre + reverse_sde(model, recipe, 64, n=n, n_steps=500),
    }
    shown = geometric(recipe, 10)
    tables = (
        _empirical_fisher(model, points, shown[::3], repeat=2),
        _distance_table({"test digits": test, **samples}, train),
    )
    summary = f"{_summary(result, recipe, len(points))} {len(chosen.sigmas)} levels for annealed Langevin."
    return Outcome(summary, tables, result.losses, samples)


RUNS: dict[str, Callable[..., Outcome]] = {"mixture": mixture, "moons": moons, "digits": digits}


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Exact:
    """The exact score of a law at every level, as a learned one is called."""

    perturb: Callable[[float, float], rs.targets.Mixture]

    def __call__(self, x: Float, sigma: float) -> Float:
        return self.perturb(1.0, sigma).score(x)


def _summary(result: rs.fit.Result, recipe: Recipe, n: int) -> str:
    tail = result.losses[-len(result.losses) // 20 :]
    return (
        f"{result.model!r}, {result.model.pack().size} parameters, trained on {n} points for {recipe.n_steps} steps of "
        f"{recipe.batch} in float32, seed {recipe.seed}; mean loss of the last twentieth {tail.mean():.4f}."
    )


def _fisher_table(found: list[measures.Fisher], how: str) -> Table:
    rows = tuple(
        (f"{f.sigma:.3g}", f"{f.divergence:.3g}", f"{f.error:.1g}", f"{f.information:.3g}", f"{100 * f.relative:.2g} %")
        for f in found
    )
    columns = ("σ", "½ E|s − ∇ log p_σ|²", "±", "½ E|∇ log p_σ|²", "missed")
    return Table(f"Fisher divergence of the learned score, {how}", columns, rows)


def _empirical_fisher(model: rs.models.ConditionalMLP, points: Float, sigmas: Float, *, repeat: int) -> Table:
    rows = np.tile(points, (repeat, 1))
    noise = rs.noise.normals(5, np.arange(len(rows)), points.shape[1], stream=121)
    found = [measures.fisher_by_draws(model, points, rows, float(sigma), noise=noise) for sigma in sigmas]
    return _fisher_table(found, "by draws (± one standard error) against the exact score of the noisy training set")


def _distance_table(samples: dict[str, Float], points: Float) -> Table:
    rows = []
    for name, x in samples.items():
        if x.shape == points.shape and np.array_equal(x, points):
            distance, name = rs.fit.nearest_distances(points), f"{name}, to each other"
        else:
            distance = measures.nearest_distances(x, points)
        quantiles = np.quantile(distance, [0.01, 0.25, 0.5, 0.75, 0.99])
        rows.append((name, *(f"{q:.3f}" for q in quantiles)))
    columns = ("from", "1 %", "25 %", "median", "75 %", "99 %")
    return Table("Distance to the nearest training point: copies would be near 0", columns, tuple(rows))
