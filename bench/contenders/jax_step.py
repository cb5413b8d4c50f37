"""The tutorial's training step in JAX: jit: one call per step; scan: 100 steps per call."""
import functools

from contender import BATCH, LATENT, arguments, images, serve, shapes

import jax
import jax.numpy as jnp
import optax

variant, keep_prob = arguments()
jax.config.update("jax_default_prng_impl", "unsafe_rbg")  # the fastest for dropout
pixels = jnp.asarray(images())
optimizer = optax.adam(1e-3)


def initial(key):
    def layers(part):
        return [(jax.random.normal(key, shape) * (2 / shape[0]) ** 0.5, jnp.zeros(shape[1])) for shape in part]

    encoder, decoder = map(layers, shapes())
    return {"encoder": encoder, "decoder": decoder}


def network(layers, activations, x, keys):
    for (w, b), activation, key in zip(layers, activations, keys):
        x = activation(x @ w + b)
        if keep_prob < 1:
            x = jnp.where(jax.random.bernoulli(key, keep_prob, x.shape), x / keep_prob, 0)
    w, b = layers[-1]
    return x @ w + b


def loss_of(params, x, key):
    keys = jax.random.split(key, 5)
    mu, rho = jnp.split(network(params["encoder"], (jax.nn.elu, jnp.tanh), x, keys[:2]), 2, axis=1)
    sigma = 1e-6 + jax.nn.softplus(rho)
    z = mu + sigma * jax.random.normal(keys[4], mu.shape)
    logits = network(params["decoder"], (jnp.tanh, jax.nn.elu), z, keys[2:4])
    reconstruction = optax.sigmoid_binary_cross_entropy(logits, x).sum() / BATCH
    kl = 0.5 * (mu**2 + sigma**2 - jnp.log(1e-8 + sigma**2) - 1).sum() / BATCH
    return reconstruction + kl


def step(carry, batch):
    params, state, key = carry
    key, now = jax.random.split(key)
    x = pixels[batch].astype(jnp.float32) / 255
    loss, gradients = jax.value_and_grad(loss_of)(params, x, now)
    updates, state = optimizer.update(gradients, state)
    return (optax.apply_updates(params, updates), state, key), loss


jit_step = functools.partial(jax.jit, donate_argnums=0)(step)
jit_scan = functools.partial(jax.jit, donate_argnums=0)(lambda carry, order: jax.lax.scan(step, carry, order))
params = initial(jax.random.key(0))
carry = (params, optimizer.init(params), jax.random.key(1))
draws = jax.random.key(2)


def run(steps):
    global carry, draws
    draws, now = jax.random.split(draws)
    order = jax.random.randint(now, (steps, BATCH), 0, len(pixels))
    if variant == "scan":
        for first in range(0, steps, 100):
            carry, losses = jit_scan(carry, order[first : first + 100])
    else:
        for batch in order:
            carry, losses = jit_step(carry, batch)
    losses.block_until_ready()
    jax.block_until_ready(carry)


serve(run)
