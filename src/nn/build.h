/* Building a chain of layers: what the kinds of models share. */
#ifndef FEDMPI_NN_BUILD_H
#define FEDMPI_NN_BUILD_H

#include "fedmpi/nn/model.h"

/* For types with dropout behind their hidden dense layers. */
typedef struct fed_dropout_options {
    double dropout;
} fed_dropout_options_t;

FED_DECLARE_OPTIONS(fed_dropout)

/* A plain vector as an image. */
fed_image_t fed_image_flat(size_t count);

/* Append a layer for inputs of this shape; what it puts out is returned. Tensors are
 * "NAME.weight" and "NAME.bias". A name that an earlier layer of the same shape has gives both the
 * same parameters (tied weights): their gradients are added up. */

fed_image_t fed_model_add_dense(fed_model_t *model, const char *name, const fed_layer_kind_t *kind,
                                fed_image_t inputs, size_t units, bool relu);

fed_image_t fed_model_add_convolution(fed_model_t *model, const char *name, fed_image_t inputs,
                                      size_t channels, size_t kernel, size_t padding, bool relu);

fed_image_t fed_model_add_max_pool(fed_model_t *model, fed_image_t inputs, bool relu);

/* `groups` divides the channels. */
fed_image_t fed_model_add_group_norm(fed_model_t *model, const char *name, fed_image_t inputs,
                                     size_t groups, bool relu);

/* Residual connections: what goes into the shortcut is added to what goes into the sum. Both have
 * the same shape; pairs may stand inside others.
 * @param number  [out] of the shortcut, for its sum */
fed_image_t fed_model_add_shortcut(fed_model_t *model, fed_image_t inputs, size_t *number);
fed_image_t fed_model_add_sum(fed_model_t *model, fed_image_t inputs, size_t shortcut, bool relu);

/* Nothing, if drop is 0. */
fed_image_t fed_model_add_dropout(fed_model_t *model, fed_image_t inputs, double drop);

/* From a data set's order; nothing, if it is the same. */
fed_image_t fed_model_add_channels_last(fed_model_t *model, fed_image_t inputs);

#endif
