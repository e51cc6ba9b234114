"""fit/clipping.py: lengths and directions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refscore import noise
from refscore.fit import clip
from refscore.fit.clipping import norm_of


@given(st.integers(1, 50), st.floats(1e-3, 1e3), st.floats(1e-3, 1e3), st.sampled_from([np.float32, np.float64]))
def test_length_and_direction(p, scale, limit, dtype):  # (CLP.1)
    g = (scale * noise.normals(5, 0, p)).astype(dtype)
    u = np.finfo(dtype).eps / 2
    before, norm = g.copy(), np.linalg.norm(g.astype(np.float64))
    short = clip(g, limit)
    assert np.array_equal(g, before)
    if norm_of(g) <= limit:
        assert short is g
    else:
        # the norm is a sum of p squares in dtype: (p + 2)/2 roundings; the quotient, its cast and the product 3 more
        assert np.abs(short * (norm / limit) / g - 1).max() <= (p / 2 + 8) * u
    assert abs(norm_of(g) / norm - 1) <= (p / 2 + 4) * u


def test_memory_may_be_given():
    g, out = np.array([3.0, 4.0]), np.empty(2)
    assert clip(g, 1.0, norm=5.0, out=out) is out
    assert clip(g, 6.0, out=out) is g


def test_what_is_not_finite_shows():
    with np.errstate(all="ignore"):
        assert np.isnan(norm_of(np.array([1.0, np.nan])))
        assert norm_of(np.array([np.inf])) == np.inf
        assert norm_of(np.array([1e30], np.float32)) == np.inf  # its square is beyond float32


def test_a_limit_is_positive():
    with pytest.raises(ValueError, match=r"limit is 0.0; expected limit > 0"):
        clip(np.ones(2), 0.0)


@pytest.mark.peer
def test_torch_ends_a_millionth_lower():
    import torch

    parameter = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    parameter.grad = torch.tensor([3.0, 4.0], dtype=torch.float64)
    torch.nn.utils.clip_grad_norm_([parameter], 1.0)
    theirs = parameter.grad.numpy() * (5 + 1e-6) / 5
    assert np.abs(theirs / clip(np.array([3.0, 4.0]), 1.0) - 1).max() <= 8 * 2.0**-53
