"""Capability ``corrector.langevin``: a step whose size is a ratio of lengths, and whose lengths those are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.steps.common import BATCHES, LAW, step_case
from refscore.conformance.capability import Capability, Case, Convention, Fault, Function
from refscore.samplers import batch_corrector_step, langevin_corrector_step

__all__ = ["CORRECTOR"]

NORMS = Convention(
    "norms",
    "per_sample",
    ("per_sample", "batch_mean"),
    "|z| and |s| of each sample, as the paper has it, or their means over the batch, as score_sde's code has it",
)


def _corrector(score: Any, x: Float, noise: Float, *, snr: float, norms: str = "per_sample") -> Float:
    rule = langevin_corrector_step if norms == "per_sample" else batch_corrector_step
    return rule(score, x, noise, snr=snr)


def _length(x: Float, norms: str = "per_sample") -> Any:
    lengths = np.sqrt((x * x).sum(-1, keepdims=True))
    return lengths if norms == "per_sample" else lengths.mean()


def _cases(conventions: Mapping[str, Any]) -> Iterator[Case]:
    norms = conventions["norms"]
    for snr in (0.25, 2.0**-5, 1.5):
        for name, (model, x, noise) in BATCHES.items():
            if name == LAW or (snr != 0.25 and name != "n=d"):
                continue
            s, terms, keywords = model(x), model.magnitude(x), {"snr": snr}
            e = 2 * (snr * _length(noise, norms) / _length(s, norms)) ** 2
            lost = (terms * np.abs(s)).sum(-1, keepdims=True) / _length(s)  # rounding in s moves |s|
            lost = 2 + (lost if norms == "per_sample" else lost.mean()) / _length(s, norms)  # |z| and |s| round, too
            # Two sums round x.
            size = 2 * np.abs(x) + e * (terms + 2 * lost * np.abs(s)) + lost * np.sqrt(2 * e) * np.abs(noise)
            given = (model, x, noise)
            yield step_case(f"snr={snr:g},{name}", given, keywords, size, meant=(given, {**keywords, "norms": norms}))


def _with(
    ratio: Callable[[Float, Float, str], Any] = lambda z, s, norms: _length(z, norms) / _length(s, norms),
    size: Callable[[Any, float], Any] = lambda ratio, snr: 2 * (snr * ratio) ** 2,
    move: Callable[..., Float] = lambda x, s, z, e: x + e * s + np.sqrt(2 * e) * z,
) -> Function:
    """The step with one rule exchanged."""

    def function(score: Any, x: Float, noise: Float, *, snr: float, norms: str = "per_sample") -> Float:
        s = score(x)
        return np.asarray(move(x, s, noise, size(ratio(noise, s, norms), snr)))

    return function


def _after_the_noise(score: Any, x: Float, noise: Float, *, snr: float, norms: str = "per_sample") -> Float:
    e = 2 * (snr * _length(noise, norms) / _length(score(x), norms)) ** 2
    moved = x + np.sqrt(2 * e) * noise
    return np.asarray(moved + e * score(moved))


CORRECTOR = Capability(
    name="corrector.langevin",
    title="One Langevin corrector step of predictor-corrector sampling",
    signature="langevin_corrector(score, x (n, d), noise (n, d), *, snr) -> (n, d)",
    formula="x' = x + e s(x) + √(2e) z,  e = 2 (r |z| / |s(x)|)²",
    label="PCS.2",
    source="Song et al. (2021), Algorithm 4",
    page="docs/samplers/correctors.md",
    reference=_corrector,
    cases=_cases,
    conventions=(NORMS,),
    truth="on N(0, v I) a large batch ends at the variance (1 + r²) v, in any dimension",
    faults=(
        Fault(
            "COR-not-squared",
            "e = 2 r |z|/|s|: the ratio is not squared",
            "the ratio of drift to noise is not r, and depends on the level",
            _with(size=lambda ratio, snr: 2 * snr * ratio),
        ),
        Fault(
            "COR-snr-not-squared",
            "e = 2 r (|z|/|s|)²: only the lengths are squared",
            "steps too large by 1/r, and a bias with them",
            _with(size=lambda ratio, snr: 2 * snr * ratio**2),
        ),
        Fault(
            "COR-no-two",
            "e = (r |z|/|s|)²: the 2 is missing, or e is halved for a step (e/2) s + √e z",
            "drift to noise is r/√2: twice as many steps for the same work",
            _with(size=lambda ratio, snr: (snr * ratio) ** 2),
        ),
        Fault(
            "COR-upside-down",
            "e = 2 (r |s|/|z|)²: the ratio stands upside down",
            "steps grow where the score is large: runs diverge at small levels",
            _with(ratio=lambda z, s, norms: _length(s, norms) / _length(z, norms)),
        ),
        Fault(
            "COR-noise-without-two",
            "the noise is √e z, with drift e s",
            "samples from p², not p: half the variance",
            _with(move=lambda x, s, z, e: x + e * s + np.sqrt(e) * z),
        ),
        Fault(
            "COR-noise-step",
            "the noise is 2e z, not its root",
            "samples collapse onto the modes",
            _with(move=lambda x, s, z, e: x + e * s + 2 * e * z),
        ),
        Fault(
            "COR-whole-batch",
            "one norm of the whole array: the root of the sum over samples and coordinates",
            "neither convention: samples with a large score set the step of all",
            _with(ratio=lambda z, s, _: np.sqrt((z * z).sum() / (s * s).sum())),
        ),
        Fault(
            "COR-mean-length",
            "√d in the place of |z|",
            "another chain: less bias in few dimensions, and no run is repeated from its tape",
            _with(ratio=lambda z, s, norms: np.sqrt(z.shape[-1]) / _length(s, norms)),
        ),
        Fault(
            "COR-sum-of-sizes",
            "lengths as sums of absolute values",
            "the ratio of the lengths is that of another norm",
            _with(ratio=lambda z, s, norms: _sums(z, norms) / _sums(s, norms)),
        ),
        Fault(
            "COR-sign",
            "the score is subtracted",
            "samples flee the data",
            _with(move=lambda x, s, z, e: x - e * s + np.sqrt(2 * e) * z),
        ),
        Fault(
            "COR-score-after-noise",
            "the score is taken after the noise was added",
            "another chain, with another bias",
            _after_the_noise,
        ),
        Fault(
            "COR-shared-noise",
            "one noise vector for the whole batch",
            "samples are not independent of each other",
            _with(move=lambda x, s, z, e: x + e * s + np.sqrt(2 * e) * z[:1]),
        ),
    ),
)


def _sums(x: Float, norms: str) -> Any:
    sums = np.abs(x).sum(-1, keepdims=True)
    return sums if norms == "per_sample" else sums.mean()
