"""One way to train and one way to sample, for every data set: NumPy alone, from one seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np

import refscore as rs
from refscore.arrays import Float

__all__ = ["Recipe", "annealed", "geometric", "learn", "reverse_sde", "start"]

LevelScore = Callable[[Float, float], Float]
STREAM_START, STREAM_LEVELS, STREAM_SDE = 111, 112, 113


@final
@dataclass(frozen=True, slots=True)
class Recipe:
    """What is trained, and for how long.

    Parameters
    ----------
    hidden : tuple of int
        Widths of the hidden layers.
    sigma_min, sigma_max : float
        Ends of the noise levels, in the data's unit.
    n_steps, batch : int
        Length of training, and samples a step.
    rate : float
        Adam's first learning rate; it falls along a cosine.
    seed : int
        Of everything random.
    """

    hidden: tuple[int, ...]
    sigma_min: float
    sigma_max: float
    n_steps: int
    batch: int
    rate: float
    seed: int = 0


def start(points: Float, recipe: Recipe) -> rs.models.ConditionalMLP:
    """The network before training: EDM's scaling for the data's own standard deviation, told ¼ log σ.

    Parameters
    ----------
    points : (N, d)
        The data, of mean near 0.
    recipe : Recipe
        Sizes and seed.

    Returns
    -------
    ConditionalMLP
        With initial values drawn as torch's ``Linear`` draws them.
    """
    scaling, told = rs.models.edm(float(np.sqrt(np.mean(points**2)))), rs.models.C_NOISE
    return rs.fit.conditional_mlp(points.shape[1], recipe.hidden, scaling=scaling, embedding=told, seed=recipe.seed)


def learn(points: Float, recipe: Recipe, *, progress: bool = True) -> rs.fit.Result:
    """Train a noise-conditional network by denoising score matching, levels log-uniform, weight σ².

    Parameters
    ----------
    points : (N, d)
        The data.
    recipe : Recipe
        Network, levels, length.
    progress : bool
        Whether a terminal shows how far it is.

    Returns
    -------
    Result
        With the running mean of the parameters.
    """
    levels = rs.fit.log_uniform(recipe.sigma_min, recipe.sigma_max)
    model, seed = start(points, recipe), recipe.seed
    loss = rs.fit.multilevel(model, points, sigmas=levels, batch=recipe.batch, seed=seed, dtype=np.float32)
    rate = rs.fit.cosine(recipe.rate, recipe.n_steps)
    return rs.fit.train(loss, n_steps=recipe.n_steps, optimiser=rs.fit.adam(rate), ema=0.999, progress=progress)


def annealed(model: LevelScore, sigmas: Float, d: int, *, n: int, steps_per_level: int, step_size: float) -> Float:
    """Samples by annealed Langevin dynamics, with the last denoising step.

    Parameters
    ----------
    model : callable
        s(x, σ), for one σ.
    sigmas : (L,)
        Levels, falling.
    d, n : int
        Dimension and number of samples.
    steps_per_level : int
        T.
    step_size : float
        ε at the last level.

    Returns
    -------
    (n, d)
        Samples.
    """
    x = sigmas[0] * rs.noise.normals(1, np.arange(n), d, stream=STREAM_START)
    for i, sigma in enumerate(sigmas):  # one level's tape at a time: the whole of it would be large
        tape = rs.noise.tape(1, steps_per_level, n, d, stream=STREAM_LEVELS, first_step=i * steps_per_level)
        step = rs.samplers.langevin(step_size=step_size * (sigma / sigmas[-1]) ** 2)
        x = rs.samplers.replay(step, _at(model, float(sigma)), x, tape)
    last = float(sigmas[-1])
    value: Float = x + last**2 * model(x, last)
    return value


def reverse_sde(model: LevelScore, recipe: Recipe, d: int, *, n: int, n_steps: int) -> Float:
    """Samples by the reverse of the variance-exploding SDE, in Song et al.'s discretisation.

    Parameters
    ----------
    model : callable
        s(x, σ), for one σ.
    recipe : Recipe
        Whose levels the path runs through.
    d, n, n_steps : int
        Dimension, number of samples, steps.

    Returns
    -------
    (n, d)
        Samples, at the noise level ``recipe.sigma_min`` of the path's end.
    """
    path = rs.paths.VE(recipe.sigma_min, recipe.sigma_max)
    sampler = rs.samplers.reverse_diffusion(path, rs.schedules.uniform_times(n=n_steps))
    first = recipe.sigma_max * rs.noise.normals(2, np.arange(n), d, stream=STREAM_START)
    tape = rs.noise.tape(2, n_steps, n, d, stream=STREAM_SDE)
    x = rs.samplers.replay(sampler, lambda x, _, sigma: model(x, sigma), first, tape)
    return x + recipe.sigma_min**2 * model(x, recipe.sigma_min)


def _at(model: LevelScore, level: float) -> Callable[[Float, float, float], Float]:
    return lambda x, *_: model(x, level)


def geometric(recipe: Recipe, n: int) -> Float:
    """The recipe's levels, n of them, falling.

    Parameters
    ----------
    recipe : Recipe
        Their ends.
    n : int
        How many.

    Returns
    -------
    (n,)
        σ_1 > … > σ_n.
    """
    return rs.schedules.geometric(n=n, sigma_min=recipe.sigma_min, sigma_max=recipe.sigma_max)
