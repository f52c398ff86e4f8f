/* Chains of layers and their tensors. */
#include "nn/models/types.h"

#include "fedmpi/config/purposes.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/core/random.h"

#include <math.h>

static const fed_plugin_t *const type_entries[] = {
    &fed_model_mlp.plugin,
    &fed_model_logistic.plugin,
    &fed_model_cnn.plugin,
    &fed_model_cifar_cnn.plugin,
};

const fed_plugin_table_t fed_model_types = {
    .kind = "model",
    .key = "model.type",
    .entries = type_entries,
    .count = sizeof type_entries / sizeof *type_entries,
};

fed_status_t fed_model_init(fed_model_t *model, const fed_config_t *config,
                            const fed_model_input_t *input) {
    *model = (fed_model_t){
        .inputs = input->channels * input->height * input->width,
        .classes = input->classes,
    };
    const fed_model_type_t *type;
    FED_TRY(fed_config_choose(config, &fed_model_types, config->model.type,
                              (const fed_plugin_t **)&type));
    return type->build(config, input, model);
}

void fed_model_fini(fed_model_t *model) {
    fed_free(model->layers);
    fed_free(model->tensors);
    *model = (fed_model_t){0};
}

static void draw_initial(const fed_tensor_t *tensor, const fed_stream_t *stream, float *values) {
    double bound = 1 / sqrt((double)tensor->fan_in);
    for (size_t i = 0; i < tensor->count; i++)
        values[i] = tensor->fan_in == 0
                        ? tensor->initial
                        : (float)(bound * (2 * fed_random_uniform(stream, (uint32_t)i) - 1));
}

void fed_model_initial_parameters(const fed_model_t *model, uint64_t seed, float *w) {
    for (size_t t = 0; t < model->tensor_count; t++) {
        const fed_tensor_t *tensor = &model->tensors[t];
        fed_stream_t stream = {
            .seed = seed, .purpose = FED_RANDOM_INITIAL_WEIGHTS, .which = (uint32_t)t};
        FED_AUTOFREE float *values = FED_NEW_ARRAY(float, tensor->count);
        draw_initial(tensor, &stream, values);
        fed_tensor_import(tensor, values, w);
    }
}

/* Where the stored value [p][c][u] is in PyTorch's [units][channels][pixels]. */
static size_t torch_position(const fed_tensor_t *tensor, size_t stored) {
    if (!tensor->transposed)
        return stored;
    size_t units = tensor->shape[0], channels = tensor->channels;
    size_t pixels = tensor->count / units / channels;
    size_t u = stored % units, c = stored / units % channels, p = stored / units / channels;
    return (u * channels + c) * pixels + p;
}

void fed_tensor_export(const fed_tensor_t *tensor, const float *w, float *values) {
    for (size_t i = 0; i < tensor->count; i++)
        values[torch_position(tensor, i)] = w[tensor->offset + i];
}

void fed_tensor_import(const fed_tensor_t *tensor, const float *values, float *w) {
    for (size_t i = 0; i < tensor->count; i++)
        w[tensor->offset + i] = values[torch_position(tensor, i)];
}
