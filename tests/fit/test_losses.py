"""fit/loss.py, losses.py and projected.py: the mean of an objective over what a step draws, and its gradient."""

import numpy as np
import pytest

from refscore import noise, objectives
from refscore.fit import (
    Loss,
    draws,
    explicit,
    finite_difference,
    finite_difference_score,
    gaussian,
    implicit,
    orthogonal,
    rademacher,
    shuffled,
    sliced,
    sliced_variance_reduced,
    sphere,
    with_replacement,
)
from tests.fit.training import AFFINE, DATA, ENERGY, U, assert_gradient_of_the_mean

SCORES = np.sin(DATA)


def fd(model, x, v):
    return objectives.finite_difference(model.log_prob, x, v, epsilon=0.25)


def fd_score(model, x, v):
    return objectives.finite_difference_score(model, x, v, epsilon=0.25)


LOSSES = [  # a loss, its objective, and how many projections it draws by which law
    (lambda **how: explicit(AFFINE, DATA, SCORES, **how), objectives.explicit, None, None),
    (lambda **how: implicit(AFFINE, DATA, **how), objectives.implicit, None, None),
    (lambda **how: sliced(AFFINE, DATA, **how), objectives.sliced, 1, gaussian),
    (lambda **how: sliced(AFFINE, DATA, n_projections=3, **how), objectives.sliced, 3, gaussian),
    (
        lambda **how: sliced_variance_reduced(AFFINE, DATA, projection=rademacher, **how),
        objectives.sliced_variance_reduced,
        1,
        rademacher,
    ),
    (
        lambda **how: sliced(AFFINE, DATA, n_projections=5, projection=orthogonal, **how),
        objectives.sliced,
        5,
        orthogonal,
    ),
    (lambda **how: finite_difference(ENERGY, DATA, epsilon=0.25, **how), fd, 1, gaussian),
    (
        lambda **how: finite_difference_score(AFFINE, DATA, epsilon=0.25, n_projections=2, projection=sphere, **how),
        fd_score,
        2,
        sphere,
    ),
]
every_loss = pytest.mark.parametrize(("make", "objective", "m", "law"), LOSSES)


@every_loss
@pytest.mark.parametrize("batch", [None, 7, with_replacement(5)])
def test_values_are_those_of_the_objective_on_what_is_drawn(make, objective, m, law, batch):
    loss = make(batch=batch, seed=4)
    theta = loss.model.pack() + 0.25
    for k in (0, 200, 3):
        drawn = loss.draw(k)
        values, gradient = loss(theta, k)
        assert np.array_equal(values, objective(loss.model.unpack(theta), *drawn))
        assert len(values) == (30 if batch is None else getattr(batch, "size", batch))
        assert gradient.shape == theta.shape
        assert (drawn[0][:, None] == DATA).all(-1).any(1).all()  # rows of the data
        if m is not None:
            assert drawn[1].shape == (m, *drawn[0].shape)
            normal = noise.normals(4, k, drawn[1].size, stream=draws.PROJECTION).reshape(drawn[1].shape)
            assert np.array_equal(drawn[1], law(normal))


@every_loss
def test_gradient_of_the_mean(make, objective, m, law):  # (LOO.8)
    assert_gradient_of_the_mean(make(batch=6, seed=2), 5)


def test_scores_go_with_their_samples():
    x, s = explicit(AFFINE, DATA, SCORES, batch=7).draw(3)
    assert np.array_equal(np.sin(x), s)


@every_loss
def test_no_bit_depends_on_how_far_ahead_is_drawn(make, objective, m, law, monkeypatch):
    loss, theta = make(batch=7), make().model.pack()
    expected = [loss(theta, k)[0].copy() for k in range(70)]
    monkeypatch.setattr(draws, "BLOCK_STEPS", 3)
    short = make(batch=7)
    for k in (69, 0, 1, 2, 3, 68):
        assert np.array_equal(short(theta, k)[0], expected[k])


def test_the_mean_over_an_epoch_is_the_mean_over_the_data():
    loss, theta = implicit(AFFINE, DATA, batch=10), AFFINE.pack() + 0.5
    found = np.mean([loss(theta, k)[0].mean() for k in range(3, 6)])
    whole, _ = implicit(AFFINE, DATA)(theta, 0)
    assert abs(found - whole.mean()) <= 64 * U * np.abs(whole).max()


def test_configurations_tell_losses_apart():
    variants = [
        implicit(AFFINE, DATA),
        implicit(AFFINE, DATA, seed=1),
        implicit(AFFINE, DATA, batch=7),
        implicit(AFFINE, DATA, batch=with_replacement(7)),
        implicit(AFFINE, DATA + 1),
        implicit(AFFINE.unpack(AFFINE.pack() + 1), DATA),
        explicit(AFFINE, DATA, SCORES),
        explicit(AFFINE, DATA, SCORES + 1),
        sliced(AFFINE, DATA),
        sliced(AFFINE, DATA, n_projections=2),
        sliced(AFFINE, DATA, projection=sphere),
        sliced_variance_reduced(AFFINE, DATA),
        finite_difference_score(AFFINE, DATA, epsilon=0.5),
        finite_difference_score(AFFINE, DATA, epsilon=0.25),
    ]
    assert len({str(sorted(loss.configuration.items())) for loss in variants}) == len(variants)
    again = implicit(AFFINE, DATA.copy(), batch=shuffled(7))
    assert again.configuration == implicit(AFFINE, DATA, batch=7).configuration
    assert repr(variants[0]).startswith("Loss(objective: implicit, data: (30, 2) ")


def test_data_are_a_private_copy():
    data = DATA.copy()
    loss = implicit(AFFINE, data)
    before = loss(AFFINE.pack(), 0)[0].copy()
    data += 1
    assert np.array_equal(loss(AFFINE.pack(), 0)[0], before)


def test_a_loss_of_ones_own():
    loss = Loss(AFFINE, lambda theta, k: (theta * k, theta))
    assert loss(np.ones(6), 3)[0].tolist() == [3.0] * 6
    assert loss.draw is None
    assert repr(loss) == "Loss(AffineScore(matrix (2, 2), centre (2,)))"
    with pytest.raises(TypeError):
        loss.configuration["seed"] = "2"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: implicit(AFFINE, [1.0, 2.0]), ValueError, r"data has shape \(2,\); expected \(N, d\)"),
        (lambda: implicit(AFFINE, np.zeros((0, 2))), ValueError, r"data has shape \(0, 2\)"),
        (lambda: implicit(AFFINE, [[np.nan, 0.0]]), ValueError, "data has 1 value that is not finite"),
        (lambda: implicit(abs, DATA), TypeError, "score has no method trace"),
        (lambda: implicit(AFFINE, DATA, batch=0), ValueError, "batch is 0; expected at least 1"),
        (lambda: implicit(AFFINE, DATA, seed=0.5), TypeError, "seed is 0.5"),
        (lambda: explicit(AFFINE, DATA, SCORES[:3]), ValueError, r"data_score has shape \(3, 2\); expected \(30, 2\)"),
        (lambda: sliced(AFFINE, DATA, n_projections=0), ValueError, "n_projections is 0"),
        (lambda: sliced(AFFINE, DATA, projection="sphere"), TypeError, "projection is 'sphere'; expected a function"),
        (lambda: finite_difference(ENERGY, DATA, epsilon=0.0), ValueError, "epsilon is 0.0"),
        (lambda: finite_difference(AFFINE, DATA, epsilon=0.1), TypeError, "score has no method log_prob"),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error, match=message):
        call()
