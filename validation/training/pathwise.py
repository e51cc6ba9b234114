"""The same training in torch, from the same noise: step by step the same losses, as far as float64 can tell.

Rounding errors grow in training as any perturbation does. How much is not guessed but measured: a third run starts with
each parameter moved by one unit of its last place, and its distance from the first is what two correct programs may
differ by.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

import refscore as rs
from refscore.arrays import Float
from validation.training import data
from validation.training.learning import Recipe, start
from validation.training.runs import Outcome, Table

__all__ = ["compare", "pathwise"]

RECIPE = Recipe(hidden=(128, 128, 128), sigma_min=0.05, sigma_max=12.0, n_steps=500, batch=1000, rate=1e-3)
ALLOWED = 16.0  # of the distance that one unit in the last place makes


def pathwise(recipe: Recipe = RECIPE) -> Outcome:
    """Train the mixture's network by refscore and by torch from the same draws, both in float64.

    Parameters
    ----------
    recipe : Recipe
        Sizes and length.

    Returns
    -------
    Outcome
        The distance between the two loss curves, beside the one that a perturbed start makes.

    Raises
    ------
    ImportError
        If torch is not installed, with the extra that has it.
    ArithmeticError
        If torch's curve is further away than rounding explains.
    """
    ours, theirs, perturbed = compare(recipe)
    marks = sorted({0, 1, 10, *range(100, recipe.n_steps, 100), recipe.n_steps - 1} & set(range(recipe.n_steps)))
    distance, allowed = (
        np.maximum.accumulate(abs(theirs - ours) / ours),
        np.maximum.accumulate(abs(perturbed - ours) / ours),
    )
    floor = 64 * 2.0**-53  # a mean of a thousand values, summed in another order
    if (distance > ALLOWED * np.maximum(allowed, floor)).any():
        worst = int(np.argmax(distance / np.maximum(allowed, floor)))
        raise ArithmeticError(
            f"torch's loss at step {worst} is {distance[worst]:.3g} away; rounding explains {allowed[worst]:.3g}"
        )
    rows = tuple(
        (f"{k}", f"{ours[k]:.12f}", f"{theirs[k]:.12f}", f"{distance[k]:.1e}", f"{allowed[k]:.1e}") for k in marks
    )
    columns = (
        "step",
        "refscore",
        "torch",
        "largest relative distance so far",
        "the same after moving θ by one last place",
    )
    summary = (
        f"{start(data.four_modes().means, recipe)!r}, Adam with rate {recipe.rate:g}, {recipe.n_steps} steps of "
        f"{recipe.batch} samples, float64, seed {recipe.seed}; torch {_torch().__version__}."
    )
    return Outcome(summary, (Table("Loss curves from the same noise", columns, rows),), ours, {})


def compare(recipe: Recipe) -> tuple[Float, Float, Float]:
    """The loss curves of refscore, of torch, and of refscore from a start moved by one unit in the last place.

    Parameters
    ----------
    recipe : Recipe
        Sizes and length.

    Returns
    -------
    tuple of (n_steps,) ndarray
        The three curves.
    """
    points = data.draws(data.four_modes(), 20_000, seed=recipe.seed)
    model = start(points, recipe)
    theta = model.pack()
    signs = np.where(rs.noise.uniforms(1, 0, theta.size) < 0.5, -np.inf, np.inf)
    moved = model.unpack(np.nextafter(theta, signs))
    return _ours(model, points, recipe), _theirs(model, points, recipe), _ours(moved, points, recipe)


def _loss(model: rs.models.ConditionalMLP, points: Float, recipe: Recipe) -> rs.fit.Loss:
    levels = rs.fit.log_uniform(recipe.sigma_min, recipe.sigma_max)
    return rs.fit.multilevel(model, points, sigmas=levels, batch=recipe.batch, seed=recipe.seed)


def _ours(model: rs.models.ConditionalMLP, points: Float, recipe: Recipe) -> Float:
    adam = rs.fit.adam(recipe.rate)
    return rs.fit.train(_loss(model, points, recipe), n_steps=recipe.n_steps, optimiser=adam, progress=False).losses


def _torch() -> Any:
    try:
        import torch
    except ImportError as error:
        raise ImportError(
            "the same training in torch needs it; install it with: pip install 'refscore[peers]'"
        ) from error
    return torch


def _theirs(model: rs.models.ConditionalMLP, points: Float, recipe: Recipe) -> Float:
    """As one writes it in torch: autograd through EDM's preconditioned network, torch.optim.Adam."""
    torch = _torch()
    widths = model.network.widths
    layers: list[Any] = []
    for before, after in pairwise(widths):
        layers += [torch.nn.Linear(before, after, dtype=torch.float64), torch.nn.SiLU()]
    network = torch.nn.Sequential(*layers[:-1])
    with torch.no_grad():
        for layer, w, b in zip(network[::2], model.network.weights, model.network.biases):
            layer.weight.copy_(torch.tensor(w))
            layer.bias.copy_(torch.tensor(b))
    optimiser = torch.optim.Adam(network.parameters(), lr=recipe.rate)
    sigma_data = float(np.sqrt(np.mean(points**2)))
    loss_of, losses = _loss(model, points, recipe), []
    assert loss_of.draw is not None
    for k in range(recipe.n_steps):
        x0, noise, sigma = (torch.tensor(np.array(array)) for array in loss_of.draw(k)[:3])
        sigma = sigma[:, None]
        x = x0 + sigma * noise
        variance = sigma**2 + sigma_data**2
        inputs = torch.cat([x / variance.sqrt(), sigma.log() / 4], dim=1)
        denoised = sigma_data**2 / variance * x + sigma * sigma_data / variance.sqrt() * network(inputs)
        score = (denoised - x) / sigma**2
        loss = (0.5 * sigma**2 * (score + noise / sigma) ** 2).sum(1).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    return np.array(losses)
