/* How fast the convolutional networks train beside the machine's own bound: their
 * floating-point operations at the peak of the same core.
 *
 * Steps and the peak alternate in one process, and both are timed on the processor,
 * not on the wall: what else the machine does falls on neither. Figures are medians.
 * The operations are those of dense arithmetic: forward, and backward to weights and
 * to inputs where there is a layer before; zeros that are skipped count too.
 *
 *     bench_cnn [FOLDER OF MNIST]        (default: data/mnist)
 *
 * One line a case for people on stderr, and one of JSON on stdout.
 */
#include "measure.h"

#include "fedmpi/core/memory.h"
#include "fedmpi/fl/training.h"
#include "fedmpi/math/blas.h"
#include "fedmpi/run/rooms.h"
#include "nn/initializations/initializations.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TURNS = 15, STEPS = 6, WARM_UP = 60 };

static void check(fed_status_t status) {
    if (status == FED_OK)
        return;
    fprintf(stderr, "bench_cnn: %s\n", fed_error_message());
    exit(1);
}

static void set(fed_config_t *config, const char *assignment) {
    check(fed_config_override(config, assignment));
}

/* Samples and what a model is built for. */
typedef struct {
    fed_samples_t samples;
    fed_model_input_t input;
    void *memory;
} data_t;

static data_t load_mnist(const fed_config_t *config) {
    fed_dataset_shape_t shape = {0};
    check(fed_dataset_measure(config, NULL, &shape));
    void *block = fed_alloc(1, fed_dataset_block_bytes(&shape));
    check(fed_dataset_fill(config, NULL, &shape, block));
    fed_dataset_t set = fed_dataset_attach(config, block);
    return (data_t){
        .samples = set.train,
        .input = {set.channels, set.height, set.width, set.classes, 1.0},
        .memory = block,
    };
}

/* Random bytes in the shape of CIFAR-10: photographs have no zeros to skip either. */
static data_t random_photographs(void) {
    enum { COUNT = 640, FEATURES = 3 * 32 * 32 };
    static const float scale[3] = {1 / 64.0f, 1 / 64.0f, 1 / 64.0f}, shift[3] = {-2, -2, -2};
    uint8_t *values = fed_alloc(1, COUNT * (FEATURES + sizeof(int32_t)));
    int32_t *labels = (int32_t *)(void *)(values + COUNT * FEATURES);
    fed_stream_t stream = {.seed = 1};
    for (uint32_t i = 0; i < COUNT * FEATURES; i++)
        values[i] = (uint8_t)fed_random_bits(&stream, i);
    for (uint32_t i = 0; i < COUNT; i++)
        labels[i] = (int32_t)(i % 10);
    return (data_t){
        .samples = {.count = COUNT,
                    .features = FEATURES,
                    .channels = 3,
                    .type = FED_VALUES_UINT8,
                    .values = values,
                    .labels = labels,
                    .scale = scale,
                    .shift = shift},
        .input = {3, 32, 32, 10, 1.0},
        .memory = values,
    };
}

/* Multiplications and additions of a step on one sample. */
static double operations(const fed_model_t *model) {
    double total = 0;
    bool first = true;
    for (size_t l = 0; l < model->layer_count; l++) {
        const fed_layer_t *layer = &model->layers[l];
        size_t terms = 0;
        if (layer->kind == &fed_layer_convolution)
            terms = layer->image.channels * layer->kernel * layer->kernel;
        else if (layer->kind == &fed_layer_dense)
            terms = layer->inputs;
        if (terms == 0)
            continue;
        total += 2.0 * (double)(terms * layer->outputs) * (first ? 2 : 3);
        first = false;
    }
    return total;
}

static void begin(fed_training_t *training, const data_t *data, uint32_t epoch) {
    FED_AUTOFREE uint32_t *all = FED_NEW_ARRAY(uint32_t, data->samples.count);
    for (uint32_t i = 0; i < data->samples.count; i++)
        all[i] = i;
    fed_training_begin_epoch(training, all, data->samples.count,
                             (fed_stream_t){.seed = 1, .when = 1, .which = epoch});
}

static double steps_us(fed_training_t *training, const data_t *data, size_t steps) {
    static uint32_t epoch;
    double us = 0;
    for (size_t s = 0; s < steps; s++) {
        if (training->count - training->position < training->batch_size)
            begin(training, data, ++epoch);
        double started = processor_us();
        fed_training_step(training);
        us += processor_us() - started;
    }
    return us / (double)steps;
}

static void measure(const char *name, const fed_config_t *config, const data_t *data) {
    fed_model_t model;
    fed_training_t training;
    check(fed_model_init(&model, config, &data->input));
    fed_training_init(&training, &model, &data->samples, config);
    fed_initialization_draw(&fed_initialization_pytorch, &model, 1, training.w);
    steps_us(&training, data, WARM_UP); /* patterns of zeros as in training */
    double peaks[TURNS], step[TURNS];
    for (size_t turn = 0; turn < TURNS; turn++) {
        peaks[turn] = peak_gflops();
        step[turn] = steps_us(&training, data, STEPS);
    }
    double peak = median(peaks, TURNS);
    double bound = operations(&model) * (double)training.batch_size / peak * 1e-3;
    double us = median(step, TURNS);
    fprintf(stderr,
            "%-10s batch %3zu: %8.0f us a step, %.2f of its bound of %.0f us (peak %.1f GFLOP/s)\n",
            name, training.batch_size, us, us / bound, bound, peak);
    printf(
        "{\"benchmark\": \"cnn\", \"model\": \"%s\", \"batch_size\": %zu, \"parameters\": %zu, "
        "\"microseconds_per_step\": %.1f, \"bound_microseconds\": %.1f, \"ratio\": %.3f, "
        "\"peak_gflops\": %.1f, \"kernels\": \"%s\"}\n",
        name, training.batch_size, model.parameters, us, bound, us / bound, peak, fed_simd_name());
    fed_training_fini(&training);
    fed_model_fini(&model);
}

int main(int argc, char **argv) {
    fed_config_t config;
    fed_blas_use_one_thread();
    fed_config_init(&config, fed_rooms);
    FED_AUTOFREE char *path = fed_format("data.path=%s", argc > 1 ? argv[1] : "data/mnist");
    set(&config, path);
    set(&config, "data.train_limit=6000");
    fprintf(stderr, "kernels %s, %s\n", fed_simd_name(), fed_blas_description());

    data_t mnist = load_mnist(&config), photographs = random_photographs();
    set(&config, "model.type=cnn");
    set(&config, "training.batch_size=10");
    measure("cnn", &config, &mnist);
    set(&config, "training.batch_size=32");
    measure("cnn", &config, &mnist);
    set(&config, "model.type=cifar-cnn");
    measure("cifar-cnn", &config, &photographs);

    fed_free(mnist.memory);
    fed_free(photographs.memory);
    fed_config_fini(&config);
    return 0;
}
