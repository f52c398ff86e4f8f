/* Convolutional networks: stages of a convolution, maybe group normalisation, ReLU, 2 x 2
 * maximum and residual blocks, then dense layers.
 *
 * "cnn" is that of McMahan et al. 2017 for MNIST. "cifar-cnn" follows the TensorFlow
 * tutorial's for CIFAR-10, which they and Hsu et al. 2019 train; group normalisation
 * (Wu and He 2018), as Hsieh et al. 2020 advise for skewed data, stands in for its local
 * response normalisation, and 2 x 2 maxima for 3 x 3. "resnet" has the blocks of He et al.
 * 2016 with group normalisation; a stage starts with a convolution and a maximum, where
 * theirs has a step of two pixels and a projection. Blocks that share their parameters are
 * a recurrent network unrolled: Liao and Poggio 2016, "Bridging the Gaps Between Residual
 * Learning, Recurrent Neural Networks and Visual Cortex". */
#include "types.h"

#include "nn/build.h"

#include "fedmpi/core/memory.h"

#include <string.h>

typedef struct width_options {
    fed_list_t filters, dense;
} width_options_t;

typedef struct norm_options {
    int64_t norm_groups;
} norm_options_t;

typedef struct residual_options {
    int64_t blocks;
    bool share_blocks;
} residual_options_t;

/* clang-format off */
static const fed_key_t width_keys[] = {
    FED_INTEGERS(width_options_t, filters, 1, 4096, "", "cnn, cifar-cnn, resnet: channels of the convolutions; empty: 32,64 or 64,64 as published, resnet 32,64,128"),
    FED_INTEGERS(width_options_t, dense, 1, 1048576, "", "cnn, cifar-cnn, resnet: units of the hidden dense layers; empty: 512 or 384,192 as published, resnet none"),
};
static const fed_key_t norm_keys[] = {
    FED_INTEGER(norm_options_t, norm_groups, 0, 4096, "32", "cifar-cnn, resnet: groups of channels that are normalised together; 0: no normalisation"),
};
static const fed_key_t residual_keys[] = {
    FED_INTEGER(residual_options_t, blocks, 0, 1024, "1", "resnet: residual blocks behind each 2x2 maximum"),
    FED_BOOLEAN(residual_options_t, share_blocks, "false", "resnet: the blocks behind a maximum have the same parameters"),
};
/* clang-format on */

static const fed_key_group_t width_group = FED_KEY_GROUP("model", width_options_t, width_keys);
static const fed_key_group_t norm_group = FED_KEY_GROUP("model", norm_options_t, norm_keys);
static const fed_key_group_t residual_group =
    FED_KEY_GROUP("model", residual_options_t, residual_keys);

static int64_t norm_groups_of(const fed_config_t *config) {
    return ((const norm_options_t *)fed_config_options(config, &norm_group))->norm_groups;
}

/* What tells the kinds apart, and their widths where the configuration gives none. */
typedef struct {
    fed_list_t filters, dense;
    size_t kernel; /* of the convolutions, which keep the size of an image */
    bool normalised;
    size_t groups; /* of a normalisation; 0: none */
    size_t blocks; /* residual ones behind each maximum */
    bool share_blocks;
} network_t;

#define LIST(...)                                                                                  \
    { (int64_t[]){__VA_ARGS__}, sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t) }

static const network_t mnist_network = {.filters = LIST(32, 64), .dense = LIST(512), .kernel = 5};
static const network_t cifar_network = {
    .filters = LIST(64, 64), .dense = LIST(384, 192), .kernel = 5, .normalised = true};
static const network_t residual_network = {
    .filters = LIST(32, 64, 128), .kernel = 3, .normalised = true};

static fed_status_t check_sizes(const fed_config_t *config, const fed_model_input_t *input,
                                const network_t *network) {
    size_t blocks = network->filters.count;
    if (input->height >> blocks == 0 || input->width >> blocks == 0)
        return fed_config_fail(config, "model.type",
                               "%zu times a 2 x 2 maximum needs images of at least %zu x %zu, "
                               "the data set's are %zu x %zu",
                               blocks, (size_t)1 << blocks, (size_t)1 << blocks, input->height,
                               input->width);
    int64_t groups = norm_groups_of(config);
    for (size_t i = 0; network->normalised && groups > 0 && i < blocks; i++)
        if (network->filters.values[i] % groups != 0)
            return fed_config_fail(config, "model.norm_groups",
                                   "does not divide the %lld channels of convolution %zu",
                                   (long long)network->filters.values[i], i + 1);
    return FED_OK;
}

/* Normalised if there are groups. Names are PREFIXconvNUMBER and PREFIXnormNUMBER. */
static fed_image_t add_convolution(fed_model_t *model, const network_t *network, const char *prefix,
                                   size_t number, fed_image_t image, size_t filters, bool relu) {
    FED_AUTOFREE char *convolution = fed_format("%sconv%zu", prefix, number);
    FED_AUTOFREE char *norm = fed_format("%snorm%zu", prefix, number);
    bool last = network->groups == 0;
    image = fed_model_add_convolution(model, convolution, image, filters, network->kernel,
                                      network->kernel / 2, relu && last);
    return last ? image : fed_model_add_group_norm(model, norm, image, network->groups, relu);
}

/* Two convolutions and a shortcut past them: He et al. 2016, figure 2. */
static fed_image_t add_residual_block(fed_model_t *model, const network_t *network,
                                      const char *prefix, fed_image_t image) {
    size_t shortcut, filters = image.channels;
    image = fed_model_add_shortcut(model, image, &shortcut);
    image = add_convolution(model, network, prefix, 1, image, filters, true);
    image = add_convolution(model, network, prefix, 2, image, filters, false);
    return fed_model_add_sum(model, image, shortcut, true);
}

/* Blocks that share have the first one's name, as in PyTorch's nn.Sequential(*[block] * n). */
static fed_image_t add_stage(fed_model_t *model, const network_t *network, size_t number,
                             fed_image_t image, size_t filters) {
    image = add_convolution(model, network, "", number, image, filters, false);
    image = fed_model_add_max_pool(model, image, true); /* maximum and ReLU commute */
    for (size_t b = 0; b < network->blocks; b++) {
        FED_AUTOFREE char *prefix =
            fed_format("res%zu.%zu.", number, network->share_blocks ? (size_t)0 : b);
        image = add_residual_block(model, network, prefix, image);
    }
    return image;
}

static void add_dense(fed_model_t *model, const fed_config_t *config, fed_image_t image,
                      const fed_list_t *units) {
    for (size_t l = 0; l <= units->count; l++) {
        bool last = l == units->count;
        size_t outputs = last ? model->classes : (size_t)units->values[l];
        FED_AUTOFREE char *name = fed_format("fc%zu", l + 1);
        image = fed_model_add_dense(model, name, &fed_layer_dense, image, outputs, !last);
        if (!last)
            image = fed_model_add_dropout(model, image, fed_dropout_options(config)->dropout);
    }
}

static fed_status_t build(const fed_config_t *config, const fed_model_input_t *input,
                          fed_model_t *model, network_t network) {
    const width_options_t *options = fed_config_options(config, &width_group);
    if (options->filters.count > 0)
        network.filters = options->filters;
    if (options->dense.count > 0)
        network.dense = options->dense;
    FED_TRY(check_sizes(config, input, &network));
    network.groups = network.normalised ? (size_t)norm_groups_of(config) : 0;
    fed_image_t image = {input->channels, input->height, input->width};
    image = fed_model_add_channels_last(model, image);
    for (size_t i = 0; i < network.filters.count; i++)
        image = add_stage(model, &network, i + 1, image, (size_t)network.filters.values[i]);
    add_dense(model, config, image, &network.dense);
    return FED_OK;
}

static fed_status_t build_cnn(const fed_config_t *config, const fed_model_input_t *input,
                              fed_model_t *model) {
    return build(config, input, model, mnist_network);
}

static fed_status_t build_cifar_cnn(const fed_config_t *config, const fed_model_input_t *input,
                                    fed_model_t *model) {
    return build(config, input, model, cifar_network);
}

static fed_status_t build_resnet(const fed_config_t *config, const fed_model_input_t *input,
                                 fed_model_t *model) {
    const residual_options_t *options = fed_config_options(config, &residual_group);
    network_t network = residual_network;
    network.blocks = (size_t)options->blocks;
    network.share_blocks = options->share_blocks;
    return build(config, input, model, network);
}

const fed_model_type_t fed_model_cnn = {
    .plugin = {.name = "cnn",
               .summary = "two 5x5 convolutions (32, 64), each with 2x2 max-pooling, dense 512 "
                          "(McMahan et al. 2017)",
               .keys = {&width_group, &fed_dropout_keys}},
    .build = build_cnn,
};

const fed_model_type_t fed_model_cifar_cnn = {
    .plugin = {.name = "cifar-cnn",
               .summary = "two 5x5 convolutions (64, 64) with group normalisation and max-pooling, "
                          "dense 384, 192 (Hsu et al. 2019; Hsieh et al. 2020)",
               .keys = {&width_group, &norm_group, &fed_dropout_keys}},
    .build = build_cifar_cnn,
};

const fed_model_type_t fed_model_resnet = {
    .plugin = {.name = "resnet",
               .summary = "3x3 convolutions (32, 64, 128), each with group normalisation, "
                          "max-pooling and residual blocks (He et al. 2016)",
               .keys = {&width_group, &norm_group, &residual_group, &fed_dropout_keys}},
    .build = build_resnet,
};
