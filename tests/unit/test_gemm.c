/* Dense layers by OpenBLAS: the same products as ours, the same bits at any address, and a
 * choice between the two that depends on shapes, kernels and configuration. */
#include "support.h"

#include "fedmpi/math/dense.h"
#include "fedmpi/math/gemm.h"
#include "fedmpi/math/simd.h"
#include "fedmpi/nn/workspace.h"
#include "fedmpi/run/rooms.h"

#include <math.h>

enum { GUARD = 16 }; /* floats after each array that nobody may write */

/* n random numbers, a third of them zero, `shift` floats behind a 64-byte boundary. */
typedef struct array {
    void *block;
    float *at;
    size_t n;
} array_t;

static array_t array(size_t n, size_t shift) {
    array_t a = {.n = n};
    assert_int_equal(posix_memalign(&a.block, 64, (n + shift + GUARD) * sizeof(float)), 0);
    a.at = (float *)a.block + shift;
    for (size_t j = 0; j < n + GUARD; j++)
        a.at[j] = j < n && any_below(3) ? (float)any_number() : 0.0f;
    return a;
}

static array_t copy(array_t from, size_t shift) {
    array_t a = array(from.n, shift);
    if (from.n > 0)
        memcpy(a.at, from.at, from.n * sizeof(float));
    return a;
}

static void release(array_t *a) {
    for (size_t j = 0; j < GUARD; j++)
        assert_true(a->at[a->n + j] == 0.0f);
    free(a->block);
}

static void assert_near(array_t a, array_t b, double tolerance) {
    for (size_t j = 0; j < a.n; j++)
        if (!(fabs((double)a.at[j] - (double)b.at[j]) <= tolerance))
            fail_msg("number %zu of %zu is %.9g, ours is %.9g", j, a.n, (double)a.at[j],
                     (double)b.at[j]);
}

/* A layer's numbers; v and vb are its momentum or its stored gradients. */
typedef struct layer {
    size_t batch, inputs, outputs;
    bool relu, gated;
    fed_sink_t sink; /* without its vectors */
    array_t x, dy, w, b, v, vb, y, dx;
} layer_t;

static size_t shape(size_t largest) {
    static const size_t corners[] = {0, 1, 2, 7, 16, 64, 255, 256, 257, 300};
    size_t size = any_below(2) ? corners[any_below(10)] : any_below(largest + 1);
    return size < largest ? size : largest;
}

static fed_sink_t any_sink(void) {
    fed_sgd_t sgd = {.learning_rate = 0.1f,
                     .momentum = 0.9f,
                     .weight_decay = any_below(2) ? 0.01f : 0.0f,
                     .nesterov = any_below(2)};
    return any_below(3) ? fed_sink_sgd(&sgd, NULL, NULL)
                        : fed_sink_store((float)any_below(2), NULL);
}

static layer_t any_layer(void) {
    layer_t l = {.batch = shape(70),
                 .inputs = shape(600),
                 .outputs = shape(300),
                 .relu = any_below(2),
                 .gated = any_below(2),
                 .sink = any_sink()};
    size_t n = l.inputs * l.outputs;
    l.x = array(l.batch * l.inputs, 0), l.dy = array(l.batch * l.outputs, 0);
    l.w = array(n, 0), l.v = array(n, 0);
    l.b = array(l.outputs, 0), l.vb = array(l.outputs, 0);
    l.y = array(l.batch * l.outputs, 0), l.dx = array(l.batch * l.inputs, 0);
    return l;
}

#define FOR_EACH_ARRAY(F) F(x) F(dy) F(w) F(b) F(v) F(vb) F(y) F(dx)

static layer_t layer_copy(const layer_t *from, size_t shift) {
    layer_t to = *from;
#define COPY(name) to.name = copy(from->name, shift);
    FOR_EACH_ARRAY(COPY)
#undef COPY
    return to;
}

static void layer_release(layer_t *l) {
#define RELEASE(name) release(&l->name);
    FOR_EACH_ARRAY(RELEASE)
#undef RELEASE
}

static fed_sink_t sink_of(const layer_t *l, array_t w, array_t v) {
    return l->sink.kind == FED_SINK_STORE ? fed_sink_store(l->sink.keep, v.at)
                                          : fed_sink_sgd(&l->sink.sgd, w.at, v.at);
}

/* All three products; forward and inputs before the sink changes w. */
static void run(layer_t *l, bool openblas) {
    const float *gate = l->gated ? l->x.at : NULL;
    fed_sink_t weights = sink_of(l, l->w, l->v), bias = sink_of(l, l->b, l->vb);
    (openblas ? fed_gemm_forward : fed_dense_forward)(l->batch, l->inputs, l->outputs, l->x.at,
                                                      l->w.at, l->b.at, l->relu, l->y.at);
    (openblas ? fed_gemm_backward_input : fed_dense_backward_input)(
        l->batch, l->inputs, l->outputs, l->dy.at, l->w.at, gate, l->dx.at);
    if (!openblas) {
        fed_dense_backward_weights(l->batch, l->inputs, l->outputs, l->x.at, l->dy.at, &weights,
                                   &bias);
        return;
    }
    array_t memory = array(fed_gemm_memory(l->inputs, l->outputs), any_below(16));
    fed_gemm_backward_weights(l->batch, l->inputs, l->outputs, l->x.at, l->dy.at, &weights, &bias,
                              memory.at);
    release(&memory);
}

static void products_are_ours(void **state) {
    (void)state;
    for (size_t trial = 0; trial < trials(120); trial++) {
        layer_t theirs = any_layer(), ours = layer_copy(&theirs, any_below(16));
        run(&theirs, true);
        run(&ours, false);
        assert_near(theirs.y, ours.y, 2e-4);
        assert_near(theirs.dx, ours.dx, 2e-4);
        assert_near(theirs.w, ours.w, 1e-4);
        assert_near(theirs.v, ours.v, 1e-4);
        assert_near(theirs.b, ours.b, 1e-4);
        assert_near(theirs.vb, ours.vb, 1e-4);
        layer_release(&theirs), layer_release(&ours);
    }
}

static void bits_do_not_depend_on_the_address(void **state) {
    (void)state;
    for (size_t trial = 0; trial < trials(60); trial++) {
        layer_t here = any_layer(), there = layer_copy(&here, 1 + any_below(15));
        run(&here, true);
        run(&there, true);
#define SAME(name)                                                                                 \
    if (here.name.n > 0)                                                                           \
        assert_memory_equal(here.name.at, there.name.at, here.name.n * sizeof(float));
        FOR_EACH_ARRAY(SAME)
#undef SAME
        layer_release(&here), layer_release(&there);
    }
}

static void nan_passes(void **state) {
    (void)state;
    float x[2] = {1, NAN}, w[2] = {1, 1}, b[1] = {0}, y[1];
    fed_gemm_forward(1, 2, 1, x, w, b, true, y);
    assert_true(isnan(y[0]));
}

static bool chosen(fed_gemm_t gemm, fed_product_kind_t kind, size_t batch, size_t inputs,
                   size_t outputs) {
    return fed_gemm_is_openblas(gemm, kind, batch, inputs, outputs);
}

static void a_word_is_a_word(void **state) {
    (void)state;
    for (int kind = 0; kind < FED_PRODUCT_KINDS; kind++) {
        assert_true(chosen(FED_GEMM_OPENBLAS, (fed_product_kind_t)kind, 1, 1, 1));
        assert_false(chosen(FED_GEMM_OWN, (fed_product_kind_t)kind, 256, 2048, 2048));
    }
}

/* Published results come from these layers: their bits stay. */
static void studied_layers_stay_ours_with_vectors(void **state) {
    (void)state;
    static const size_t layers[][3] = {{32, 784, 200},  {64, 200, 200},  {10, 3136, 512},
                                       {64, 3136, 512}, {64, 4096, 384}, {300, 784, 200}};
    const char *before = fed_simd_name();
    if (!fed_simd_select("avx2"))
        skip();
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
        for (int kind = 0; kind < FED_PRODUCT_KINDS; kind++)
            assert_false(chosen(FED_GEMM_AUTO, (fed_product_kind_t)kind, layers[i][0], layers[i][1],
                                layers[i][2]));
    assert_true(chosen(FED_GEMM_AUTO, FED_PRODUCT_FORWARD, 256, 2048, 2048));
    assert_true(chosen(FED_GEMM_AUTO, FED_PRODUCT_BACKWARD_WEIGHTS, 256, 2048, 2048));
    assert_false(chosen(FED_GEMM_AUTO, FED_PRODUCT_BACKWARD_INPUT, 256, 2048, 2048));
    assert_true(fed_simd_select(before));
}

static void large_products_are_openblas_with_avx512(void **state) {
    (void)state;
    const char *before = fed_simd_name();
    if (!fed_simd_select("avx512"))
        skip();
    for (int kind = 0; kind < FED_PRODUCT_KINDS; kind++) {
        assert_true(chosen(FED_GEMM_AUTO, (fed_product_kind_t)kind, 256, 2048, 2048));
        assert_false(chosen(FED_GEMM_AUTO, (fed_product_kind_t)kind, 64, 3136, 512));
    }
    assert_true(fed_simd_select(before));
}

static void processors_without_our_kernels_have_openblas(void **state) {
    (void)state;
    const char *before = fed_simd_name();
    assert_true(fed_simd_select("plain"));
    for (int kind = 0; kind < FED_PRODUCT_KINDS; kind++) {
        assert_true(chosen(FED_GEMM_AUTO, (fed_product_kind_t)kind, 10, 3136, 512));
        assert_false(chosen(FED_GEMM_AUTO, (fed_product_kind_t)kind, 10, 200, 10));
    }
    assert_true(fed_simd_select(before));
}

static void build(fed_model_t *model, const char *gemm) {
    fed_config_t config;
    fed_config_init(&config, fed_rooms);
    set(&config, "model.gemm", "%s", gemm);
    set(&config, "model.hidden", "%s", "2048,2048");
    fed_model_input_t input = {1, 28, 28, 10, 0.2};
    assert_ok(fed_model_init(model, &config, &input));
    fed_config_fini(&config);
}

static void the_choice_is_told(void **state) {
    (void)state;
    static const char *const words[][2] = {
        {"own", "fc1: own; fc2: own; fc3: own"},
        {"openblas", "fc1: openblas; fc2: openblas; fc3: openblas"},
        {"auto",
         "fc1: own; fc2: openblas (forward, weights, evaluation) and own (input); "
         "fc3: own"},
    };
    const char *before = fed_simd_name();
    if (!fed_simd_select("avx2"))
        skip();
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        fed_model_t model;
        build(&model, words[i][0]);
        char *told = fed_model_products(&model, 256, 64);
        assert_string_equal(told, words[i][1]);
        fed_free(told);
        fed_model_fini(&model);
    }
    assert_true(fed_simd_select(before));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(products_are_ours),
        TEST(bits_do_not_depend_on_the_address),
        TEST(nan_passes),
        TEST(a_word_is_a_word),
        TEST(studied_layers_stay_ours_with_vectors),
        TEST(large_products_are_openblas_with_avx512),
        TEST(processors_without_our_kernels_have_openblas),
        TEST(the_choice_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
