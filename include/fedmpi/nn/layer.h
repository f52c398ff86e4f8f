/** Layers: batch -> outputs, and back.
 *
 * A layer is a kind (one const struct of functions, one file) with sizes and
 * offsets into the model's flat parameter vector. It owns no parameters and no
 * activations; what a kind needs between forward and backward lives in scratch
 * that the workspace makes.
 */
#ifndef FEDMPI_NN_LAYER_H
#define FEDMPI_NN_LAYER_H

#include "fedmpi/math/sgd.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct fed_layer fed_layer_t;

typedef struct fed_layer_kind {
    const char *name;
    /** Optional: memory for batches of up to max_batch samples. */
    void *(*scratch_create)(const fed_layer_t *layer, size_t max_batch);
    /** Optional, with scratch_create. */
    void (*scratch_destroy)(void *scratch);
    /** Outputs from inputs; changes nothing else.
     * @param x [batch][inputs]; @param w the model's parameters; @param y [out] [batch][outputs] */
    void (*infer)(const fed_layer_t *layer, size_t batch, const float *x, const float *w, float *y);
    /** The same in training: may leave traces in scratch, and may first bring parameters
     * of the model (w, v) up to date whose last step was put off. */
    void (*forward)(const fed_layer_t *layer, void *scratch, size_t batch, const float *x, float *w,
                    float *v, float *y);
    /** Derivatives by the inputs, then one step of SGD on the layer's own parameters.
     * @param dy [batch][outputs], already zero where this layer's ReLU was closed
     * @param dx [out] [batch][inputs], or NULL for the first layer */
    void (*backward)(const fed_layer_t *layer, void *scratch, size_t batch, const float *x,
                     const float *dy, const fed_sgd_t *sgd, float *w, float *v, float *dx);
    /** Optional: do what was put off, so that w and v are current. */
    void (*settle)(const fed_layer_t *layer, void *scratch, float *w, float *v);
} fed_layer_kind_t;

struct fed_layer {
    const fed_layer_kind_t *kind;
    size_t inputs, outputs; /**< numbers a sample */
    size_t weight, bias;    /**< offsets into the parameter vector */
    bool relu;              /**< outputs are max(0, .) */
    bool input_relu;        /**< inputs came out of a ReLU: backward masks dx by x > 0 */
};

/** y = x w + bias, weights [inputs][outputs]. */
extern const fed_layer_kind_t fed_layer_dense;

/** The same for a first layer whose inputs are mostly zero. */
extern const fed_layer_kind_t fed_layer_sparse_dense;

#endif
