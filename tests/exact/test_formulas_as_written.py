"""Formulas as the literature writes them, in its letters, against the laws that are probed from the steps.

Where a statement has its proof elsewhere, that stands here: Bures and Fisher (test_discrepancies), expectations of the
losses (test_expectations), trace probes (test_projections, test_variances), optimal scaling (test_acceptance), fixed
points in rational arithmetic (test_phase_space), Karras' and Pierret and Galerne's tables (tests/validation/papers).
Langevin's h is that of x' = x + h s + √(2h) z: half of ε here.
"""

import mpmath
import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp

import refscore as rs
from refscore.exact import acceptance, phase_space
from refscore.exact.stationary import stationary_of
from tests.exact.test_acceptance import change

LINE = rs.targets.gaussian([0.0], 1.0)
CLOSE = {"rtol": 1e-12, "atol": 0}


def on_line(ell, mean=0.0):
    return rs.targets.gaussian([mean], ell)


# ---- Langevin's family


@pytest.mark.parametrize("ell", [0.2, 1.0, 7.0])
@pytest.mark.parametrize("h", [0.01, 0.3])
def test_ula(ell, h):
    """v_k = v_∞ (1 - (1 - h/ℓ)^(2k)) from a point, v_∞ = ℓ/(1 - h/(2ℓ)), contraction |1 - h/ℓ|."""
    sampler, end = rs.samplers.langevin(2 * h), ell / (1 - h / (2 * ell))
    for k in (1, 2, 9, 100):
        found = rs.exact.law(sampler, on_line(ell, 0.5), on_line(1e-40), steps=k)
        np.testing.assert_allclose(found.cov[0, 0], end * (1 - (1 - h / ell) ** (2 * k)), **CLOSE)
        np.testing.assert_allclose(found.mean[0], 0.5 * (1 - (1 - h / ell) ** k), **CLOSE)
    np.testing.assert_allclose(rs.exact.stationary_law(sampler, on_line(ell)).cov[0, 0], end, **CLOSE)
    np.testing.assert_allclose(rs.exact.contraction_rate(sampler, on_line(ell)), abs(1 - h / ell), **CLOSE)


@pytest.mark.parametrize("ell", [0.2, 1.0, 7.0])
@pytest.mark.parametrize(("h", "g"), [(0.05, 0.7), (0.3, 4.0)])
def test_underdamped(ell, h, g):
    """The three phase laws, from one probed step of each sampler; w = 1/ℓ."""
    w = 1 / ell
    both = (g - h * w) * (4 - 2 * g * h + h**2 * w)
    laws = {
        rs.samplers.underdamped: (2 * g * (2 - g * h + h**2 * w) / (w * both), -2 * g * h / both, 4 * g / both),
        rs.samplers.baoab: (1 / w, 0, 1 - h**2 * w / 4),
        rs.samplers.obabo: (1 / (w * (1 - h**2 * w / 4)), 0, 1),
    }
    for make, law in laws.items():
        if both <= 0:
            continue
        step = rs.exact.step_map(make(h, friction=g), rs.samplers.noisy_score(on_line(ell)), 0, 1)
        cov = stationary_of(step).cov
        np.testing.assert_allclose([cov[0, 0], cov[0, 1], cov[1, 1]], law, rtol=1e-12, atol=1e-13)
        closed = getattr(phase_space, make.__name__)(ell, step_size=h, friction=g)
        np.testing.assert_allclose(closed, law, **CLOSE)


@pytest.mark.parametrize(("h", "w"), [(0.4, 1.0), (0.05, 9.0), (1.3, 2.0)])
def test_mala(h, w):
    """log a = -(h w²/4)(x*² - x²), and on the line E min(1, a) = 1 - (2/π) atan((hw/2)^(3/2))."""
    target = on_line(1 / w)
    x, z = rs.noise.tape(3, 2, 50, 1)
    proposal = x - h * w * x + np.sqrt(2 * h) * z
    wanted = np.minimum(-0.25 * h * w**2 * (proposal**2 - x**2)[:, 0], 0)

    def step(x, z, u):
        return rs.samplers.mala_step(target.score, target.log_prob, x, z, u, step_size=2 * h)

    np.testing.assert_allclose(change(step, x, z), wanted, rtol=1e-12, atol=1e-13)
    found = acceptance.mala(1 / w, step_size=2 * h)
    np.testing.assert_allclose(found, 1 - 2 / np.pi * np.arctan((h * w / 2) ** 1.5), **CLOSE)


@pytest.mark.parametrize("scale", [0.1, 2.0, 40.0])
def test_random_walk(scale):
    np.testing.assert_allclose(
        acceptance.random_walk(1.0, step_size=scale**2), 2 / np.pi * np.arctan(2 / scale), **CLOSE
    )


@pytest.mark.parametrize("h", [0.3, 1.1])
@pytest.mark.parametrize("n", [1, 4])
def test_hmc(h, n):
    """(4/π) atan(κ^(-1/2)), κ + 1/κ = 2c² + s² (χ² + χ^(-2)): a root of a sum loses half the digits near κ = 1."""
    with mpmath.workdps(40):
        angle, chi = mpmath.acos(1 - mpmath.mpf(h) ** 2 / 2), (1 - mpmath.mpf(h) ** 2 / 4) ** -0.5
        both = 2 * mpmath.cos(n * angle) ** 2 + mpmath.sin(n * angle) ** 2 * (chi**2 + chi**-2)
        kappa = both / 2 + mpmath.sqrt(both**2 / 4 - 1)
        wanted = float(4 / mpmath.pi * mpmath.atan(kappa**-0.5))
    np.testing.assert_allclose(acceptance.hmc(1.0, step_size=h, n_steps=n), wanted, **CLOSE)


def test_bias_and_speed_of_ula_make_its_rate():
    """W₂ → (h/4) √tr Σ⁻¹ and variances forgotten as e^(-2hk/λ): at the best h of N steps (λ/8) √tr Σ⁻¹ log N/N."""
    values = np.array([0.3, 1.0, 2.0])
    target = rs.targets.gaussian(np.zeros(3), np.diag(values))
    h = 2.0 ** -np.arange(8, 14)
    bias = [rs.exact.wasserstein2(rs.exact.stationary_law(rs.samplers.langevin(2 * v), target), target) for v in h]
    rate = np.sqrt((1 / values).sum()) / 4
    slopes = np.array(bias) / h
    for k in range(1, len(h)):  # its series in h
        slopes = slopes[1:] + (slopes[1:] - slopes[:-1]) / (2.0**k - 1)
    np.testing.assert_allclose(slopes[-1], rate, rtol=1e-9)

    n, best = 10**7, []
    for c in np.linspace(0.4, 1.4, 201):  # h = c · λ log N/(2N)
        sampler = rs.samplers.langevin(c * values.max() * np.log(n) / n)
        best.append(rs.exact.wasserstein2(rs.exact.law(sampler, target, on_start(3), steps=n), target))
    claimed = values.max() / 8 * np.sqrt((1 / values).sum()) * np.log(n) / n
    assert 0.9 < min(best) / claimed < 1.3  # the next term is of order log log N/log N


def on_start(d):
    return rs.targets.gaussian(np.zeros(d), 2.5 * np.eye(d))


# ---- reverse time


@pytest.mark.parametrize("ell", [0.01, 1.0, 30.0])
def test_reverse_ve_euler_telescopes(ell):
    """v_N = (ℓ + δ)² [T/(ℓ + T)² + Σ η_k/(ℓ + τ_k)²] in τ = σ² from N(0, T), with τ_k where the k-th step *ends*."""
    tau = np.array([90.0, 31.0, 12.0, 4.0, 1.1, 0.3, 0.07])
    sampler = rs.samplers.reverse_diffusion(rs.paths.EDM(), np.sqrt(tau))
    found = rs.exact.law(sampler, on_line(ell), on_line(tau[0])).cov[0, 0]
    eta = -np.diff(tau)

    def sums(ends):
        return (ell + tau[-1]) ** 2 * (tau[0] / (ell + tau[0]) ** 2 + (eta / (ell + ends) ** 2).sum())

    np.testing.assert_allclose(found, sums(tau[1:]), **CLOSE)
    assert abs(found / sums(tau[:-1]) - 1) > 1e-2  # read with τ_k where it starts, it is another number


PATHS = {"VP": (rs.paths.VP(), 0.999, 0.001), "SubVP": (rs.paths.SubVP(), 0.9, 0.05), "EDM": (rs.paths.EDM(), 9.0, 0.1)}


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize("ell", [0.01, 1.0, 4.0])
def test_reverse_sde_and_flow_in_closed_form(name, ell):
    """With V = α²ℓ + σ² and U = V/α: the SDE has v_s = V_s + (U_s/U_t)² (v_t - V_t), the flow v_s = v_t V_s/V_t.

    Pierret and Galerne's Propositions, on any path; held to the equation of the second moments, by an integrator, and
    to the limit of the samplers.
    """
    path, t, s = PATHS[name]

    def level(u):
        alpha, sigma = float(path.alpha(u)), float(path.sigma(u))
        return alpha, sigma, alpha**2 * ell + sigma**2

    (a_t, s_t, v_t), (a_s, s_s, v_s) = level(t), level(s)
    start = 1.7 * v_t
    by_sde = v_s + (v_s * a_t / (a_s * v_t)) ** 2 * (start - v_t)
    by_flow = start * v_s / v_t

    def moments(noise):
        def slope(u, v):
            f, g2 = float(path.drift_rate(u)), float(path.diffusion(u)) ** 2
            return 2 * (f + (0.5 + 0.5 * noise) * g2 / level(u)[2]) * v - noise * g2

        return solve_ivp(slope, (t, s), [start], method="DOP853", rtol=1e-13, atol=1e-15).y[0, -1]

    np.testing.assert_allclose(moments(1), by_sde, rtol=1e-11)
    np.testing.assert_allclose(moments(0), by_flow, rtol=1e-11)
    flow = rs.exact.flow_map(on_line(ell), start=(a_t, s_t), stop=(a_s, s_s))
    np.testing.assert_allclose(flow.push(on_line(start)).cov[0, 0], by_flow, **CLOSE)

    def ends(make, n):
        times = rs.schedules.log_snr_times(path, n=n, t_start=t, t_stop=s)
        return rs.exact.law(make(path, times), on_line(ell), on_line(start)).cov[0, 0]

    for make, limit in ((rs.samplers.ancestral_vp, by_sde), (rs.samplers.ddim, by_flow)):
        off = [abs(ends(make, n) - limit) for n in (100, 200, 400)]
        assert 1.85 < off[0] / off[1] < 2.15
        assert 1.9 < off[1] / off[2] < 2.1


def test_flow_matching_velocity():
    """v = μ + (tΣ - (1-t) I)((1-t)² I + t²Σ)⁻¹ (x - tμ), whose t = 1 is data: 1 - t here, and the other sign."""
    cov, mu = np.array([[0.5, 0.2], [0.2, 1.5]]), np.array([0.7, -1.0])
    path, x = rs.paths.Flow(), rs.noise.tape(2, 1, 6, 2)[0]
    for t in (0.1, 0.5, 0.93):
        written = mu + (x - t * mu) @ np.linalg.solve(
            (1 - t) ** 2 * np.eye(2) + t**2 * cov, t * cov - (1 - t) * np.eye(2)
        )
        score = rs.targets.gaussian(mu, cov).perturb(t, 1 - t).score(x)
        noise = -(1 - t) * score
        data = (x - (1 - t) * noise) / t
        np.testing.assert_allclose(written, -(path.alpha_dot(1 - t) * data + path.sigma_dot(1 - t) * noise), rtol=1e-11)


# ---- guidance: p = N(0, 2), p(·|c) = N(0, 1), the path with α = 1 from an infinite level to the data


def guided(weight):
    """The score that classifier-free guidance puts together."""
    pure, tilted = (rs.samplers.noisy_score(on_line(v)) for v in (2.0, 1.0))
    return lambda x, alpha, sigma: (1 - weight) * pure(x, alpha, sigma) + weight * tilted(x, alpha, sigma)


@pytest.mark.parametrize("g", [0.501, 2.0, 3.0])
def test_guided_variances(g):
    """DDPM (2 - 2^(2-2γ))/(2γ - 1), DDIM 2^(1-γ), and the powered density 2/(γ + 1)."""
    ddpm, ddim, powered = (2 - 2 ** (2 - 2 * g)) / (2 * g - 1), 2 ** (1 - g), 2 / (g + 1)
    # The moments: dv/dτ = 2 a v - 1 with noise and a v without, a = γ/(1 + τ) + (1 - γ)/(2 + τ).
    found = quad(lambda u: 4 ** (1 - g) * u ** (-2 * g), 0.5, 1, epsabs=0, epsrel=1e-13)[0]  # u = (1 + τ)/(2 + τ)
    np.testing.assert_allclose(found, ddpm, **CLOSE)
    np.testing.assert_allclose(g / 1.0 + (1 - g) / 2.0, 1 / powered, **CLOSE)
    path, score = rs.paths.EDM(sigma_max=1e5), guided(g)

    def ends(make, n):
        law, sampler = on_line(1e10), make(path, np.geomspace(1e5, 1e-5, n + 1))
        for k in range(n):
            law = rs.exact.step_map(sampler, score, k, 1).push(law)
        return law.cov[0, 0]

    for make, limit, order in ((rs.samplers.reverse_diffusion, ddpm, 1), (rs.samplers.dpm_solver_2, ddim, 2)):
        off = [abs(ends(make, n) - limit) for n in (150, 300)]
        assert abs(np.log2(off[0] / off[1]) - order) < 0.1, off
        assert off[1] < 0.1 * limit
    if g == 2.0:
        np.testing.assert_allclose([ddpm, ddim, powered], [0.5833333333333, 0.5, 0.6666666666667], rtol=1e-12)
    if g == 3.0:
        np.testing.assert_allclose([ddpm, ddim, powered], [0.3875, 0.25, 0.5], **CLOSE)


# ---- Tweedie's cumulants and what they make


WEIGHTS, MEANS, SPREAD, NOISE = (0.3, 0.7), (-1.0, 0.8), 0.36, 0.81


def density(y, noise, exp=np.exp):
    v = SPREAD + noise
    return sum(w * exp(-((y - m) ** 2) / (2 * v)) * (2 * np.pi * v) ** -0.5 for w, m in zip(WEIGHTS, MEANS))


def test_cumulants():
    """Of x_0 at y = x_0 + σ z: y + σ² l', σ² + σ⁴ l'', and κ_n = σ^(2n) l^(n) for n ≥ 3."""
    with mpmath.workdps(30):
        noise, y = mpmath.mpf(NOISE), mpmath.mpf("0.4")

        def posterior(x):
            return density(x, 0, mpmath.exp) * mpmath.exp(-((y - x) ** 2) / (2 * noise))

        edges = [-12, -4, -1, 0, 1, 4, 12]
        whole = mpmath.quad(posterior, edges)
        mean = mpmath.quad(lambda x: x * posterior(x), edges) / whole
        two, three, four = (
            mpmath.quad(lambda x, n=n: (x - mean) ** n * posterior(x), edges) / whole for n in (2, 3, 4)
        )
        for n, kappa in enumerate((mean, two, three, four - 3 * two**2), 1):
            slope = mpmath.diff(lambda u: mpmath.log(density(u, noise, mpmath.exp)), y, n)
            assert abs(kappa - {1: y, 2: noise}.get(n, 0) - noise**n * slope) < 1e-12
    noisy = rs.targets.mixture(list(WEIGHTS), [[m] for m in MEANS], [SPREAD] * 2).perturb(1.0, NOISE**0.5)
    np.testing.assert_allclose(noisy.score([[0.4]])[0, 0] * NOISE + 0.4, float(mean), **CLOSE)


def test_information_and_entropy():
    """MMSE = σ² - σ⁴ J, de Bruijn's dh/dσ² = J/2, and dI/dsnr = mmse/2 with snr = 1/σ²; by sums of equal steps."""
    y, step = np.linspace(-16, 16, 1601, retstep=True)
    p = density(y, NOISE)
    target = rs.targets.mixture(list(WEIGHTS), [[m] for m in MEANS], [SPREAD] * 2)
    information = (p * target.perturb(1.0, NOISE**0.5).score(y[:, None])[:, 0] ** 2).sum() * step
    varied = density(y, NOISE + 1e-30j)
    slope = (-(varied * np.log(varied)).sum() * step).imag / 1e-30
    np.testing.assert_allclose(slope, information / 2, **CLOSE)
    joint = density(y, 0)[:, None] * np.exp(-((y[:, None] - y) ** 2) / (2 * NOISE)) / np.sqrt(2 * np.pi * NOISE)
    mean = y @ joint / joint.sum(0)
    mmse = ((y[:, None] - mean) ** 2 * joint).sum() * step**2
    np.testing.assert_allclose(mmse, NOISE - NOISE**2 * information, **CLOSE)
    np.testing.assert_allclose(-(NOISE**2) * (slope - 0.5 / NOISE), mmse / 2, **CLOSE)
