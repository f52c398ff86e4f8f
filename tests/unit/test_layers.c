/* Every kind of layer: against PyTorch's golden values, plain twins and finite
 * differences, with every instruction set. */
#include "golden.h"
#include "support.h"

#include "fedmpi/math/conv.h"
#include "fedmpi/math/simd.h"
#include "fedmpi/math/softmax.h"
#include "fedmpi/nn/layer.h"

#include <math.h>

static size_t numbers(fed_image_t image) {
    return image.channels * image.height * image.width;
}

static void assert_near(const char *what, const float *got, const float *expected, size_t n,
                        double tolerance) {
    for (size_t j = 0; j < n; j++)
        if (!(fabs((double)got[j] - (double)expected[j]) <=
              tolerance * (1 + fabs((double)expected[j]))))
            fail_msg("%s: number %zu of %zu is %.9g, not %.9g", what, j, n, (double)got[j],
                     (double)expected[j]);
}

static void assert_same(const char *what, const float *a, const float *b, size_t n) {
    for (size_t j = 0; j < n; j++)
        if (!(a[j] == b[j]))
            fail_msg("%s: number %zu of %zu is %.9g, then %.9g", what, j, n, (double)a[j],
                     (double)b[j]);
}

static float *floats(size_t n) {
    return calloc(n + 1, sizeof(float));
}

/* Random numbers, each zero with this probability. */
static float *random_floats(size_t n, double zeros) {
    float *values = floats(n);
    for (size_t j = 0; j < n; j++)
        values[j] = (any_number() + 1) / 2 < zeros ? 0.0f : (float)any_number();
    return values;
}

/* [outer][channels][pixels] to [outer][pixels][channels]; the argument is freed. */
static float *channels_last(float *from, size_t outer, size_t channels, size_t pixels) {
    float *to = floats(outer * channels * pixels);
    for (size_t s = 0; s < outer; s++)
        for (size_t c = 0; c < channels; c++)
            for (size_t p = 0; p < pixels; p++)
                to[(s * pixels + p) * channels + c] = from[(s * channels + c) * pixels + p];
    free(from);
    return to;
}

/* PyTorch's [outputs][channels][pixels] to [pixels][channels][outputs]. */
static float *weights_last(float *from, size_t outputs, size_t channels, size_t pixels) {
    float *to = floats(outputs * channels * pixels);
    for (size_t o = 0; o < outputs; o++)
        for (size_t c = 0; c < channels; c++)
            for (size_t p = 0; p < pixels; p++)
                to[(p * channels + c) * outputs + o] = from[(o * channels + c) * pixels + p];
    free(from);
    return to;
}

/* A layer on its own, with parameters w and their momentum v. */
typedef struct {
    fed_layer_t layer;
    void *scratch;
    size_t batch;
    float *w, *v;
    float *x, *y, *dy, *dx;
} trial_t;

static trial_t trial_create(fed_layer_t layer, fed_image_t outputs, size_t batch, size_t weights,
                            size_t biases) {
    layer.inputs = numbers(layer.image);
    layer.outputs = numbers(outputs);
    layer.bias = weights;
    trial_t t = {
        .layer = layer,
        .batch = batch,
        .w = random_floats(weights + biases, 0),
        .v = floats(weights + biases),
        .x = random_floats(batch * layer.inputs, 0.3),
        .y = floats(batch * layer.outputs),
        .dy = random_floats(batch * layer.outputs, 0.5),
        .dx = floats(batch * layer.inputs),
    };
    if (layer.kind->scratch_create)
        t.scratch = t.layer.kind->scratch_create(&t.layer, batch);
    return t;
}

static void trial_destroy(trial_t *t) {
    if (t->scratch)
        t->layer.kind->scratch_destroy(t->scratch);
    free(t->w), free(t->v), free(t->x), free(t->y), free(t->dy), free(t->dx);
}

typedef void forward_t(const fed_layer_t *layer, void *scratch, size_t batch, const float *x,
                       const float *w, float *y);

static forward_t *forward_of(const fed_layer_t *layer) {
    return layer->kind->forward ? layer->kind->forward : layer->kind->infer;
}

/* The number of the layer and the position in the epoch are anything but 0. */
static void forward(trial_t *t) {
    const fed_stream_t stream = {.seed = 7, .who = 1, .when = 2, .which = 3};
    if (t->layer.kind->draw)
        t->layer.kind->draw(&t->layer, t->scratch, &stream, 4, 5, t->batch);
    forward_of (&t->layer)(&t->layer, t->scratch, t->batch, t->x, t->w, t->y);
}

static void backward(trial_t *t, const fed_sink_t *sink) {
    t->layer.kind->backward(&t->layer, t->scratch, t->batch, t->x, t->dy, t->w, sink, t->dx);
}

static void store_gradient(trial_t *t) {
    fed_sink_t sink = fed_sink_store(0, t->v);
    backward(t, &sink);
}

static fed_layer_t convolution(fed_image_t image, size_t kernel, size_t padding) {
    return (fed_layer_t){
        .kind = &fed_layer_convolution, .image = image, .kernel = kernel, .padding = padding};
}

static fed_image_t after_convolution(const fed_layer_t *layer, size_t outputs) {
    fed_conv_shape_t shape = {.kernel = layer->kernel, .padding = layer->padding};
    return (fed_image_t){outputs, fed_conv_output_size(&shape, layer->image.height),
                         fed_conv_output_size(&shape, layer->image.width)};
}

/* --- golden values ---------------------------------------------------------------- */

static hid_t golden;
static char group[48]; /* the case that is compared */

static int open_golden(void **unused) {
    (void)unused;
    golden = golden_open("tests/golden/layers.h5");
    return 0;
}

static int close_golden(void **unused) {
    (void)unused;
    return H5Fclose(golden) < 0;
}

static void open_group(const char *kind, const char *name) {
    snprintf(group, sizeof group, "/%.24s/%.20s", kind, name);
}

static size_t golden_size(const char *name, int dimension) {
    GOLDEN_PATH(path, "%s/%.20s", group, name);
    hsize_t sizes[4] = {0};
    hid_t set = H5Dopen2(golden, path, H5P_DEFAULT), space = H5Dget_space(set);
    H5Sget_simple_extent_dims(space, sizes, NULL);
    H5Sclose(space);
    H5Dclose(set);
    return (size_t)sizes[dimension];
}

static float *golden_array(const char *name) {
    GOLDEN_PATH(path, "%s/%.20s", group, name);
    return golden_floats(golden, path, NULL);
}

static fed_image_t golden_image(const char *name) {
    return (fed_image_t){golden_size(name, 1), golden_size(name, 2), golden_size(name, 3)};
}

/* An array of images, as layers want it. */
static float *golden_images(const char *name) {
    fed_image_t image = golden_image(name);
    return channels_last(golden_array(name), golden_size(name, 0), image.channels,
                         image.height * image.width);
}

static void take(float **place, float *values) {
    free(*place);
    *place = values;
}

static void assert_golden(const char *name, const float *got, float *expected, size_t n) {
    GOLDEN_PATH(what, "%s/%.20s", group, name);
    assert_near(what, got, expected, n, 3e-6);
    free(expected);
}

/* x and dy are golden: run and compare y and dx. */
static void run_golden_images(trial_t *t) {
    size_t in = t->batch * t->layer.inputs, out = t->batch * t->layer.outputs;
    take(&t->x, golden_images("x"));
    take(&t->dy, golden_images("dy"));
    t->layer.kind->infer(&t->layer, t->scratch, t->batch, t->x, t->w, t->y);
    assert_golden("y", t->y, golden_images("y"), out);
    forward(t);
    assert_golden("y", t->y, golden_images("y"), out);
    store_gradient(t);
    assert_golden("dx", t->dx, golden_images("dx"), in);
}

static void golden_convolution(void) {
    size_t kernel = (size_t)golden_number(golden, group, "kernel");
    fed_image_t x = golden_image("x"), y = golden_image("y");
    size_t area = kernel * kernel, weights = area * x.channels * y.channels;
    fed_layer_t layer = convolution(x, kernel, (size_t)golden_number(golden, group, "padding"));
    trial_t t = trial_create(layer, y, golden_size("x", 0), weights, y.channels);
    float *weight = weights_last(golden_array("weight"), y.channels, x.channels, area);
    float *bias = golden_array("bias");
    memcpy(t.w, weight, weights * sizeof *weight);
    memcpy(t.w + weights, bias, y.channels * sizeof *bias);
    run_golden_images(&t);
    assert_golden("dweight", t.v,
                  weights_last(golden_array("dweight"), y.channels, x.channels, area), weights);
    assert_golden("dbias", t.v + weights, golden_array("dbias"), y.channels);
    assert_same("weights that stay", t.w, weight, weights);
    free(weight), free(bias);
    trial_destroy(&t);
}

static void convolution_is_pytorchs(void **unused) {
    (void)unused;
    static const char *const cases[] = {"same", "one_channel", "one_sample", "small_image",
                                        "valid"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        open_group("conv2d", cases[i]);
        golden_convolution();
    }
}

static void max_pool_is_pytorchs(void **unused) {
    (void)unused;
    static const char *const cases[] = {"even", "odd", "negative", "ties"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        open_group("maxpool2d", cases[i]);
        fed_layer_t layer = {.kind = &fed_layer_max_pool, .image = golden_image("x")};
        trial_t t = trial_create(layer, golden_image("y"), golden_size("x", 0), 0, 0);
        run_golden_images(&t);
        trial_destroy(&t);
    }
}

static void group_norm_is_pytorchs(void **unused) {
    (void)unused;
    static const char *const cases[] = {"two_groups", "one_group", "group_a_channel", "offset"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        open_group("group_norm", cases[i]);
        fed_image_t image = golden_image("x");
        fed_layer_t layer = {.kind = &fed_layer_group_norm,
                             .image = image,
                             .groups = (size_t)golden_number(golden, group, "groups")};
        trial_t t = trial_create(layer, image, golden_size("x", 0), image.channels, image.channels);
        float *weight = golden_array("weight");
        float *bias = golden_array("bias");
        memcpy(t.w, weight, image.channels * sizeof *weight);
        memcpy(t.w + image.channels, bias, image.channels * sizeof *bias);
        run_golden_images(&t);
        assert_golden("dweight", t.v, golden_array("dweight"), image.channels);
        assert_golden("dbias", t.v + image.channels, golden_array("dbias"), image.channels);
        free(weight), free(bias);
        trial_destroy(&t);
    }
}

static void softmax_is_pytorchs(void **unused) {
    (void)unused;
    static const char *const cases[] = {"plain", "one_sample", "two_classes", "extreme"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        open_group("softmax_cross_entropy", cases[i]);
        GOLDEN_PATH(labels_path, "%s/labels", group);
        GOLDEN_PATH(losses_path, "%s/losses", group);
        GOLDEN_PATH(correct_path, "%s/correct", group);
        size_t batch, classes = golden_size("logits", 1);
        float *logits = golden_array("logits"), *d = floats(1000);
        int32_t *labels = golden_integers(golden, labels_path, &batch);
        int32_t *expected_correct = golden_integers(golden, correct_path, NULL);
        double *losses = golden_doubles(golden, losses_path, NULL), loss = 0, expected = 0;
        int64_t correct = 0;
        for (size_t s = 0; s < batch; s++)
            expected += losses[s];
        fed_softmax_cross_entropy(batch, classes, logits, labels, d, &loss, &correct);
        assert_golden("dlogits", d, golden_array("dlogits"), batch * classes);
        assert_true(fabs(loss - expected) <= 1e-6 * (1 + fabs(expected)));
        assert_int_equal(correct, *expected_correct);
        free(logits), free(d), free(labels), free(expected_correct), free(losses);
    }
}

/* Where the golden mask and ours both keep a number it has the golden value. */
static void dropout_scales_as_pytorchs(void **unused) {
    (void)unused;
    static const char *const cases[] = {"half", "quarter", "none"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        open_group("dropout", cases[i]);
        GOLDEN_PATH(mask_path, "%s/mask", group);
        fed_image_t image = {golden_size("x", 1), 1, 1};
        fed_layer_t layer = {
            .kind = &fed_layer_dropout, .image = image, .drop = golden_number(golden, group, "p")};
        trial_t t = trial_create(layer, image, golden_size("x", 0), 0, 0);
        size_t n, compared = 0;
        int32_t *mask = golden_integers(golden, mask_path, &n);
        float *y = golden_array("y"), *dx = golden_array("dx");
        take(&t.x, golden_array("x"));
        take(&t.dy, golden_array("dy"));
        forward(&t);
        store_gradient(&t);
        for (size_t j = 0; j < n; j++) {
            bool kept = t.y[j] != 0.0f;
            assert_true(kept == (t.dx[j] != 0.0f));
            if (!kept || !mask[j])
                continue;
            assert_near(group, t.y + j, y + j, 1, 1e-7);
            assert_near(group, t.dx + j, dx + j, 1, 1e-7);
            compared++;
        }
        assert_true(compared >= n / 8 && (layer.drop > 0 || compared == n));
        free(mask), free(y), free(dx);
        trial_destroy(&t);
    }
}

/* --- plain twins ------------------------------------------------------------------ */

static size_t any_size(size_t largest) {
    return 1 + any_below(any_below(3) ? largest : 2);
}

static trial_t any_convolution(void) {
    fed_image_t image = {any_size(any_below(4) ? 8 : 40), any_size(9), any_size(9)};
    size_t kernel = any_size(5), outputs = any_size(any_below(4) ? 9 : 70);
    fed_layer_t layer = convolution(image, kernel, any_below(kernel));
    while (image.height + 2 * layer.padding < kernel || image.width + 2 * layer.padding < kernel) {
        layer.image.height = ++image.height;
        layer.image.width = ++image.width;
    }
    layer.relu = any_below(2);
    layer.input_relu = any_below(2);
    return trial_create(layer, after_convolution(&layer, outputs), any_below(5),
                        kernel * kernel * image.channels * outputs, outputs);
}

/* For each product x * w of a convolution in turn: its places. */
#define FOR_EACH_PRODUCT(t, out)                                                                   \
    for (size_t s = 0; s < (t)->batch; s++)                                                        \
        for (size_t oy = 0; oy < (out).height; oy++)                                               \
            for (size_t ox = 0; ox < (out).width; ox++)                                            \
                for (size_t ky = 0; ky < (t)->layer.kernel; ky++)                                  \
                    for (size_t kx = 0; kx < (t)->layer.kernel; kx++)                              \
                        for (size_t c = 0; c < (t)->layer.image.channels; c++)                     \
                            for (size_t o = 0; o < (out).channels; o++)

typedef struct {
    bool inside;
    size_t x, y, w;
} places_t;

static places_t places(const trial_t *t, fed_image_t out, size_t s, size_t oy, size_t ox, size_t ky,
                       size_t kx, size_t c, size_t o) {
    const fed_layer_t *layer = &t->layer;
    size_t iy = oy + ky - layer->padding, ix = ox + kx - layer->padding;
    return (places_t){
        .inside = iy < layer->image.height && ix < layer->image.width, /* below 0: very large */
        .x = ((s * layer->image.height + iy) * layer->image.width + ix) * layer->image.channels + c,
        .y = ((s * out.height + oy) * out.width + ox) * out.channels + o,
        .w = ((ky * layer->kernel + kx) * layer->image.channels + c) * out.channels + o,
    };
}

static void plain_take(const fed_sink_t *sink, double gradient, double *v, double *w) {
    const fed_sgd_t *sgd = &sink->sgd;
    if (sink->kind == FED_SINK_STORE) {
        *v = (double)sink->keep * *v + gradient;
        return;
    }
    gradient += (double)sgd->weight_decay * *w;
    *v = (double)sgd->momentum * *v + gradient;
    *w -= (double)sgd->learning_rate * (sgd->nesterov ? gradient + (double)sgd->momentum * *v : *v);
}

/* Without its vectors. */
static fed_sink_t any_sink(void) {
    fed_sgd_t sgd = {.learning_rate = 0.1f,
                     .momentum = any_below(2) ? 0.9f : 0.0f,
                     .weight_decay = any_below(2) ? 0.01f : 0.0f,
                     .nesterov = any_below(3) == 0};
    if (any_below(4) == 0)
        return fed_sink_store((float)any_below(2), NULL);
    return fed_sink_sgd(&sgd, NULL, NULL);
}

/* The same into the trial's vectors. */
static void backward_into(trial_t *t, const fed_sink_t *sink) {
    fed_sink_t own = sink->kind == FED_SINK_STORE ? fed_sink_store(sink->keep, t->v)
                                                  : fed_sink_sgd(&sink->sgd, t->w, t->v);
    backward(t, &own);
}

static float *rounded(double *values, size_t n) {
    float *to = floats(n);
    for (size_t j = 0; j < n; j++)
        to[j] = (float)values[j];
    free(values);
    return to;
}

static double *widened(const float *values, size_t n) {
    double *to = calloc(n + 1, sizeof *to);
    for (size_t j = 0; j < n; j++)
        to[j] = (double)values[j];
    return to;
}

static void check_convolution_forward(trial_t *t, fed_image_t out) {
    size_t n = t->batch * t->layer.outputs;
    double *sums = calloc(n + 1, sizeof *sums);
    for (size_t j = 0; j < n; j++)
        sums[j] = (double)t->w[t->layer.bias + j % out.channels];
    FOR_EACH_PRODUCT(t, out) {
        places_t at = places(t, out, s, oy, ox, ky, kx, c, o);
        if (at.inside)
            sums[at.y] += (double)t->x[at.x] * (double)t->w[at.w];
    }
    for (size_t j = 0; j < n; j++)
        sums[j] = t->layer.relu && sums[j] < 0 ? 0 : sums[j];
    float *expected = rounded(sums, n);
    forward(t);
    assert_near("convolution forward", t->y, expected, n, 2e-5);
    free(expected);
}

static void check_convolution_backward(trial_t *t, fed_image_t out) {
    size_t n = t->batch * t->layer.inputs, weights = t->layer.bias, all = weights + out.channels;
    double *dx = calloc(n + 1, sizeof *dx), *g = calloc(all + 1, sizeof *g);
    FOR_EACH_PRODUCT(t, out) {
        places_t at = places(t, out, s, oy, ox, ky, kx, c, o);
        if (!at.inside)
            continue;
        dx[at.x] += (double)t->dy[at.y] * (double)t->w[at.w];
        g[at.w] += (double)t->dy[at.y] * (double)t->x[at.x];
    }
    for (size_t j = 0; j < t->batch * t->layer.outputs; j++)
        g[weights + j % out.channels] += (double)t->dy[j];
    for (size_t j = 0; j < n; j++)
        dx[j] = t->layer.input_relu && t->x[j] <= 0 ? 0 : dx[j];
    fed_sink_t sink = any_sink();
    take(&t->v, random_floats(all, 0));
    double *w = widened(t->w, all), *v = widened(t->v, all);
    for (size_t j = 0; j < all; j++)
        plain_take(&sink, g[j], &v[j], &w[j]);
    free(g);
    float *expected_dx = rounded(dx, n), *expected_w = rounded(w, all);
    float *expected_v = rounded(v, all);
    backward_into(t, &sink);
    assert_near("convolution dx", t->dx, expected_dx, n, 2e-5);
    assert_near("convolution v", t->v, expected_v, all, 3e-5);
    assert_near("convolution w", t->w, expected_w, all, 3e-5);
    free(expected_dx), free(expected_w), free(expected_v);
}

static void convolution_is_its_plain_twin(void **unused) {
    (void)unused;
    for (size_t i = 0; i < trials(80); i++) {
        trial_t t = any_convolution();
        size_t channels = (t.layer.outputs ? t.layer.outputs : 1);
        fed_image_t out = after_convolution(&t.layer, 1);
        out.channels = channels / (out.height * out.width);
        check_convolution_forward(&t, out);
        check_convolution_backward(&t, out);
        trial_destroy(&t);
    }
}

static void max_pool_is_its_plain_twin(void **unused) {
    (void)unused;
    for (size_t i = 0; i < trials(80); i++) {
        fed_image_t image = {any_size(70), 1 + any_size(8), 1 + any_size(8)};
        fed_image_t out = {image.channels, image.height / 2, image.width / 2};
        fed_layer_t layer = {.kind = &fed_layer_max_pool,
                             .image = image,
                             .relu = any_below(2),
                             .input_relu = any_below(2)};
        trial_t t = trial_create(layer, out, any_below(4), 0, 0);
        size_t n = t.batch * t.layer.inputs;
        float *dx = floats(n), *y = floats(t.batch * t.layer.outputs);
        for (size_t j = 0; j < t.batch * t.layer.outputs; j++) {
            size_t c = j % out.channels, ox = j / out.channels % out.width;
            size_t oy = j / out.channels / out.width % out.height, s = j / numbers(out), best = 0;
            for (size_t k = 0; k < 4; k++) {
                size_t row = s * image.height + 2 * oy + k / 2;
                size_t at = (row * image.width + 2 * ox + k % 2) * image.channels + c;
                if (k == 0 || t.x[at] > t.x[best])
                    best = at;
            }
            y[j] = layer.relu && t.x[best] < 0 ? 0 : t.x[best];
            dx[best] = layer.input_relu && t.x[best] <= 0 ? 0 : t.dy[j];
        }
        forward(&t);
        assert_same("maximum", t.y, y, t.batch * t.layer.outputs);
        store_gradient(&t);
        assert_same("maximum dx", t.dx, dx, n);
        free(dx), free(y);
        trial_destroy(&t);
    }
}

static void nan_is_the_maximum(void **unused) {
    (void)unused;
    for (size_t place = 0; place < 4; place++) {
        fed_layer_t layer = {.kind = &fed_layer_max_pool, .image = {1, 2, 2}, .relu = true};
        trial_t t = trial_create(layer, (fed_image_t){1, 1, 1}, 1, 0, 0);
        for (size_t j = 0; j < 4; j++)
            t.x[j] = j == place ? NAN : (float)j;
        t.dy[0] = 2.0f;
        forward(&t);
        store_gradient(&t);
        assert_true(isnan(t.y[0]));
        for (size_t j = 0; j < 4; j++)
            assert_true(t.dx[j] == (j == place ? 2.0f : 0.0f));
        trial_destroy(&t);
    }
}

/* --- finite differences ----------------------------------------------------------- */

static double weighted_sum(trial_t *t) {
    double sum = 0;
    forward(t);
    for (size_t j = 0; j < t->batch * t->layer.outputs; j++)
        sum += (double)t->dy[j] * (double)t->y[j];
    return sum;
}

/* The derivative of sum(dy y) by *number. */
static double difference(trial_t *t, float *number, double step) {
    float middle = *number;
    float above = middle + (float)step, below = middle - (float)step;
    *number = above;
    double high = weighted_sum(t);
    *number = below;
    double low = weighted_sum(t);
    *number = middle;
    return (high - low) / ((double)above - (double)below);
}

static void check_differences(trial_t *t, size_t parameters, double step, double tolerance) {
    memset(t->v, 0, parameters * sizeof *t->v);
    forward(t);
    store_gradient(t);
    for (size_t i = 0; i < 24; i++) {
        size_t j = any_below(t->batch * t->layer.inputs);
        double expected = difference(t, &t->x[j], step), got = (double)t->dx[j];
        if (!(fabs(got - expected) <= tolerance * (1 + fabs(expected))))
            fail_msg("%s: dx[%zu] is %g, differences say %g", t->layer.kind->name, j, got,
                     expected);
    }
    for (size_t i = 0; parameters > 0 && i < 24; i++) {
        size_t j = any_below(parameters);
        double expected = difference(t, &t->w[j], step), got = (double)t->v[j];
        if (!(fabs(got - expected) <= tolerance * (1 + fabs(expected))))
            fail_msg("%s: dw[%zu] is %g, differences say %g", t->layer.kind->name, j, got,
                     expected);
    }
}

/* Differences that no two numbers of a 2 x 2 square change places in. */
static void spread_out(float *x, size_t n) {
    for (size_t j = 0; j < n; j++)
        x[j] = (float)(j * 7919 % (n + 1)) / (float)(n + 1) * 4 - 2;
}

static void derivatives_are_differences(void **unused) {
    (void)unused;
    for (size_t i = 0; i < trials(20); i++) {
        fed_image_t image = {2 * any_size(6), 1 + any_size(4), 1 + any_size(4)};
        size_t batch = any_size(3), channels = image.channels, outputs = any_size(9);
        trial_t t = any_convolution();
        size_t parameters =
            t.layer.bias + t.layer.outputs / numbers(after_convolution(&t.layer, 1));
        t.layer.relu = t.layer.input_relu = false;
        if (t.batch > 0)
            check_differences(&t, parameters, 0.25, 2e-3);
        trial_destroy(&t);

        t = trial_create((fed_layer_t){.kind = &fed_layer_dense, .image = image},
                         (fed_image_t){outputs, 1, 1}, batch, numbers(image) * outputs, outputs);
        check_differences(&t, t.layer.bias + outputs, 0.25, 2e-3);
        trial_destroy(&t);

        t = trial_create((fed_layer_t){.kind = &fed_layer_group_norm, .image = image, .groups = 2},
                         image, batch, channels, channels);
        spread_out(t.x, t.batch * t.layer.inputs);
        check_differences(&t, 2 * channels, 4e-3, 5e-3);
        trial_destroy(&t);

        t = trial_create((fed_layer_t){.kind = &fed_layer_dropout, .image = image, .drop = 0.4},
                         image, batch, 0, 0);
        check_differences(&t, 0, 0.25, 1e-3);
        trial_destroy(&t);

        t = trial_create((fed_layer_t){.kind = &fed_layer_channels_last, .image = image}, image,
                         batch, 0, 0);
        check_differences(&t, 0, 0.25, 1e-3);
        trial_destroy(&t);

        t = trial_create((fed_layer_t){.kind = &fed_layer_max_pool, .image = image},
                         (fed_image_t){channels, image.height / 2, image.width / 2}, batch, 0, 0);
        spread_out(t.x, t.batch * t.layer.inputs);
        check_differences(&t, 0, 1.0 / (double)(t.batch * t.layer.inputs + 1), 2e-3);
        trial_destroy(&t);
    }
}

/* --- the promise: same bits ------------------------------------------------------- */

/* All results of a convolution or a normalisation, copied `shift` floats behind a
 * boundary of the memory. */
static void results_at(const trial_t *t, size_t parameters, size_t shift, const fed_sink_t *sink,
                       float *results) {
    size_t in = t->batch * t->layer.inputs, out = t->batch * t->layer.outputs;
    trial_t moved = *t;
    void *blocks[6];
    float **const places[6] = {&moved.w, &moved.v, &moved.x, &moved.y, &moved.dy, &moved.dx};
    const size_t sizes[6] = {parameters, parameters, in, out, out, in};
    for (size_t i = 0; i < 6; i++) {
        float *from = *places[i];
        assert_int_equal(posix_memalign(&blocks[i], 64, (sizes[i] + shift + 1) * sizeof(float)), 0);
        *places[i] = (float *)blocks[i] + shift;
        memcpy(*places[i], from, sizes[i] * sizeof(float));
    }
    forward(&moved);
    backward_into(&moved, sink);
    for (size_t i = 0; i < 6; i++) {
        memcpy(results, *places[i], sizes[i] * sizeof(float));
        results += sizes[i];
        free(blocks[i]);
    }
}

static trial_t any_with_parameters(size_t i, size_t *parameters) {
    trial_t t;
    if (i % 2) {
        t = any_convolution();
        *parameters = t.layer.bias + t.layer.outputs / numbers(after_convolution(&t.layer, 1));
        return t;
    }
    fed_image_t image = {3 * any_size(20), any_size(6), any_size(6)};
    *parameters = 2 * image.channels;
    return trial_create((fed_layer_t){.kind = &fed_layer_group_norm, .image = image, .groups = 3},
                        image, any_size(3), image.channels, image.channels);
}

static void bits_depend_on_values_alone(void **unused) {
    (void)unused;
    const char *chosen = fed_simd_name();
    for (size_t i = 0; i < trials(40); i++) {
        size_t parameters;
        trial_t t = any_with_parameters(i, &parameters);
        size_t n = 2 * (parameters + t.batch * (t.layer.inputs + t.layer.outputs));
        float *a = floats(n), *b = floats(n);
        fed_sink_t sink = any_sink();
        results_at(&t, parameters, 0, &sink, a);
        results_at(&t, parameters, 1 + any_below(15), &sink, b);
        assert_same("at another address", a, b, n);
        if (fed_simd_select("avx512")) {
            results_at(&t, parameters, 0, &sink, a);
            assert_true(fed_simd_select("avx2"));
            results_at(&t, parameters, 0, &sink, b);
            assert_same("with other vectors", a, b, n);
        }
        assert_true(fed_simd_select(chosen));
        free(a), free(b);
        trial_destroy(&t);
    }
}

static void a_sample_does_not_see_its_batch(void **unused) {
    (void)unused;
    for (size_t i = 0; i < trials(20); i++) {
        size_t parameters;
        trial_t t = any_with_parameters(i, &parameters);
        size_t in = t.layer.inputs, out = t.layer.outputs, batch = t.batch;
        float *y = floats(out);
        forward(&t);
        for (size_t s = 0; s < batch; s++) {
            t.layer.kind->infer(&t.layer, t.scratch, 1, t.x + s * in, t.w, y);
            assert_same("alone", t.y + s * out, y, out);
        }
        free(y);
        trial_destroy(&t);
    }
}

/* --- dropout ---------------------------------------------------------------------- */

enum { UNITS = 501, SAMPLES = 40 };

/* Which numbers of SAMPLES samples are kept. */
static void draw_masks(const fed_stream_t *stream, uint32_t number, size_t position, size_t batch,
                       float *masks) {
    fed_layer_t layer = {.kind = &fed_layer_dropout, .image = {UNITS, 1, 1}, .drop = 0.3};
    trial_t t = trial_create(layer, layer.image, batch, 0, 0);
    for (size_t j = 0; j < batch * UNITS; j++)
        t.x[j] = 1;
    layer.kind->draw(&t.layer, t.scratch, stream, number, position, batch);
    layer.kind->forward(&t.layer, t.scratch, batch, t.x, t.w, masks);
    t.layer.kind->infer(&t.layer, t.scratch, batch, t.x, t.w, t.y);
    assert_same("evaluation", t.y, t.x, batch * UNITS);
    trial_destroy(&t);
}

static size_t count_different(const float *a, const float *b) {
    size_t count = 0;
    for (size_t j = 0; j < (size_t)SAMPLES * UNITS; j++)
        count += a[j] != b[j];
    return count;
}

static void dropped_numbers_are_a_function_of_the_step(void **unused) {
    (void)unused;
    static float masks[SAMPLES * UNITS], others[SAMPLES * UNITS];
    const fed_stream_t stream = {.seed = 1, .who = 2, .when = 3, .which = 4};
    const double n = SAMPLES * UNITS;
    double kept = 0;
    draw_masks(&stream, 1, 0, SAMPLES, masks);
    for (size_t j = 0; j < SAMPLES * UNITS; j++) {
        assert_true(masks[j] == 0.0f || masks[j] == (float)(1 / 0.7));
        kept += masks[j] != 0.0f;
    }
    assert_true(fabs(kept - 0.7 * n) < 5 * sqrt(0.21 * n));
    for (size_t s = 0; s < SAMPLES; s += 8) /* other batches, same samples */
        draw_masks(&stream, 1, s, 8, others + s * UNITS);
    assert_int_equal(count_different(masks, others), 0);

    const fed_stream_t streams[] = {
        {.seed = 2, .who = 2, .when = 3, .which = 4},
        {.seed = 1, .who = 3, .when = 3, .which = 4},
        {.seed = 1, .who = 2, .when = 4, .which = 4},
        {.seed = 1, .who = 2, .when = 3, .which = 5},
        stream,
        stream,
    };
    for (size_t i = 0; i < 6; i++) { /* independent: 0.42 of all differ */
        draw_masks(&streams[i], i == 4 ? 2 : 1, i == 5 ? 1 : 0, SAMPLES, others);
        assert_true(fabs((double)count_different(masks, others) - 0.42 * n) <
                    5 * sqrt(0.42 * 0.58 * n));
    }
}

static void dropout_after_a_relu_masks_what_was_closed(void **unused) {
    (void)unused;
    fed_layer_t layer = {
        .kind = &fed_layer_dropout, .image = {UNITS, 1, 1}, .drop = 0.5, .input_relu = true};
    trial_t t = trial_create(layer, layer.image, 2, 0, 0);
    for (size_t j = 0; j < 2 * UNITS; j++)
        t.dy[j] = 1;
    forward(&t);
    store_gradient(&t);
    for (size_t j = 0; j < 2 * UNITS; j++)
        assert_true(t.dx[j] == (t.x[j] > 0 && t.y[j] > 0 ? 2.0f : 0.0f));
    trial_destroy(&t);
}

int main(void) {
    static const char *const names[] = {"plain", "avx2", "avx512"};
    int failures = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!fed_simd_select(names[i]))
            continue;
        const struct CMUnitTest tests[] = {
            TEST(convolution_is_pytorchs),
            TEST(max_pool_is_pytorchs),
            TEST(group_norm_is_pytorchs),
            TEST(softmax_is_pytorchs),
            TEST(dropout_scales_as_pytorchs),
            TEST(convolution_is_its_plain_twin),
            TEST(max_pool_is_its_plain_twin),
            TEST(nan_is_the_maximum),
            TEST(derivatives_are_differences),
            TEST(bits_depend_on_values_alone),
            TEST(a_sample_does_not_see_its_batch),
            TEST(dropped_numbers_are_a_function_of_the_step),
            TEST(dropout_after_a_relu_masks_what_was_closed),
        };
        failures += cmocka_run_group_tests_name(names[i], tests, open_golden, close_golden);
    }
    return failures != 0;
}
