"""conformance/recorders/numpy.py and tape.py: draws are served in order, and what is drawn wrongly is told."""

import numpy as np
import pytest

from refscore.conformance.recorders import OutOfReach, Tape, WrongDraws, serve

NOISE = np.arange(6.0).reshape(2, 3)
GENERATOR = np.random.default_rng(1)
LEGACY = np.random.RandomState(1)


def by_module(x):
    return np.random.randn(2, 3)


def by_module_normal(x):
    return np.random.normal(size=(2, 3))


def by_new_generator(x):
    return np.random.default_rng(7).standard_normal((2, 3))


def by_held_generator(x):
    return GENERATOR.standard_normal(x.shape)


def by_held_legacy(x):
    return LEGACY.normal(0.0, 1.0, size=x.shape)


def into_an_array(x):
    out = np.empty((2, 3))
    GENERATOR.standard_normal(out=out)
    return out


def row_by_row(x):
    return np.stack([np.random.standard_normal(3) for _ in range(2)])


def by_closure():
    held = np.random.default_rng(3)
    return lambda x: held.standard_normal((2, 3))


WAYS = [
    by_module,
    by_module_normal,
    by_new_generator,
    by_held_generator,
    by_held_legacy,
    into_an_array,
    row_by_row,
    by_closure(),
]


@pytest.mark.parametrize("draw", WAYS, ids=lambda f: f.__name__)
def test_every_way_to_draw_is_served_from_the_tape(draw):
    before = np.random.get_state()[1].copy()
    with serve("numpy", Tape.of([NOISE]), draw):
        got = draw(np.zeros((2, 3)))
    assert np.array_equal(got, NOISE)
    assert np.array_equal(np.random.get_state()[1], before)
    assert isinstance(GENERATOR, np.random.Generator)
    assert not np.array_equal(draw(np.zeros((2, 3))), NOISE)


def test_location_and_scale_are_applied():
    def draw():
        return np.random.normal(np.ones((2, 3)), 2.0)

    with serve("numpy", Tape.of([NOISE]), draw):
        assert np.array_equal(draw(), 1 + 2 * NOISE)


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: np.random.randn(1, 3), "expected (2, 3): samples or dimensions share their noise"),
        (lambda: np.random.randn(4), "draw 1 has shape (4,); expected (2, 3)"),
        (lambda: np.random.rand(2, 3), "draws with rand; the algorithm draws standard normals"),
        (lambda: np.random.default_rng().integers(3), "draws with integers"),
        (lambda: None, "drew nothing that refscore could see"),
        (
            lambda: [np.random.randn(2, 3) for _ in range(2)],
            "draw 2 has shape (2, 3); the algorithm draws noise of shape (2, 3)",
        ),
    ],
)
def test_wrong_draws_are_told(draw, message):
    with pytest.raises(WrongDraws) as caught, serve("numpy", Tape.of([NOISE]), draw):
        draw()
    assert message in str(caught.value)
    assert np.random.randn.__name__ == "randn"


def test_noise_that_is_zero_need_not_be_drawn():
    with serve("numpy", Tape.of([np.zeros((2, 3))]), by_module):
        pass


def test_a_library_that_cannot_be_intercepted():
    with pytest.raises(OutOfReach, match="draws of jax cannot be intercepted"):
        serve("jax", Tape.of([NOISE]), by_module)
