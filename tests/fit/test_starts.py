"""fit/starts.py: the same models as refscore.models makes from the same draws."""

import numpy as np
import pytest

import refscore as rs
from refscore.fit import starts
from refscore.models import C_NOISE, NO_EMBEDDING, OVER_SIGMA, TANH, edm

SIGMAS = [4.0, 2.0, 1.0]
MODELS = {
    "mlp": lambda seed: starts.mlp(2, [5, 4], seed=seed, activation=TANH),
    "mlp_energy": lambda seed: starts.mlp_energy(2, [5, 4], seed=seed),
    "conditional_mlp": lambda seed: starts.conditional_mlp(2, [5], scaling=edm(1.0), embedding=C_NOISE, seed=seed),
    "embedded_mlp": lambda seed: starts.embedded_mlp(2, [5, 4], SIGMAS, scaling=OVER_SIGMA, seed=seed),
}


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_a_seed_is_a_start(make):
    first, again, other = make(0), make(0), make(1)
    np.testing.assert_array_equal(first.pack(), again.pack())
    assert not np.array_equal(first.pack(), other.pack())
    assert len(np.unique(first.pack())) == first.pack().size  # no draw is used twice


def test_the_draws_are_those_of_the_stream():
    def uniform(p):
        return rs.noise.uniforms(3, 0, p, stream=starts.START)

    net = rs.models.network([2, 5, 2], uniform(27), TANH)
    np.testing.assert_array_equal(starts.mlp(2, [5], seed=3, activation=TANH).pack(), net.pack())
    level = rs.models.conditional_mlp(2, [5], uniform(27), scaling=OVER_SIGMA, embedding=NO_EMBEDDING)
    made = starts.conditional_mlp(2, [5], scaling=OVER_SIGMA, embedding=NO_EMBEDDING, seed=3)
    np.testing.assert_array_equal(made.pack(), level.pack())
    table = rs.models.embedded_mlp(2, [5], SIGMAS, uniform(27 + 15), scaling=OVER_SIGMA)
    made = starts.embedded_mlp(2, [5], SIGMAS, scaling=OVER_SIGMA, seed=3)
    np.testing.assert_array_equal(made.pack(), table.pack())


@pytest.mark.parametrize("hidden", [[0], [3, -1]])
def test_widths_are_positive(hidden):
    with pytest.raises(ValueError, match="hidden"):
        starts.mlp(2, hidden, seed=0)
    with pytest.raises(ValueError, match="hidden"):
        starts.embedded_mlp(2, hidden, SIGMAS, scaling=OVER_SIGMA, seed=0)
