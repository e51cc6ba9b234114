"""exact/arguments.py: what is no law is refused by name, where a number used to come out or an AttributeError."""

import numpy as np
import pytest

import refscore as rs

LINE, PLANE = rs.targets.gaussian([0.7], 0.36), rs.targets.gaussian([0.7, 1.0], 0.5)
WELLS = rs.targets.mixture([0.5, 0.5], [[-1], [1]], [0.1, 0.2])
VP = rs.paths.VP()
TIMES = [1.0, 0.5, 0.1]
DRAWING, QUIET = rs.samplers.euler_maruyama(VP, TIMES), rs.samplers.heun_ode(VP, TIMES)
X = rs.exact


@pytest.mark.parametrize("distance", [X.wasserstein2, X.kl, X.fisher, X.total_variation], ids=lambda f: f.__name__)
def test_a_distance_of_gaussians_does_not_take_a_mixture_for_one(distance):
    with pytest.raises(TypeError, match=r"^q is a Mixture; expected a Gaussian: for mixtures see refscore\.exact\.on"):
        distance(LINE, WELLS)
    with pytest.raises(TypeError, match=r"^p is a list; expected a Gaussian$"):
        distance([0.0], LINE)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: X.law(QUIET, [1.0]), "target is a list; expected a Gaussian"),
        (lambda: X.on_the_line.wasserstein1(WELLS, "q"), "q is a str; expected one of Gaussian, Mixture"),
        (lambda: X.on_the_plane.kl(PLANE, [0.0]), "a law is a list; expected one of Gaussian, Mixture"),
        (lambda: X.chapman_kolmogorov.law(DRAWING, WELLS, [0.0]), "start is a list; expected one of Gaussian, Mix"),
        (lambda: X.chapman_kolmogorov.law("em", WELLS), "sampler is a str; expected a Sampler"),
        (lambda: X.chapman_kolmogorov_2d.law(DRAWING, PLANE, [0.0]), "start is a list; expected one of Gaussian, M"),
        (lambda: X.chapman_kolmogorov_2d.law("em", PLANE), "sampler is a str; expected a Sampler"),
        (lambda: X.pushed.law("heun", WELLS), "sampler is a str; expected a Sampler or a Multistep"),
        (lambda: X.pushed.law(QUIET, WELLS, [0.0]), "start is a list; expected one of Gaussian, Mixture"),
        (lambda: X.pushed.total_variation(WELLS, LINE), "pushed is a Mixture; expected a Pushed"),
        (lambda: X.best_variances.best_variance([1.0]), "target is a list; expected one of Gaussian, Mixture"),
        (lambda: X.best_variances.best_variances(WELLS), "target is a Mixture; expected a Gaussian"),
        (
            lambda: X.consistency_sampling.consistency_fixed_point(3, sigma=1.0, sigma_min=0.1),
            "function is a int; expected a AffineMap",
        ),
    ],
)
def test_what_is_no_law_is_refused_by_name(call, message):
    with pytest.raises(TypeError) as caught:
        call()
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: X.acceptance.mala([[1.0, 2.0]], step_size=0.1), "variance has shape (1, 2); expected () or (d,)"),
        (lambda: X.acceptance.random_walk([], step_size=0.1), "variance has shape (0,); expected () or (d,)"),
        (lambda: X.acceptance.hmc([[1.0]], step_size=0.1, n_steps=2), "variance has shape (1, 1); expected () or (d,)"),
        (lambda: X.recursions.langevin([-1.0], step_size=0.1, steps=3), "variance has a value of -1.0"),
        (lambda: X.recursions.ddim([-1.0], VP, TIMES), "variance has a value of -1.0"),
        (lambda: X.recursions.ddim([1.0], VP, TIMES, eta=2.0), "eta is 2.0; expected less"),
        (lambda: X.consistency_sampling.consistency_multistep([-1.0], VP, TIMES), "variance has a value of -1.0"),
        (
            lambda: X.consistency_sampling.consistency_multistep([1.0], VP, TIMES, error=np.zeros(3)),
            "error has shape (3,); expected one that broadcasts with (2, 1)",
        ),
        (
            lambda: X.consistency_sampling.first_order_error([1.0], VP, TIMES, error=np.zeros(3)),
            "error has shape (3,); expected one that broadcasts with (2, 1)",
        ),
    ],
)
def test_numbers_that_mean_nothing_are_refused_by_name(call, message):
    with pytest.raises(ValueError, match="expected") as caught:
        call()
    assert str(caught.value).startswith(message)
