/* Chains of layers and their tensors. */
#include "types.h"

#include "fedmpi/core/memory.h"
#include "fedmpi/core/random.h"

#include <math.h>
#include <stdio.h>

static const fed_plugin_t *const type_entries[] = {
    &fed_model_mlp.plugin,
    &fed_model_logistic.plugin,
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

static void add_tensor(fed_model_t *model, const char *name, const char *part,
                       fed_tensor_t tensor) {
    tensor.offset = model->parameters;
    tensor.count = 1;
    for (size_t d = 0; d < FED_TENSOR_DIMENSIONS; d++)
        tensor.count *= tensor.shape[d];
    snprintf(tensor.name, sizeof tensor.name, "%s.%s", name, part);
    size_t count = model->tensor_count++;
    model->tensors = fed_grow(model->tensors, count, count + 1, sizeof *model->tensors);
    model->tensors[count] = tensor;
    model->parameters += tensor.count;
}

void fed_model_add_dense(fed_model_t *model, const char *name, const fed_layer_kind_t *kind,
                         size_t inputs, size_t outputs, bool relu) {
    size_t count = model->layer_count++;
    model->layers = fed_grow(model->layers, count, count + 1, sizeof *model->layers);
    model->layers[count] = (fed_layer_t){
        .kind = kind,
        .inputs = inputs,
        .outputs = outputs,
        .weight = model->parameters,
        .bias = model->parameters + inputs * outputs,
        .relu = relu,
        .input_relu = count > 0 && model->layers[count - 1].relu,
    };
    add_tensor(model, name, "weight",
               (fed_tensor_t){.dimensions = 2,
                              .shape = {outputs, inputs, 1, 1},
                              .fan_in = inputs,
                              .transposed = true});
    add_tensor(model, name, "bias",
               (fed_tensor_t){.dimensions = 1, .shape = {outputs, 1, 1, 1}, .fan_in = inputs});
}

void fed_model_initial_parameters(const fed_model_t *model, uint64_t seed, float *w) {
    for (size_t t = 0; t < model->tensor_count; t++) {
        const fed_tensor_t *tensor = &model->tensors[t];
        fed_stream_t stream = {
            .seed = seed, .purpose = FED_RANDOM_INITIAL_WEIGHTS, .epoch = (uint32_t)t};
        double bound = 1 / sqrt((double)tensor->fan_in);
        FED_AUTOFREE float *values = FED_NEW_ARRAY(float, tensor->count);
        for (size_t i = 0; i < tensor->count; i++)
            values[i] = (float)(bound * (2 * fed_random_uniform(&stream, (uint32_t)i) - 1));
        fed_tensor_import(tensor, values, w);
    }
}

/* to[column][row] = from[row][column] */
static void transpose(size_t rows, size_t columns, const float *from, float *to) {
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            to[c * rows + r] = from[r * columns + c];
}

void fed_tensor_export(const fed_tensor_t *tensor, const float *w, float *values) {
    size_t units = tensor->shape[0];
    if (tensor->transposed)
        transpose(tensor->count / units, units, w + tensor->offset, values);
    else
        transpose(1, tensor->count, w + tensor->offset, values);
}

void fed_tensor_import(const fed_tensor_t *tensor, const float *values, float *w) {
    size_t units = tensor->shape[0];
    if (tensor->transposed)
        transpose(units, tensor->count / units, values, w + tensor->offset);
    else
        transpose(1, tensor->count, values, w + tensor->offset);
}
