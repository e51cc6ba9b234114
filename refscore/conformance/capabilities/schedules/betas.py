"""Capabilities ``schedule.linear_betas``, ``.scaled_linear_betas`` and ``.cosine_betas``: β_1 … β_n of a chain."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.schedules.common import schedule_case
from refscore.conformance.capability import Capability, Case, Fault, Function
from refscore.schedules import cosine_betas, linear_betas, scaled_linear_betas

__all__ = ["COSINE_BETAS", "LINEAR_BETAS", "SCALED_LINEAR_BETAS"]


def _linear_cases(defaults: tuple[float, float]) -> Callable[[Mapping[str, Any]], Iterator[Case]]:
    def cases(_: Mapping[str, Any]) -> Iterator[Case]:
        ends = (defaults, defaults, (0.0625, 0.5625), (0.25, 0.5))
        for n, (low, high) in zip((1000, 10, 5, 2), ends):
            keywords = {"n": n, "beta_start": low, "beta_end": high}
            size = np.full(n, 4 * high)  # terms of the size of the largest β: a step, its multiple, a sum, a square
            yield schedule_case(f"n={n},beta={low:g}-{high:g}", keywords, (size,))

    return cases


def _between(exponent: float, ramp: Callable[[int], Float], back: float | None = None) -> Function:
    """Linear in β^exponent, raised back."""
    power = 1 / exponent if back is None else back

    def betas(*, n: int, beta_start: float, beta_end: float) -> Float:
        first, last = beta_start**exponent, beta_end**exponent
        value: Float = (first + ramp(n) * (last - first)) ** power
        return value

    return betas


def _uniform(n: int) -> Float:
    return np.asarray(np.linspace(0, 1, n), dtype=np.float64)


def _geometric(*, n: int, beta_start: float, beta_end: float) -> Float:
    return np.asarray(np.geomspace(beta_start, beta_end, n), dtype=np.float64)


def _for_a_thousand(betas: Function) -> Function:
    return lambda *, n, beta_start, beta_end: 1000 / n * betas(n=n, beta_start=beta_start, beta_end=beta_end)


def _end_faults(prefix: str, exponent: float) -> tuple[Fault, ...]:
    return (
        Fault(
            f"{prefix}-short",
            "i/n instead of i/(n − 1): β_end is not reached",
            "less noise at the end than the prior has",
            _between(exponent, lambda n: np.arange(n) / n),
        ),
        Fault(
            f"{prefix}-late",
            "(i + 1)/n: β_start is left out",
            "the first step is too large",
            _between(exponent, lambda n: (np.arange(n) + 1) / n),
        ),
        Fault(
            f"{prefix}-geometric",
            "equal ratios instead of equal differences",
            "far too little noise in the end",
            _geometric,
        ),
    )


LINEAR_BETAS = Capability(
    name="schedule.linear_betas",
    title="The β sequence of DDPM",
    signature="linear_betas(*, n, beta_start, beta_end) -> (n,)",
    formula="β_i = β_start + (i−1)/(n−1) (β_end − β_start),  i = 1 … n",
    label="SCH.3",
    source="Ho et al. (2020), section 4",
    page="docs/schedules/betas.md",
    reference=linear_betas,
    cases=_linear_cases((1e-4, 0.02)),
    truth="1000, 1e-4 to 0.02: ᾱ_1000 = 4.0358e-5",
    faults=(
        Fault(
            "LIN-scaled",
            "the square of a linear root: the two names are mixed up",
            "another schedule than the checkpoint was trained with",
            scaled_linear_betas,
            "https://github.com/Comfy-Org/ComfyUI/issues/1998",
        ),
        Fault(
            "LIN-per-thousand",
            "multiplied by 1000/n",
            "not the β that were asked for; above 1 for few steps",
            _for_a_thousand(linear_betas),
        ),
        Fault(
            "LIN-end-per-step",
            "β_end is divided by n, β_start is not",
            "hardly any noise, and β falls",
            lambda *, n, beta_start, beta_end: np.linspace(beta_start, beta_end / n, n),
            "https://github.com/NVlabs/I2SB/issues/11",
        ),
        Fault(
            "LIN-alphas",
            "1 − β is returned",
            "the first step leaves nothing of the data",
            lambda **keywords: 1 - linear_betas(**keywords),
        ),
        Fault(
            "LIN-products",
            "ᾱ = ∏(1 − β) is returned",
            "the first step leaves nothing of the data",
            lambda **keywords: np.cumprod(1 - linear_betas(**keywords)),
        ),
        *_end_faults("LIN", 1.0),
    ),
)

SCALED_LINEAR_BETAS = Capability(
    name="schedule.scaled_linear_betas",
    title="The β sequence of latent diffusion: linear in the root",
    signature="scaled_linear_betas(*, n, beta_start, beta_end) -> (n,)",
    formula="β_i = (√β_start + (i−1)/(n−1) (√β_end − √β_start))²,  i = 1 … n",
    label="SCH.4",
    source="Rombach et al. (2022), code make_beta_schedule",
    page="docs/schedules/betas.md",
    reference=scaled_linear_betas,
    cases=_linear_cases((0.00085, 0.012)),
    truth="3, 1/16 to 9/16: 1/16, 1/4, 9/16",
    faults=(
        Fault(
            "SCALED-linear",
            "linear in β: the two names are mixed up",
            "another schedule than the checkpoint was trained with",
            linear_betas,
            "https://github.com/CompVis/stable-diffusion/issues/314",
        ),
        Fault(
            "SCALED-roots",
            "√β is returned: the square is missing",
            "far too much noise in every step",
            _between(0.5, _uniform, back=1.0),
        ),
        Fault(
            "SCALED-inverted",
            "square and root are exchanged: linear in β²",
            "too much noise in the middle",
            _between(2.0, _uniform),
        ),
        Fault(
            "SCALED-per-thousand",
            '1000/n times the linear sequence: another meaning of "scaled"',
            "another schedule than the checkpoint was trained with",
            _for_a_thousand(linear_betas),
        ),
        *_end_faults("SCALED", 0.5),
    ),
)


def _cosine_cases(_: Mapping[str, Any]) -> Iterator[Case]:
    for n, s, max_beta in ((1000, 0.008, 0.999), (50, 0.008, 0.999), (10, 0.125, 0.5), (4, 0.0, 0.75)):
        keywords = {"n": n, "s": s, "max_beta": max_beta}
        angle = (np.arange(n + 1) / n + s) / (1 + s) * np.pi / 2
        before, after = np.cos(angle[:-1]) ** 2, np.cos(angle[1:])
        # The plain 1 − ᾱ/ᾱ is a right code: terms of size 1, and a cosine whose argument is rounded before it.
        left = after**2 / before * angle[:-1] * np.tan(angle[:-1])
        right = after / before * np.sin(angle[1:]) * angle[1:]
        yield schedule_case(f"n={n},s={s:g},max_beta={max_beta:g}", keywords, (1 + 2 * (left + np.abs(right)),))


def _cosine_with(
    keep: Callable[[Float, float], Float], nodes: Callable[[int], Float] = lambda n: np.arange(n + 1) / n
) -> Function:
    """β from ᾱ(t, s) at the nodes."""

    def betas(*, n: int, s: float, max_beta: float) -> Float:
        kept = keep(nodes(n), s)
        return np.minimum(1 - kept[1:] / kept[:-1], max_beta)

    return betas


def _kept(t: Float, s: float) -> Float:
    value: Float = np.cos((t + s) / (1 + s) * np.pi / 2) ** 2
    return value


COSINE_BETAS = Capability(
    name="schedule.cosine_betas",
    title="The β sequence of the cosine path, clipped",
    signature="cosine_betas(*, n, s, max_beta) -> (n,)",
    formula="β_i = min(1 − f(i/n)/f((i−1)/n), β_max),  f = cos²((t + s)/(1 + s) π/2),  i = 1 … n",
    label="SCH.5",
    source="Nichol & Dhariwal (2021), eq. 17 and below",
    page="docs/schedules/betas.md",
    reference=cosine_betas,
    cases=_cosine_cases,
    truth="until the clip, ∏(1 − β) = f(i/n)/f(0); n steps have n + 1 nodes",
    faults=(
        Fault(
            "COSB-off-by-one",
            "t = i/(n + 1): the number of nodes stands where that of steps belongs",
            "the noise of the end is not reached",
            _cosine_with(_kept, lambda n: np.arange(n + 1) / (n + 1)),
        ),
        Fault(
            "COSB-no-clip",
            "β_max is left out",
            "β_n = 1: the last step cannot be undone, 0/0 in the samplers",
            lambda *, n, s, max_beta: cosine_betas(n=n, s=s, max_beta=1 - 2**-53),
            "https://github.com/openai/guided-diffusion/issues/42",
        ),
        Fault(
            "COSB-fixed-clip",
            "β_max = 0.999 whatever was asked for",
            "right until somebody changes the clip",
            lambda *, n, s, max_beta: cosine_betas(n=n, s=s, max_beta=0.999),
        ),
        Fault(
            "COSB-products",
            "ᾱ is returned, not β",
            "the first step leaves nothing of the data",
            lambda *, n, s, max_beta: _kept(np.arange(1, n + 1) / n, s) / _kept(np.zeros(1), s),
        ),
        Fault(
            "COSB-first-zero",
            "ᾱ_1 = 1: n nodes from 0 to 1, so the first β is 0",
            "0/0 at the last step of sampling",
            lambda *, n, s, max_beta: np.append(0.0, cosine_betas(n=n - 1, s=s, max_beta=max_beta)),
            "https://github.com/Project-MONAI/MONAI/pull/8427",
        ),
        Fault(
            "COSB-not-squared",
            "f is the cosine, not its square",
            "about half of each β",
            _cosine_with(lambda t, s: np.sqrt(_kept(t, s))),
            "https://github.com/lilianweng/lilianweng.github.io/issues/9",
        ),
        Fault(
            "COSB-unscaled-offset",
            "t + s is not divided by 1 + s",
            "the signal is gone before the end, and rises again",
            _cosine_with(lambda t, s: np.cos((t + s) * np.pi / 2) ** 2),
        ),
        Fault(
            "COSB-no-offset",
            "the offset s is left out",
            "the first steps are too small",
            lambda *, n, s, max_beta: cosine_betas(n=n, s=0.0, max_beta=max_beta),
        ),
    ),
)
