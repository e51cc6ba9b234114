"""Capability ``sampler.predictor_corrector``: steps down a path and corrections, alternated in a stated order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.samplers.alternation import (
    CONVENTIONS,
    alternation_cases,
    even_times,
    run_alternation,
)
from refscore.conformance.capability import Capability, Fault, Function
from refscore.paths import Path
from refscore.samplers import large_variance

__all__ = ["PREDICTOR_CORRECTOR"]

Coefficients = tuple[float, float, float, float]


def _coefficients(kind: str, path: Path, t: float, s: float) -> Coefficients:
    """(p, q, g, w) of a predictor x' = p x + q g S + w z, where g is the root of the variance added on the way."""
    if kind == "euler_maruyama":
        h, g = t - s, float(path.diffusion(t))
        return 1 - h * float(path.drift_rate(t)), h * g, g, float(np.sqrt(h)) * g
    at, st, an, sn = (path.alpha(t), path.sigma(t), path.alpha(s), path.sigma(s))
    a, b = float(at / an), float(np.sqrt(large_variance(at, st, an, sn)))
    if kind == "reverse_diffusion":
        return 2 - a, b, b, b
    return 1 / a, b / a, b, (b * float(sn / st) if a == 1 else b)


def _length(v: Float, norms: str) -> Any:
    lengths = np.sqrt((v * v).sum(-1, keepdims=True))
    return lengths if norms == "per_sample" else lengths.mean()


def _ratio(x: Float, s: Float, z: Float, norms: str) -> Any:  # noqa: ARG001  a mistake asks the state
    return _length(z, norms) / _length(s, norms)


def _with(
    size: Callable[[Any, float, float], Any] = lambda ratio, snr, c: 2 * c * (snr * ratio) ** 2,
    ratio: Callable[[Float, Float, Float, str], Any] = _ratio,
    factor: Callable[[Path, float, float], float] = lambda path, t, s: float(path.alpha(t) / path.alpha(s)) ** 2,
    noise_of: Callable[[Any], Any] = lambda e: np.sqrt(2 * e),
    pull: Callable[[float, float], float] = lambda q, g: q * g,
    spread: float = 1.0,
    predicts_at: Callable[[float, float], float] = lambda t, s: t,
    corrects_at: Callable[[float, float, bool], float] = lambda t, s, paper: s if paper else t,
    predicts_first: Callable[[bool], bool] = lambda paper: paper,
    draw: Callable[[int, int, bool], int] = lambda j, m, paper: j,
    corrections: Callable[[int], int] = lambda m: m,
    times: Callable[[int, float], Float] = even_times,
    quiet: Callable[[bool, int, int, bool], bool] = lambda denoise, k, last, predicted: denoise and k == last,
) -> Function:
    """The run with one rule exchanged; `quiet` says whether an update adds no noise."""

    def function(
        score: Any,
        x: Float,
        noise: Float,
        *,
        path: Path,
        n_steps: int,
        corrector_steps: int,
        snr: float,
        order: str = "predictor_first",
        predictor: str = "reverse_diffusion",
        norms: str = "per_sample",
        denoise: bool = False,
        t_stop: float = 1e-3,
    ) -> Float:
        paper, m, grid = order == "predictor_first", corrector_steps, times(n_steps, t_stop)
        last = len(noise) - 1
        for block in range(len(grid) - 1):
            t, s = float(grid[block]), float(grid[block + 1])
            for j in range(1 + m):
                k = block * (1 + m) + j
                predicting = j == (0 if predicts_first(paper) else m)
                z = noise[block * (1 + m) + draw(j, m, paper)]
                loud = 0.0 if quiet(denoise, k, last, predicting) else 1.0
                if predicting:
                    p, q, g, w = _coefficients(predictor, path, t, s)
                    x = p * x + pull(q, g) * score(x, np.full(len(x), predicts_at(t, s))) + loud * spread * w * z
                elif j - predicts_first(paper) < corrections(m):
                    v = score(x, np.full(len(x), corrects_at(t, s, paper)))
                    e = size(ratio(x, v, z, norms), snr, factor(path, t, s))
                    x = x + e * v + loud * noise_of(e) * z
        return np.asarray(x)

    return function


plain_alternation = _with()
"""The run with every rule in its place: the reference by another route."""

PREDICTOR_CORRECTOR = Capability(
    name="sampler.predictor_corrector",
    title="Predictor-corrector sampling (Song et al.)",
    signature="predictor_corrector(score, x (n, d), noise (n_steps·(1 + M), n, d), *, path, n_steps, corrector_steps"
    " = M, snr) -> (n, d);  score(x, t), t (n,)",
    formula="n_steps times: x ← predictor(x, t_k → t_{k+1}), then M times x ← x + e s + √(2e) z at t_{k+1},"
    "  e = 2 c (r |z|/|s|)²,  c = (α_k/α_{k+1})²",
    label="PCS.7",
    source="Song et al. (2021), Algorithms 1 to 5",
    page="docs/samplers/predictor_corrector.md",
    reference=run_alternation,
    cases=alternation_cases,
    conventions=CONVENTIONS,
    truth="the correction that comes last leaves its own bias, however many steps there are",
    faults=(
        Fault(
            "PC-snr-not-squared",
            "e = 2 c r (|z|/|s|)²: only the lengths are squared",
            "corrections too large by 1/r, and a bias with them",
            _with(size=lambda ratio, snr, c: 2 * c * snr * ratio**2),
        ),
        Fault(
            "PC-no-two",
            "e = c (r |z|/|s|)²: the 2 is missing",
            "drift to noise is r/√2: twice as many corrections for the same work",
            _with(size=lambda ratio, snr, c: c * (snr * ratio) ** 2),
        ),
        Fault(
            "PC-norm-of-state",
            "|x| stands where |s| belongs",
            "corrections do not know how steep the density is",
            _with(ratio=lambda x, s, z, norms: _length(z, norms) / _length(x, norms)),
        ),
        Fault(
            "PC-norm-of-batch",
            "one norm of the whole array, samples and coordinates together",
            "neither convention: samples with a large score set the step of all",
            _with(ratio=lambda x, s, z, norms: np.sqrt((z * z).sum() / (s * s).sum())),
        ),
        Fault(
            "PC-no-alpha",
            "c = 1 on every path: the factor 1 − β of VP is missing",
            "corrections of VP too large, most in the long steps near the prior",
            _with(factor=lambda path, t, s: 1.0),
            "https://github.com/yang-song/score_sde_pytorch/issues/73",
        ),
        Fault(
            "PC-alpha-product",
            "c = α(t)², the product of all ratios, where one step's ratio belongs",
            "near the prior VP is hardly corrected at all",
            _with(factor=lambda path, t, s: float(path.alpha(t)) ** 2),
            "https://github.com/yang-song/score_sde_pytorch/issues/73",
        ),
        Fault(
            "PC-alpha-root",
            "c = α_k/α_{k+1} = √(1 − β): the ratio is not squared",
            "corrections of VP too large",
            _with(factor=lambda path, t, s: float(path.alpha(t) / path.alpha(s))),
        ),
        Fault(
            "PC-corrector-noise",
            "the corrector's noise is √e z, with drift e s",
            "samples from p², not p: half the variance",
            _with(noise_of=np.sqrt),
        ),
        Fault(
            "PC-corrector-time",
            "the corrector asks the score at the other end of its step",
            "samples of one level are corrected towards another one",
            _with(corrects_at=lambda t, s, paper: t if paper else s),
        ),
        Fault(
            "PC-predictor-time",
            "the predictor asks the score at s, the end of its step",
            "the model is told less noise than there is",
            _with(predicts_at=lambda t, s: s),
        ),
        Fault(
            "PC-order",
            "corrector and predictor are exchanged, and each keeps the level it had",
            "corrections towards a level that is not reached yet",
            _with(predicts_first=lambda paper: not paper),
        ),
        Fault(
            "PC-noise-order",
            "the predictor's draw is read where a correction's stands",
            "in law the same, but no run can be repeated from its tape",
            _with(draw=lambda j, m, paper: (j + 1) % (1 + m) if paper else (j - 1) % (1 + m)),
        ),
        Fault(
            "PC-noise-reused",
            "one draw serves the predictor and all corrections of a step",
            "they are not independent: too much variance",
            _with(draw=lambda j, m, paper: 0),
        ),
        Fault(
            "PC-one-correction",
            "one correction a step, whatever M is",
            "the corrections that were paid for are not made",
            _with(corrections=lambda m: 1),
        ),
        Fault(
            "PC-not-squared",
            "g s instead of g² s in the predictor",
            "right only where g = 1",
            _with(pull=lambda q, g: q),
        ),
        Fault(
            "PC-half-score",
            "½ g² s, the drift of the probability flow, with the noise of the SDE",
            "samples are too wide",
            _with(pull=lambda q, g: 0.5 * q * g),
        ),
        Fault(
            "PC-silent-predictor",
            "the predictor adds no noise: its mean is handed to the corrector",
            "samples collapse between corrections",
            _with(spread=0.0),
        ),
        Fault(
            "PC-last-noise",
            "the noise of the last update is not dropped",
            "samples keep visible noise of the last level",
            _with(quiet=lambda denoise, k, last, predicted: False),
            declared={"denoise": True},
        ),
        Fault(
            "PC-grid-points",
            "n times instead of n steps: the grid has one step too few",
            "every step is longer by n/(n − 1), and one is missing",
            _with(times=lambda n, t_stop: even_times(n - 1, t_stop) if n > 1 else np.ones(1)),
        ),
        Fault(
            "PC-reversed",
            "the levels are walked from the data to the prior",
            "noise is asked of the model where there is none, and samples end at the prior's level",
            _with(times=lambda n, t_stop: even_times(n, t_stop)[::-1]),
        ),
    ),
)
