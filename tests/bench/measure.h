/* What the benchmarks share: a clock, medians, and what a core of this machine can do at most.
 *
 * The two limits have loops of their own for each instruction set, and are those of the
 * instruction set whose kernels run: multiply-adds that wait for nothing and touch no memory, and
 * the bytes that a step of momentum on so many parameters reads and writes. */
#ifndef FEDMPI_TESTS_BENCH_MEASURE_H
#define FEDMPI_TESTS_BENCH_MEASURE_H

#include "fedmpi/math/simd.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

/* Of this thread, in microseconds. */
static inline double processor_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static inline int compare_doubles(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static inline double median(double *values, size_t n) {
    qsort(values, n, sizeof *values, compare_doubles);
    return values[n / 2];
}

/* --- Limits ------------------------------------------------------------------------------ */

/* Makes `rounds` times `sums` independent multiply-adds of vectors; a number that nobody needs. */
typedef float multiply_add_fn(long rounds);
/* A step of momentum without a gradient. */
typedef void update_fn(size_t n, float *v, float *w);

typedef struct {
    const char *kernels; /* fed_simd_name */
    multiply_add_fn *multiply_add;
    double operations; /* of a round */
    update_fn *update;
} limits_t;

/* Sums are in registers where loops over them are gone. */
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif

#define DEFINE_LIMITS(name, features, vec_t, lanes, sums_count, splat, fma, load, store)           \
    __attribute__((target(features))) static float multiply_add_##name(long rounds) {              \
        vec_t sums[sums_count], factor = splat(0.999f);                                            \
        UNROLL for (int i = 0; i < (sums_count); i++) sums[i] = splat((float)i);                   \
        for (long r = 0; r < rounds; r++)                                                          \
            UNROLL for (int i = 0; i < (sums_count); i++) sums[i] = fma(sums[i], factor, factor);  \
        float total = 0, values[lanes];                                                            \
        UNROLL for (int i = 0; i < (sums_count); i++) {                                            \
            store(values, sums[i]);                                                                \
            total += values[0];                                                                    \
        }                                                                                          \
        return total;                                                                              \
    }                                                                                              \
    __attribute__((target(features))) static void update_##name(size_t n, float *v, float *w) {    \
        vec_t momentum = splat(0.9f), rate = splat(-0.01f), none = splat(0.0f);                    \
        for (size_t j = 0; j + (lanes) <= n; j += (lanes)) {                                       \
            vec_t velocity = fma(load(v + j), momentum, none);                                     \
            store(v + j, velocity);                                                                \
            store(w + j, fma(velocity, rate, load(w + j)));                                        \
        }                                                                                          \
    }

/* As the compiler's vectors of 16 bytes, which fuse nothing where the processor does not. */
typedef float quads_t __attribute__((vector_size(16)));
typedef float quads_unaligned_t __attribute__((vector_size(16), aligned(4), may_alias));
#define QUAD_SPLAT(value) ((value) - (quads_t){0})
#define QUAD_FMA(a, b, c) ((a) * (b) + (c))
#define QUAD_LOAD(from) (*(const quads_unaligned_t *)(from))
#define QUAD_STORE(to, value) (*(quads_unaligned_t *)(to) = (value))
#ifdef __x86_64__
DEFINE_LIMITS(plain, "sse2", quads_t, 4, 12, QUAD_SPLAT, QUAD_FMA, QUAD_LOAD, QUAD_STORE)
DEFINE_LIMITS(avx2, "avx2,fma", __m256, 8, 12, _mm256_set1_ps, _mm256_fmadd_ps, _mm256_loadu_ps,
              _mm256_storeu_ps)
DEFINE_LIMITS(avx512, "avx512f", __m512, 16, 16, _mm512_set1_ps, _mm512_fmadd_ps, _mm512_loadu_ps,
              _mm512_storeu_ps)
#else
DEFINE_LIMITS(plain, "", quads_t, 4, 12, QUAD_SPLAT, QUAD_FMA, QUAD_LOAD, QUAD_STORE)
#endif

static inline const limits_t *limits(void) {
    static const limits_t of_kernels[] = {
#ifdef __x86_64__
        {"avx512", multiply_add_avx512, 2.0 * 16 * 16, update_avx512},
        {"avx2", multiply_add_avx2, 2.0 * 12 * 8, update_avx2},
#endif
        {"plain", multiply_add_plain, 2.0 * 12 * 4, update_plain},
    };
    size_t i = 0;
    while (strcmp(of_kernels[i].kernels, fed_simd_name()) != 0)
        i++;
    return &of_kernels[i];
}

/* Operations a nanosecond of this thread: GFLOP/s, for some 100 us. */
static inline double peak_gflops(void) {
    enum { ROUNDS = 20000 };
    double started = processor_us();
    float sum = limits()->multiply_add(ROUNDS);
    double us = processor_us() - started;
    return sum != sum ? 0 : ROUNDS * limits()->operations / us * 1e-3; /* the sum is needed */
}

/* Bytes a nanosecond: GB/s of two vectors that are read and written. */
static inline double update_gbytes(size_t n, float *v, float *w) {
    enum { REPEAT = 4 };
    double started = processor_us();
    for (int r = 0; r < REPEAT; r++)
        limits()->update(n, v, w);
    return REPEAT * 16.0 * (double)n / (processor_us() - started) * 1e-3;
}

/* --- The same on all cores at once ------------------------------------------------------- */

typedef struct {
    size_t parameters;
    pthread_barrier_t *start;
    double gflops, gbytes;
} core_t;

static inline void *measure_core(void *context) {
    enum { TURNS = 15 };
    core_t *core = context;
    double gflops[TURNS], gbytes[TURNS];
    float *v = calloc(core->parameters, sizeof *v), *w = calloc(core->parameters, sizeof *w);
    if (!v || !w)
        exit(1);
    pthread_barrier_wait(core->start);
    for (int turn = 0; turn < TURNS; turn++)
        gflops[turn] = peak_gflops();
    pthread_barrier_wait(core->start);
    for (int turn = 0; turn < TURNS; turn++)
        gbytes[turn] = update_gbytes(core->parameters, v, w);
    core->gflops = median(gflops, TURNS);
    core->gbytes = median(gbytes, TURNS);
    free(v);
    free(w);
    return NULL;
}

/* What `cores` threads do together, each on parameters of its own. */
static inline core_t measure_cores(unsigned cores, size_t parameters) {
    core_t *all = calloc(cores, sizeof *all), total = {0};
    pthread_t *threads = calloc(cores, sizeof *threads);
    pthread_barrier_t start;
    if (!all || !threads || pthread_barrier_init(&start, NULL, cores) != 0)
        exit(1);
    for (unsigned c = 0; c < cores; c++) {
        all[c] = (core_t){.parameters = parameters, .start = &start};
        if (pthread_create(&threads[c], NULL, measure_core, &all[c]) != 0)
            exit(1);
    }
    for (unsigned c = 0; c < cores; c++) {
        pthread_join(threads[c], NULL);
        total.gflops += all[c].gflops;
        total.gbytes += all[c].gbytes;
    }
    pthread_barrier_destroy(&start);
    free(threads);
    free(all);
    return total;
}

#endif
