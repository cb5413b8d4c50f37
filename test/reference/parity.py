"""The model's functions and fifty training steps, for several sets of options, in NumPy, float64. Without automatic
differentiation: gradients are complex-step derivatives, ∂f/∂w = Im f(w + ih) / h, exact to the last bits (Squire &
Trapp 1998).
Run: python3 parity.py > parity.json  (numpy)"""
import json

import numpy as np

HEIGHT, WIDTH, B, STEPS = 2, 3, 3, 50
D = HEIGHT * WIDTH
# Settings that differ from the defaults, under the names of config.json.
CASES = {
    "tutorial": {"nHidden": [5, 4], "keepProb": 1},
    "dropout and noise": {"nHidden": [5, 4], "keepProb": 0.8, "noise": "salt-pepper"},
    "three draws, beta, warm-up": {
        "nHidden": [5, 4],
        "keepProb": 0.8,
        "mcSamples": 3,
        "beta": 4,
        "klWarmUp": 1,
        "encoderActivations": ["silu"],
        "decoderActivations": ["softplus", "sigmoid"],
    },
    "importance-weighted": {
        "nHidden": [5],
        "keepProb": 0.8,
        "objective": "iwae",
        "importanceSamples": 3,
        "encoderActivations": ["relu"],
        "decoderActivations": ["tanh"],
        "sigma": "exp",
        "beta": 0.5,
    },
    "importance-weighted, warm-up, weight decay, Adam's settings": {
        "nHidden": [5, 4],
        "keepProb": 1,
        "objective": "iwae",
        "importanceSamples": 2,
        "klWarmUp": 1,
        "adamBeta1": 0.8,
        "adamBeta2": 0.99,
        "adamEpsilon": 1e-4,
        "weightDecay": 0.5,
    },
    "normal pixels, three layers": {
        "nHidden": [6, 5, 4],
        "keepProb": 1,
        "dimZ": 3,
        "likelihood": "gaussian",
        "pixelSigma": 0.3,
    },
    "free bits": {
        "nHidden": [5, 4],
        "keepProb": 0.8,
        "objective": "free-bits",
        "freeBits": 0.6,
        "mcSamples": 2,
        "dimZ": 3,
        "beta": 0.7,
        "klWarmUp": 1,
    },
    "mixture prior": {
        "nHidden": [5, 4],
        "keepProb": 0.8,
        "prior": "mixture",
        "priorComponents": 4,
        "mcSamples": 2,
        "klWarmUp": 1,
        "weightDecay": 0.5,
    },
    "mixture prior, importance-weighted": {
        "nHidden": [5],
        "keepProb": 1,
        "prior": "mixture",
        "priorComponents": 3,
        "dimZ": 3,
        "objective": "iwae",
        "importanceSamples": 3,
    },
    "convolutions": {"network": "conv", "filters": [2, 3], "kernelSize": 3, "denseUnits": [4], "convActivation": "elu"},
    "one convolution, importance-weighted": {
        "network": "conv",
        "filters": [2],
        "kernelSize": 4,
        "denseUnits": [5, 4],
        "convActivation": "silu",
        "objective": "iwae",
        "importanceSamples": 3,
        "weightDecay": 0.5,
    },
    "discretized logistic": {
        "nHidden": [5, 4],
        "keepProb": 0.8,
        "likelihood": "logistic",
        "mcSamples": 2,
        "klWarmUp": 1,
    },
    "total correlation": {
        "nHidden": [5, 4],
        "keepProb": 0.8,
        "objective": "beta-tc",
        "tcWeight": 3,
        "dimZ": 3,
        "beta": 0.7,
        "klWarmUp": 1,
    },
    "mean discrepancy": {
        "nHidden": [5, 4],
        "keepProb": 0.8,
        "objective": "mmd",
        "mmdWeight": 20,
        "beta": 0.5,
        "klWarmUp": 1,
    },
    "without the score": {"nHidden": [5, 4], "keepProb": 0.8, "gradient": "path", "mcSamples": 2, "klWarmUp": 1},
    "without the score, importance-weighted": {
        "nHidden": [5],
        "keepProb": 0.8,
        "gradient": "path",
        "objective": "iwae",
        "importanceSamples": 3,
        "prior": "mixture",
        "priorComponents": 3,
        "beta": 0.5,
    },
    "VampPrior": {
        "nHidden": [5, 4],
        "keepProb": 0.8,
        "prior": "vamp",
        "pseudoInputs": 3,
        "mcSamples": 2,
        "klWarmUp": 1,
    },
    "flow prior": {
        "nHidden": [5],
        "keepProb": 1,
        "prior": "flow",
        "flowLayers": 3,
        "flowUnits": 4,
        "dimZ": 3,
        "weightDecay": 0.5,
    },
    "inverse autoregressive flow": {
        "nHidden": [5, 4],
        "keepProb": 0.8,
        "posterior": "iaf",
        "iafSteps": 2,
        "iafUnits": 4,
        "dimZ": 3,
        "mcSamples": 2,
        "klWarmUp": 1,
        "weightDecay": 0.5,
    },
    "inverse autoregressive flow of one dimension, importance-weighted": {
        "nHidden": [5],
        "keepProb": 1,
        "posterior": "iaf",
        "iafSteps": 1,
        "iafUnits": 3,
        "dimZ": 1,
        "adamEpsilon": 1e-4,  # limits float32 rounding errors in small gradients divided by √v
        "sigma": "exp",
        "objective": "iwae",
        "importanceSamples": 3,
    },
    "two stochastic layers": {
        "nHidden": [5, 4],
        "keepProb": 0.8,
        "dimZ": [3, 2],
        "layerUnits": 4,
        "mcSamples": 2,
        "klWarmUp": 1,
    },
    "two stochastic layers, importance-weighted": {
        "nHidden": [5],
        "keepProb": 1,
        "dimZ": [2, 3],
        "layerUnits": 3,
        "sigma": "exp",
        "objective": "iwae",
        "importanceSamples": 3,
        "beta": 0.5,
    },
    "plain autoencoder": {"nHidden": [5, 4], "keepProb": 0.8, "model": "ae"},
    "conditional": {"nHidden": [5, 4], "keepProb": 0.8, "conditional": True, "mcSamples": 2, "noise": "salt-pepper"},
    "conditional, importance-weighted": {
        "nHidden": [5],
        "keepProb": 1,
        "conditional": True,
        "objective": "iwae",
        "importanceSamples": 3,
    },
    "conditional, convolutions": {
        "conditional": True,
        "network": "conv",
        "filters": [2],
        "kernelSize": 4,
        "denseUnits": [4],
        "convActivation": "elu",
        "mcSamples": 2,
    },
}
# Classes of a conditional model.
LABELS = 3
DEFAULTS = {
    "model": "vae",
    "conditional": False,
    "network": "mlp",
    "keepProb": 0.9,
    "objective": "elbo",
    "prior": "normal",
    "posterior": "gaussian",
    "mcSamples": 1,
    "importanceSamples": 1,
    "beta": 1,
    "klWarmUp": 0,
    "noise": "none",
    "dimZ": 2,
    "encoderActivations": ["elu", "tanh"],
    "decoderActivations": ["tanh", "elu"],
    "sigma": "softplus",
    "likelihood": "bernoulli",
    "gradient": "total",
    "adamBeta1": 0.9,
    "adamBeta2": 0.999,
    "adamEpsilon": 1e-8,
    "weightDecay": 0,
    "learningRate": 1e-2,
}


def weyl(shape, low, high, start):
    """Weyl's sequence in float32, as in test/helpers.ts, so that inputs need not be stored."""
    i = np.arange(start + 1, start + 1 + int(np.prod(shape)))
    return (low + (high - low) * ((i * 0.6180339887498949) % 1)).reshape(shape).astype(np.float32).astype(float)


# For complex numbers with a tiny imaginary part: comparisons use the real part.
def softplus(x):
    return np.where(x.real > 0, x + np.log(1 + np.exp(-x)), np.log(1 + np.exp(x)))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


ACTIVATIONS = {
    "elu": lambda x: np.where(x.real > 0, x, np.exp(x) - 1),
    "relu": lambda x: np.where(x.real > 0, x, 0),
    "sigmoid": sigmoid,
    "silu": lambda x: x * sigmoid(x),
    "softplus": softplus,
    "tanh": np.tanh,
}


def padding(size, kernel):
    """Zero padding before and after a side, for an output of half its size, rounded up (stride 2)."""
    total = max((-(-size // 2) - 1) * 2 + kernel - size, 0)
    return total // 2, total - total // 2


def patches(size, kernel):
    """For each kernel index along one axis: the slice of padded pixels below it, with stride 2."""
    out = -(-size // 2)
    return [slice(i, i + 2 * (out - 1) + 1, 2) for i in range(kernel)]


def conv(x, weight):
    kernel = len(weight)
    (rows, columns) = x.shape[1:3]
    padded = np.pad(x, ((0, 0), padding(rows, kernel), padding(columns, kernel), (0, 0)))
    return sum(
        padded[:, row, column] @ weight[i, j]
        for i, row in enumerate(patches(rows, kernel))
        for j, column in enumerate(patches(columns, kernel))
    )


def conv_transpose(x, weight, rows, columns):
    """The transposed convolution: adds each pixel, times the kernel, to the pixels that `conv` would read."""
    kernel = len(weight)
    (top, bottom), (left, right) = padding(rows, kernel), padding(columns, kernel)
    result = np.zeros((len(x), rows + top + bottom, columns + left + right, weight.shape[2]), np.result_type(x, weight))
    for i, row in enumerate(patches(rows, kernel)):
        for j, column in enumerate(patches(columns, kernel)):
            result[:, row, column] += x @ weight[i, j].T
    return result[:, top : top + rows, left : left + columns]


IAF = ("input", "context", "bias", "mean", "meanBias", "gate", "gateBias")


def log_normal(at, mean, deviation):
    return (-0.5 * ((at - mean) / deviation) ** 2 - np.log(deviation * np.sqrt(2 * np.pi))).sum(-1)


class Model:
    def __init__(self, config):
        self.c = c = config
        self.is_vae = c["model"] == "vae"
        self.is_two = isinstance(c["dimZ"], list)
        Z = c["dimZ"][0] if self.is_two else c["dimZ"]  # the decoder's input
        self.Z = sum(c["dimZ"]) if self.is_two else Z
        self.y = None  # one-hot labels of the batch
        labels = LABELS if c["conditional"] else 0
        outputs = (3 if c["posterior"] == "iaf" else 2) * Z if self.is_vae else Z
        if c["network"] == "conv":
            self.sides = [(HEIGHT, WIDTH)]
            for _ in c["filters"]:
                self.sides.append(tuple(-(-side // 2) for side in self.sides[-1]))
            self.features = (*self.sides[-1], c["filters"][-1])
            size, units = int(np.prod(self.features)), c["denseUnits"]
            dense = {"encoder": [size + labels, *units, outputs], "decoder": [Z + labels, *units[::-1], size]}
            counts, kernel = [1, *c["filters"]], (c["kernelSize"],) * 2
            pairs = list(zip(counts, counts[1:]))
            links = {part: list(zip(widths, widths[1:])) for part, widths in dense.items()}
            self.shapes = {
                **{f"encoder.conv.{i}": ((*kernel, *pair), pair[1]) for i, pair in enumerate(pairs)},
                **{f"encoder.dense.{i}": (pair, pair[1]) for i, pair in enumerate(links["encoder"])},
                **{f"decoder.dense.{i}": (pair, pair[1]) for i, pair in enumerate(links["decoder"])},
                **{f"decoder.conv.{i}": ((*kernel, *pair), pair[0]) for i, pair in enumerate(pairs[::-1])},
            }
            return
        self.widths = {
            "encoder": [D + labels, *c["nHidden"], outputs],
            "decoder": [Z + labels, *c["nHidden"][::-1], D],
        }
        self.layers = len(c["nHidden"])
        self.shapes = {
            f"{network}.{i}": (pair, pair[1])
            for network, widths in self.widths.items()
            for i, pair in enumerate(zip(widths, widths[1:]))
        }

    def labelled(self, x):
        """Appends the labels, repeated if an image has several rows."""
        if self.y is None:
            return x
        y = self.y[:, None] if x.ndim == 3 else np.repeat(self.y, len(x) // len(self.y), axis=0)
        return np.concatenate([x, np.broadcast_to(y, (*x.shape[:-1], LABELS))], axis=-1)

    def network(self, name, params, x, masks):
        if self.c["network"] == "conv":
            return getattr(self, f"conv_{name}")(params, x)
        x = self.labelled(x)
        activations = self.c[f"{name}Activations"]
        for i in range(self.layers + 1):
            x = x @ params[f"{name}.{i}.weight"] + params[f"{name}.{i}.bias"]
            if i < self.layers:
                x = ACTIVATIONS[activations[min(i, len(activations) - 1)]](x)
                if masks:
                    x = x * masks[f"{name}.{i}"] / self.c["keepProb"]
        return x

    def dense(self, name, params, x, activate_last):
        layers = len(self.c["denseUnits"])
        for i in range(layers + 1):
            x = x @ params[f"{name}.dense.{i}.weight"] + params[f"{name}.dense.{i}.bias"]
            x = ACTIVATIONS[self.c["convActivation"]](x) if i < layers or activate_last else x
        return x

    def conv_encoder(self, params, x):
        x = x.reshape(-1, HEIGHT, WIDTH, 1)
        for i in range(len(self.c["filters"])):
            sums = conv(x, params[f"encoder.conv.{i}.weight"]) + params[f"encoder.conv.{i}.bias"]
            x = ACTIVATIONS[self.c["convActivation"]](sums)
        return self.dense("encoder", params, self.labelled(x.reshape(len(x), -1)), False)

    def conv_decoder(self, params, z):
        x = self.dense("decoder", params, self.labelled(z), True).reshape(-1, *self.features)
        layers = len(self.c["filters"])
        for i in range(layers):
            weight = params[f"decoder.conv.{i}.weight"]
            x = conv_transpose(x, weight, *self.sides[layers - 1 - i]) + params[f"decoder.conv.{i}.bias"]
            x = ACTIVATIONS[self.c["convActivation"]](x) if i < layers - 1 else x
        return x.reshape(len(x), -1)

    def to_sigma(self, rho):
        return np.exp(rho) if self.c["sigma"] == "exp" else 1e-6 + softplus(rho)

    def encode(self, params, x, masks=None):
        heads = self.network("encoder", params, x, masks)
        if not self.is_vae:
            return heads, None
        if self.c["posterior"] == "iaf":
            mu, rho, self.hidden = np.split(heads, 3, axis=1)
        else:
            mu, rho = np.split(heads, 2, axis=1)
        return mu, self.to_sigma(rho)

    def draw(self, params, mu, sigma, epsilon):
        """z [B, L, Z] from ε, and log q(z|x)."""
        if self.is_two:
            first, second = np.split(epsilon, [self.c["dimZ"][0]], axis=-1)
            z1 = mu[:, None] + sigma[:, None] * first
            mu2, sigma2 = self.between(params, "posterior.top", z1)
            z2 = mu2 + sigma2 * second
            log_q = log_normal(z1, mu[:, None], sigma[:, None]) + log_normal(z2, mu2, sigma2)
            return np.concatenate([z1, z2], -1), log_q
        z = mu[:, None] + sigma[:, None] * epsilon
        log_q = log_normal(z, mu[:, None], sigma[:, None])
        if self.c["posterior"] == "iaf":
            for step in range(self.c["iafSteps"]):
                z, log_gates = self.autoregressive_step(params, step, z)
                log_q = log_q - log_gates
        return z, log_q

    def between(self, params, name, z):
        for i in range(3):
            z = z @ params[f"{name}.{i}.weight"] + params[f"{name}.{i}.bias"]
            z = np.tanh(z) if i < 2 else z
        mu, rho = np.split(z, 2, axis=-1)
        return mu, self.to_sigma(rho)

    def autoregressive_step(self, params, step, z):
        """One dimension after another, each from the previous ones. Every other step reverses the order."""
        w = {name: params[f"posterior.{step}.{name}"] for name in IAF}
        Z, units = w["input"].shape
        order = list(range(Z))[:: -1 if step % 2 else 1]
        seen_by = [i % Z for i in range(units)]  # how many dimensions each unit sees
        gated, log_gates = [None] * Z, 0
        for at, j in enumerate(order):
            mean, gate = w["meanBias"][j], w["gateBias"][j]
            for i in range(units):
                if seen_by[i] > at:
                    continue
                total = w["bias"][i] + self.hidden[:, None] @ w["context"][:, i]
                for k in order[: seen_by[i]]:
                    total = total + z[..., k] * w["input"][k, i]
                h = ACTIVATIONS["elu"](total)
                mean, gate = mean + h * w["mean"][i, j], gate + h * w["gate"][i, j]
            gate = sigmoid(np.broadcast_to(gate + 2, z.shape[:2]))
            gated[j] = gate * z[..., j] + (1 - gate) * mean
            log_gates = log_gates + np.log(gate)
        return np.stack(gated, -1), log_gates

    def centre(self, params, mu, sigma):
        """z without noise: ε = 0."""
        if self.is_two:
            return np.concatenate([mu, self.between(params, "posterior.top", mu)[0]], -1)
        if self.c["posterior"] == "iaf":
            return self.draw(params, mu, sigma, np.zeros((len(mu), 1, self.Z)))[0][:, 0]
        return mu

    def decode(self, params, z, masks=None):
        return self.network("decoder", params, z[..., : self.c["dimZ"][0]] if self.is_two else z, masks)

    def log_likelihood(self, params, x, logits):
        if self.c["likelihood"] == "logistic":
            # Bins of 1/255. The first and the last extend to infinity.
            s = 0.1 * np.exp(params["likelihood.logScales"][0])
            upper = np.where(x > 0.999, 1, sigmoid((x + 1 / 510 - sigmoid(logits)) / s))
            lower = np.where(x < 0.001, 0, sigmoid((x - 1 / 510 - sigmoid(logits)) / s))
            return np.log(upper - lower).sum(-1)
        if self.c["likelihood"] == "gaussian":
            s = self.c["pixelSigma"]
            return (-0.5 * ((x - sigmoid(logits)) / s) ** 2 - np.log(s * np.sqrt(2 * np.pi))).sum(-1)
        return (x * logits - softplus(logits)).sum(-1)

    def log_prior(self, params, z):
        if self.is_two:
            z1, z2 = np.split(z, [self.c["dimZ"][0]], axis=-1)
            return log_normal(z1, *self.between(params, "prior.bottom", z2)) + log_normal(z2, 0, 1)
        if self.c["prior"] == "normal":
            return log_normal(z, 0, 1)
        if self.c["prior"] == "flow":
            log_p, u = 0, z
            for i in range(self.c["flowLayers"]):
                kept, moved, log_scale, shift = self.coupling(params, i, u)
                u = u.astype(np.result_type(u, shift))
                u[..., moved] = (u[..., moved] - shift) * np.exp(-log_scale)
                log_p = log_p - log_scale.sum(-1)
            return log_p + log_normal(u, 0, 1)
        shares, means, sigmas = self.mixture(params)
        densities = np.exp(log_normal(z[..., None, :], means, sigmas))
        return np.log((shares * densities).sum(-1))

    def coupling(self, params, i, z):
        first = -(-self.Z // 2)
        low, high = slice(0, first), slice(first, self.Z)
        kept, moved = (high, low) if i % 2 else (low, high)
        h = z[..., kept]
        for layer in range(3):
            h = h @ params[f"prior.{i}.{layer}.weight"] + params[f"prior.{i}.{layer}.bias"]
            h = ACTIVATIONS["elu"](h) if layer < 2 else h
        raw, shift = np.split(h, 2, axis=-1)
        return kept, moved, 2 * np.tanh(raw / 2), shift

    def mixture(self, params):
        if self.c["prior"] == "vamp":
            means, sigmas = self.encode(params, sigmoid(params["prior.offsets"] + params["prior.bias"]))
            return np.full(len(means), 1 / len(means)), means, sigmas
        weights = np.exp(params["prior.logits"])
        return weights / weights.sum(), params["prior.means"], np.exp(params["prior.logSigmas"])

    def sample_prior(self, params, count):
        Z = self.Z
        draws = weyl((count, Z), -2, 2, 9000)
        if self.is_two:
            first, z2 = np.split(draws, [self.c["dimZ"][0]], axis=-1)
            mu, sigma = self.between(params, "prior.bottom", z2)
            return np.concatenate([mu + sigma * first, z2], -1)
        if self.c["prior"] == "normal":
            return draws
        if self.c["prior"] == "flow":
            for i in reversed(range(self.c["flowLayers"])):
                _, moved, log_scale, shift = self.coupling(params, i, draws)
                draws[..., moved] = draws[..., moved] * np.exp(log_scale) + shift
            return draws
        shares, means, sigmas = self.mixture(params)
        component = (weyl((count, 1), 0, 1, 9000) >= np.cumsum(shares)).sum(1)
        return means[component] + sigmas[component] * weyl((count, Z), -2, 2, 10000)

    def terms(self, params, batch, weight, masks=None):
        """Objective, reconstruction and KL of each image."""
        x = batch["images"] / 255
        self.y = batch.get("labels")
        mu, sigma = self.encode(params, batch.get("corrupted", x), masks)
        if not self.is_vae:
            reconstruction = self.log_likelihood(params, x, self.network("decoder", params, mu, masks))
            return reconstruction, reconstruction, np.zeros(len(x))
        z, log_q = self.draw(params, mu, sigma, batch["epsilon"])
        logits = self.decode(params, z.reshape(-1, z.shape[2]), masks).reshape(*z.shape[:2], D)
        per_draw = self.log_likelihood(params, x[:, None], logits)
        reconstruction = per_draw.mean(1)
        kls = 0.5 * (mu**2 + sigma**2 - np.log(1e-8 + sigma**2) - 1)
        log_p = self.log_prior(params, z)
        is_closed = self.c["prior"] == "normal" and self.c["posterior"] == "gaussian" and not self.is_two
        kl = kls.sum(1) if is_closed else (log_q - log_p).mean(1)
        if self.c["objective"] == "elbo":
            cost = (log_q - log_p).mean(1) if self.c["gradient"] == "path" and masks is not None else kl
            return reconstruction - weight * cost, reconstruction, kl
        if self.c["objective"] == "beta-tc":
            # log N(z_i; μ_j, σ_j²) of each dimension
            pairs = -0.5 * ((z - mu[None]) / sigma[None]) ** 2 - np.log(sigma[None] * np.sqrt(2 * np.pi))
            joint = np.log(np.exp(pairs.sum(2)).mean(1))
            correlation = joint - np.log(np.exp(pairs).mean(1)).sum(1)
            return reconstruction - weight * (kl + (self.c["tcWeight"] - 1) * correlation), reconstruction, kl
        if self.c["objective"] == "mmd":
            discrepancy = mean_discrepancy(z[:, 0], batch["prior"])
            return reconstruction - weight * kl - self.c["mmdWeight"] * discrepancy, reconstruction, kl
        if self.c["objective"] == "free-bits":
            mean = kls.mean(0)
            cost = np.where(mean.real > self.c["freeBits"], mean, self.c["freeBits"]).sum()
            return reconstruction - weight * cost, reconstruction, kl
        log_w = per_draw + weight * (log_p - log_q)
        largest = log_w.real.max(1, keepdims=True)
        return largest[:, 0] + np.log(np.exp(log_w - largest).mean(1)), reconstruction, kl


def mean_discrepancy(a, b):
    """The unbiased estimate of MMD², as sums over pairs of different draws."""
    n, Z = a.shape

    def mean(x, y, pairs):
        distances = ((x[:, None] - y[None]) ** 2).sum(-1)
        kernels = sum(2 * Z * scale / (2 * Z * scale + distances) for scale in (0.1, 0.2, 0.5, 1, 2, 5, 10))
        return sum(kernels[i, j] for i, j in pairs) / len(pairs)

    all_pairs = [(i, j) for i in range(n) for j in range(n)]
    different = [(i, j) for i, j in all_pairs if i != j]
    return mean(a, a, different) + mean(b, b, different) - 2 * mean(a, b, all_pairs)


def path_objective(model, frozen, params, batch, weight, masks):
    """A function whose gradient at `frozen` omits the score: the parameters of q affect the draws only."""
    x = batch["images"] / 255
    model.y = batch.get("labels")

    def log_weights(of_draws, of_model):
        """log p(x|z) + weight · (log p(z) − log q(z|x)): z from the first parameters, p from the second, q frozen."""
        (mu, sigma), q = [model.encode(of, batch.get("corrupted", x), masks) for of in (of_draws, frozen)]
        z = mu[:, None] + sigma[:, None] * batch["epsilon"]
        logits = model.network("decoder", of_model, z.reshape(-1, z.shape[2]), masks).reshape(*z.shape[:2], D)
        log_q = log_normal(z, q[0][:, None], q[1][:, None])
        return model.log_likelihood(of_model, x[:, None], logits) + weight * (model.log_prior(of_model, z) - log_q)

    if model.c["objective"] == "elbo":
        return log_weights(params, params).mean(1)
    fixed = log_weights(frozen, frozen)
    shares = np.exp(fixed - fixed.max(1, keepdims=True))
    shares = shares / shares.sum(1, keepdims=True)
    # Gradients through the draws have squared shares (Tucker et al. 2019, eq. 8), those of the model plain shares.
    # E[share · ∇ log q] is E[(share − share²) ∇z log w], and the score has the weight of log q.
    of_draws = shares - weight * (shares - shares**2)
    return (of_draws * log_weights(params, frozen) + shares * log_weights(frozen, params)).sum(1)


def log_mean_importance_weight(model, params, x, seen):
    """log 1/8 Σ p(x, z) / q(z|x) of one image, from explicit densities."""
    mu, sigma = model.encode(params, seen)
    z, log_q = model.draw(params, mu, sigma, weyl((1, 8, model.Z), -2, 2, 8000))
    log_p = model.log_likelihood(params, x, model.decode(params, z)) + model.log_prior(params, z)
    return np.log(np.exp(log_p - log_q).mean(keepdims=True)[0])


def gradients(loss, params, h=1e-30):
    result = {}
    for name, values in params.items():
        gradient = np.zeros(values.shape)
        for at in np.ndindex(values.shape):
            moved = values.astype(complex)
            moved[at] += 1j * h
            gradient[at] = loss({**params, name: moved}).imag / h
        result[name] = gradient
    return result


def run(given):
    c = {**DEFAULTS, **given}
    model = Model(c)
    L = c["importanceSamples"] if c["objective"] == "iwae" else c["mcSamples"]
    params = {}
    for name, (weight, bias) in model.shapes.items():
        params[f"{name}.weight"] = weyl(weight, -1, 1, 100 * len(params))
        params[f"{name}.bias"] = weyl((bias,), -0.5, 0.5, 100 * len(params))
    Z = model.Z

    def add(name, *shape):
        params[name] = weyl(shape, *((-1, 1) if name.endswith("weight") else (-0.5, 0.5)), 100 * len(params))

    def add_layers(name, *widths):
        for i, (n_in, n_out) in enumerate(zip(widths, widths[1:])):
            add(f"{name}.{i}.weight", n_in, n_out)
            add(f"{name}.{i}.bias", n_out)

    if model.is_two:
        (Z1, Z2), units = c["dimZ"], c["layerUnits"]
        add_layers("posterior.top", Z1, units, units, 2 * Z2)
        add_layers("prior.bottom", Z2, units, units, 2 * Z1)
    if c["posterior"] == "iaf":
        units = c["iafUnits"]
        shapes = [(Z, units), (Z, units), (units,), (units, Z), (Z,), (units, Z), (Z,)]
        for step in range(c["iafSteps"]):
            for name, shape in zip(IAF, shapes):
                add(f"posterior.{step}.{name}", *shape)
    if c["prior"] == "vamp":
        add("prior.bias", D)
        add("prior.offsets", c["pseudoInputs"], D)
    if c["prior"] == "flow":
        first = -(-Z // 2)
        for i in range(c["flowLayers"]):
            kept = Z - first if i % 2 else first
            add_layers(f"prior.{i}", kept, c["flowUnits"], c["flowUnits"], 2 * (Z - kept))
    if c["prior"] == "mixture":
        K = c["priorComponents"]
        for name, shape in {"logits": (K,), "means": (K, Z), "logSigmas": (K, Z)}.items():
            params[f"prior.{name}"] = weyl(shape, -0.5, 0.5, 100 * len(params))
    if c["likelihood"] == "logistic":
        params["likelihood.logScales"] = weyl((1,), -0.5, 0.5, 100 * len(params))
    xs = {"images": np.floor(weyl((STEPS, B, D), 0, 256, 0))}
    if model.is_vae:
        xs["epsilon"] = weyl((STEPS, B, L, Z), -2, 2, 1000)
    if c["objective"] == "mmd":
        xs["prior"] = weyl((STEPS, B, c["dimZ"]), -2, 2, 1000)
    if c["noise"] != "none":
        xs["corrupted"] = weyl((STEPS, B, D), 0, 2, 2000)
    if c["conditional"]:
        xs["labels"] = np.eye(LABELS)[np.floor(weyl((STEPS, B), 0, LABELS, 12000)).astype(int)]
    masks = {}
    if c["network"] == "mlp" and c["keepProb"] < 1:
        for network, rows in {"encoder": B, "decoder": B * L}.items():
            for i, units in enumerate(model.widths[network][1:-1]):
                kept = weyl((STEPS, rows, units), 0, 1, 3000 + 1000 * len(masks)) < c["keepProb"]
                masks[f"{network}.{i}"] = kept.astype(float)
    weights = c["beta"] * (np.arange(1, STEPS + 1) / STEPS if c["klWarmUp"] else np.ones(STEPS))
    weights = weights.astype(np.float32).astype(float)

    first = {name: values[0] for name, values in xs.items()}
    seen = first.get("corrupted", first["images"] / 255)
    model.y = first.get("labels")
    mu, sigma = model.encode(params, seen)

    def decode(z):
        return sigmoid(model.decode(params, z))

    is_plain = sigma is not None and c["posterior"] == "gaussian" and not model.is_two
    of_sigma = {"sigma": sigma} if is_plain else {}
    z = mu if sigma is None else model.draw(params, mu, sigma, first["epsilon"])[0].reshape(-1, Z)
    names = ("objective", "reconstruction", "kl")
    terms = dict(zip(names, model.terms(params, first, c["beta"])))
    functions = {
        "encode": {"z": mu if sigma is None else model.centre(params, mu, sigma), **of_sigma},
        "decode": {"outputs": decode(weyl((B, Z), -2, 2, 5000))},
        "evaluate": terms,
        "reconstruct": {"reconstruction": terms["reconstruction"], "kl": terms["kl"], "outputs": decode(z)},
        "sample": {"outputs": decode(model.sample_prior(params, B))},
    }
    if model.is_vae:
        functions["sampleLatents"] = {"z": z, **of_sigma}
        model.y = model.y if model.y is None else model.y[:1]
        weight = log_mean_importance_weight(model, params, first["images"][:1] / 255, seen[:1])
        functions["logMeanImportanceWeight"] = {"logMeanWeight": weight}

    state = params
    m = {name: np.zeros(values.shape) for name, values in params.items()}
    v = {name: np.zeros(values.shape) for name, values in params.items()}
    metrics = {name: [] for name in names}
    b1, b2 = c["adamBeta1"], c["adamBeta2"]

    def outcome():
        # Unscaled moments, as in the project: after one step, m is the gradient.
        trees = {
            "carry/params": state,
            "carry/adam/m": {name: values / (1 - b1) for name, values in m.items()},
            "carry/adam/v": {name: values / (1 - b2) for name, values in v.items()},
            "y": {name: np.array(values) for name, values in metrics.items()},
        }
        return {f"{path}/{name}": values for path, tree in trees.items() for name, values in tree.items()}

    for step in range(STEPS):
        batch = {name: values[step] for name, values in xs.items()}
        kept = {name: mask[step] for name, mask in masks.items()}

        def loss(values):
            if c["gradient"] == "path":
                return -path_objective(model, state, values, batch, weights[step], kept).mean()
            return -model.terms(values, batch, weights[step], kept)[0].mean()

        # Metrics have the full KL weight, the maximized bound has the warm-up's.
        for name, values in zip(names, model.terms(state, batch, c["beta"], kept)):
            metrics[name].append(values.mean())
        gradient = gradients(loss, state)
        rate = c["learningRate"] * (1 - b2 ** (step + 1)) ** 0.5 / (1 - b1 ** (step + 1))
        for name, g in gradient.items():
            m[name] = b1 * m[name] + (1 - b1) * g
            v[name] = b2 * v[name] + (1 - b2) * g**2
            decays = name.endswith("weight") or name.split(".")[-1] in ("input", "context", "mean", "gate")
            decay = c["learningRate"] * c["weightDecay"] if decays else 0
            update = decay * state[name] + rate * m[name] / (np.sqrt(v[name]) + c["adamEpsilon"])
            state = {**state, name: state[name] - update}
        if step == 0:
            after_one = outcome()
    return {
        "settings": {**given, "dimZ": c["dimZ"], "learningRate": c["learningRate"]},
        "functions": functions,
        "one": after_one,
        "fifty": outcome(),
    }


def plain(value):
    """Lists of numbers with nine significant digits, enough for float32."""
    if isinstance(value, np.ndarray):
        return [float(f"{number:.9g}") for number in value.reshape(-1).tolist()]
    return {name: plain(item) for name, item in value.items()} if isinstance(value, dict) else value


if __name__ == "__main__":
    cases = {name: plain(run(given)) for name, given in CASES.items()}
    print(json.dumps({"height": HEIGHT, "width": WIDTH, "classes": LABELS, "batch": B, "steps": STEPS, "cases": cases}))
