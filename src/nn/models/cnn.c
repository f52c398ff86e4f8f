/* Convolutional networks: blocks of a 5 x 5 convolution, maybe group normalisation, ReLU
 * and 2 x 2 maximum, then dense layers.
 *
 * "cnn" is that of McMahan et al. 2017 for MNIST. "cifar-cnn" follows the TensorFlow
 * tutorial's for CIFAR-10, which they and Hsu et al. 2019 train; group normalisation
 * (Wu and He 2018), as Hsieh et al. 2020 advise for skewed data, stands in for its local
 * response normalisation, and 2 x 2 maxima for 3 x 3. */
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

/* clang-format off */
static const fed_key_t width_keys[] = {
    FED_INTEGERS(width_options_t, filters, 1, 4096, "", "cnn, cifar-cnn: channels of the convolutions; empty: the paper's 32,64 or 64,64"),
    FED_INTEGERS(width_options_t, dense, 1, 1048576, "", "cnn, cifar-cnn: units of the hidden dense layers; empty: the paper's 512 or 384,192"),
};
static const fed_key_t norm_keys[] = {
    FED_INTEGER(norm_options_t, norm_groups, 0, 4096, "32", "cifar-cnn: groups of channels that are normalised together; 0: no normalisation"),
};
/* clang-format on */

static const fed_key_group_t width_group = FED_KEY_GROUP("model", width_options_t, width_keys);
static const fed_key_group_t norm_group = FED_KEY_GROUP("model", norm_options_t, norm_keys);

static int64_t norm_groups_of(const fed_config_t *config) {
    return ((const norm_options_t *)fed_config_options(config, &norm_group))->norm_groups;
}

enum { KERNEL = 5, PADDING = 2 /* "same" */ };

/* The papers' widths, where the configuration gives none. */
typedef struct {
    fed_list_t filters, dense;
    bool normalised;
} widths_t;

#define LIST(...)                                                                                  \
    { (int64_t[]){__VA_ARGS__}, sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t) }

static const widths_t mnist_widths = {.filters = LIST(32, 64), .dense = LIST(512)};
static const widths_t cifar_widths = {
    .filters = LIST(64, 64), .dense = LIST(384, 192), .normalised = true};

static fed_status_t check_sizes(const fed_config_t *config, const fed_model_input_t *input,
                                const widths_t *widths) {
    size_t blocks = widths->filters.count;
    if (input->height >> blocks == 0 || input->width >> blocks == 0)
        return fed_config_fail(config, "model.type",
                               "%zu times a 2 x 2 maximum needs images of at least %zu x %zu, "
                               "the data set's are %zu x %zu",
                               blocks, (size_t)1 << blocks, (size_t)1 << blocks, input->height,
                               input->width);
    int64_t groups = norm_groups_of(config);
    for (size_t i = 0; widths->normalised && groups > 0 && i < blocks; i++)
        if (widths->filters.values[i] % groups != 0)
            return fed_config_fail(config, "model.norm_groups",
                                   "does not divide the %lld channels of convolution %zu",
                                   (long long)widths->filters.values[i], i + 1);
    return FED_OK;
}

static fed_image_t add_block(fed_model_t *model, size_t number, fed_image_t image, size_t filters,
                             size_t groups) {
    FED_AUTOFREE char *convolution = fed_format("conv%zu", number);
    FED_AUTOFREE char *norm = fed_format("norm%zu", number);
    image = fed_model_add_convolution(model, convolution, image, filters, KERNEL, PADDING, false);
    if (groups > 0)
        image = fed_model_add_group_norm(model, norm, image, groups);
    return fed_model_add_max_pool(model, image, true); /* maximum and ReLU commute */
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
                          fed_model_t *model, widths_t widths) {
    const width_options_t *options = fed_config_options(config, &width_group);
    if (options->filters.count > 0)
        widths.filters = options->filters;
    if (options->dense.count > 0)
        widths.dense = options->dense;
    FED_TRY(check_sizes(config, input, &widths));
    size_t groups = widths.normalised ? (size_t)norm_groups_of(config) : 0;
    fed_image_t image = {input->channels, input->height, input->width};
    image = fed_model_add_channels_last(model, image);
    for (size_t i = 0; i < widths.filters.count; i++)
        image = add_block(model, i + 1, image, (size_t)widths.filters.values[i], groups);
    add_dense(model, config, image, &widths.dense);
    return FED_OK;
}

static fed_status_t build_cnn(const fed_config_t *config, const fed_model_input_t *input,
                              fed_model_t *model) {
    return build(config, input, model, mnist_widths);
}

static fed_status_t build_cifar_cnn(const fed_config_t *config, const fed_model_input_t *input,
                                    fed_model_t *model) {
    return build(config, input, model, cifar_widths);
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
