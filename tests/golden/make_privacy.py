#!/usr/bin/env python3
"""Make privacy.h5, which the C tests of the accountant compare with, or check it.

    make_privacy.py            write the file beside this script
    make_privacy.py --check    compute it again and compare (exit code 1: it differs)

Needs PyPI's dp-accounting 0.6.0, mpmath, h5py and NumPy; exit code 77 without them. Layout, a row
for each of R mechanisms:

    /epsilon/noise, sampling, times, delta    float64 [R]: the mechanism, how often it is used, delta
    /epsilon/rdp                              float64 [R]: epsilon by Renyi orders 2, 3 .. 63, 128 ..
                                              1024, and those of `default_rdp` by its default orders
    /epsilon/default_rdp                      float64 [R]
    /epsilon/pld                              float64 [R]: by its privacy loss distribution
    /divergence/noise, sampling, order, value float64 [D]: Renyi divergences by integration

dp-accounting takes the sizes of a series' terms where its order is no whole number, and so gives an
upper bound of the divergence; the integrals are exact.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from pathlib import Path

EXIT_SKIP = 77

try:
    import dp_accounting
    import mpmath
    import numpy as np
    from dp_accounting import pld, rdp
    from golden import Golden, differences, read, write
except ImportError as missing:
    print(f"make_privacy.py: skipped, {missing}; pip install dp-accounting==0.6.0 mpmath h5py",
          file=sys.stderr)
    sys.exit(EXIT_SKIP)

TOLERANCE = 1e-6
WHOLE_ORDERS = [*range(2, 64), 128, 256, 512, 1024]
#: Noise, sampling, times, delta: those whose epsilon is between 0.05 and 40 are kept.
PUBLISHED = [
    (1.0, 0.01, 1000, 1e-5), (1.1, 0.01, 10000, 1e-5), (0.8, 0.05, 100, 1e-6), (1.5, 0.05, 1000, 1e-6),
    (1.5, 0.04, 2250, 1e-5), (1.0, 0.1, 100, 1e-5), (0.6, 0.02, 500, 1e-6), (2.0, 0.3, 200, 1e-5),
    (1.0, 1.0, 20, 1e-5), (0.7, 0.001, 20000, 1e-6),
]
GRID = [*PUBLISHED, *itertools.product((0.7, 1.0, 2.0, 5.0), (0.002, 0.03, 0.2, 1.0),
                                       (1, 30, 900), (1e-5, 1e-8))]
DIVERGENCES = itertools.product((0.7, 1.3, 3.0), (0.004, 0.1, 0.6), (1.1, 1.7, 2.5, 4.0, 10.3))


def event(noise: float, sampling: float) -> dp_accounting.DpEvent:
    gaussian = dp_accounting.GaussianDpEvent(noise)
    return dp_accounting.PoissonSampledDpEvent(sampling, gaussian) if sampling < 1 else gaussian


def epsilons(noise: float, sampling: float, times: int, delta: float) -> tuple[float, float, float]:
    accountants = rdp.RdpAccountant(WHOLE_ORDERS), rdp.RdpAccountant(), pld.PLDAccountant()
    for accountant in accountants:
        accountant.compose(event(noise, sampling), times)
    return tuple(accountant.get_epsilon(delta) for accountant in accountants)


def divergence(noise: float, sampling: float, order: float) -> float:
    """Of (1 - q) N(0, z^2) + q N(1, z^2) from N(0, z^2), the direction that is larger."""
    mpmath.mp.dps = 30
    z, q, alpha = mpmath.mpf(noise), mpmath.mpf(sampling), mpmath.mpf(order)

    def integrand(x):
        ratio = 1 - q + q * mpmath.exp((2 * x - 1) / (2 * z * z))
        return mpmath.npdf(x, 0, z) * ratio ** alpha

    middle = alpha
    ends = [-12 * z, 0, middle / 2, middle, middle + 12 * z]
    return float(mpmath.log(mpmath.quad(integrand, ends)) / (alpha - 1))


def build() -> Golden:
    golden = Golden()
    golden.describe("/", title="Costs of differential privacy by dp-accounting", layout=__doc__)
    rows = [(*row, *epsilons(*row)) for row in GRID]
    rows = [row for row in rows if 0.05 < row[-1] < 40]
    names = "noise", "sampling", "times", "delta", "rdp", "default_rdp", "pld"
    golden.put("/epsilon", **{name: np.float64(column) for name, column in zip(names, zip(*rows))})
    rows = [(*row, divergence(*row)) for row in DIVERGENCES]
    names = "noise", "sampling", "order", "value"
    golden.put("/divergence", **{name: np.float64(column) for name, column in zip(names, zip(*rows))})
    return golden


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    file = Path(__file__).parent / "privacy.h5"
    golden = build()
    if not parser.parse_args().check:
        write(golden, file)
        print(f"wrote {file}: {len(golden.data['/epsilon/pld'])} mechanisms")
        return 0
    found = differences(golden, read(file), TOLERANCE)
    print(f"{'FAIL' if found else 'ok'} {file.name}", *found, sep="\n  ")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
