/** Models: a chain of layers over one flat vector of parameters.
 *
 * Everything outside nn sees a model as w[parameters]: broadcast, update,
 * averaging and checkpoint know no layers. Inside, a dense layer's weights are
 * stored [inputs][outputs], and images have their channels last; tensors translate to
 * PyTorch's names and layout. A shortcut leads past a part of the chain (residual
 * connections), and layers may have their parameters in common (tied weights).
 */
#ifndef FEDMPI_NN_MODEL_H
#define FEDMPI_NN_MODEL_H

#include "fedmpi/config/config.h"
#include "fedmpi/config/plugin.h"
#include "fedmpi/core/random.h"
#include "fedmpi/math/gemm.h"
#include "fedmpi/nn/layer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** [model]: what every type has. */
typedef struct fed_model_options {
    const fed_plugin_t *type; /**< a fed_model_type_t */
    fed_gemm_t gemm;
} fed_model_options_t;

FED_DECLARE_OPTIONS(fed_model)

#define FED_TENSOR_DIMENSIONS 4

/** A named part of the parameter vector, as PyTorch's state_dict has it. */
typedef struct fed_tensor {
    char name[32];                       /**< "fc1.weight" */
    size_t offset;                       /**< into the parameter vector */
    size_t dimensions;                   /**< 1 .. FED_TENSOR_DIMENSIONS */
    size_t shape[FED_TENSOR_DIMENSIONS]; /**< PyTorch's, unused ones are 1 */
    size_t count;                        /**< product of the shape */
    size_t fan_in;                       /**< inputs of one unit, for the initial range */
    float initial;                       /**< where fan_in is 0: the initial value of all */
    bool transposed;                     /**< stored [pixels][channels][units] where PyTorch has
                                            [units][channels][pixels]; units is shape[0] */
    size_t channels; /**< if transposed; the pixels are a kernel's or a flattened image's */
} fed_tensor_t;

/** What a model is built for. */
typedef struct fed_model_input {
    size_t channels, height, width;
    size_t classes;
    double density; /**< share of inputs that are not zero */
} fed_model_input_t;

typedef struct fed_model {
    fed_layer_t *layers; /**< [layer_count] */
    size_t layer_count;
    fed_tensor_t *tensors; /**< [tensor_count] */
    size_t tensor_count;
    size_t parameters; /**< n: length of w and of every vector like it */
    bool tied;         /**< layers have parameters in common: steps are on a stored gradient */
    size_t inputs, classes;
    fed_gemm_t gemm; /**< whose products dense layers use */
} fed_model_t;

/** A kind of model: one const struct a file, which adds its layers. */
typedef struct fed_model_type {
    fed_plugin_t plugin;
    fed_status_t (*build)(const fed_config_t *config, const fed_model_input_t *input,
                          fed_model_t *model);
} fed_model_type_t;

/** The table behind model.type. */
extern const fed_plugin_table_t fed_model_types;

/** Build the model that the configuration names. Local. */
fed_status_t fed_model_init(fed_model_t *model, const fed_config_t *config,
                            const fed_model_input_t *input);
void fed_model_fini(fed_model_t *model);

/** A tensor out of w, in PyTorch's layout: values[out] [tensor->count]. */
void fed_tensor_export(const fed_tensor_t *tensor, const float *w, float *values);

/** A tensor in PyTorch's layout into w. */
void fed_tensor_import(const fed_tensor_t *tensor, const float *values, float *w);

/** All products are ours from here on, where ranks' OpenBLAS would not have the same bits. Before
 * a workspace is made. Local.
 * @param batch  most samples of a product @return were some of them OpenBLAS's? */
bool fed_model_drop_openblas(fed_model_t *model, size_t batch);

/** Whose products the dense layers use, in words: "fc1: own; fc2: openblas (forward, weights)
 * and own (input, evaluation)". The caller frees it.
 * @param training    samples of a training step
 * @param evaluation  samples of a block in evaluation */
char *fed_model_products(const fed_model_t *model, size_t training, size_t evaluation);

#endif
