"""objectives/progressive.py: the target by taking the steps, the loss in three predictions, gradients by autograd."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest

from refscore import predictions, targets
from refscore.models import AffineVelocity
from refscore.objectives import progressive, progressive_gradient, progressive_target, truncated_snr
from refscore.paths import VP, Flow
from tests.objectives import rational

T, M, S = np.array([0.75, 1.0, 0.5]), np.array([0.5, 0.75, 0.25]), np.array([0.25, 0.5, 0.0])
MIXTURE = targets.mixture(weights=[0.25, 0.75], means=[[-1.0, 0.0, 1.0], [2.0, 1.0, 0.5]], covs=0.25)
PATHS = {"flow": Flow(), "vp": VP()}


def teacher_on(path):
    return lambda x, t: MIXTURE.denoise(x, alpha=path.alpha(t), sigma=path.sigma(t))


def ddim(x, data, path, t, s):
    noise = (x - path.alpha(t)[:, None] * data) / path.sigma(t)[:, None]
    return path.alpha(s)[:, None] * data + path.sigma(s)[:, None] * noise


@pytest.mark.parametrize("name", PATHS)
def test_one_step_with_the_target_ends_where_two_of_the_teacher_do(name):  # (PD.1), (PD.2)
    path, x = PATHS[name], rational.quarters(0, 3, 3)
    teacher = teacher_on(path)
    between = ddim(x, teacher(x, T), path, T, M)
    end = ddim(between, teacher(between, M), path, M, S)
    target = progressive_target(teacher, x, T, M, S, path=path)
    np.testing.assert_allclose(ddim(x, target, path, T, S), end, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("name", PATHS)
def test_to_the_data_the_target_is_the_second_prediction(name):  # σ_s = 0: where two steps end
    path, x = PATHS[name], rational.quarters(0, 3, 3)
    teacher = teacher_on(path)
    between = ddim(x, teacher(x, T), path, T, M)
    found = progressive_target(teacher, x, T, M, np.zeros(3), path=path)
    if name == "flow":
        np.testing.assert_allclose(found, teacher(between, M), rtol=1e-13, atol=1e-13)


def test_the_loss_in_noise_and_in_v_is_reweighted():
    path, teacher = VP(), teacher_on(VP())
    x0, noise, student = rational.quarters(0, 3, 3), rational.quarters(1, 3, 3), teacher_on(Flow())
    t, m, s = 0.5 * T, 0.5 * M, 0.5 * S
    alpha, sigma = path.alpha(t), path.sigma(t)
    x = alpha[:, None] * x0 + sigma[:, None] * noise
    pair = student(x, t), progressive_target(teacher, x, t, m, s, path=path)
    for convert, weight in (
        (predictions.data_to_noise, lambda lam: np.exp(2 * lam)),
        (predictions.data_to_v, lambda lam: np.exp(2 * lam) + 1),
    ):
        ours, goal = (convert(value, x, alpha, sigma) for value in pair)
        direct = 0.5 * ((ours - goal) ** 2).sum(-1)
        found = progressive(student, teacher, x0, noise, t, m, s, path=path, weight=weight)
        np.testing.assert_allclose(found, direct, rtol=1e-12)


def test_truncated_snr():  # (PD.3)
    log_snr = np.log([4.0, 1.0, 0.25])
    np.testing.assert_allclose(truncated_snr(log_snr), [16, 1, 1], rtol=1e-15)


@pytest.mark.parametrize("keyword", [{}, {"weight": 1.0}, {"weight": T}], ids=["default", "one", "values"])
@pytest.mark.parametrize("name", PATHS)
def test_value_and_gradient_are_the_definition(name, keyword):  # (PD.4), (PD.5)
    path = PATHS[name]
    teacher, x0, noise = teacher_on(path), rational.quarters(0, 3, 3), rational.quarters(1, 3, 3)
    t, m, s = 0.5 * T, 0.5 * M, 0.5 * S
    student = AffineVelocity(rational.quarters(2, 2, 3, 3), rational.quarters(3, 2, 3))
    x = path.alpha(t)[:, None] * x0 + path.sigma(t)[:, None] * noise
    target = progressive_target(teacher, x, t, m, s, path=path)
    ratio = (path.alpha(t) / path.sigma(t)) ** 2
    factor = np.broadcast_to(keyword.get("weight", np.maximum(ratio, 1)), (3,))

    def each(theta):
        a, c = anp.reshape(theta[:18], (2, 3, 3)), anp.reshape(theta[18:], (2, 3))
        found = sum(t[:, None] ** j * (anp.dot(x, a[j].T) + c[j]) for j in range(2))
        return 0.5 * factor * anp.sum((found - target) ** 2, axis=-1)

    value = progressive(student, teacher, x0, noise, t, m, s, path=path, **keyword)
    np.testing.assert_allclose(value, each(student.pack()), rtol=1e-12)
    exact = autograd.grad(lambda theta: anp.sum(each(theta)))(student.pack())
    found = progressive_gradient(student, teacher, x0, noise, t, m, s, path=path, **keyword)
    np.testing.assert_allclose(found, exact, rtol=0, atol=1e-13 * np.abs(exact).max())


@pytest.mark.parametrize("function", [progressive, progressive_gradient])
def test_bad_arguments_are_refused(function):
    path, x0 = Flow(), rational.quarters(0, 3, 3)
    teacher = teacher_on(path)
    with pytest.raises(ValueError, match=r"t, middle and s do not fall: expected t > middle > s for each sample"):
        function(teacher, teacher, x0, x0, S, M, T, path=path)
    with pytest.raises(ValueError, match=r"middle has shape \(\); expected \(3,\), the shape of t"):
        function(teacher, teacher, x0, x0, T, 0.3, S, path=path)
    with pytest.raises(ValueError, match=r"t has 1 value outside \[0, 1\]"):
        function(teacher, teacher, x0, x0, T + 0.25, M, S, path=path)
    with pytest.raises(ValueError, match=r"noise has shape \(2, 3\); expected \(3, 3\), the shape of x0"):
        function(teacher, teacher, x0, x0[:2], T, M, S, path=path)
    with pytest.raises(ValueError, match=r"teacher\(x, t\) has shape \(3,\); expected \(3, 3\)"):
        function(teacher, lambda x, t: t, x0, x0, T, M, S, path=path)
    with pytest.raises(ValueError, match=r"student\(x, t\) has shape \(3,\); expected \(3, 3\)"):
        function(lambda x, t: t, teacher, x0, x0, T, M, S, path=path)
