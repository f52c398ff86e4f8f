/* The kinds of models, in the order of --list: a new one is a line here. */
#ifndef FEDMPI_NN_MODELS_TYPES_H
#define FEDMPI_NN_MODELS_TYPES_H

#include "fedmpi/nn/model.h"

#define FED_MODEL_TYPES(each)                                                                      \
    each(fed_model_mlp), each(fed_model_logistic), each(fed_model_cnn), each(fed_model_cifar_cnn), \
        each(fed_model_resnet)

extern const fed_model_type_t FED_MODEL_TYPES(FED_PLUGIN_ITSELF);

#endif
