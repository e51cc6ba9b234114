"""models/boundary.py: the scales in 50 digits, the boundary exactly, the gradient by autograd."""

import autograd
import autograd.numpy as anp
import mpmath
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from refscore.models import AffineVelocity, ConsistencyModel, consistency_scalings
from tests.objectives import rational

U = 2.0**-53
LEVELS = np.array([0.002, 0.0021, 0.5, 1.0, 80.0, 1e200])


@pytest.mark.parametrize("sigma_data", [0.5, 3e-9, 1e6])
@pytest.mark.parametrize("sigma_min", [0.002, 0.0])
def test_scales_in_fifty_digits(sigma_data, sigma_min):  # (CM.2)
    with mpmath.workdps(50):
        for sigma, *found in zip(
            LEVELS, *consistency_scalings(LEVELS, sigma_data=sigma_data, sigma_min=sigma_min), strict=True
        ):
            s, d = map(mpmath.mpf, (sigma, sigma_data))
            above = mpmath.mpf(sigma - sigma_min)  # a difference of near numbers is exact in float64
            root = mpmath.sqrt(s**2 + d**2)
            exact = d**2 / (above**2 + d**2), above * d / root, 1 / root
            for f, e in zip(found, exact, strict=True):
                assert abs(f - e) <= 8 * U * abs(e) + 1e-320


@pytest.mark.parametrize("sigma_min", [0.002, 0.1, 5.0])
def test_at_the_boundary_any_model_is_the_identity(sigma_min):  # (CM.1)
    f = ConsistencyModel(AffineVelocity([[[5.0, 1.0], [2.0, 3.0]]], [[7.0, -1e3]]), 0.5, sigma_min)
    x = rational.quarters(0, 5, 2)
    assert_array_equal(f(x, sigma_min), x)


def test_without_sigma_min_the_boundary_is_missed():  # what one library had: c_skip 0.999984, c_out 0.002
    skip, out, _ = consistency_scalings(0.002, sigma_data=0.5, sigma_min=0)
    assert round(float(skip), 6) == 0.999984
    assert round(float(out), 4) == 0.002


def test_scales_of_unit_variance_keep_it():  # c_skip² + 2 … : with σ_min = 0 EDM's identity c_skip c_in⁻² = σ_d²
    skip, out, inner = consistency_scalings(LEVELS[:5], sigma_data=0.5, sigma_min=0)
    np.testing.assert_allclose(skip / inner**2, 0.25, rtol=8 * U)
    np.testing.assert_allclose(out, LEVELS[:5] * 0.5 * inner, rtol=8 * U)


@pytest.mark.parametrize("sigma", [2.0, np.array([0.25, 0.75, 4.0, 1.0])], ids=["one", "each"])
def test_gradient_is_autograds(sigma):  # (CM.3)
    network, x, v = (
        AffineVelocity(rational.quarters(0, 2, 3, 3), rational.quarters(1, 2, 3)),
        *(rational.quarters(seed, 4, 3) for seed in (2, 3)),
    )
    f = ConsistencyModel(network, 0.5, 0.25)
    each = np.broadcast_to(sigma, (4,))[:, None]

    def total(theta):
        m, c = anp.reshape(theta[:18], (2, 3, 3)), anp.reshape(theta[18:], (2, 3))
        inner = x / anp.sqrt(each**2 + 0.25)
        raw = sum(each**j * (anp.dot(inner, m[j].T) + c[j]) for j in range(2))
        out = (each - 0.25) * 0.5 / anp.sqrt(each**2 + 0.25)
        return anp.sum(v * (x * 0.25 / ((each - 0.25) ** 2 + 0.25) + out * raw))

    theta = network.pack()
    size = autograd.grad(lambda t: total(t))(theta)
    np.testing.assert_allclose(f.vjp_parameters(x, sigma, v), size, rtol=64 * U, atol=64 * U * np.abs(size).max())
    value = (f(x, sigma) * v).sum()
    assert abs(value - total(theta)) <= 64 * U * (np.abs(f(x, sigma)) * np.abs(v)).sum()
    again = f.unpack(f.pack())
    assert_array_equal(again(x, sigma), f(x, sigma))


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match=r"sigma has a value of 0.001; expected sigma >= sigma_min = 0.002"):
        consistency_scalings([0.001, 1.0], sigma_data=0.5, sigma_min=0.002)
    with pytest.raises(ValueError, match=r"sigma_data is 0.0; expected sigma_data > 0"):
        consistency_scalings(1.0, sigma_data=0, sigma_min=0.002)
    with pytest.raises(ValueError, match=r"sigma_min is 0.0; expected sigma_min > 0"):
        ConsistencyModel(AffineVelocity([[[1.0]]], [[0.0]]), 0.5, 0)
