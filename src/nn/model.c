/* Chains of layers and their tensors. */
#include "nn/models/types.h"

#include "fedmpi/core/memory.h"
#include "fedmpi/core/text.h"

#include <string.h>

const fed_plugin_table_t fed_model_types = FED_PLUGIN_TABLE("model", FED_MODEL_TYPES);

static const char *const gemm_words[] = {
    [FED_GEMM_AUTO] = "auto",
    [FED_GEMM_OWN] = "own",
    [FED_GEMM_OPENBLAS] = "openblas",
    NULL,
};

static const fed_key_t keys[] = {
    FED_NAME(fed_model_options_t, type, &fed_model_types, "mlp", "the network, see --list"),
    FED_CHOICE(fed_model_options_t, gemm, gemm_words, "auto",
               "products of dense layers: own kernels, which skip zeros, OpenBLAS's, or by shape "
               "whichever is faster"),
};

const fed_key_group_t fed_model_keys = FED_KEY_GROUP("model", fed_model_options_t, keys);

fed_status_t fed_model_init(fed_model_t *model, const fed_config_t *config,
                            const fed_model_input_t *input) {
    *model = (fed_model_t){
        .inputs = input->channels * input->height * input->width,
        .classes = input->classes,
        .gemm = fed_model_options(config)->gemm,
    };
    const fed_model_type_t *type = (const fed_model_type_t *)fed_model_options(config)->type;
    return type->build(config, input, model);
}

void fed_model_fini(fed_model_t *model) {
    fed_free(model->layers);
    fed_free(model->tensors);
    *model = (fed_model_t){0};
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

/* The layer's part of a tensor's name, "fc1" of "fc1.weight". */
static void append_name(fed_text_t *text, const fed_model_t *model, const fed_layer_t *layer) {
    size_t t = 0;
    while (model->tensors[t].offset != layer->weight)
        t++;
    const char *name = model->tensors[t].name;
    fed_text_append(text, "%s%.*s", text->length > 0 ? "; " : "", (int)strcspn(name, "."), name);
}

typedef struct use {
    const char *name;
    bool openblas;
} use_t;

/* ": own", or ": openblas (forward) and own (input)". */
static void append_uses(fed_text_t *text, const use_t *uses, size_t count) {
    const char *lead = ":";
    for (int openblas = 1; openblas >= 0; openblas--) {
        size_t found = 0;
        for (size_t i = 0; i < count; i++)
            found += uses[i].openblas == (openblas != 0);
        if (found == 0)
            continue;
        fed_text_append(text, "%s %s", lead, openblas ? "openblas" : "own");
        lead = " and";
        const char *before = " (";
        for (size_t i = 0; i < count && found < count; i++)
            if (uses[i].openblas == (openblas != 0)) {
                fed_text_append(text, "%s%s", before, uses[i].name);
                before = ", ";
            }
        fed_text_append(text, "%s", found < count ? ")" : "");
    }
}

static bool uses_openblas(const fed_layer_t *layer, fed_product_kind_t kind, size_t batch) {
    return layer->kind == &fed_layer_dense &&
           fed_gemm_is_openblas(layer->gemm, kind, batch, layer->inputs, layer->outputs);
}

bool fed_model_drop_openblas(fed_model_t *model, size_t batch) {
    bool used = false;
    for (size_t l = 0; l < model->layer_count; l++) {
        fed_layer_t *layer = &model->layers[l];
        for (int kind = 0; kind < FED_PRODUCT_KINDS; kind++)
            used |= uses_openblas(layer, (fed_product_kind_t)kind, batch);
        layer->gemm = FED_GEMM_OWN;
    }
    model->gemm = FED_GEMM_OWN;
    return used;
}

char *fed_model_products(const fed_model_t *model, size_t training, size_t evaluation) {
    fed_text_t text = {0};
    for (size_t l = 0; l < model->layer_count; l++) {
        const fed_layer_t *layer = &model->layers[l];
        if (layer->kind != &fed_layer_dense && layer->kind != &fed_layer_sparse_dense)
            continue;
        append_name(&text, model, layer);
        append_uses(&text,
                    (use_t[]){
                        {"forward", uses_openblas(layer, FED_PRODUCT_FORWARD, training)},
                        {"input", uses_openblas(layer, FED_PRODUCT_BACKWARD_INPUT, training)},
                        {"weights", uses_openblas(layer, FED_PRODUCT_BACKWARD_WEIGHTS, training)},
                        {"evaluation", uses_openblas(layer, FED_PRODUCT_FORWARD, evaluation)},
                    },
                    4);
    }
    return text.chars;
}
