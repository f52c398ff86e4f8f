#include "build.h"

#include "fedmpi/core/memory.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

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

static fed_tensor_t *find_tensor(fed_model_t *model, const char *name) {
    for (size_t t = 0; t < model->tensor_count; t++)
        if (strcmp(model->tensors[t].name, name) == 0)
            return &model->tensors[t];
    return NULL;
}

/* The tensor of this name, new if there is none. @return its place in the parameters */
static size_t place_tensor(fed_model_t *model, const char *name, const char *part,
                           fed_tensor_t tensor) {
    tensor.offset = model->parameters;
    tensor.count = 1;
    for (size_t d = 0; d < FED_TENSOR_DIMENSIONS; d++)
        tensor.count *= tensor.shape[d];
    snprintf(tensor.name, sizeof tensor.name, "%s.%s", name, part);
    const fed_tensor_t *same = find_tensor(model, tensor.name);
    if (same) {
        assert(memcmp(same->shape, tensor.shape, sizeof tensor.shape) == 0);
        return same->offset;
    }
    size_t count = model->tensor_count++;
    model->tensors = fed_grow(model->tensors, count, count + 1, sizeof *model->tensors);
    model->tensors[count] = tensor;
    model->parameters += tensor.count;
    return tensor.offset;
}

static bool has_parameters(const fed_layer_t *layer) {
    return layer->bias != layer->weight;
}

/* Earlier layers with this one's parameters. */
static void tie(fed_model_t *model, const fed_layer_t *layer) {
    assert(model->layers || model->layer_count == 0);
    for (size_t l = 0; has_parameters(layer) && l < model->layer_count; l++)
        if (has_parameters(&model->layers[l]) && model->layers[l].weight == layer->weight)
            model->tied = model->layers[l].tied_ahead = true;
}

/* Sizes and the ReLU before follow from what is there; its scratch is its own unless the caller
 * changes that. */
static fed_image_t add_layer(fed_model_t *model, fed_layer_t layer, fed_image_t outputs) {
    size_t count = model->layer_count;
    const fed_layer_t *before = count > 0 ? &model->layers[count - 1] : NULL;
    layer.inputs = numbers(layer.image);
    layer.outputs = numbers(outputs);
    layer.input_relu = before && before->relu;
    layer.scratch = count;
    tie(model, &layer);
    model->layers = fed_grow(model->layers, count, count + 1, sizeof *model->layers);
    model->layers[count] = layer;
    model->layer_count++;
    return outputs;
}

fed_image_t fed_model_add_dense(fed_model_t *model, const char *name, const fed_layer_kind_t *kind,
                                fed_image_t inputs, size_t units, bool relu) {
    size_t width = numbers(inputs);
    fed_layer_t layer = {.kind = kind, .image = inputs, .relu = relu, .gemm = model->gemm};
    layer.weight = place_tensor(model, name, "weight",
                                (fed_tensor_t){.dimensions = 2,
                                               .shape = {units, width, 1, 1},
                                               .fan_in = width,
                                               .transposed = true,
                                               .channels = inputs.channels});
    layer.bias =
        place_tensor(model, name, "bias",
                     (fed_tensor_t){.dimensions = 1, .shape = {units, 1, 1, 1}, .fan_in = width});
    return add_layer(model, layer, fed_image_flat(units));
}

fed_image_t fed_model_add_convolution(fed_model_t *model, const char *name, fed_image_t inputs,
                                      size_t channels, size_t kernel, size_t padding, bool relu) {
    size_t shrink = kernel - 1, fan_in = inputs.channels * kernel * kernel;
    fed_image_t outputs = {channels, inputs.height + 2 * padding - shrink,
                           inputs.width + 2 * padding - shrink};
    fed_layer_t layer = {.kind = &fed_layer_convolution,
                         .image = inputs,
                         .kernel = kernel,
                         .padding = padding,
                         .relu = relu};
    layer.weight = place_tensor(model, name, "weight",
                                (fed_tensor_t){.dimensions = 4,
                                               .shape = {channels, inputs.channels, kernel, kernel},
                                               .fan_in = fan_in,
                                               .transposed = true,
                                               .channels = inputs.channels});
    layer.bias = place_tensor(
        model, name, "bias",
        (fed_tensor_t){.dimensions = 1, .shape = {channels, 1, 1, 1}, .fan_in = fan_in});
    return add_layer(model, layer, outputs);
}

fed_image_t fed_model_add_max_pool(fed_model_t *model, fed_image_t inputs, bool relu) {
    fed_image_t outputs = {inputs.channels, inputs.height / 2, inputs.width / 2};
    return add_layer(
        model, (fed_layer_t){.kind = &fed_layer_max_pool, .image = inputs, .relu = relu}, outputs);
}

fed_image_t fed_model_add_group_norm(fed_model_t *model, const char *name, fed_image_t inputs,
                                     size_t groups, bool relu) {
    fed_layer_t layer = {
        .kind = &fed_layer_group_norm, .image = inputs, .groups = groups, .relu = relu};
    fed_tensor_t tensor = {.dimensions = 1, .shape = {inputs.channels, 1, 1, 1}, .initial = 1};
    layer.weight = place_tensor(model, name, "weight", tensor);
    tensor.initial = 0;
    layer.bias = place_tensor(model, name, "bias", tensor);
    return add_layer(model, layer, inputs);
}

fed_image_t fed_model_add_shortcut(fed_model_t *model, fed_image_t inputs, size_t *number) {
    *number = model->layer_count;
    return add_layer(model, (fed_layer_t){.kind = &fed_layer_shortcut, .image = inputs}, inputs);
}

fed_image_t fed_model_add_sum(fed_model_t *model, fed_image_t inputs, size_t shortcut, bool relu) {
    assert(numbers(inputs) == model->layers[shortcut].outputs);
    add_layer(model, (fed_layer_t){.kind = &fed_layer_sum, .image = inputs, .relu = relu}, inputs);
    model->layers[model->layer_count - 1].scratch = shortcut;
    return inputs;
}

fed_image_t fed_model_add_dropout(fed_model_t *model, fed_image_t inputs, double drop) {
    if (drop == 0)
        return inputs;
    return add_layer(
        model, (fed_layer_t){.kind = &fed_layer_dropout, .image = inputs, .drop = drop}, inputs);
}

fed_image_t fed_model_add_channels_last(fed_model_t *model, fed_image_t inputs) {
    if (inputs.channels == 1)
        return inputs;
    return add_layer(model, (fed_layer_t){.kind = &fed_layer_channels_last, .image = inputs},
                     inputs);
}
