"""The tutorial's training step in TensorFlow: tf.function, or the same compiled by XLA."""
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"

import tensorflow as tf
from contender import BATCH, THREADS, arguments, images, serve, shapes

variant, keep_prob = arguments()
tf.config.threading.set_intra_op_parallelism_threads(THREADS)
pixels = tf.constant(images())


def layers(part):
    return [
        (tf.Variable(tf.random.normal(shape) * (2 / shape[0]) ** 0.5), tf.Variable(tf.zeros(shape[1])))
        for shape in part
    ]


encoder, decoder = map(layers, shapes())
variables = [variable for layer in encoder + decoder for variable in layer]
optimizer = tf.keras.optimizers.Adam(1e-3)
optimizer.build(variables)


def network(layers, activations, x):
    for (w, b), activation in zip(layers, activations):
        x = activation(x @ w + b)
        if keep_prob < 1:
            x = tf.nn.dropout(x, 1 - keep_prob)
    w, b = layers[-1]
    return x @ w + b


@tf.function(jit_compile=variant == "xla")
def step(batch):
    x = tf.cast(tf.gather(pixels, batch), tf.float32) / 255
    with tf.GradientTape() as tape:
        mu, rho = tf.split(network(encoder, (tf.nn.elu, tf.tanh), x), 2, axis=1)
        sigma = 1e-6 + tf.nn.softplus(rho)
        logits = network(decoder, (tf.tanh, tf.nn.elu), mu + sigma * tf.random.normal(tf.shape(mu)))
        reconstruction = tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(x, logits)) / BATCH
        kl = 0.5 * tf.reduce_sum(mu**2 + sigma**2 - tf.math.log(1e-8 + sigma**2) - 1) / BATCH
        loss = reconstruction + kl
    optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
    return loss


def run(steps):
    order = tf.random.uniform((steps, BATCH), maxval=len(pixels), dtype=tf.int32)
    for batch in order:
        loss = step(batch)
    loss.numpy()


serve(run)
