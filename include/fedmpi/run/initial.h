/** Where training starts: random parameters, or tensors from an HDF5 file. */
#ifndef FEDMPI_RUN_INITIAL_H
#define FEDMPI_RUN_INITIAL_H

#include "fedmpi/config/config.h"
#include "fedmpi/nn/model.h"

/** Initial parameters as model.init says: "pytorch", or FILE.h5[:GROUP] with PyTorch's
 * tensors, by default at the root or in a results file's model/federated.
 * @param w  [out] [model->parameters]
 * @return FED_INPUT if the file is not there or its tensors do not fit the model */
fed_status_t fed_initial_parameters(const fed_config_t *config, const fed_model_t *model, float *w);

#endif
