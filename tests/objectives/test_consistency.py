"""objectives/consistency.py against autograd and rational arithmetic; dyadic numbers, so equality is asked."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest

from refscore.models import AffineVelocity
from refscore.objectives import (
    consistency,
    consistency_gradient,
    consistency_pseudo_huber,
    consistency_pseudo_huber_gradient,
)
from tests.objectives import rational

UPPER, LOWER = np.array([2.0, 0.5, 8.0]), np.array([0.5, 0.25, 4.0])
WEIGHTS = {
    "default": ({}, lambda upper: 1 + 0 * upper),
    "values": ({"weight": 1 / (UPPER - LOWER)}, lambda upper: 1 / (UPPER - LOWER)),
    "callable": ({"weight": lambda sigma: sigma**-2}, lambda upper: upper**-2),
}


def case(d):
    student = AffineVelocity(rational.quarters(2, 2, d, d), rational.quarters(3, 2, d))
    teacher = AffineVelocity(rational.quarters(4, 2, d, d), rational.quarters(5, 2, d))
    return student, teacher, rational.quarters(0, 3, d), rational.quarters(1, 3, d)


def losses(theta, teacher, x0, noise, d):
    """r as a function of the student's θ."""
    m, c = anp.reshape(theta[: 2 * d * d], (2, d, d)), anp.reshape(theta[2 * d * d :], (2, d))
    upper, lower = UPPER[:, None], LOWER[:, None]
    x = x0 + upper * noise
    found = sum(upper**j * (anp.dot(x, m[j].T) + c[j]) for j in range(2))
    return found - teacher(x0 + lower * noise, LOWER)


@pytest.mark.parametrize("d", [1, 3])
@pytest.mark.parametrize("weight", WEIGHTS)
def test_value_and_gradient_are_the_definition(weight, d):  # (CM.4), (CM.6), (CM.7)
    student, teacher, x0, noise = case(d)
    keyword, factor = WEIGHTS[weight]

    def each(theta):
        return factor(UPPER) * anp.sum(losses(theta, teacher, x0, noise, d) ** 2, axis=-1)

    arguments = (student, teacher, x0, noise, UPPER, LOWER)
    np.testing.assert_allclose(consistency(*arguments, **keyword), each(student.pack()), rtol=2.0**-51)
    exact = autograd.grad(lambda theta: anp.sum(each(theta)))(student.pack())
    size = np.abs(exact).max()
    np.testing.assert_allclose(consistency_gradient(*arguments, **keyword), exact, rtol=0, atol=2.0**-48 * size)


@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize("c", [2.0**-10, 1.0, 1e4])
def test_pseudo_huber_is_the_definition(c, weight):  # (CM.8), (CM.9)
    student, teacher, x0, noise = case(3)
    keyword, factor = WEIGHTS[weight]

    def each(theta):
        square = anp.sum(losses(theta, teacher, x0, noise, 3) ** 2, axis=-1)
        return factor(UPPER) * square / (anp.sqrt(square + c**2) + c)

    arguments = (student, teacher, x0, noise, UPPER, LOWER)
    value = consistency_pseudo_huber(*arguments, c=c, **keyword)
    np.testing.assert_allclose(value, each(student.pack()), rtol=2.0**-50)
    exact = autograd.grad(lambda theta: anp.sum(each(theta)))(student.pack())
    found = consistency_pseudo_huber_gradient(*arguments, c=c, **keyword)
    np.testing.assert_allclose(found, exact, rtol=0, atol=2.0**-46 * np.abs(exact).max())


def test_pseudo_huber_is_a_square_near_and_a_length_far():
    student, teacher, x0, noise = case(3)
    square = consistency(student, teacher, x0, noise, UPPER, LOWER)
    near = consistency_pseudo_huber(student, teacher, x0, noise, UPPER, LOWER, c=1e9)
    np.testing.assert_allclose(near, square / 2e9, rtol=1e-12)  # no digits are lost in √(r² + c²) - c
    far = consistency_pseudo_huber(student, teacher, x0, noise, UPPER, LOWER, c=1e-12)
    np.testing.assert_allclose(far, np.sqrt(square), rtol=1e-11)


def test_a_student_that_is_its_own_teacher_gets_no_gradient_through_it():
    student, _, x0, noise = case(3)
    arguments = (student, student, x0, noise, UPPER, LOWER)
    h, e = 2.0**-20, np.eye(student.pack().size)[4]

    def with_student(theta):
        return consistency(student.unpack(theta), student, *arguments[2:]).sum()

    theta = student.pack()
    alone = (with_student(theta + h * e) - with_student(theta - h * e)) / (2 * h)  # exact but for rounding: a quadratic
    assert abs(consistency_gradient(*arguments)[4] - alone) <= 1e-6 * abs(alone)

    def both(theta):
        return consistency(student.unpack(theta), student.unpack(theta), *arguments[2:]).sum()

    together = (both(theta + h * e) - both(theta - h * e)) / (2 * h)
    assert abs(together - alone) > 1e-2 * abs(alone)


def test_each_model_sees_its_own_points_and_levels():
    seen = []

    def model(name):
        return lambda x, sigma: seen.append((name, x[0, 0].item(), sigma.tolist())) or x

    consistency(model("student"), model("teacher"), [[1.0]], [[3.0]], [4.0], [2.0])
    consistency(model("student"), model("teacher"), [[1.0]], [[3.0]], 4, 2)
    assert sorted(seen, key=str) == sorted(
        [("student", 13.0, [4.0]), ("teacher", 7.0, [2.0]), ("student", 13.0, 4.0), ("teacher", 7.0, 2.0)], key=str
    )


FUNCTIONS = {
    consistency: {},
    consistency_gradient: {},
    consistency_pseudo_huber: {"c": 1.0},
    consistency_pseudo_huber_gradient: {"c": 1.0},
}


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_bad_arguments_are_refused(function):
    student, teacher, x0, noise = case(3)

    def call(*arguments, **keywords):
        function(student, teacher, *arguments, **(FUNCTIONS[function] | keywords))

    with pytest.raises(
        ValueError, match=r"sigma_next has a value that is not above sigma; expected the student at the"
    ):
        call(x0, noise, LOWER, UPPER)
    with pytest.raises(ValueError, match=r"sigma has shape \(\); expected \(3,\), the shape of sigma_next"):
        call(x0, noise, UPPER, 0.1)
    with pytest.raises(ValueError, match=r"sigma_next has shape \(2,\); expected \(\) or the batch shape \(3,\)"):
        call(x0, noise, UPPER[:2], LOWER[:2])
    with pytest.raises(ValueError, match=r"sigma has a value of 0.0; expected sigma > 0"):
        call(x0, noise, UPPER, [0.5, 0, 1])
    with pytest.raises(ValueError, match=r"noise has shape \(3, 1\); expected \(3, 3\)"):
        call(x0, noise[:, :1], UPPER, LOWER)
    with pytest.raises(ValueError, match=r"weight has a value of -1.0; expected weight >= 0"):
        call(x0, noise, UPPER, LOWER, weight=[1, -1, 1])


@pytest.mark.parametrize("function", [consistency_pseudo_huber, consistency_pseudo_huber_gradient])
def test_a_corner_of_zero_is_refused(function):
    with pytest.raises(ValueError, match=r"c is 0.0; expected c > 0"):
        function(*case(3), UPPER, LOWER, c=0)


def test_what_a_model_returns_is_held_to_its_shape():
    _, teacher, x0, noise = case(3)
    with pytest.raises(ValueError, match=r"student\(x, sigma_next\) has shape \(3, 1\); expected \(3, 3\)"):
        consistency(lambda x, sigma: sigma[:, None], teacher, x0, noise, UPPER, LOWER)
    with pytest.raises(ValueError, match=r"teacher\(x, sigma\) has shape \(3, 1\); expected \(3, 3\)"):
        consistency(teacher, lambda x, sigma: sigma[:, None], x0, noise, UPPER, LOWER)
