/* Every kernel against a plain twin, at random shapes, with every instruction set. */
#include "fedmpi/math/adam.h"
#include "fedmpi/math/dense.h"
#include "fedmpi/math/fixed.h"
#include "fedmpi/math/pixels.h"
#include "fedmpi/math/simd.h"
#include "fedmpi/math/softmax.h"
#include "fedmpi/math/sparse.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t state = 1;

static uint32_t random_bits(void) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 32);
}

static float random_float(void) {
    return (float)(random_bits() >> 8) * 0x1p-23f - 1.0f;
}

/* Fewer where each takes long: under valgrind. */
static int trials(int usual) {
    return getenv("FEDMPI_TEST_SHORT") ? usual / 10 : usual;
}

/* Sizes around the kernels' own: 0, 1, odd, a vector, a tile, a group and beyond. */
static size_t random_size(size_t largest) {
    static const size_t corners[] = {0,  1,  2,  3,  4,  5,  7,   8,   10,  15,
                                     16, 17, 31, 32, 33, 64, 100, 200, 208, 209};
    size_t size = random_bits() % 2 ? random_bits() % (largest + 1)
                                    : corners[random_bits() % (sizeof corners / sizeof corners[0])];
    return size < largest ? size : largest;
}

/* n floats that start `shift` floats after a 64-byte boundary, in a block with no room
 * to spare behind them, so that the address sanitizer sees every step too far. */
typedef struct {
    void *block;
    float *at;
} array_t;

static array_t array(size_t n, size_t shift) {
    size_t bytes = (n + shift) * sizeof(float);
    array_t a;
    assert_int_equal(posix_memalign(&a.block, 64, bytes ? bytes : 1), 0);
    a.at = (float *)a.block + shift;
    return a;
}

/* Random entries, each zero with probability `zeros`; negative ones too. */
static array_t random_array(size_t n, size_t shift, double zeros) {
    array_t a = array(n, shift);
    for (size_t j = 0; j < n; j++)
        a.at[j] = random_bits() < zeros * 0x1p32 ? 0.0f : random_float();
    return a;
}

static array_t copy_array(const float *from, size_t n, size_t shift) {
    array_t a = array(n, shift);
    if (n)
        memcpy(a.at, from, n * sizeof(float));
    return a;
}

static void assert_close(const float *a, const double *expected, size_t n, double tolerance) {
    for (size_t j = 0; j < n; j++)
        if (!(fabs((double)a[j] - expected[j]) <= tolerance))
            fail_msg("entry %zu of %zu is %.9g, not %.9g", j, n, (double)a[j], expected[j]);
}

static void assert_same(const float *a, const float *b, size_t n) {
    for (size_t j = 0; j < n; j++)
        if (!(a[j] == b[j]))
            fail_msg("entry %zu of %zu is %.9g, not %.9g", j, n, (double)a[j], (double)b[j]);
}

/* The layer's shapes and data of one trial. */
typedef struct {
    size_t batch, inputs, outputs;
    array_t x, dy, w, v, b, vb;
    fed_sink_t sink; /* without its vectors */
} trial_t;

static fed_sink_t random_sink(void) {
    fed_sgd_t sgd = {.learning_rate = 0.1f,
                     .momentum = random_bits() % 2 ? 0.9f : 0.0f,
                     .weight_decay = random_bits() % 2 ? 0.01f : 0.0f,
                     .nesterov = random_bits() % 3 == 0};
    if (random_bits() % 4 == 0)
        return fed_sink_store((float)(random_bits() % 2), NULL);
    return fed_sink_sgd(&sgd, NULL, NULL);
}

/* The trial's sink with these vectors; v is what a sink that stores adds to. */
static fed_sink_t sink_of(const trial_t *t, array_t w, array_t v) {
    fed_sink_t sink = t->sink;
    if (sink.kind == FED_SINK_STORE)
        return fed_sink_store(sink.keep, v.at);
    return fed_sink_sgd(&sink.sgd, w.at, v.at);
}

static void backward_weights(const trial_t *t, size_t batch, const float *x, const float *dy) {
    fed_sink_t weights = sink_of(t, t->w, t->v), bias = sink_of(t, t->b, t->vb);
    fed_dense_backward_weights(batch, t->inputs, t->outputs, x, dy, &weights, &bias);
}

static trial_t trial_create(size_t shift) {
    static const double density[] = {0.0, 0.5, 0.8, 0.97, 1.0};
    double zeros = density[random_bits() % 5], zeros_dy = density[random_bits() % 3];
    trial_t t = {.batch = random_size(80), .inputs = random_size(220), .outputs = random_size(460)};
    size_t n = t.inputs * t.outputs;
    t.x = random_array(t.batch * t.inputs, shift, zeros);
    t.dy = random_array(t.batch * t.outputs, shift, zeros_dy);
    t.w = random_array(n, shift, 0.0);
    t.v = random_array(n, shift, 0.0);
    t.b = random_array(t.outputs, shift, 0.0);
    t.vb = random_array(t.outputs, shift, 0.0);
    t.sink = random_sink();
    return t;
}

static void trial_destroy(trial_t *t) {
    free(t->x.block), free(t->dy.block), free(t->w.block);
    free(t->v.block), free(t->b.block), free(t->vb.block);
}

/* The same numbers at other addresses. */
static trial_t trial_copy(const trial_t *t, size_t shift) {
    trial_t c = *t;
    size_t n = t->inputs * t->outputs;
    c.x = copy_array(t->x.at, t->batch * t->inputs, shift);
    c.dy = copy_array(t->dy.at, t->batch * t->outputs, (shift + 3) % 16);
    c.w = copy_array(t->w.at, n, (shift + 5) % 16);
    c.v = copy_array(t->v.at, n, (shift + 9) % 16);
    c.b = copy_array(t->b.at, t->outputs, (shift + 1) % 16);
    c.vb = copy_array(t->vb.at, t->outputs, (shift + 2) % 16);
    return c;
}

static void plain_step(const fed_sgd_t *sgd, double g, double *v, double *w) {
    g += (double)sgd->weight_decay * *w;
    *v = (double)sgd->momentum * *v + g;
    *w -= (double)sgd->learning_rate * (sgd->nesterov ? g + (double)sgd->momentum * *v : *v);
}

static void plain_take(const fed_sink_t *sink, double g, double *v, double *w) {
    if (sink->kind == FED_SINK_STORE)
        *v = (double)sink->keep * *v + g;
    else
        plain_step(&sink->sgd, g, v, w);
}

static double *doubles(const float *from, size_t n) {
    double *to = malloc((n + 1) * sizeof *to);
    assert_non_null(to);
    for (size_t j = 0; j < n; j++)
        to[j] = (double)from[j];
    return to;
}

static void check_forward(const trial_t *t, bool relu) {
    array_t y = array(t->batch * t->outputs, 1);
    double *expected = malloc((t->batch * t->outputs + 1) * sizeof *expected);
    for (size_t s = 0; s < t->batch; s++)
        for (size_t o = 0; o < t->outputs; o++) {
            double sum = (double)t->b.at[o];
            for (size_t i = 0; i < t->inputs; i++)
                sum += (double)t->x.at[s * t->inputs + i] * (double)t->w.at[i * t->outputs + o];
            expected[s * t->outputs + o] = relu && sum < 0 ? 0 : sum;
        }
    fed_dense_forward(t->batch, t->inputs, t->outputs, t->x.at, t->w.at, t->b.at, relu, y.at);
    assert_close(y.at, expected, t->batch * t->outputs, 2e-5);
    free(y.block);
    free(expected);
}

static void check_backward_input(const trial_t *t, bool gate) {
    array_t dx = array(t->batch * t->inputs, 2);
    double *expected = malloc((t->batch * t->inputs + 1) * sizeof *expected);
    for (size_t s = 0; s < t->batch; s++)
        for (size_t i = 0; i < t->inputs; i++) {
            double sum = 0.0;
            for (size_t o = 0; o < t->outputs; o++)
                sum += (double)t->dy.at[s * t->outputs + o] * (double)t->w.at[i * t->outputs + o];
            expected[s * t->inputs + i] = gate && t->x.at[s * t->inputs + i] <= 0.0f ? 0.0 : sum;
        }
    fed_dense_backward_input(t->batch, t->inputs, t->outputs, t->dy.at, t->w.at,
                             gate ? t->x.at : NULL, dx.at);
    assert_close(dx.at, expected, t->batch * t->inputs, 4e-5);
    free(dx.block);
    free(expected);
}

static void check_backward_weights(trial_t *t) {
    size_t n = t->inputs * t->outputs;
    double *w = doubles(t->w.at, n), *v = doubles(t->v.at, n);
    double *b = doubles(t->b.at, t->outputs), *vb = doubles(t->vb.at, t->outputs);
    for (size_t o = 0; o < t->outputs; o++) {
        double sum = 0.0;
        for (size_t s = 0; s < t->batch; s++)
            sum += (double)t->dy.at[s * t->outputs + o];
        plain_take(&t->sink, sum, vb + o, b + o);
        for (size_t i = 0; i < t->inputs; i++) {
            sum = 0.0;
            for (size_t s = 0; s < t->batch; s++)
                sum += (double)t->x.at[s * t->inputs + i] * (double)t->dy.at[s * t->outputs + o];
            plain_take(&t->sink, sum, v + i * t->outputs + o, w + i * t->outputs + o);
        }
    }
    backward_weights(t, t->batch, t->x.at, t->dy.at);
    assert_close(t->w.at, w, n, 2e-5);
    assert_close(t->v.at, v, n, 2e-5);
    assert_close(t->b.at, b, t->outputs, 2e-5);
    assert_close(t->vb.at, vb, t->outputs, 2e-5);
    free(w), free(v), free(b), free(vb);
}

static void dense_matches_its_plain_twin(void **unused) {
    (void)unused;
    for (int trial = 0; trial < trials(150); trial++) {
        trial_t t = trial_create(random_bits() % 16);
        check_forward(&t, trial % 2);
        check_backward_input(&t, trial % 3);
        check_backward_weights(&t);
        trial_destroy(&t);
    }
}

/* All results of one layer, at the addresses that `shift` gives. */
static void all_results(const trial_t *t, size_t shift, array_t results[4]) {
    trial_t c = trial_copy(t, shift);
    array_t y = array(t->batch * t->outputs, shift), dx = array(t->batch * t->inputs, shift);
    fed_dense_forward(t->batch, t->inputs, t->outputs, c.x.at, c.w.at, c.b.at, true, y.at);
    fed_dense_backward_input(t->batch, t->inputs, t->outputs, c.dy.at, c.w.at, c.x.at, dx.at);
    backward_weights(&c, c.batch, c.x.at, c.dy.at);
    results[0] = y, results[1] = dx, results[2] = c.w, results[3] = c.v;
    // A shallow look does not see that each trial_copy allocates its own.
    // NOLINTNEXTLINE(clang-analyzer-unix.Malloc)
    free(c.x.block), free(c.dy.block), free(c.b.block), free(c.vb.block);
}

static void assert_same_results(const trial_t *t, array_t a[4], array_t b[4]) {
    size_t sizes[4] = {t->batch * t->outputs, t->batch * t->inputs, t->inputs * t->outputs,
                       t->inputs * t->outputs};
    for (int r = 0; r < 4; r++) {
        assert_same(a[r].at, b[r].at, sizes[r]);
        free(a[r].block), free(b[r].block);
    }
}

static void bits_do_not_depend_on_alignment(void **unused) {
    (void)unused;
    for (int trial = 0; trial < trials(60); trial++) {
        trial_t t = trial_create(0);
        array_t a[4], b[4];
        all_results(&t, 0, a);
        all_results(&t, 1 + random_bits() % 15, b);
        assert_same_results(&t, a, b);
        trial_destroy(&t);
    }
}

/* Both sum in the same order and fuse each multiply-add. */
static void avx2_and_avx512_give_the_same_bits(void **unused) {
    (void)unused;
    const char *chosen = fed_simd_name();
    if (!fed_simd_select("avx512"))
        skip();
    for (int trial = 0; trial < trials(60); trial++) {
        trial_t t = trial_create(0);
        array_t a[4], b[4];
        assert_true(fed_simd_select("avx512"));
        all_results(&t, 0, a);
        assert_true(fed_simd_select("avx2"));
        all_results(&t, 0, b);
        assert_same_results(&t, a, b);
        trial_destroy(&t);
    }
    assert_true(fed_simd_select(chosen));
}

static void a_sample_does_not_see_the_rest_of_its_batch(void **unused) {
    (void)unused;
    for (int trial = 0; trial < trials(40); trial++) {
        trial_t t = trial_create(0);
        array_t together = array(t.batch * t.outputs, 0), alone = array(t.outputs, 0);
        fed_dense_forward(t.batch, t.inputs, t.outputs, t.x.at, t.w.at, t.b.at, true, together.at);
        for (size_t s = 0; s < t.batch; s++) {
            fed_dense_forward(1, t.inputs, t.outputs, t.x.at + s * t.inputs, t.w.at, t.b.at, true,
                              alone.at);
            assert_same(alone.at, together.at + s * t.outputs, t.outputs);
        }
        free(together.block), free(alone.block);
        trial_destroy(&t);
    }
}

static void nan_in_a_used_weight_reaches_the_output(void **unused) {
    (void)unused;
    float x[2] = {0.0f, 1.0f}, w[2] = {NAN, 1.0f}, b[1] = {0.0f}, y[1];
    fed_dense_forward(1, 2, 1, x, w, b, true, y);
    assert_true(y[0] == 1.0f);
    x[0] = 0.5f;
    fed_dense_forward(1, 2, 1, x, w, b, true, y);
    assert_true(isnan(y[0]));
}

/* Several steps with batches of changing size and pattern: the same bits as the dense
 * layer, after each forward pass and, after a flush, in all of w and v. */
static void sparse_is_dense_bit_for_bit(void **unused) {
    (void)unused;
    for (int trial = 0; trial < trials(60); trial++) {
        trial_t t = trial_create(0), d;
        size_t n = t.inputs * t.outputs, largest = t.batch;
        fed_sparse_t *sparse = fed_sparse_create(largest, t.inputs, t.outputs);
        assert_non_null(sparse);
        d = trial_copy(&t, 7);
        for (int step = 0; step < 12; step++) {
            size_t batch = largest ? random_bits() % (largest + 1) : 0;
            array_t x = random_array(batch * t.inputs, 0, step % 3 ? 0.98 : 0.3);
            array_t dy = random_array(batch * t.outputs, 0, 0.2);
            array_t y = array(batch * t.outputs, 0), y_dense = array(batch * t.outputs, 0);
            if (step == 7)
                t.sink.sgd.learning_rate *= 0.5f;
            fed_sparse_forward(sparse, batch, x.at, t.w.at, t.b.at, true, y.at);
            fed_dense_forward(batch, t.inputs, t.outputs, x.at, d.w.at, d.b.at, true, y_dense.at);
            assert_same(y.at, y_dense.at, batch * t.outputs);
            fed_sink_t weights = sink_of(&t, t.w, t.v), bias = sink_of(&t, t.b, t.vb);
            fed_sparse_backward_weights(sparse, batch, x.at, dy.at, &weights, &bias);
            d.sink = t.sink;
            backward_weights(&d, batch, x.at, dy.at);
            if (step == 4)
                fed_sparse_flush(sparse);
            free(x.block), free(dy.block), free(y.block), free(y_dense.block);
        }
        fed_sparse_flush(sparse);
        assert_same(t.w.at, d.w.at, n);
        assert_same(t.v.at, d.v.at, n);
        assert_same(t.b.at, d.b.at, t.outputs);
        assert_same(t.vb.at, d.vb.at, t.outputs);
        fed_sparse_destroy(sparse);
        trial_destroy(&t);
        trial_destroy(&d);
    }
}

static void steps_and_sinks_match_their_plain_twins(void **unused) {
    (void)unused;
    for (int trial = 0; trial < trials(60); trial++) {
        trial_t t = trial_create(random_bits() % 16);
        double *b = doubles(t.b.at, t.outputs), *vb = doubles(t.vb.at, t.outputs);
        array_t g = random_array(t.outputs, 3, 0.0);
        for (size_t o = 0; o < t.outputs; o++)
            plain_step(&t.sink.sgd, (double)g.at[o], vb + o, b + o);
        fed_sgd_step(t.outputs, &t.sink.sgd, g.at, t.vb.at, t.b.at);
        assert_close(t.b.at, b, t.outputs, 1e-6);
        assert_close(t.vb.at, vb, t.outputs, 1e-6);
        for (size_t o = 0; o < t.outputs; o++)
            plain_take(&t.sink, (double)g.at[o], vb + o, b + o);
        fed_sink_t sink = sink_of(&t, t.b, t.vb);
        fed_sink_take(&sink, t.outputs, g.at);
        assert_close(t.b.at, b, t.outputs, 2e-6);
        assert_close(t.vb.at, vb, t.outputs, 2e-6);
        free(b), free(vb), free(g.block);
        trial_destroy(&t);
    }
}

/* In double; a plain twin of fed_adam_step for one parameter. */
static void plain_adam(const fed_adam_t *a, double g, double *m, double *v, double *w) {
    g += (double)a->decay * *w;
    *m = (double)a->beta1 * *m + (double)a->fresh1 * g;
    *v = (double)a->beta2 * *v + (double)a->fresh2 * g * g;
    *w = (double)a->keep * *w -
         (double)a->rate * *m / ((double)a->root * sqrt(*v) + (double)a->epsilon);
}

static void adam_matches_its_plain_twin(void **unused) {
    (void)unused;
    const char *chosen = fed_simd_name();
    for (int trial = 0; trial < trials(60); trial++) {
        const fed_adam_t adam = {.beta1 = 0.9f,
                                 .fresh1 = 0.1f,
                                 .beta2 = 0.99f,
                                 .fresh2 = 0.01f,
                                 .rate = 0.05f,
                                 .root = 1.5f,
                                 .epsilon = 1e-3f,
                                 .decay = random_bits() % 2 ? 0.01f : 0.0f,
                                 .keep = random_bits() % 2 ? 0.99f : 1.0f};
        size_t n = random_size(460), shift = random_bits() % 16;
        array_t g = random_array(n, 3, 0.2), w = random_array(n, shift, 0.0);
        array_t m = random_array(n, 1, 0.0), v = random_array(n, shift, 0.2);
        for (size_t j = 0; j < n; j++)
            v.at[j] *= v.at[j];
        double *expected_w = doubles(w.at, n), *expected_m = doubles(m.at, n);
        double *expected_v = doubles(v.at, n);
        for (size_t j = 0; j < n; j++)
            plain_adam(&adam, (double)g.at[j], expected_m + j, expected_v + j, expected_w + j);
        array_t plain_w = copy_array(w.at, n, 0), plain_m = copy_array(m.at, n, 0);
        array_t plain_v = copy_array(v.at, n, 0);
        fed_adam_step(n, &adam, g.at, m.at, v.at, w.at);
        assert_close(w.at, expected_w, n, 1e-5);
        assert_close(m.at, expected_m, n, 1e-6);
        assert_close(v.at, expected_v, n, 1e-6);
        assert_true(fed_simd_select("plain"));
        fed_adam_step(n, &adam, g.at, plain_m.at, plain_v.at, plain_w.at);
        assert_true(fed_simd_select(chosen));
        assert_same(w.at, plain_w.at, n); /* of all instruction sets */
        assert_same(m.at, plain_m.at, n);
        assert_same(v.at, plain_v.at, n);
        free(g.block), free(w.block), free(m.block), free(v.block);
        free(plain_w.block), free(plain_m.block), free(plain_v.block);
        free(expected_w), free(expected_m), free(expected_v);
    }
}

static void softmax_matches_its_plain_twin(void **unused) {
    (void)unused;
    for (int trial = 0; trial < trials(200); trial++) {
        size_t batch = random_size(40), classes = 1 + random_size(99);
        float size = trial % 4 == 0 ? 1000.0f : 4.0f;
        array_t logits = random_array(batch * classes, random_bits() % 16, 0.1);
        array_t d = array(batch * classes, 1);
        double *expected = malloc((batch * classes + 1) * sizeof *expected);
        int32_t labels[40];
        double loss = 1.0, expected_loss = 1.0;
        int64_t correct = 5, expected_correct = 5;
        for (size_t s = 0; s < batch; s++) {
            float *z = logits.at + s * classes;
            size_t best = 0;
            double sum = 0.0;
            labels[s] = (int32_t)(random_bits() % classes);
            for (size_t j = 0; j < classes; j++) {
                z[j] *= size;
                best = z[j] > z[best] ? j : best;
            }
            for (size_t j = 0; j < classes; j++)
                sum += exp((double)z[j] - (double)z[best]);
            expected_loss += log(sum) + (double)z[best] - (double)z[labels[s]];
            expected_correct += best == (size_t)labels[s];
            for (size_t j = 0; j < classes; j++)
                expected[s * classes + j] =
                    (exp((double)z[j] - (double)z[best]) / sum - (j == (size_t)labels[s])) /
                    (double)batch;
        }
        fed_softmax_cross_entropy(batch, classes, logits.at, labels, NULL, &loss, &correct);
        assert_true(fabs(loss - expected_loss) <= 1e-6 * expected_loss);
        assert_int_equal(correct, expected_correct);
        fed_softmax_cross_entropy(batch, classes, logits.at, labels, d.at, &loss, &correct);
        assert_close(d.at, expected, batch * classes, 5e-7 / (batch ? (double)batch : 1.0));
        free(logits.block), free(d.block), free(expected);
    }
}

static void softmax_exponentials_are_good_to_2_ulp(void **unused) {
    (void)unused;
    /* With two classes and logits 0 and x, the derivative for the wrong class x is
     * e^x / (1 + e^x); where e^x is far below 1 that is e^x itself. */
    for (double x = -17.0; x > -87.0; x -= 0.0137) {
        float logits[2] = {0.0f, (float)x}, d[2];
        int32_t label = 0;
        double loss = 0.0, exact = exp((double)logits[1]);
        int64_t correct = 0;
        fed_softmax_cross_entropy(1, 2, logits, &label, d, &loss, &correct);
        assert_true(fabs((double)d[1] - exact) <= 2.5 * exact * 0x1p-23);
    }
}

static void softmax_of_nan_is_nan_and_wrong(void **unused) {
    (void)unused;
    for (int at = 0; at < 3; at++) {
        float logits[3] = {1.0f, 2.0f, 3.0f}, d[3];
        double loss = 0.0;
        int64_t correct = 0;
        logits[at] = NAN;
        for (int32_t label = 0; label < 3; label++)
            fed_softmax_cross_entropy(1, 3, logits, &label, d, &loss, &correct);
        assert_true(isnan(loss) && isnan(d[0]) && isnan(d[1]) && isnan(d[2]));
        assert_int_equal(correct, 0);
    }
}

static void fixed_is_exact(void **unused) {
    (void)unused;
    for (int trial = 0; trial < trials(100); trial++) {
        size_t n = random_size(trial % 2 ? 300 : 4000), shift = random_bits() % 16;
        array_t local = random_array(n, shift, 0.1), global = random_array(n, 0, 0.1);
        array_t out = array(n, 1);
        /* Any, a few or no differences are large. */
        unsigned large_of_1000 = (const unsigned[]){500, 1, 0}[trial % 3];
        int64_t *acc = calloc(n + 1, sizeof *acc), *expected = calloc(n + 1, sizeof *expected);
        double weight = (double)(random_bits() % 1001) / 1000.0, norm, square = 0.0;
        for (size_t j = 0; j < n; j++) {
            unsigned exponents = random_bits() % 1000 < large_of_1000 ? 60 : 40;
            local.at[j] *= ldexpf(1.0f, (int)(random_bits() % exponents) - 40);
            double difference = (double)local.at[j] - (double)global.at[j];
            acc[j] = expected[j] = (int64_t)random_bits() << 20;
            expected[j] += llrint(weight * 0x1p40 * difference);
            square += difference * difference;
        }
        assert_true(fed_fixed_accumulate(n, local.at, global.at, weight, acc, &norm));
        assert_memory_equal(acc, expected, n * sizeof *acc);
        assert_true(fabs(norm - square) <= 1e-12 * square);
        fed_fixed_decode(n, acc, out.at);
        for (size_t j = 0; j < n; j++)
            assert_true(out.at[j] == (float)((double)acc[j] * 0x1p-40) ||
                        out.at[j] == (float)acc[j] * 0x1p-40f);
        free(local.block), free(global.block), free(out.block);
        free(acc), free(expected);
    }
}

static void fixed_refuses_divergence(void **unused) {
    (void)unused;
    const float bad[] = {NAN, INFINITY, -INFINITY, 0x1p22f, -0x1p22f, 0x1p100f};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        for (size_t at = 0; at < 50; at += 7) {
            float local[50] = {0}, global[50] = {0};
            int64_t acc[50] = {0};
            double norm;
            local[at] = bad[i];
            assert_false(fed_fixed_accumulate(50, local, global, 1.0, acc, &norm));
            assert_true(isfinite(norm) && acc[at] == 0);
            local[at] = 4194303.75f;
            assert_true(fed_fixed_accumulate(50, local, global, 1.0, acc, &norm));
            assert_true(acc[at] == llrint(0x1p40 * 4194303.75));
        }
}

static void pixels_are_scaled(void **unused) {
    (void)unused;
    uint8_t pixels[40 * 37];
    uint32_t index[20];
    for (size_t j = 0; j < sizeof pixels; j++)
        pixels[j] = (uint8_t)random_bits();
    for (size_t s = 0; s < 20; s++)
        index[s] = random_bits() % 40;
    array_t x = array(20 * 37, 5);
    fed_pixels_gather(20, 37, pixels, index, 1.0f / 255.0f, 0.25f, x.at);
    for (size_t j = 0; j < 20 * 37; j++) {
        double pixel = pixels[index[j / 37] * 37 + j % 37];
        assert_true(fabs((double)x.at[j] - (pixel / 255.0 + 0.25)) <= 1.5e-7);
    }
    fed_pixels_gather(1, 37, pixels, NULL, 1.0f, 0.0f, x.at);
    assert_true(x.at[36] == (float)pixels[36]);
    free(x.block);
}

int main(void) {
    static char *const names[] = {"plain", "avx2", "avx512"};
    int failures = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!fed_simd_select(names[i]))
            continue;
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(dense_matches_its_plain_twin),
            cmocka_unit_test(bits_do_not_depend_on_alignment),
            cmocka_unit_test(avx2_and_avx512_give_the_same_bits),
            cmocka_unit_test(a_sample_does_not_see_the_rest_of_its_batch),
            cmocka_unit_test(nan_in_a_used_weight_reaches_the_output),
            cmocka_unit_test(sparse_is_dense_bit_for_bit),
            cmocka_unit_test(steps_and_sinks_match_their_plain_twins),
            cmocka_unit_test(adam_matches_its_plain_twin),
            cmocka_unit_test(softmax_matches_its_plain_twin),
            cmocka_unit_test(softmax_exponentials_are_good_to_2_ulp),
            cmocka_unit_test(softmax_of_nan_is_nan_and_wrong),
            cmocka_unit_test(fixed_is_exact),
            cmocka_unit_test(fixed_refuses_divergence),
            cmocka_unit_test(pixels_are_scaled),
        };
        failures += cmocka_run_group_tests_name(names[i], tests, NULL, NULL);
    }
    return failures != 0;
}
