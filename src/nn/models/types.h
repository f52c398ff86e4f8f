/* The kinds of models. */
#ifndef FEDMPI_NN_MODELS_TYPES_H
#define FEDMPI_NN_MODELS_TYPES_H

#include "fedmpi/nn/model.h"

extern const fed_model_type_t fed_model_mlp, fed_model_logistic, fed_model_cnn, fed_model_cifar_cnn;

#endif
