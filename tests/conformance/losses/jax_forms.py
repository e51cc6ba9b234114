"""All objectives in JAX, as score_sde, VDM, the examples of diffrax and notebooks have them."""

from tests.conformance.losses.form import collector

try:
    import jax
    import jax.numpy as jnp
except ModuleNotFoundError:  # the forms are listed without JAX, and run with it
    jax = jnp = None

__all__ = ["FORMS"]

FORMS, written = collector()

EVERYTHING = {"factor": 1, "reduction": "mean", "dimension": "mean"}


def batch_mul(a, b):
    return jax.vmap(lambda a, b: a * b)(a, b)


@written("optax: l2_loss, mean", "explicit", reduction="mean", dimension="mean")
def explicit_of_optax(score, x, data_score):
    return jnp.mean(0.5 * (score(x) - data_score) ** 2)


@written("vmap of one sample", "implicit", reduction="mean")
def implicit_of_samples(score, x):
    def one(row):
        return jnp.trace(jax.jacfwd(score)(row)) + 0.5 * jnp.sum(score(row) ** 2)

    return jnp.mean(jax.vmap(one)(x))


@written("2 tr J + |s|^2", "implicit", factor=1, reduction="sum")
def implicit_doubled(score, x):
    def one(row):
        return 2 * jnp.trace(jax.jacrev(score)(row)) + jnp.dot(score(row), score(row))

    return jax.vmap(one)(x).sum()


@written("vmap of one sample", "denoising", factor=1, reduction="mean")
def denoising_of_samples(score, x0, noise, sigma):
    return jnp.mean(jax.vmap(lambda x, z: jnp.sum((score(x + sigma * z) + z / sigma) ** 2))(x0, noise))


@written("an energy's form", "denoising", weight="sigma**4", reduction="mean")
def denoising_of_energies(score, x0, noise, sigma):
    residual = sigma**2 * score(x0 + sigma * noise) + sigma * noise
    return jnp.mean(jnp.sum(residual**2, axis=-1)) / 2.0


@written("score_sde: smld, reduce_mean", "multilevel", **EVERYTHING)
def smld_mean(score, x0, noise, sigma):
    scaled = batch_mul(noise, sigma)
    target = batch_mul(-scaled, 1.0 / (sigma**2))
    losses = jnp.square(score(x0 + scaled, sigma) - target)
    losses = jnp.mean(losses.reshape((losses.shape[0], -1)), axis=-1) * sigma**2
    return jnp.mean(losses)


@written("score_sde: smld, sum", "multilevel", reduction="mean")
def smld_sum(score, x0, noise, sigma):
    scaled = batch_mul(noise, sigma)
    losses = jnp.square(score(x0 + scaled, sigma) + batch_mul(scaled, 1.0 / (sigma**2)))
    return jnp.mean(0.5 * jnp.sum(losses.reshape((len(x0), -1)), axis=-1) * sigma**2)


@written("Rademacher and jvp", "sliced", projection="rademacher", reduction="mean")
def sliced_by_jvp(score, x, projection):
    def one(row, v):
        v = jnp.sign(v)
        s, push = jax.jvp(score, (row,), (v,))
        return jnp.vdot(v, push) + 0.5 * jnp.vdot(v, s) ** 2

    return jnp.mean(jax.vmap(jax.vmap(one), in_axes=(None, 0))(x, projection))


@written("directions of length one", "sliced", projection="unit_sphere", factor=1)
def sliced_by_directions(score, x, projection):
    v = projection / jnp.linalg.norm(projection, axis=-1, keepdims=True)

    def one(v):
        s, pull = jax.vjp(score, x)
        return 2 * jnp.sum(v * pull(v)[0], axis=-1) + jnp.sum(v * s, axis=-1) ** 2

    return jnp.mean(jax.vmap(one)(v), axis=0)


@written("Rademacher by grad", "sliced_variance_reduced", projection="rademacher", reduction="mean")
def reduced_of_score_flow(score, x, projection):
    def div(v):
        grad = jax.grad(lambda y: jnp.sum(score(y) * v))(x)
        return jnp.sum(grad * v, axis=-1)

    losses = jnp.square(score(x))
    return jnp.mean(0.5 * jnp.sum(losses, axis=-1) + jax.vmap(div)(jnp.sign(projection)).mean(0))


@written("three energies", "finite_difference", factor=1)
def finite_differences(log_prob, x, projection, *, epsilon):
    def one(v):
        up, centre, down = log_prob(x + epsilon * v), log_prob(x), log_prob(x - epsilon * v)
        return 2 * (up - 2 * centre + down) / epsilon**2 + ((up - down) / (2 * epsilon)) ** 2

    return jnp.mean(jax.vmap(one)(projection), axis=0)


@written("score_sde: reduce_mean", "path", weight="sigma**2", **EVERYTHING)
def score_sde_mean(predict, x0, z, t, *, alpha, sigma):
    score = predict(batch_mul(alpha, x0) + batch_mul(sigma, z), t)
    losses = jnp.square(batch_mul(score, sigma) + z)
    return jnp.mean(jnp.mean(losses.reshape((losses.shape[0], -1)), axis=-1))


@written("likelihood weighting", "path", weight="diffusion**2", reduction="mean")
def score_flow_likelihood(predict, x0, z, t, *, alpha, sigma, diffusion):
    score = predict(batch_mul(alpha, x0) + batch_mul(sigma, z), t)
    losses = jnp.square(score + batch_mul(z, 1.0 / sigma))
    return jnp.mean(0.5 * jnp.sum(losses.reshape((len(x0), -1)), axis=-1) * diffusion**2)


@written("diffrax: score_based_diffusion", "path", weight="sigma**2", **EVERYTHING)
def diffrax(predict, x0, noise, t, *, alpha, sigma):
    def single(data, z, t, mean, std):
        pred = predict(mean * data + std * z, t)
        return std**2 * jnp.mean((pred + z / std) ** 2)

    return jnp.mean(jax.vmap(single)(x0, noise, t, alpha, sigma))


@written("vdm: squared error of eps", "path", prediction="noise", factor=1)
def vdm(predict, x0, eps, t, *, alpha, sigma):
    z_t = alpha[:, None] * x0 + sigma[:, None] * eps
    return jnp.sum(jnp.square(eps - predict(z_t, t)), axis=1)


@written("min-SNR, v", "path", prediction="v", weight="min_snr", **EVERYTHING)
def min_snr_of_v(predict, x0, noise, t, *, alpha, sigma):
    target = batch_mul(alpha, noise) - batch_mul(sigma, x0)
    snr = (alpha / sigma) ** 2
    losses = jnp.mean((predict(batch_mul(alpha, x0) + batch_mul(sigma, noise), t) - target) ** 2, axis=-1)
    return jnp.mean(losses * jnp.minimum(snr, 5.0) / (snr + 1))


@written("residual of the raw network", "edm", reduction="mean", dimension="mean")
def edm(denoiser, x0, noise, sigma, *, sigma_data):
    c_out = sigma * sigma_data / jnp.sqrt(sigma**2 + sigma_data**2)
    residual = batch_mul(1 / c_out, denoiser(x0 + batch_mul(sigma, noise), sigma) - x0)
    return jnp.mean(residual**2)


@written("mean of squares", "flow_matching", **EVERYTHING)
def flow(velocity, x0, x1, t):
    def one(a, b, s):
        return jnp.mean((velocity((1 - s) * a + s * b, s) - (b - a)) ** 2)

    return jnp.mean(jax.vmap(one)(x0, x1, t))


@written("score SDE with a condition", "conditional", factor=1, reduction="mean")
def conditional(score, x0, condition, noise, sigma):
    residual = batch_mul(sigma, score(x0 + batch_mul(sigma, noise), sigma, condition)) + noise
    return jnp.mean(jnp.sum(residual**2, axis=-1))


@written("l2, snr", "consistency", weight="snr", dimension="mean", reduction="mean")
def consistency(student, teacher, x0, noise, sigma_next, sigma):
    denoised = student(x0 + batch_mul(sigma_next, noise), sigma_next)
    target = jax.lax.stop_gradient(teacher(x0 + batch_mul(sigma, noise), sigma))
    return jnp.mean(jnp.mean(jnp.square(denoised - target), axis=-1) / sigma_next**2)


@written("column by column", "nonnegative", factor=1, reduction="mean")
def nonnegative(score, x, *, h):
    def weighted(row):
        return h(row) * score(row)

    trace = jax.vmap(lambda row: jnp.trace(jax.jacfwd(weighted)(row)))(x)
    return jnp.mean(jnp.sum(h(x) * score(x) ** 2, axis=-1) + 2 * trace)


@written("Marg-IW, weights by softmax", "missing_marginal", reduction="mean", dimension="mean")
def marginal(density, x, mask, imputations, *, proposal_log_prob):
    z = jnp.where(mask, x, imputations)
    w = jax.nn.softmax(density(z) - proposal_log_prob, axis=0)[..., None]
    s = density.score(z)
    value = (w * (density.score_diagonal(z) + s**2)).sum(0) - 0.5 * (w * s).sum(0) ** 2
    return jnp.mean(jnp.where(mask, value, 0.0))
