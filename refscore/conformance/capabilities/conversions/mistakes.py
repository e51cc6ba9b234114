"""Mistakes that are made with any conversion, as changes of its formula.

A formula here takes a value and x of shape (n, d), then α, σ and where needed α', σ' lifted to (n, 1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np

__all__ = ["MISTAKES", "Formula", "Mistake"]

Formula = Callable[..., Any]


@final
@dataclass(frozen=True, slots=True)
class Mistake:
    """What was done instead, what it costs, and how it changes a formula.

    Parameters
    ----------
    description, effect : str
        As in a fault.
    change : callable
        From the right formula to the wrong one; changes nothing where the wrong formula stands with the conversion.
    link : str
        Where it was seen.
    """

    description: str
    effect: str
    change: Callable[[Formula], Formula] = lambda formula: formula
    link: str = ""


AWAY = "samples move away from the data"
LEVEL = "right at the one level where both agree, and off by their quotient elsewhere"
DENOISERS = "https://github.com/crowsonkb/k-diffusion/blob/master/k_diffusion/external.py"

MISTAKES = {
    "sign": Mistake("the sign of the result is turned", AWAY, lambda f: lambda *given: -f(*given)),
    "value-sign": Mistake(
        "the value enters with the other sign", AWAY, lambda f: lambda value, *given: f(-value, *given)
    ),
    "negative": Mistake(
        "−v is returned, the v of codes that predict c_out times it",
        "agrees with its own network, and with nobody else's",
        lambda f: lambda *given: -f(*given),
        DENOISERS,
    ),
    "reversed": Mistake(
        "−u is returned: data at t = 1",
        "the flow runs from the data to the noise",
        lambda f: lambda *given: -f(*given),
    ),
    "swapped": Mistake(
        "α and σ are exchanged", "right where α = σ", lambda f: lambda v, x, a, s, *rates: f(v, x, s, a, *rates)
    ),
    "variance": Mistake(
        "σ² stands where σ belongs", LEVEL, lambda f: lambda v, x, a, s, *rates: f(v, x, a, s**2, *rates)
    ),
    "root": Mistake(
        "σ is taken for a variance: √σ stands where σ belongs",
        LEVEL,
        lambda f: lambda v, x, a, s, *rates: f(v, x, a, np.sqrt(s), *rates),
    ),
    "alpha-bar": Mistake(
        "ᾱ = α² stands where α = √ᾱ belongs",
        "images too bright near the noise, right near the data",
        lambda f: lambda v, x, a, s, *rates: f(v, x, a**2, s, *rates),
    ),
    "no-alpha": Mistake(
        "α is left out: the formula of variance-exploding paths",
        "right on VE and EDM paths only",
        lambda f: lambda v, x, a, s, *rates: f(v, x, np.ones_like(a), s, *rates),
    ),
    "vp": Mistake(
        "α² + σ² = 1 is assumed",
        "right on variance-preserving paths only",
        lambda f: lambda v, x, a, s, *rates: f(v, x, a, np.sqrt(1 - a**2), *rates),
    ),
    "unconverted": Mistake(
        "the value is passed on as it is",
        "one kind of prediction is used as another",
        lambda f: lambda value, *given: value,
        "https://github.com/huggingface/diffusers/pull/2094",
    ),
    "inverse": Mistake("divided where σ multiplies, or multiplied where it divides", "right at σ = 1 only"),
    "unscaled": Mistake("σ is left out", "right at σ = 1 only"),
    "early": Mistake("only x is divided by α", "the prediction enters too weakly near the noise"),
    "plus": Mistake("the two terms of v are added", "no orthogonal pair any more: errors grow with σ"),
    "noisy": Mistake("the noised sample stands where the clean one belongs", "right near the data only"),
    "root-total": Mistake(
        "divided by √(α² + σ²), not by α² + σ²", "right on variance-preserving paths only", link=DENOISERS
    ),
    "rates-swapped": Mistake(
        "α' and σ' are exchanged",
        "the flow leaves the path at once",
        lambda f: lambda v, x, a, s, da, ds: f(v, x, a, s, ds, da),
    ),
    "rates-flow": Mistake(
        "α' = −1 and σ' = 1 are assumed: u = ε̂ − x̂₀",
        "right on the straight path only",
        lambda f: lambda v, x, a, s, da, ds: f(v, x, a, s, -np.ones_like(a), np.ones_like(s)),
    ),
    "rates-log": Mistake(
        "α'/α and σ'/σ stand where α' and σ' belong",
        "right at α = σ = 1 only",
        lambda f: lambda v, x, a, s, da, ds: f(v, x, a, s, da / a, ds / s),
    ),
    "sde": Mistake(
        "g² stands where ½ g² belongs: the drift of the reverse SDE, without its noise",
        "samples contract onto the modes",
    ),
    "v": Mistake("v stands where the velocity belongs", "right on the path α = cos t, σ = sin t only"),
    "no-determinant": Mistake("the determinant w is left out", "right on the flow and EDM paths, where w = 1"),
    "determinant-sign": Mistake("w = α σ' + α' σ", "right where α' = 0 only"),
    "not-lifted": Mistake(
        "α and σ of shape (n,) are multiplied onto (n, d) without an event axis",
        "each dimension gets the level of another sample; silent where n = d",
        link="https://github.com/facebookresearch/flow_matching",
    ),
}
