"""conformance/exact_model.py: predictions of the perfect model against conjugacy worked out in 50 digits."""

import mpmath
import numpy as np
import pytest

from refscore.conformance.exact_model import Exact
from refscore.conformance.kinds import array_kind
from refscore.targets import gaussian

MODEL = Exact(gaussian([0.75], 0.36)).given_in(array_kind("numpy", "float64"))
X = np.array([[-2.0], [0.5], [40.0]])


def by_conjugacy(x, alpha, sigma):
    """E[x₀ given x] of N(¾, 0.36), from precisions."""
    with mpmath.workdps(50):
        x, a, s, v = (mpmath.mpf(float(q)) for q in (x, alpha, sigma, 0.36))
        return (mpmath.mpf("0.75") / v + a * x / s**2) / (1 / v + a**2 / s**2)


@pytest.mark.parametrize("level", [(1.0, 1e-6), (0.75, 0.5), (1.0, 80.0), (2.0**-20, 1.0)])
def test_every_prediction(level):
    a, s = (mpmath.mpf(v) for v in level)
    at = {"alpha": level[0], "sigma": level[1]}
    for i, x in enumerate(X[:, 0]):
        with mpmath.workdps(50):
            data = by_conjugacy(x, *level)
            noise = (mpmath.mpf(x) - a * data) / s
            right = {
                "data": data,
                "noise": noise,
                "score": -noise / s,
                "v": a * noise - s * data,
                "velocity": -data / 4 + 2 * noise,
            }
        got = {name: getattr(MODEL, name)(X, **at) for name in ("data", "noise", "score", "v")}
        got["velocity"] = MODEL.velocity(X, **at, alpha_dot=-0.25, sigma_dot=2.0)
        for name, value in right.items():
            size = max(abs(value), abs(data) * s if name == "v" else 0, abs(a * noise) if name == "v" else 0)
            size = max(size, abs(data) / 4 + 2 * abs(noise)) if name == "velocity" else size
            # The score of a point next to the mean carries the rounding of x - α m: |x|/σ² (α² 0.36 + σ²)⁻¹ at most.
            spread = float(a**2 * mpmath.mpf(0.36) + s**2)
            shift = (abs(x) + 0.75 * float(a)) / spread
            slack = {"score": shift, "noise": shift * level[1], "v": shift * level[1], "velocity": 2 * shift * level[1]}
            assert abs(float(value - mpmath.mpf(float(got[name][i, 0])))) <= 16 * 2.0**-53 * (
                float(size) + slack.get(name, 0)
            )


def test_levels_may_differ_from_row_to_row():
    sigma = np.array([0.5, 1.0, 2.0])
    together = MODEL.data(X, alpha=1.0, sigma=sigma)
    alone = [MODEL.data(X[i : i + 1], alpha=1.0, sigma=sigma[i])[0] for i in range(3)]
    assert np.array_equal(together, alone)
    assert np.array_equal(together, MODEL.data(X, alpha=np.ones((3, 1)), sigma=sigma[:, None]))


def test_the_result_has_dtype_and_shape_of_x():
    x = X.astype(np.float32).reshape(3, 1, 1, 1)
    assert MODEL.noise(x, alpha=1.0, sigma=0.5).dtype == np.float32
    assert MODEL.noise(x, alpha=1.0, sigma=0.5).shape == (3, 1, 1, 1)


def test_a_level_of_another_size_is_refused():
    with pytest.raises(ValueError, match="a level of 2 numbers for 3 samples"):
        MODEL.data(X, alpha=1.0, sigma=[0.5, 1.0])
