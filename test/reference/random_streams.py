"""Known answers for src/random.ts, from an independent implementation.
Run: python3 random_streams.py > random_streams.json"""
import json
import math

M32 = 0xFFFFFFFF


def philox4x32_10(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & M32, (p0 >> 32) ^ c[3] ^ k[1], p0 & M32]
        k = [(k[0] + 0x9E3779B9) & M32, (k[1] + 0xBB67AE85) & M32]
    return c


def sfc32(a, b, c, counter):
    while True:
        out = (a + b + counter) & M32
        counter = (counter + 1) & M32
        a, b, c = b ^ (b >> 9), (c + (c << 3)) & M32, (((c << 21) | (c >> 11)) + out) & M32
        yield out


def stream(seed, purpose, index):
    return sfc32(*philox4x32_10([index & M32, index >> 32, purpose, 0], [seed & M32, seed >> 32]))


def normals(words, count):
    out = []
    while len(out) < count:
        radius = math.sqrt(-2 * math.log((next(words) + 1) / 2**32))
        angle = 2 * math.pi * next(words) / 2**32
        out += [radius * math.cos(angle), radius * math.sin(angle)]
    return out[:count]


addresses = [
    ("weights", 1, 0, 0),
    ("shuffle", 2, 0, 1),
    ("dropout", 3, 7, 700),
    ("training epsilon", 4, 2**53 - 1, 2**40 + 3),
    ("training noise", 5, 1, 0),
    ("evaluation epsilon", 6, 0, 69999),
    ("evaluation noise", 7, 0, 55000),
    ("prior", 8, 42, 999999),
]
answers = []
for name, purpose, seed, index in addresses:
    words = stream(seed, purpose, index)
    answers.append(
        {
            "purpose": name,
            "seed": seed,
            "index": index,
            "words": [next(words) for _ in range(5)],
            "normals": normals(stream(seed, purpose, index), 3),
        }
    )
print(json.dumps(answers, indent=2))
