/* How fast a training step is beside what this core could do at most.
 *
 * Everything is measured in one process, in turns, so that what else the machine
 * does falls on all of them alike; figures are medians over many turns, in processor
 * time. A part's roofline is the longer of its multiply-adds at the peak and its bytes of
 * parameters at the speed of an update; a step's is the sum over its parts.
 *
 *     bench_step [FOLDER OF MNIST]              (default: data/mnist)
 *     bench_step FOLDER steps sparse|dense      one client and nothing else, to be counted
 *     bench_step FOLDER sgemm                   OpenBLAS's speed alone
 */
#include "measure.h"

#include "fedmpi/math/adam.h"
#include "fedmpi/math/dense.h"
#include "fedmpi/math/fixed.h"
#include "fedmpi/math/pixels.h"
#include "fedmpi/math/simd.h"
#include "fedmpi/math/softmax.h"
#include "fedmpi/math/sparse.h"

#include <cblas.h>
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
    double t = processor_us();
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

/* --- What a step has to do --------------------------------------------------------------- */

/* Zeros are multiplied, those of the images are left out, or all of them. */
enum { NO_ZEROS, NO_DARK_PIXELS, NO_ZEROS_AT_ALL, ARITHMETICS };
static double operations[ARITHMETICS][PARTS], bytes[ARITHMETICS][PARTS];

static double count_nonzero(const float *a, size_t n) {
    size_t count = 0;
    for (size_t j = 0; j < n; j++)
        count += a[j] != 0.0f;
    return (double)count;
}

static double count_used_rows(size_t batch) {
    size_t used = 0;
    for (size_t i = 0; i < INPUTS; i++) {
        bool any = false;
        for (size_t s = 0; s < batch; s++)
            any |= x[s * INPUTS + i] != 0.0f;
        used += any;
    }
    return (double)used;
}

/* Of a layer's three products; `factors` and `behind` are x and dy that are multiplied. */
static void count_layer(int arithmetic, int forward, int input, int weights, double rows,
                        double inputs, double outputs, double factors, double behind) {
    double *count = operations[arithmetic], *moved = bytes[arithmetic];
    count[forward] += 2 * factors * outputs;
    moved[forward] += 4 * rows * outputs;
    count[weights] += 2 * factors * outputs;
    moved[weights] += 16 * rows * outputs;
    if (input == PARTS)
        return;
    count[input] += 2 * behind * inputs;
    moved[input] += 4 * inputs * outputs;
}

static void count_step(int arithmetic, size_t batch) {
    double n = (double)batch;
    bool pixels_only = arithmetic != NO_ZEROS_AT_ALL;
    double lit = arithmetic == NO_ZEROS ? n * INPUTS : count_nonzero(x, batch * INPUTS);
    double rows = arithmetic == NO_ZEROS ? INPUTS : count_used_rows(batch);
    double of_h1 = pixels_only ? n * H1 : count_nonzero(h1, batch * H1);
    double of_h2 = pixels_only ? n * H2 : count_nonzero(h2, batch * H2);
    double of_d2 = pixels_only ? n * H2 : count_nonzero(d2, batch * H2);
    count_layer(arithmetic, FORWARD1, PARTS, WEIGHTS1, rows, INPUTS, H1, lit, 0);
    count_layer(arithmetic, FORWARD2, INPUT2, WEIGHTS2, H1, H1, H2, of_h1, of_d2);
    count_layer(arithmetic, FORWARD3, INPUT3, WEIGHTS3, H2, H2, CLASSES, of_h2, n * CLASSES);
}

/* Microseconds of a part, or of all, where a core makes so many operations and moves so many
 * bytes a nanosecond. */
static double part_roofline(int arithmetic, int part, double gflops, double gbytes) {
    double computing = operations[arithmetic][part] / gflops,
           moving = bytes[arithmetic][part] / gbytes;
    return (computing > moving ? computing : moving) * 1e-3 / STEPS;
}

static double roofline(int arithmetic, double gflops, double gbytes) {
    double us = 0;
    for (int part = 0; part < PARTS; part++)
        us += part_roofline(arithmetic, part, gflops, gbytes);
    return us;
}

/* --- Steps ------------------------------------------------------------------------------- */

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
__attribute__((noinline)) static double client(size_t number, bool skip, bool timed, bool counted) {
    uint32_t index[SAMPLES];
    for (size_t s = 0; s < SAMPLES; s++)
        index[s] = (uint32_t)((number * SAMPLES + s) * 7919 % 60000);
    start_client();
    loss_sum = 0;
    correct = 0;
    double start = processor_us();
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
        for (size_t s = SAMPLES - 1; s > 0; s--) {
            size_t other = (size_t)((uniform() + 1.0f) * 0.5f * (float)(s + 1)) % (s + 1);
            uint32_t t = index[s];
            index[s] = index[other];
            index[other] = t;
        }
        for (size_t s = 0; s < SAMPLES; s += BATCH) {
            size_t batch = SAMPLES - s < BATCH ? SAMPLES - s : BATCH;
            step(batch, index + s, skip, timed);
            for (int arithmetic = 0; counted && arithmetic < ARITHMETICS; arithmetic++)
                count_step(arithmetic, batch);
        }
    }
    if (timed)
        tick(-1);
    if (skip)
        fed_sparse_flush(sparse);
    if (timed)
        tick(FLUSH);
    return (processor_us() - start) / STEPS;
}

/* What a client costs beside its steps: taking the global parameters, and its update's
 * way into the sum. Microseconds. */
static void client_overhead(const float *global, int64_t *sums, double *start, double *encode) {
    double norm, t = processor_us();
    fed_fixed_accumulate(PARAMETERS, w, global, 1.0 / 150, sums, &norm);
    *encode = processor_us() - t;
    t = processor_us();
    memcpy(w, global, PARAMETERS * sizeof *w);
    memset(v, 0, PARAMETERS * sizeof *v);
    *start = processor_us() - t;
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
    double start = processor_us();
    for (size_t first = 0; first < PARAMETERS; first += PART) {
        size_t count = PARAMETERS - first < PART ? PARAMETERS - first : PART;
        fed_adam_step(count, &adam, g + first, memory + first, memory + PARAMETERS + first,
                      w + first);
    }
    return processor_us() - start;
}

/* Test-set evaluation of 10,000 samples; microseconds. */
static double evaluate(void) {
    enum { CHUNK = 64 };
    double start = processor_us(), loss = 0;
    int64_t right = 0;
    for (size_t s = 0; s < 10000; s += CHUNK) {
        size_t batch = 10000 - s < CHUNK ? 10000 - s : CHUNK;
        fed_pixels_gather(batch, INPUTS, pixels + s * INPUTS, NULL, 1.0f / 255.0f, 0.0f, x);
        fed_dense_forward(batch, INPUTS, H1, x, w + W1, w + B1, true, h1);
        fed_dense_forward(batch, H1, H2, h1, w + W2, w + B2, true, h2);
        fed_dense_forward(batch, H2, CLASSES, h2, w + W3, w + B3, false, logits);
        fed_softmax_cross_entropy(batch, CLASSES, logits, labels + s, NULL, &loss, &right);
    }
    return processor_us() - start;
}

static double sgemm_us(int n, float *a, float *b, float *c) {
    double start = processor_us();
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1, a, n, b, n, 0, c, n);
    return processor_us() - start;
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
                double start = processor_us();
                if (which == 0)
                    theirs(kind, inputs, outputs, layers[layer].at);
                else
                    ours(kind, (size_t)inputs, (size_t)outputs, layers[layer].at);
                times[which][r / 3] = processor_us() - start;
            }
            double cblas = median(times[0], REPEAT), dense = median(times[1], REPEAT);
            double ideal = 2e-3 * BATCH * inputs * outputs / peak;
            printf("%3d x %3d %-10s %8.2f   (%3.0f%%) %8.2f   (%3.0f%%) %8.2f\n", inputs, outputs,
                   kinds[kind], cblas, 100 * ideal / cblas, dense, 100 * ideal / dense,
                   median(times[2], REPEAT));
        }
}

static double zeros(const float *a, size_t n) {
    return 1 - count_nonzero(a, n) / (double)n;
}

/* --- Measuring --------------------------------------------------------------------------- */

enum { GEMM = 768, TURNS = 41, BIG = 1 << 22 };

static float *random_floats(size_t n) {
    float *values = allocate(n * sizeof *values);
    for (size_t i = 0; i < n; i++)
        values[i] = uniform();
    return values;
}

static double sgemm_gflops(void) {
    static float *a, *b, *c;
    if (!a) {
        a = random_floats(GEMM * GEMM);
        b = random_floats(GEMM * GEMM);
        c = allocate(GEMM * GEMM * 4);
    }
    return 2e-3 * GEMM * GEMM * GEMM / sgemm_us(GEMM, a, b, c);
}

static void print_us(const char *what, double us) {
    printf("%-26s %8.1f\n", what, us);
}

/* The step, its parts, and their rooflines. */
static void measure_steps(void) {
    double gflops[TURNS], gbytes[TURNS], gemm[TURNS], dense[TURNS], sparse_us[TURNS];
    for (int turn = 0; turn < TURNS; turn++) {
        gflops[turn] = peak_gflops();
        gemm[turn] = sgemm_gflops();
        dense[turn] = client((size_t)turn, false, false, false);
        gbytes[turn] = update_gbytes(PARAMETERS, v, w);
        sparse_us[turn] = client((size_t)turn, true, false, false);
        client((size_t)turn, true, true, false);
    }
    double peak = median(gflops, TURNS), bandwidth = median(gbytes, TURNS);
    core_t all = measure_cores((unsigned)sysconf(_SC_NPROCESSORS_ONLN), PARAMETERS);
    client(0, true, false, true);
    printf(
        "kernels %s; one core: %.1f GFLOP/s, %.1f GB/s; all: %.1f GFLOP/s, %.1f GB/s; "
        "cblas_sgemm(%d) %.1f GFLOP/s, %s\n",
        fed_simd_name(), peak, bandwidth, all.gflops, all.gbytes, GEMM, median(gemm, TURNS),
        openblas_get_corename());
    printf("zeros: x %.2f h1 %.2f h2 %.2f; mean loss %.3f\n", zeros(x, BATCH * INPUTS),
           zeros(h1, BATCH * H1), zeros(h2, BATCH * H2), loss_sum / SAMPLES / EPOCHS);
    print_us("dense roofline", roofline(NO_ZEROS, peak, bandwidth));
    print_us("step, dense", median(dense, TURNS));
    print_us("sparse roofline", roofline(NO_DARK_PIXELS, peak, bandwidth));
    print_us("no zeros roofline", roofline(NO_ZEROS_AT_ALL, peak, bandwidth));
    print_us("step, sparse", median(sparse_us, TURNS));
    for (int part = 0; part < PARTS; part++)
        printf("  %-24s %8.2f   roofline %6.2f\n", part_names[part], part_us[part] / TURNS / STEPS,
               part_roofline(NO_DARK_PIXELS, part, peak, bandwidth));
    compare_with_cblas(peak);
}

/* What is beside the steps. */
static void measure_rest(void) {
    double test[TURNS], fixed[TURNS], decode[TURNS], start[TURNS], encode[TURNS], adam[TURNS], norm;
    float *local = random_floats(BIG), *global = random_floats(BIG);
    float *moments = allocate(2 * PARAMETERS * 4);
    int64_t *acc = allocate(BIG * 8);
    for (int turn = 0; turn < TURNS; turn++) {
        client_overhead(global, acc, &start[turn], &encode[turn]);
        adam[turn] = adam_step(global, moments);
        test[turn] = evaluate();
        double t = processor_us();
        fed_fixed_accumulate(BIG, local, global, 0.01, acc, &norm);
        fixed[turn] = processor_us() - t;
        t = processor_us();
        fed_fixed_decode(BIG, acc, local);
        decode[turn] = processor_us() - t;
    }
    print_us("adam on a gradient", median(adam, TURNS));
    print_us("start a client", median(start, TURNS));
    print_us("encode its update", median(encode, TURNS));
    print_us("evaluate 10,000", median(test, TURNS));
    printf("%-26s %8.1f  (%.1f GB/s)\n", "fixed accumulate 4M", median(fixed, TURNS),
           24.0 * BIG / median(fixed, TURNS) * 1e-3);
    printf("%-26s %8.1f  (%.1f GB/s)\n", "fixed decode 4M", median(decode, TURNS),
           12.0 * BIG / median(decode, TURNS) * 1e-3);
}

static void measure_sgemm(void) {
    double gflops[TURNS];
    for (int turn = 0; turn < TURNS; turn++)
        gflops[turn] = sgemm_gflops();
    printf("%s %.1f\n", openblas_get_corename(), median(gflops, TURNS));
}

int main(int argc, char **argv) {
    const char *mode = argc > 2 ? argv[2] : "";
    if (strcmp(mode, "sgemm") == 0) {
        measure_sgemm();
        return 0;
    }
    load_mnist(argc > 1 ? argv[1] : "data/mnist");
    w = allocate(PARAMETERS * 4 + 64);
    v = allocate(PARAMETERS * 4 + 64);
    x = allocate(256 * INPUTS * 4);
    h1 = allocate(256 * H1 * 4), d1 = allocate(256 * H1 * 4);
    h2 = allocate(256 * INPUTS * 4), d2 = allocate(256 * H2 * 4);
    logits = allocate(256 * CLASSES * 4);
    sparse = fed_sparse_create(BATCH, INPUTS, H1);
    if (!sparse)
        return 1;
    if (strcmp(mode, "steps") == 0) { /* counted, not timed */
        client(0, argc > 3 && strcmp(argv[3], "sparse") == 0, false, false);
        printf("%d steps\n", STEPS);
        return 0;
    }
    measure_steps();
    measure_rest();
    return 0;
}
