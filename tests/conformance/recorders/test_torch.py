"""conformance/recorders/torch.py against the real library."""

import numpy as np
import pytest

from refscore.conformance.recorders import Tape, WrongDraws, serve

torch = pytest.importorskip("torch", reason="needs torch: pip install refscore[peers]")
pytestmark = pytest.mark.peer

NOISE = np.arange(6.0).reshape(2, 3)
X = torch.zeros(2, 3, dtype=torch.float64)

WAYS = {
    "randn": lambda: torch.randn(2, 3),
    "randn with a generator": lambda: torch.randn(2, 3, generator=torch.Generator().manual_seed(1)),
    "randn_like": lambda: torch.randn_like(X),
    "normal_": lambda: torch.empty(2, 3).normal_(),
    "normal of tensors": lambda: torch.normal(torch.zeros(2, 3), torch.ones(2, 3)),
    "normal of floats": lambda: torch.normal(0.0, 1.0, (2, 3)),
    "distribution": lambda: torch.distributions.Normal(torch.zeros(2, 3), torch.ones(2, 3)).sample(),
    "reparametrised": lambda: torch.distributions.Normal(torch.zeros(2, 3), torch.ones(2, 3)).rsample(),
    "row by row": lambda: torch.stack([torch.randn(3) for _ in range(2)]),
}


@pytest.mark.parametrize("name", WAYS)
def test_every_way_to_draw_is_served_from_the_tape(name):
    before = torch.get_rng_state()
    with serve("torch", Tape.of([NOISE]), WAYS[name]):
        got = WAYS[name]()
    assert np.array_equal(got.numpy(), NOISE)
    assert torch.equal(torch.get_rng_state(), before)


def test_location_and_scale_are_applied():
    with serve("torch", Tape.of([NOISE]), print):
        got = torch.empty(2, 3, dtype=torch.float64).normal_(1.0, 2.0)
    assert np.array_equal(got.numpy(), 1 + 2 * NOISE)


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: torch.randn(1, 3), "share their noise"),
        (lambda: torch.rand(2, 3), "draws with rand; the algorithm draws standard normals"),
        (lambda: torch.nn.functional.dropout(torch.ones(2, 3), 0.5), "the algorithm draws standard normals"),
        (lambda: None, "drew nothing that refscore could see"),
    ],
)
def test_wrong_draws_are_told(draw, message):
    with pytest.raises(WrongDraws, match=message), serve("torch", Tape.of([NOISE]), draw):
        draw()
