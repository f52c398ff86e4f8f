/** Initializations: how the parameters are drawn that a run starts from.
 *
 * An initialization is one const struct and its name in initializations.h. What it draws is a
 * function of the seed, the tensor and the number's place in PyTorch's layout.
 */
#ifndef FEDMPI_NN_INITIALIZATION_H
#define FEDMPI_NN_INITIALIZATION_H

#include "fedmpi/config/config.h"
#include "fedmpi/config/plugin.h"
#include "fedmpi/core/random.h"
#include "fedmpi/nn/model.h"

#include <stdint.h>

typedef struct fed_initialization {
    fed_plugin_t plugin;

    /** Required: draw a tensor of a dense or convolutional layer, whose fan_in is not 0.
     * @param stream  the tensor's own; index: number in the tensor
     * @param values  [out] [tensor->count], in PyTorch's layout */
    void (*draw)(const fed_tensor_t *tensor, const fed_stream_t *stream, float *values);
} fed_initialization_t;

/** The table behind model.init. */
extern const fed_plugin_table_t fed_initializations;

typedef struct fed_initialization_options {
    const char *init; /**< the name of an initialization, or FILE[:GROUP] */
} fed_initialization_options_t;

FED_DECLARE_OPTIONS(fed_initialization)

/** The one that model.init names; NULL where it is a file. */
const fed_initialization_t *fed_initialization_of(const fed_config_t *config);

/** Draw all parameters; tensors without fan_in, those of a normalisation, have one value.
 * @param w  [out] [model->parameters] */
void fed_initialization_draw(const fed_initialization_t *initialization, const fed_model_t *model,
                             uint64_t seed, float *w);

#endif
