/* The table of initializations, and what they have in common. */
#include "nn/initializations/initializations.h"

#include "fedmpi/config/purposes.h"
#include "fedmpi/core/memory.h"

const fed_plugin_table_t fed_initializations =
    FED_PLUGIN_TABLE("initialization", FED_INITIALIZATIONS);

static const fed_key_t keys[] = {
    FED_NAME_OR_PATH(fed_initialization_options_t, init, &fed_initializations, "pytorch",
                     "how the parameters are drawn, see --list, or an HDF5 file with tensors to "
                     "start from"),
};

const fed_key_group_t fed_initialization_keys =
    FED_KEY_GROUP("model", fed_initialization_options_t, keys);

const fed_initialization_t *fed_initialization_of(const fed_config_t *config) {
    return (const fed_initialization_t *)fed_plugin_find(&fed_initializations,
                                                         fed_initialization_options(config)->init);
}

static void draw_tensor(const fed_initialization_t *initialization, const fed_tensor_t *tensor,
                        const fed_stream_t *stream, float *values) {
    if (tensor->fan_in > 0)
        initialization->draw(tensor, stream, values);
    else
        for (size_t i = 0; i < tensor->count; i++)
            values[i] = tensor->initial;
}

void fed_initialization_draw(const fed_initialization_t *initialization, const fed_model_t *model,
                             uint64_t seed, float *w) {
    for (size_t t = 0; t < model->tensor_count; t++) {
        const fed_tensor_t *tensor = &model->tensors[t];
        fed_stream_t stream = {
            .seed = seed, .purpose = FED_RANDOM_INITIAL_WEIGHTS, .which = (uint32_t)t};
        FED_AUTOFREE float *values = FED_NEW_ARRAY(float, tensor->count);
        draw_tensor(initialization, tensor, &stream, values);
        fed_tensor_import(tensor, values, w);
    }
}
