"""objectives/decoder.py against ball arithmetic: the probability of a bin with 300 bits, in bulk and tails."""

import flint
import numpy as np
import pytest

from refscore import objectives
from tests.cubature import U

PIXELS = np.linspace(-1, 1, 256)


def ball(x0, mean, log_variance):
    """log P and its slope in the log variance, by arb: erfc on the side where it is small."""
    with flint.ctx.workprec(300):
        x, m, v = (flint.arb(float(part)) for part in (x0, mean, log_variance))
        scale, half = (v / 2).exp(), flint.arb(1 / 255)
        low = None if x0 < -0.999 else (x - half - m) / scale
        high = None if x0 > 0.999 else (x + half - m) / scale
        root = flint.arb(2).sqrt()

        def below(end):
            return (-end / root).erfc() / 2

        if low is not None and low > 0:
            probability = below(-low) - (below(-high) if high is not None else 0)
        else:
            probability = (below(high) if high is not None else 1) - (below(low) if low is not None else 0)

        def edge(end):
            return 0 if end is None else end * (-end * end / 2).exp() / (2 * flint.arb.pi()).sqrt()

        slope = (edge(low) - edge(high)) / (2 * probability)
        return float(probability.log()), float(slope)


@pytest.mark.parametrize("log_variance", [-20.0, -11.0, -9.5, -4.0, 0.0, 6.0])
@pytest.mark.parametrize("mean", [-1.2, -0.25, 0.0, 0.4999, 1.0])
def test_value_and_slope(mean, log_variance):  # (VLB.7), (VLB.8)
    for pixel in (0, 1, 64, 127, 128, 254, 255):
        x0 = PIXELS[pixel : pixel + 1]
        exact, slope = ball(x0[0], mean, log_variance)
        found = objectives.discretised_gaussian(x0, [mean], [log_variance])
        # The ends of the bin carry 4 roundings each, and log P moves with them like the density over P.
        reach = (1 + abs(mean)) * np.exp(-0.5 * log_variance)
        size = 1 + abs(exact) + reach * (1 + np.sqrt(2 * abs(exact)))
        assert abs(found - exact) <= 64 * U * size
        got = objectives.discretised_gaussian_slope(x0, [mean], [log_variance])[0]
        # ... and a φ(a)/P has their error times its own size, and that of P.
        assert abs(got - slope) <= 256 * U * (1 + abs(slope) + abs(exact)) * size + 256 * U * reach**2


def test_the_bins_of_a_pixel_have_probability_one():
    for mean, log_variance in ((0.3, -4.0), (-0.9, -10.0), (2.0, 3.0)):
        ones = np.ones((256, 1))
        log_p = objectives.discretised_gaussian(PIXELS[:, None], mean * ones, log_variance * ones)
        assert abs(np.exp(log_p).sum() - 1) <= 256 * U


def test_the_sum_over_dimensions():
    x0, mean, v = PIXELS[[0, 100, 255]], np.array([-0.5, 0.25, 1.5]), np.array([-3.0, -5.0, 1.0])
    each = [float(objectives.discretised_gaussian([a], [b], [c])) for a, b, c in zip(x0, mean, v, strict=True)]
    assert abs(objectives.discretised_gaussian(x0, mean, v) - sum(each)) <= 8 * U * np.abs(each).sum()
    assert objectives.discretised_gaussian(np.zeros((4, 2, 3)), np.zeros((4, 2, 3)), np.zeros((4, 2, 3))).shape == (
        4,
        2,
    )


def test_refusals():
    with pytest.raises(ValueError, match=r"x0 has a value of -1.5; expected -1 <= x0 <= 1"):
        objectives.discretised_gaussian([0.0, -1.5], [0.0, 0.0], [0.0, 0.0])
    with pytest.raises(ValueError, match=r"mean has shape \(1,\); expected \(2,\), the shape of x0"):
        objectives.discretised_gaussian([0.0, 0.5], [0.0], [0.0, 0.0])
    with pytest.raises(ValueError, match=r"log_variance has shape \(1,\); expected \(2,\), the shape of x0"):
        objectives.discretised_gaussian_slope([0.0, 0.5], [0.0, 0.0], [0.0])
