"""The kernels on compilers and processors other than this machine's."""

import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from program import ROOT

KERNELS = sorted((ROOT / "src/math/simd").glob("*.c"))
WITH_FALLBACKS = [ROOT / "src/math/simd" / name for name in ("product.c", "descent.c", "fixed.c")]
FLAGS = ["-std=gnu11", "-D_GNU_SOURCE", "-O3", "-Wall", "-Wextra", "-Werror", "-fopenmp-simd",
         "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast", f"-I{ROOT}/include",
         f"-I{ROOT}/src"]
OLD = [name for name in ("gcc-8", "gcc-9", "gcc-10", "gcc-11") if shutil.which(name)]
# A test's own main that prints what the kernels of one build compute.
DIGEST = """
#include "math/simd/kernels.h"
#include "fedmpi/math/fixed.h"
#include <stdio.h>
enum { BATCH = 37, FEW = 30, INPUTS = 53, OUTPUTS = 71, N = INPUTS * OUTPUTS };
static float x[BATCH * INPUTS], dy[BATCH * OUTPUTS], y[BATCH * OUTPUTS], dx[BATCH * INPUTS];
static float w[N], v[N], from[N], b[OUTPUTS], vb[OUTPUTS];
static int64_t sums[N];
static uint32_t columns[2 * INPUTS];
static void fill(float *to, size_t n) {
    static uint64_t state = 1;
    for (size_t j = 0; j < n; j++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        to[j] = state >> 63 ? 0.0f : (float)(state >> 40) * 0x1p-24f;
    }
}
static void print(const void *memory, size_t bytes) {
    uint64_t hash = 14695981039346656037u;
    for (size_t j = 0; j < bytes; j++)
        hash = (hash ^ ((const unsigned char *)memory)[j]) * 1099511628211u;
    printf("%016llx\\n", (unsigned long long)hash);
}
int main(void) {
    fed_sgd_t sgd = {.learning_rate = 0.1f, .momentum = 0.9f};
    fed_sink_t weights = {.sgd = sgd, .w = w, .v = v}, bias = {.sgd = sgd, .w = b, .v = vb};
    double norm;
    fill(x, BATCH * INPUTS), fill(dy, BATCH * OUTPUTS), fill(w, N), fill(from, N);
    FED_SIMD_NAME(product)(&(fed_product_t){.batch = BATCH, .inner = INPUTS, .outer = OUTPUTS, .x = x, .w = w,
                                .bias = b, .relu = true, .y = y});
    FED_SIMD_NAME(product)(&(fed_product_t){.batch = BATCH, .inner = OUTPUTS, .outer = INPUTS, .x = dy, .w = w,
                                .transposed = true, .gate = x, .y = dx});
    FED_SIMD_NAME(descent)(&(fed_descent_t){.batch = BATCH, .inputs = INPUTS, .outputs = OUTPUTS, .x = x,
                                .dy = dy, .weights = &weights, .bias = &bias});
    print(y, sizeof y), print(dx, sizeof dx), print(w, sizeof w), print(v, sizeof v);
    FED_SIMD_NAME(scan)(BATCH, INPUTS, x, columns);
    FED_SIMD_NAME(product)(&(fed_product_t){.batch = BATCH, .inner = INPUTS, .outer = OUTPUTS, .x = x, .w = w,
                                .columns = columns, .bias = b, .y = y});
    FED_SIMD_NAME(descent)(&(fed_descent_t){.batch = FEW, .inputs = INPUTS, .outputs = OUTPUTS, .x = x,
                                .dy = dy, .skip_rows = true, .weights = &weights, .bias = &bias});
    FED_SIMD_NAME(fixed_accumulate)(N, w, from, 0.25, sums, &norm);
    print(y, sizeof y), print(w, sizeof w), print(v, sizeof v);
    print(b, sizeof b), print(sums, sizeof sums), print(&norm, sizeof norm);
    return 0;
}
"""


def cpu_flags() -> set[str]:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("flags"):
            return set(line.split(":")[1].split())
    return set()


class Compilers(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def compile(self, compiler: str, source: Path, *flags: str) -> Path:
        target = self.folder / f"{source.stem}.o"
        contract = ["-ffp-contract=off"] if source.name == "fixed.c" else []
        done = subprocess.run([compiler, *FLAGS, *contract, *flags, "-c", source, "-o", target],
                              check=False, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return target

    def digest(self, compiler: str, *flags: str) -> str:
        """What the kernels compute that this compiler makes with these flags."""
        main = self.folder / "digest.c"
        main.write_text(DIGEST)
        objects = [self.compile(compiler, source, "-DFED_SIMD=plain", *flags)
                   for source in [*WITH_FALLBACKS, main]]
        program = self.folder / "digest"
        subprocess.run([compiler, *objects, "-lm", "-o", program], check=True)
        return subprocess.run([program], check=True, capture_output=True, text=True).stdout

    def levels(self) -> list[list[str]]:
        """Of those in the Makefile, what this processor runs; features as old compilers know
        them."""
        levels: list[list[str]] = [[]]
        if {"avx2", "fma", "bmi1", "bmi2"} <= cpu_flags():
            levels.append(["-mavx2", "-mfma", "-mbmi", "-mbmi2", "-mlzcnt", "-mpopcnt"])
        return levels

    @unittest.skipUnless(OLD, "no gcc older than 12 is installed")
    def test_an_old_compiler_makes_kernels_with_the_same_bits(self):
        for level in self.levels():
            with self.subTest(compiler=OLD[0], level=level):
                self.assertEqual(self.digest(OLD[0], *level), self.digest("gcc", *level))

    def test_fallbacks_for_gcc_8_give_the_same_bits(self):
        for level in self.levels():
            with self.subTest(level=level):
                self.assertEqual(self.digest("gcc", "-DFED_GCC_VERSION=8", *level),
                                 self.digest("gcc", *level))

    @unittest.skipUnless(shutil.which("aarch64-linux-gnu-gcc"), "no cross compiler for 64-bit ARM")
    def test_the_plain_kernels_build_for_arm(self):
        for source in [*KERNELS, ROOT / "src/math/simd.c", ROOT / "src/math/sink.c"]:
            with self.subTest(source.name):
                self.compile("aarch64-linux-gnu-gcc", source, "-DFED_SIMD=plain")


if __name__ == "__main__":
    unittest.main()
