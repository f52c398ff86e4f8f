/* Multi-layer perceptron, and logistic regression as the one without hidden layers. */
#include "types.h"

#include "nn/build.h"

#include "fedmpi/core/memory.h"

typedef struct options {
    fed_list_t hidden;
} options_t;

static const fed_key_t keys[] = {
    FED_INTEGERS(options_t, hidden, 1, 1048576, "200,200",
                 "mlp: units of the hidden layers; empty: none"),
};

static const fed_key_group_t mlp_keys = FED_KEY_GROUP("model", options_t, keys);

/* Below this share of non-zero inputs, skipping zeros pays for finding them. */
#define SPARSE_BELOW 0.5

/* Skipping rows of zeros beats any product: it gives way to OpenBLAS only if told to. */
static const fed_layer_kind_t *first_layer_kind(const fed_model_t *model, double density) {
    return density < SPARSE_BELOW && model->gemm != FED_GEMM_OPENBLAS ? &fed_layer_sparse_dense
                                                                      : &fed_layer_dense;
}

static void build_perceptron(const fed_list_t *hidden, double dropout,
                             const fed_model_input_t *input, fed_model_t *model) {
    fed_image_t image = fed_image_flat(model->inputs);
    for (size_t l = 0; l <= hidden->count; l++) {
        bool last = l == hidden->count;
        size_t outputs = last ? input->classes : (size_t)hidden->values[l];
        FED_AUTOFREE char *name = fed_format("fc%zu", l + 1);
        image = fed_model_add_dense(
            model, name, l == 0 ? first_layer_kind(model, input->density) : &fed_layer_dense, image,
            outputs, !last);
        if (!last)
            image = fed_model_add_dropout(model, image, dropout);
    }
}

static fed_status_t build_mlp(const fed_config_t *config, const fed_model_input_t *input,
                              fed_model_t *model) {
    const options_t *options = fed_config_options(config, &mlp_keys);
    build_perceptron(&options->hidden, fed_dropout_options(config)->dropout, input, model);
    return FED_OK;
}

static fed_status_t build_logistic(const fed_config_t *config, const fed_model_input_t *input,
                                   fed_model_t *model) {
    (void)config;
    build_perceptron(&(fed_list_t){0}, 0, input, model);
    return FED_OK;
}

const fed_model_type_t fed_model_mlp = {
    .plugin = {.name = "mlp",
               .summary = "multi-layer perceptron with ReLU; model.hidden sizes its layers",
               .keys = {&mlp_keys, &fed_dropout_keys}},
    .build = build_mlp,
};

const fed_model_type_t fed_model_logistic = {
    .plugin = {.name = "logistic", .summary = "multinomial logistic regression: one dense layer"},
    .build = build_logistic,
};
