#include "build.h"

#include "fedmpi/core/memory.h"

#include <stdio.h>

static const fed_key_t keys[] = {
    FED_REAL(fed_dropout_options_t, dropout, 0, 0.99, "0",
             "probability with which a training step drops a hidden dense unit"),
};

const fed_key_group_t fed_dropout_keys = FED_KEY_GROUP("model", fed_dropout_options_t, keys);

static size_t numbers(fed_image_t image) {
    return image.channels * image.height * image.width;
}

fed_image_t fed_image_flat(size_t count) {
    return (fed_image_t){.channels = count, .height = 1, .width = 1};
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

/* Sizes, parameters' places and the ReLU before follow from what is there. */
static fed_image_t add_layer(fed_model_t *model, fed_layer_t layer, fed_image_t outputs,
                             size_t weights) {
    size_t count = model->layer_count++;
    const fed_layer_t *before = count > 0 ? &model->layers[count - 1] : NULL;
    layer.inputs = numbers(layer.image);
    layer.outputs = numbers(outputs);
    layer.weight = model->parameters;
    layer.bias = model->parameters + weights;
    layer.input_relu = before && before->relu;
    model->layers = fed_grow(model->layers, count, count + 1, sizeof *model->layers);
    model->layers[count] = layer;
    return outputs;
}

fed_image_t fed_model_add_dense(fed_model_t *model, const char *name, const fed_layer_kind_t *kind,
                                fed_image_t inputs, size_t units, bool relu) {
    size_t width = numbers(inputs);
    fed_image_t outputs = add_layer(
        model, (fed_layer_t){.kind = kind, .image = inputs, .relu = relu, .gemm = model->gemm},
        fed_image_flat(units), width * units);
    add_tensor(model, name, "weight",
               (fed_tensor_t){.dimensions = 2,
                              .shape = {units, width, 1, 1},
                              .fan_in = width,
                              .transposed = true,
                              .channels = inputs.channels});
    add_tensor(model, name, "bias",
               (fed_tensor_t){.dimensions = 1, .shape = {units, 1, 1, 1}, .fan_in = width});
    return outputs;
}

fed_image_t fed_model_add_convolution(fed_model_t *model, const char *name, fed_image_t inputs,
                                      size_t channels, size_t kernel, size_t padding, bool relu) {
    size_t shrink = kernel - 1, fan_in = inputs.channels * kernel * kernel;
    fed_image_t outputs = {channels, inputs.height + 2 * padding - shrink,
                           inputs.width + 2 * padding - shrink};
    add_layer(model,
              (fed_layer_t){.kind = &fed_layer_convolution,
                            .image = inputs,
                            .kernel = kernel,
                            .padding = padding,
                            .relu = relu},
              outputs, fan_in * channels);
    add_tensor(model, name, "weight",
               (fed_tensor_t){.dimensions = 4,
                              .shape = {channels, inputs.channels, kernel, kernel},
                              .fan_in = fan_in,
                              .transposed = true,
                              .channels = inputs.channels});
    add_tensor(model, name, "bias",
               (fed_tensor_t){.dimensions = 1, .shape = {channels, 1, 1, 1}, .fan_in = fan_in});
    return outputs;
}

fed_image_t fed_model_add_max_pool(fed_model_t *model, fed_image_t inputs, bool relu) {
    fed_image_t outputs = {inputs.channels, inputs.height / 2, inputs.width / 2};
    return add_layer(model,
                     (fed_layer_t){.kind = &fed_layer_max_pool, .image = inputs, .relu = relu},
                     outputs, 0);
}

fed_image_t fed_model_add_group_norm(fed_model_t *model, const char *name, fed_image_t inputs,
                                     size_t groups) {
    size_t channels = inputs.channels;
    add_layer(model,
              (fed_layer_t){.kind = &fed_layer_group_norm, .image = inputs, .groups = groups},
              inputs, channels);
    fed_tensor_t tensor = {.dimensions = 1, .shape = {channels, 1, 1, 1}, .initial = 1};
    add_tensor(model, name, "weight", tensor);
    tensor.initial = 0;
    add_tensor(model, name, "bias", tensor);
    return inputs;
}

fed_image_t fed_model_add_dropout(fed_model_t *model, fed_image_t inputs, double drop) {
    if (drop == 0)
        return inputs;
    return add_layer(
        model, (fed_layer_t){.kind = &fed_layer_dropout, .image = inputs, .drop = drop}, inputs, 0);
}

fed_image_t fed_model_add_channels_last(fed_model_t *model, fed_image_t inputs) {
    if (inputs.channels == 1)
        return inputs;
    return add_layer(model, (fed_layer_t){.kind = &fed_layer_channels_last, .image = inputs},
                     inputs, 0);
}
