#!/usr/bin/env python3
"""Synthetic(alpha, beta) once more, plainly: prints the rows of tests/unit/test_synthetic.c.

Philox4x32-10 from Salmon et al. 2011, Box and Muller's normal numbers, and the data of
Li et al. 2020, written from the papers and the comments in the headers.
"""

import numpy as np

SIZES, CLIENT_MODEL, SAMPLE = 37, 38, 39
FEATURES, CLASSES = 60, 10
MASK = 0xFFFFFFFF


def philox(counter: list[int], key: list[int]) -> list[int]:
    """Ten rounds on four 32-bit words."""
    c, k = list(counter), list(key)
    for _ in range(10):
        low, high = c[0] * 0xD2511F53, c[2] * 0xCD9E8D57
        c = [(high >> 32) ^ c[1] ^ k[0], high & MASK, (low >> 32) ^ c[3] ^ k[1], low & MASK]
        k = [(k[0] + 0x9E3779B9) & MASK, (k[1] + 0xBB67AE85) & MASK]
    return c


def normals(count: int, first: int, seed: int, purpose: int, client: int = 0, number: int = 0,
            which: int = 0) -> np.ndarray:
    """Two normal numbers a block."""
    values = []
    for index in range(first, first + (count + 1) // 2):
        w = philox([index, client, number, purpose << 24 | which], [seed & MASK, seed >> 32])
        u, v = [((high << 32 | low) >> 11) + 1 for low, high in ((w[0], w[1]), (w[2], w[3]))]
        radius, angle = np.sqrt(-2 * np.log(u * 2.0**-53)), 2 * np.pi * (v * 2.0**-53)
        values += [radius * np.cos(angle), radius * np.sin(angle)]
    return np.array(values[:count])


def size(seed: int, client: int) -> int:
    """The authors' log-normal law."""
    return int(np.exp(4 + 2 * normals(1, client, seed, SIZES)[0])) + 50


def sample(seed: int, alpha: float, beta: float, client: int, number: int, which: int = 0,
           common: bool = False):
    """Features and label."""
    u, b = normals(2, 0, seed, CLIENT_MODEL, client) * (alpha, beta)
    rule = normals(CLASSES * FEATURES + CLASSES + FEATURES, 1, seed, CLIENT_MODEL, client)
    of_labels = rule[:CLASSES * FEATURES + CLASSES] + u
    if common:
        of_labels = (normals(CLASSES * FEATURES + CLASSES, 0, seed, CLIENT_MODEL, which=1)
                     + alpha * rule[:CLASSES * FEATURES + CLASSES])
    weights = of_labels[:CLASSES * FEATURES].reshape(CLASSES, FEATURES)
    bias = of_labels[CLASSES * FEATURES:]
    mean = rule[-FEATURES:] + b
    covariance = np.diag(np.arange(1, FEATURES + 1) ** -1.2)
    x = mean + np.linalg.cholesky(covariance) @ normals(FEATURES, 0, seed, SAMPLE, client, number,
                                                        which)
    return x, int(np.argmax(weights @ x + bias))


def main() -> None:
    for seed, alpha, beta, client in ((1, 1, 1, 0), (1, 1, 1, 4999), (2**40 + 3, 0.5, 2, 77),
                                      (4, 0, 0, 5)):
        for number in (0, 1, 19):
            x, label = sample(seed, alpha, beta, client, number)
            print(f"    {{{seed}u, {alpha}, {beta}, {client}, {size(seed, client)}, {number}, "
                  f"{x[0]:.9g}, {x[1]:.9g}, {x[59]:.9g}, {label}}},")
    for alpha in (0, 0.3, 2):
        labels = [sample(7, alpha, 1, client, 5, common=True)[1] for client in range(12)]
        print(f"    {{{alpha}, {{{', '.join(map(str, labels))}}}}},")
    x, label = sample(1, 1, 1, 3, 3, which=1)
    print(f"test sample 3 of client 3: {x[0]:.9g} {x[59]:.9g} {label}")


if __name__ == "__main__":
    main()
