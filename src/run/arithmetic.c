/* Who computes, and since when. */
#include "fedmpi/run/arithmetic.h"

#include "fedmpi/core/log.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/core/text.h"
#include "fedmpi/fl/evaluation.h"
#include "fedmpi/fl/training.h"
#include "fedmpi/math/simd.h"

#include <stdbool.h>
#include <string.h>

#define SINCE "from round "

char *fed_arithmetic_products(const fed_run_t *run) {
    size_t batch = (size_t)fed_training_options(&run->config)->batch_size;
    return fed_model_products(&run->model, batch, FED_EVALUATION_BLOCK);
}

/* By what decides about bits: AVX2's and AVX-512's kernels have the same, and so have those for any
 * processor where it fuses multiply-adds. */
static char *describe_now(const fed_run_t *run) {
    FED_AUTOFREE char *products = fed_arithmetic_products(run);
    bool openblas = products && strstr(products, "openblas");
    return fed_format("%s kernels%s%s%s%s", fed_simd_is_fused() ? "fused" : "plain",
                      products ? ", products of dense layers: " : "", products ? products : "",
                      openblas ? ", " : "", openblas ? run->machine.blas : "");
}

/* What the last piece says, without the round. */
static const char *last_piece(const char *pieces) {
    const char *last = pieces;
    for (const char *next; (next = strstr(last, "\n"));)
        last = next + 1;
    const char *colon = strstr(last, ": ");
    return colon ? colon + 2 : last;
}

char *fed_arithmetic_since(const fed_run_t *run, const char *then, int64_t rounds) {
    FED_AUTOFREE char *now = describe_now(run);
    if (!then)
        return fed_format(SINCE "%lld: %s", (long long)rounds + 1, now);
    const char *last = last_piece(then);
    if (strcmp(last, now) == 0)
        return fed_strdup(then);
    fed_warn(
        "the checkpoint was computed by %s, here it is %s: the bits will not be those of a run "
        "without interruption; FEDMPI_SIMD and OPENBLAS_CORETYPE may bring the same back",
        last, now);
    return fed_format("%s\n" SINCE "%lld: %s", then, (long long)rounds + 1, now);
}
