/* Our kernels against OpenBLAS, for the three products of dense layers of many shapes.
 *
 * Both alternate in one process and are timed on the processor; figures are medians. The
 * factors that come out of a ReLU are half zero, as they are in a hidden layer, which our
 * kernels skip and OpenBLAS multiplies; "full" are factors without zeros, as in a first
 * layer of photographs. Both do all of a layer's work: bias, ReLU, mask, step of SGD.
 *
 *     build/tests/bench/bench_gemm                  many layers and batches
 *     build/tests/bench/bench_gemm 2048 2048 256    one layer and batch
 *
 * One line a case for people on stderr, and one of JSON on stdout.
 */
#include "measure.h"

#include "fedmpi/core/memory.h"
#include "fedmpi/math/blas.h"
#include "fedmpi/math/dense.h"
#include "fedmpi/math/gemm.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDEST = 3072, MOST_SAMPLES = 256, TURNS = 9, WHOSE = 2 };

typedef struct {
    fed_product_kind_t kind;
    size_t batch, inputs, outputs;
} product_t;

static const char *const kind_names[FED_PRODUCT_KINDS] = {"forward", "input", "weights"};
static const size_t batches[] = {10, 32, 64, 128, 256};
static const size_t layers[][2] = {{200, 10},   {200, 200},   {784, 200},  {512, 512},
                                   {3072, 512}, {1024, 1024}, {2048, 2048}};

static float *x, *dy, *w, *v, *y, *memory;
static const fed_sgd_t sgd = {.learning_rate = 1e-9f, .momentum = 0.9f};

static double uniform(void) {
    static uint64_t state = 1;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (double)(state >> 40) * 0x1p-24;
}

static void fill(float *to, size_t n, double zeros) {
    for (size_t j = 0; j < n; j++)
        to[j] = uniform() < zeros ? 0.0f : (float)uniform() + 0.01f;
}

static void run(const product_t *p, bool openblas) {
    size_t n = p->inputs * p->outputs;
    fed_sink_t weights = fed_sink_sgd(&sgd, w, v), bias = fed_sink_sgd(&sgd, w + n, v + n);
    if (p->kind == FED_PRODUCT_FORWARD)
        (openblas ? fed_gemm_forward : fed_dense_forward)(p->batch, p->inputs, p->outputs, x, w,
                                                          w + n, true, y);
    else if (p->kind == FED_PRODUCT_BACKWARD_INPUT)
        (openblas ? fed_gemm_backward_input : fed_dense_backward_input)(p->batch, p->inputs,
                                                                        p->outputs, dy, w, x, y);
    else if (openblas)
        fed_gemm_backward_weights(p->batch, p->inputs, p->outputs, x, dy, &weights, &bias, memory);
    else
        fed_dense_backward_weights(p->batch, p->inputs, p->outputs, x, dy, &weights, &bias);
}

/* So many runs in a row that the clock's ticks do not matter. */
static size_t repeats(const product_t *p) {
    double operations = 2.0 * (double)p->batch * (double)p->inputs * (double)p->outputs;
    return operations > 2e7 ? 1 : (size_t)(2e7 / operations);
}

/* Microseconds of ours and theirs. */
static void measure(const product_t *p, double us[WHOSE]) {
    double times[WHOSE][TURNS];
    size_t count = repeats(p);
    for (size_t turn = 0; turn < TURNS; turn++)
        for (size_t whose = 0; whose < WHOSE; whose++) {
            run(p, whose);
            double start = processor_us();
            for (size_t i = 0; i < count; i++)
                run(p, whose);
            times[whose][turn] = (processor_us() - start) / (double)count;
        }
    for (size_t whose = 0; whose < WHOSE; whose++)
        us[whose] = median(times[whose], TURNS);
}

static void report(const product_t *p, const double half[WHOSE], const double full[WHOSE]) {
    bool openblas = fed_gemm_is_openblas(FED_GEMM_AUTO, p->kind, p->batch, p->inputs, p->outputs);
    fprintf(stderr, "%4zu x %4zu, batch %3zu, %-8s %9.1f %9.1f %6.2f %9.1f %9.1f %6.2f  %s\n",
            p->inputs, p->outputs, p->batch, kind_names[p->kind], half[0], half[1],
            half[0] / half[1], full[0], full[1], full[0] / full[1], openblas ? "openblas" : "own");
    printf(
        "{\"benchmark\": \"gemm\", \"inputs\": %zu, \"outputs\": %zu, \"batch\": %zu, "
        "\"product\": \"%s\", \"own_us\": %.2f, \"openblas_us\": %.2f, \"own_full_us\": %.2f, "
        "\"openblas_full_us\": %.2f, \"auto\": \"%s\"}\n",
        p->inputs, p->outputs, p->batch, kind_names[p->kind], half[0], half[1], full[0], full[1],
        openblas ? "openblas" : "own");
}

/* The three products of a layer. */
static void compare_layer(size_t inputs, size_t outputs, size_t batch) {
    size_t samples = batch * (inputs > outputs ? inputs : outputs);
    for (int kind = 0; kind < FED_PRODUCT_KINDS; kind++) {
        product_t p = {(fed_product_kind_t)kind, batch, inputs, outputs};
        double half[WHOSE], full[WHOSE];
        fill(x, samples, 0), fill(dy, samples, 0);
        measure(&p, full);
        fill(x, samples, 0.5), fill(dy, samples, 0.5);
        measure(&p, half);
        report(&p, half, full);
    }
}

static size_t number(const char *text, size_t most) {
    size_t value = strtoul(text, NULL, 10);
    if (value < 1 || value > most) {
        fprintf(stderr, "bench_gemm [INPUTS OUTPUTS BATCH]: %s is not 1 to %zu\n", text, most);
        exit(2);
    }
    return value;
}

/* All layers and batches, or those that the command line says. */
int main(int argc, char **argv) {
    fed_blas_use_one_thread();
    size_t largest = (size_t)(WIDEST + 1) * WIDEST, samples = (size_t)MOST_SAMPLES * WIDEST;
    w = FED_NEW_ARRAY(float, largest);
    v = FED_NEW_ARRAY(float, largest);
    memory = FED_NEW_ARRAY(float, largest);
    x = FED_NEW_ARRAY(float, samples);
    y = FED_NEW_ARRAY(float, samples);
    dy = FED_NEW_ARRAY(float, samples);
    fill(w, largest, 0);
    fprintf(stderr, "kernels %s, %s\n", fed_simd_name(), fed_blas_description());
    fprintf(stderr, "%-33s %9s %9s %6s %9s %9s %6s\n", "us", "own", "openblas", "ratio", "own full",
            "openblas", "ratio");
    if (argc == 4)
        compare_layer(number(argv[1], WIDEST), number(argv[2], WIDEST),
                      number(argv[3], MOST_SAMPLES));
    else
        for (size_t l = 0; l < sizeof layers / sizeof *layers; l++)
            for (size_t b = 0; b < sizeof batches / sizeof *batches; b++)
                compare_layer(layers[l][0], layers[l][1], batches[b]);
    fed_free(w), fed_free(v), fed_free(memory);
    fed_free(x), fed_free(y), fed_free(dy);
    return 0;
}
