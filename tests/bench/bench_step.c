/* How fast a training step is beside the machine's own bound.
 *
 * Everything is measured in one process, in turns, so that what else the machine
 * does falls on all of them alike; figures are medians over many turns, in processor
 * time. The unit is the speed of a large cblas_sgemm on this core.
 */
#include "fedmpi/math/adam.h"
#include "fedmpi/math/dense.h"
#include "fedmpi/math/fixed.h"
#include "fedmpi/math/pixels.h"
#include "fedmpi/math/simd.h"
#include "fedmpi/math/softmax.h"
#include "fedmpi/math/sparse.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

enum { INPUTS = 784, H1 = 200, H2 = 200, CLASSES = 10, BATCH = 32 };
/* Where the tensors start in the flat parameter vector. */
enum {
    W1 = 0,
    B1 = W1 + INPUTS * H1,
    W2 = B1 + H1,
    B2 = W2 + H1 * H2,
    W3 = B2 + H2,
    B3 = W3 + H2 * CLASSES,
    PARAMETERS = B3 + CLASSES
};
enum { SAMPLES = 300, EPOCHS = 5, STEPS = (SAMPLES + BATCH - 1) / BATCH * EPOCHS };

static float *w, *v, *x, *h1, *h2, *logits, *d1, *d2;
static uint8_t *pixels;
static int32_t labels[60000];
static fed_sparse_t *sparse;
static const fed_sgd_t sgd = {.learning_rate = 0.01f, .momentum = 0.9f};

static double now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static int compare(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static double median(double *times, int n) {
    qsort(times, (size_t)n, sizeof *times, compare);
    return times[n / 2];
}

static void *allocate(size_t bytes) {
    void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (!memory)
        exit(1);
    memset(memory, 0, bytes);
    return memory;
}

static void load_mnist(const char *folder) {
    char path[512];
    uint8_t header[16];
    snprintf(path, sizeof path, "%s/train-images-idx3-ubyte.gz", folder);
    gzFile f = gzopen(path, "rb");
    pixels = allocate(60000 * INPUTS);
    if (!f || gzread(f, header, 16) != 16 || gzread(f, pixels, 60000 * INPUTS) != 60000 * INPUTS) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(1);
    }
    gzclose(f);
    snprintf(path, sizeof path, "%s/train-labels-idx1-ubyte.gz", folder);
    f = gzopen(path, "rb");
    static uint8_t bytes[60000];
    if (!f || gzread(f, header, 8) != 8 || gzread(f, bytes, 60000) != 60000)
        exit(1);
    gzclose(f);
    for (int i = 0; i < 60000; i++)
        labels[i] = bytes[i];
}

static float uniform(void) {
    static uint64_t state = 1;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (float)(state >> 40) * 0x1p-23f - 1.0f;
}

static void fill_layer(size_t first, size_t inputs, size_t outputs) {
    float bound = inputs == INPUTS ? 1.0f / 28.0f : 0.0707f;
    for (size_t j = 0; j < (inputs + 1) * outputs; j++)
        w[first + j] = bound * uniform();
}

static void start_client(void) {
    fill_layer(W1, INPUTS, H1);
    fill_layer(W2, H1, H2);
    fill_layer(W3, H2, CLASSES);
    memset(v, 0, PARAMETERS * sizeof *v);
}

enum {
    DECODE,
    FORWARD1,
    FORWARD2,
    FORWARD3,
    LOSS,
    INPUT3,
    WEIGHTS3,
    INPUT2,
    WEIGHTS2,
    WEIGHTS1,
    FLUSH,
    PARTS
};
static const char *const part_names[PARTS] = {"decode",
                                              "forward 1",
                                              "forward 2",
                                              "forward 3",
                                              "loss",
                                              "backward input 3",
                                              "backward weights 3",
                                              "backward input 2",
                                              "backward weights 2",
                                              "backward weights 1",
                                              "flush"};
static double part_us[PARTS], last_us;

static void tick(int part) {
    double t = now_us();
    if (part >= 0)
        part_us[part] += t - last_us;
    last_us = t;
}

static fed_sink_t sink_at(size_t first) {
    return fed_sink_sgd(&sgd, w + first, v + first);
}

static void backward_weights(size_t batch, size_t inputs, size_t outputs, const float *from,
                             const float *dy, size_t weight, size_t bias) {
    fed_sink_t weights = sink_at(weight), biases = sink_at(bias);
    fed_dense_backward_weights(batch, inputs, outputs, from, dy, &weights, &biases);
}

static double loss_sum;
static int64_t correct;

static void step(size_t batch, const uint32_t *index, bool skip, bool timed) {
#define TICK(part)                                                                                 \
    if (timed)                                                                                     \
    tick(part)
    int32_t y[BATCH];
    TICK(-1);
    fed_pixels_gather(batch, INPUTS, pixels, index, 1.0f / 255.0f, skip ? 0.0f : 0.1f, x);
    for (size_t s = 0; s < batch; s++)
        y[s] = labels[index[s]];
    TICK(DECODE);
    if (skip)
        fed_sparse_forward(sparse, batch, x, w + W1, w + B1, true, h1);
    else
        fed_dense_forward(batch, INPUTS, H1, x, w + W1, w + B1, true, h1);
    TICK(FORWARD1);
    fed_dense_forward(batch, H1, H2, h1, w + W2, w + B2, true, h2);
    TICK(FORWARD2);
    fed_dense_forward(batch, H2, CLASSES, h2, w + W3, w + B3, false, logits);
    TICK(FORWARD3);
    fed_softmax_cross_entropy(batch, CLASSES, logits, y, logits, &loss_sum, &correct);
    TICK(LOSS);
    fed_dense_backward_input(batch, H2, CLASSES, logits, w + W3, h2, d2);
    TICK(INPUT3);
    backward_weights(batch, H2, CLASSES, h2, logits, W3, B3);
    TICK(WEIGHTS3);
    fed_dense_backward_input(batch, H1, H2, d2, w + W2, h1, d1);
    TICK(INPUT2);
    backward_weights(batch, H1, H2, h1, d2, W2, B2);
    TICK(WEIGHTS2);
    if (skip) {
        fed_sink_t weights = sink_at(W1), bias = sink_at(B1);
        fed_sparse_backward_weights(sparse, batch, x, d1, &weights, &bias);
    } else
        backward_weights(batch, INPUTS, H1, x, d1, W1, B1);
    TICK(WEIGHTS1);
#undef TICK
}

/* One client: its epochs over its samples in shuffled order; microseconds a step. */
static double client(size_t number, bool skip, bool timed) {
    uint32_t index[SAMPLES];
    for (size_t s = 0; s < SAMPLES; s++)
        index[s] = (uint32_t)((number * SAMPLES + s) * 7919 % 60000);
    start_client();
    loss_sum = 0;
    correct = 0;
    double start = now_us();
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
        for (size_t s = SAMPLES - 1; s > 0; s--) {
            size_t other = (size_t)((uniform() + 1.0f) * 0.5f * (float)(s + 1)) % (s + 1);
            uint32_t t = index[s];
            index[s] = index[other];
            index[other] = t;
        }
        for (size_t s = 0; s < SAMPLES; s += BATCH)
            step(SAMPLES - s < BATCH ? SAMPLES - s : BATCH, index + s, skip, timed);
    }
    if (timed)
        tick(-1);
    if (skip)
        fed_sparse_flush(sparse);
    if (timed)
        tick(FLUSH);
    return (now_us() - start) / STEPS;
}

/* What a client costs beside its steps: taking the global parameters, and its update's
 * way into the sum. Microseconds. */
static void client_overhead(const float *global, int64_t *sums, double *start, double *encode) {
    double norm, t = now_us();
    fed_fixed_accumulate(PARAMETERS, w, global, 1.0 / 150, sums, &norm);
    *encode = now_us() - t;
    t = now_us();
    memcpy(w, global, PARAMETERS * sizeof *w);
    memset(v, 0, PARAMETERS * sizeof *v);
    *start = now_us() - t;
}

/* A step of Adam on a stored gradient, in parts that stay in the cache; microseconds. */
static double adam_step(const float *g, float *memory) {
    enum { PART = 2048 };
    const fed_adam_t adam = {.beta1 = 0.9f,
                             .fresh1 = 0.1f,
                             .beta2 = 0.999f,
                             .fresh2 = 0.001f,
                             .rate = 0.001f,
                             .root = 1,
                             .epsilon = 1e-8f,
                             .keep = 1};
    double start = now_us();
    for (size_t first = 0; first < PARAMETERS; first += PART) {
        size_t count = PARAMETERS - first < PART ? PARAMETERS - first : PART;
        fed_adam_step(count, &adam, g + first, memory + first, memory + PARAMETERS + first,
                      w + first);
    }
    return now_us() - start;
}

/* Test-set evaluation of 10,000 samples; microseconds. */
static double evaluate(void) {
    enum { CHUNK = 64 };
    double start = now_us(), loss = 0;
    int64_t right = 0;
    for (size_t s = 0; s < 10000; s += CHUNK) {
        size_t batch = 10000 - s < CHUNK ? 10000 - s : CHUNK;
        fed_pixels_gather(batch, INPUTS, pixels + s * INPUTS, NULL, 1.0f / 255.0f, 0.0f, x);
        fed_dense_forward(batch, INPUTS, H1, x, w + W1, w + B1, true, h1);
        fed_dense_forward(batch, H1, H2, h1, w + W2, w + B2, true, h2);
        fed_dense_forward(batch, H2, CLASSES, h2, w + W3, w + B3, false, logits);
        fed_softmax_cross_entropy(batch, CLASSES, logits, labels + s, NULL, &loss, &right);
    }
    return now_us() - start;
}

static double sgemm_us(int n, float *a, float *b, float *c) {
    double start = now_us();
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1, a, n, b, n, 0, c, n);
    return now_us() - start;
}

/* One product of a layer, ours and that of cblas. */
enum { FORWARD, INPUT, WEIGHTS, KINDS };

static void ours(int kind, size_t inputs, size_t outputs, size_t at) {
    if (kind == FORWARD)
        fed_dense_forward(BATCH, inputs, outputs, x, w + at, w, true, h1);
    else if (kind == INPUT)
        fed_dense_backward_input(BATCH, inputs, outputs, d1, w + at, x, h2);
    else
        backward_weights(BATCH, inputs, outputs, x, d1, at, B1);
}

static void theirs(int kind, int inputs, int outputs, size_t at) {
    if (kind == FORWARD)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, BATCH, outputs, inputs, 1, x, inputs,
                    w + at, outputs, 0, h1, outputs);
    else if (kind == INPUT)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, BATCH, inputs, outputs, 1, d1, outputs,
                    w + at, outputs, 0, h2, inputs);
    else
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, inputs, outputs, BATCH, 1, x, inputs,
                    d1, outputs, 0.9f, v + at, outputs);
}

/* Both with dense factors, ours also with half of them zero. cblas neither adds the
 * bias, nor masks, nor applies the gradient. */
static void compare_with_cblas(double peak) {
    static const char *const kinds[KINDS] = {"forward", "input", "weights"};
    static const struct {
        int inputs, outputs;
        size_t at;
    } layers[] = {{INPUTS, H1, W1}, {H1, H2, W2}, {H2, CLASSES, W3}};
    enum { REPEAT = 201 };
    printf("%-20s %8s %8s %8s %8s %8s\n", "us (share of peak)", "cblas", "", "dense", "", "half");
    for (int layer = 0; layer < 3; layer++)
        for (int kind = 0; kind < KINDS; kind++) {
            int inputs = layers[layer].inputs, outputs = layers[layer].outputs;
            double times[3][REPEAT];
            for (int r = 0; r < 3 * REPEAT; r++) {
                int which = r % 3;
                for (int j = 0; j < BATCH * inputs; j++)
                    x[j] = which == 2 && uniform() < 0 ? 0.0f : uniform() + 1.1f;
                for (int j = 0; j < BATCH * outputs; j++)
                    d1[j] = which == 2 && uniform() < 0 ? 0.0f : uniform();
                double start = now_us();
                if (which == 0)
                    theirs(kind, inputs, outputs, layers[layer].at);
                else
                    ours(kind, (size_t)inputs, (size_t)outputs, layers[layer].at);
                times[which][r / 3] = now_us() - start;
            }
            double cblas = median(times[0], REPEAT), dense = median(times[1], REPEAT);
            double ideal = 2e-3 * BATCH * inputs * outputs / peak;
            printf("%3d x %3d %-10s %8.2f   (%3.0f%%) %8.2f   (%3.0f%%) %8.2f\n", inputs, outputs,
                   kinds[kind], cblas, 100 * ideal / cblas, dense, 100 * ideal / dense,
                   median(times[2], REPEAT));
        }
}

static double zeros(const float *a, size_t n) {
    size_t count = 0;
    for (size_t j = 0; j < n; j++)
        count += a[j] == 0.0f;
    return (double)count / (double)n;
}

int main(int argc, char **argv) {
    enum { N = 768, TURNS = 41, BIG = 1 << 22 };
    load_mnist(argc > 1 ? argv[1] : "data/mnist");
    w = allocate(PARAMETERS * 4 + 64);
    v = allocate(PARAMETERS * 4 + 64);
    x = allocate(256 * INPUTS * 4);
    h1 = allocate(256 * H1 * 4), d1 = allocate(256 * H1 * 4);
    h2 = allocate(256 * INPUTS * 4), d2 = allocate(256 * H2 * 4);
    logits = allocate(256 * CLASSES * 4);
    sparse = fed_sparse_create(BATCH, INPUTS, H1);
    float *a = allocate(N * N * 4), *b = allocate(N * N * 4), *c = allocate(N * N * 4);
    for (int i = 0; i < N * N; i++)
        a[i] = uniform(), b[i] = uniform();
    float *local = allocate(BIG * 4), *global = allocate(BIG * 4);
    int64_t *acc = allocate(BIG * 8);
    for (int i = 0; i < BIG; i++)
        local[i] = uniform(), global[i] = uniform();

    double gemm[TURNS], dense[TURNS], fast[TURNS], test[TURNS], fixed[TURNS], decode[TURNS];
    double start[TURNS], encode[TURNS], adam[TURNS], zero[4] = {0}, norm;
    float *moments = allocate(2 * PARAMETERS * 4);
    for (int turn = 0; turn < TURNS; turn++) {
        gemm[turn] = sgemm_us(N, a, b, c);
        dense[turn] = client((size_t)turn, false, false);
        gemm[turn] += sgemm_us(N, a, b, c);
        fast[turn] = client((size_t)turn, true, false);
        zero[0] = zeros(x, BATCH * INPUTS);
        zero[1] = zeros(h1, BATCH * H1);
        zero[2] = zeros(h2, BATCH * H2);
        zero[3] = loss_sum / SAMPLES / EPOCHS;
        client((size_t)turn, true, true);
        client_overhead(global, acc, &start[turn], &encode[turn]);
        adam[turn] = adam_step(global, moments);
        test[turn] = evaluate();
        double t = now_us();
        fed_fixed_accumulate(BIG, local, global, 0.01, acc, &norm);
        fixed[turn] = now_us() - t;
        t = now_us();
        fed_fixed_decode(BIG, acc, local);
        decode[turn] = now_us() - t;
    }
    double peak = 2.0 * N * N * N / (median(gemm, TURNS) / 2) * 1e-3; /* GFLOP/s */
    double flops = 2.0 * BATCH * (2.0 * INPUTS * H1 + 3.0 * H1 * H2 + 3.0 * H2 * CLASSES);
    flops *= (double)SAMPLES / BATCH / (STEPS / EPOCHS); /* the last batch is smaller */
    double bound = flops / peak * 1e-3;
    printf("kernels %s, cblas_sgemm(%d) %.1f GFLOP/s, %s\n", fed_simd_name(), N, peak,
           openblas_get_corename());
    printf("zeros: x %.2f h1 %.2f h2 %.2f; mean loss %.3f\n", zero[0], zero[1], zero[2], zero[3]);
    printf("%-20s %8s %8s\n", "", "us", "bound");
    printf("%-20s %8.1f %8.2f\n", "dense bound", bound, 1.0);
    double d = median(dense, TURNS), f = median(fast, TURNS);
    printf("%-20s %8.1f %8.2f\n", "step, dense", d, d / bound);
    printf("%-20s %8.1f %8.2f\n", "step, sparse", f, f / bound);
    double total = 0;
    for (int part = 0; part < PARTS; part++) {
        double us = part_us[part] / TURNS / STEPS;
        total += us;
        printf("  %-18s %8.2f\n", part_names[part], us);
    }
    printf("  %-18s %8.2f\n", "sum", total);
    printf("%-20s %8.1f\n", "adam on a gradient", median(adam, TURNS));
    printf("%-20s %8.1f\n", "start a client", median(start, TURNS));
    printf("%-20s %8.1f\n", "encode its update", median(encode, TURNS));
    printf("%-20s %8.1f\n", "evaluate 10,000", median(test, TURNS));
    printf("%-20s %8.1f  (%.1f GB/s)\n", "fixed accumulate 4M", median(fixed, TURNS),
           24.0 * BIG / median(fixed, TURNS) * 1e-3);
    printf("%-20s %8.1f  (%.1f GB/s)\n", "fixed decode 4M", median(decode, TURNS),
           12.0 * BIG / median(decode, TURNS) * 1e-3);
    compare_with_cblas(peak);
    return 0;
}
