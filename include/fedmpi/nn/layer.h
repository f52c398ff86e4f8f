/** Layers: batch -> outputs, and back.
 *
 * A layer is a kind (one const struct of functions, one file) with sizes and
 * offsets into the model's flat parameter vector. It owns no parameters and no
 * activations; what a kind needs between forward and backward lives in scratch
 * that the workspace makes.
 */
#ifndef FEDMPI_NN_LAYER_H
#define FEDMPI_NN_LAYER_H

#include "fedmpi/core/random.h"
#include "fedmpi/math/gemm.h"
#include "fedmpi/math/sink.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct fed_layer fed_layer_t;

/** What a sample is between two layers: [height][width][channels], channels last. A plain
 * vector is one pixel of so many channels. */
typedef struct fed_image {
    size_t channels, height, width;
} fed_image_t;

typedef struct fed_layer_kind {
    const char *name;
    /** Optional: memory for batches of up to max_batch samples. */
    void *(*scratch_create)(const fed_layer_t *layer, size_t max_batch);
    /** Optional, with scratch_create. */
    void (*scratch_destroy)(void *scratch);
    /** Optional: bytes that scratch_create takes. */
    size_t (*scratch_bytes)(const fed_layer_t *layer, size_t max_batch);
    /** Optional: draw what the next training step of this batch needs at random, a function
     * of the stream (seed, client, round, epoch), the layer's number and the position of
     * the batch's first sample in the epoch. */
    void (*draw)(const fed_layer_t *layer, void *scratch, const fed_stream_t *stream,
                 uint32_t number, size_t position, size_t batch);
    /** Outputs from inputs, as in evaluation; changes nothing that a step reads.
     * @param x [batch][inputs]; @param w the model's parameters; @param y [out] [batch][outputs] */
    void (*infer)(const fed_layer_t *layer, void *scratch, size_t batch, const float *x,
                  const float *w, float *y);
    /** Optional, where training differs from infer: may leave traces in scratch, and may first
     * bring up to date what the last sink's steps put off. */
    void (*forward)(const fed_layer_t *layer, void *scratch, size_t batch, const float *x,
                    const float *w, float *y);
    /** Derivatives by the inputs, then those by the layer's own parameters, or norms of samples'
     * shares of these, to the sink. Once or more for a forward.
     * @param dy [batch][outputs], already zero where this layer's ReLU was closed
     * @param w the model's parameters, @param sink theirs
     * @param dx [out] [batch][inputs], or NULL for the first layer */
    void (*backward)(const fed_layer_t *layer, void *scratch, size_t batch, const float *x,
                     const float *dy, const float *w, const fed_sink_t *sink, float *dx);
    /** Optional: do what was put off, so that the sink's vectors are current. */
    void (*settle)(void *scratch);
} fed_layer_kind_t;

struct fed_layer {
    const fed_layer_kind_t *kind;
    size_t inputs, outputs; /**< numbers a sample */
    size_t weight, bias;    /**< offsets into the parameter vector */
    bool relu;              /**< outputs are max(0, .) */
    bool input_relu;        /**< inputs came out of a ReLU: backward masks dx by x > 0 */
    bool tied_ahead;        /**< a later layer has the same parameters: its gradient comes first,
                               and this one's is added */
    size_t scratch;         /**< the layer whose scratch it works in: itself, or a sum's shortcut */
    fed_image_t image;      /**< a sample of the inputs */
    fed_gemm_t gemm;        /**< dense: whose products */
    size_t kernel, padding; /**< convolution */
    size_t groups;          /**< group normalisation */
    double drop;            /**< dropout: the probability of dropping a number */
};

/** y = x w + bias, weights [inputs][outputs]. */
extern const fed_layer_kind_t fed_layer_dense;

/** The same for a first layer whose inputs are mostly zero. */
extern const fed_layer_kind_t fed_layer_sparse_dense;

/** Convolution with a square kernel and padding by zeros. */
extern const fed_layer_kind_t fed_layer_convolution;

/** The maximum of each 2 x 2 pixels; an odd last row or column is left out. */
extern const fed_layer_kind_t fed_layer_max_pool;

/** Group normalisation, Wu and He 2018. */
extern const fed_layer_kind_t fed_layer_group_norm;

/** In training, drops each number with probability `drop` and scales the others by
 * 1 / (1 - drop), Srivastava et al. 2014; the identity in evaluation. */
extern const fed_layer_kind_t fed_layer_dropout;

/** y = x, for a sum later in the chain to add: the residual connection of He et al. 2016. */
extern const fed_layer_kind_t fed_layer_shortcut;

/** y = x + the inputs of the shortcut whose scratch it has. */
extern const fed_layer_kind_t fed_layer_sum;

/** [channels][height][width], as data sets have it, to channels last. */
extern const fed_layer_kind_t fed_layer_channels_last;

#endif
