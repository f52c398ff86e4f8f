/* What the kinds of models share, and the list of them. */
#ifndef FEDMPI_NN_TYPES_H
#define FEDMPI_NN_TYPES_H

#include "fedmpi/nn/model.h"

/* Append a layer with its tensors "NAME.weight" and "NAME.bias". */
void fed_model_add_dense(fed_model_t *model, const char *name, const fed_layer_kind_t *kind,
                         size_t inputs, size_t outputs, bool relu);

/* The kind for a first layer whose inputs have this density. */
const fed_layer_kind_t *fed_first_layer_kind(double density);

extern const fed_model_type_t fed_model_mlp, fed_model_logistic;

#endif
