"""A convolutional model's training step in PyTorch, with fused Adam: torch_conv.py SIDE CHANNELS SETTINGS VARIANT"""
import json
import sys

import torch
from contender import BATCH, THREADS, serve
from torch import nn
from torch.nn import functional as F

side, channels, settings, variant = int(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3]), sys.argv[4]
torch.set_num_threads(THREADS)
layout = torch.channels_last if "channels-last" in variant else torch.contiguous_format
Z, kernel, units = settings["dimZ"], settings["kernelSize"], settings["denseUnits"][0]
filters = [channels, *settings["filters"]]
padding, rest = (kernel - 1) // 2, kernel % 2
smallest = side // 2 ** (len(filters) - 1)
features = filters[-1] * smallest**2
pairs = list(zip(filters, filters[1:]))


class Vae(nn.Module):
    def __init__(self):
        super().__init__()
        down = [layer for a, b in pairs for layer in (nn.Conv2d(a, b, kernel, 2, padding), nn.ReLU())]
        dense = [nn.Linear(features, units), nn.ReLU(), nn.Linear(units, 2 * Z)]
        self.encoder = nn.Sequential(*down, nn.Flatten(), *dense)
        up = [nn.ConvTranspose2d(b, a, kernel, 2, padding, rest) for a, b in reversed(pairs)]
        between = [layer for conv in up[:-1] for layer in (conv, nn.ReLU())]
        first = [nn.Linear(Z, units), nn.ReLU(), nn.Linear(units, features), nn.ReLU()]
        self.decoder = nn.Sequential(*first, nn.Unflatten(1, (filters[-1], smallest, smallest)), *between, up[-1])

    def forward(self, x):
        mu, rho = self.encoder(x).chunk(2, 1)
        sigma = 1e-6 + F.softplus(rho)
        logits = self.decoder(mu + sigma * torch.randn_like(mu))
        reconstruction = F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / BATCH
        kl = 0.5 * (mu**2 + sigma**2 - torch.log(1e-8 + sigma**2) - 1).sum() / BATCH
        return reconstruction + kl


model = Vae().to(memory_format=layout)
optimizer = torch.optim.Adam(model.parameters(), 1e-3, fused=True)
loss_of = torch.compile(model) if variant.startswith("compiled") else model
pixels = torch.rand(BATCH, channels, side, side).to(memory_format=layout)


def run(steps):
    total = torch.zeros(())
    for _ in range(steps):
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(pixels)
        loss.backward()
        optimizer.step()
        total += loss.detach()
    total.item()


serve(run)
