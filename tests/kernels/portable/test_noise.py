"""Normals of the portable twin: refscore's in float64, of the right law in float32."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import refscore as rs
from refscore_kernels.portable.noise import fill, round_keys, uniforms


@pytest.mark.parametrize("d", [1, 2, 5])
def test_float64_is_the_noise_of_refscore(d: int) -> None:
    z = np.empty((d, 77))
    fill(z, 2**31, 7, 3, round_keys(2**63 + 5))
    truth = rs.noise.normals(2**63 + 5, np.arange(77) + 2**31, d, 7, stream=3)
    assert z.T.tobytes() == truth.tobytes()


def test_uniforms_are_those_of_refscore() -> None:
    assert (uniforms(50, 9, 4, 1, round_keys(8)) == rs.noise.uniforms(8, np.arange(50) + 9, 1, 4, stream=1)[:, 0]).all()


def test_float32_are_normals() -> None:
    """Kolmogorov and Smirnov's test and the variance, each with a false alarm of 1e-6; dimensions are uncorrelated."""
    z = np.empty((6, 50_000), np.float32)
    fill(z, 0, 1, 2, round_keys(123))
    assert stats.kstest(z.ravel(), "norm").pvalue > 1e-6
    n = z.size
    assert stats.chi2.cdf((z.astype(np.float64) ** 2).sum(), n) == pytest.approx(0.5, abs=0.5 - 5e-7)
    corr = np.corrcoef(z)[np.triu_indices(6, 1)]
    assert np.abs(corr).max() < stats.norm.isf(5e-7 / 15) / np.sqrt(50_000)


def test_float32_is_near_the_formula() -> None:
    """Box and Muller's formula in float64 from the same words, (RNG.3) to (RNG.5) on 32 bits."""
    n = 4096
    z = np.empty((4, n), np.float32)
    fill(z, 5, 1, 2, round_keys(123))
    counters = np.stack([np.arange(n) + 5, np.zeros(n), np.full(n, 1), np.full(n, 2)], axis=1).astype(np.int64)
    words = rs.noise.philox4x32_10(counters, [123, 0]).astype(np.float64)
    for pair in (0, 1):
        u, b = (words[:, 2 * pair] + 0.5) / 2**32, words[:, 2 * pair + 1].astype(np.int64)
        phi = np.pi / 2 * ((((b << 2) % 2**32) >> 9) / 2**23 + 2.0**-24 - 0.5)
        r = np.sqrt(-np.log(u))
        first = r * (np.cos(phi) - np.sin(phi)) * (1 - 2 * (b >> 31))
        second = r * (np.cos(phi) + np.sin(phi)) * (1 - 2 * ((b >> 30) & 1))
        for row, truth in ((z[2 * pair], first), (z[2 * pair + 1], second)):
            assert (np.abs(row - truth) <= 8 * 2.0**-24 * (1 + r + 1 / r)).all()  # u is rounded: r² is off by 2⁻²⁴
