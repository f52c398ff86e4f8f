/* A first layer whose inputs are mostly zero.
 *
 * Computes what fed_dense_* computes, bit for bit, but leaves alone the rows of the
 * weights' sink whose input is zero in the whole batch. Such a row still has momentum
 * to follow; it follows when its input is next non-zero, or at a flush, by
 * repeating the steps it missed while it is in registers. In between, the sink's vectors
 * are behind: call fed_sparse_flush before anything else reads or writes them.
 */
#ifndef FEDMPI_MATH_SPARSE_H
#define FEDMPI_MATH_SPARSE_H

#include "fedmpi/math/sink.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct fed_sparse fed_sparse_t;

/** The book-keeping of one layer: which row has missed how many steps.
 *
 * About 8 bytes an input and 4 bytes for each 32 entries of a batch.
 *
 * @param batch  the largest batch that _forward and _backward_weights will get
 * @return NULL if there is no memory; freed by fed_sparse_destroy
 */
fed_sparse_t *fed_sparse_create(size_t batch, size_t inputs, size_t outputs);
void fed_sparse_destroy(fed_sparse_t *sparse);

/** Bytes that fed_sparse_create takes. */
size_t fed_sparse_bytes(size_t batch, size_t inputs);

/** As fed_dense_forward; keeps the batch's pattern of zeros for _backward_weights, and brings
 * the rows used up to date in the vectors of the sink of the steps before. */
void fed_sparse_forward(fed_sparse_t *sparse, size_t batch, const float *x, const float *w,
                        const float *bias, bool relu, float *y);

/** As fed_dense_backward_weights, for the x of the last _forward.
 *
 * @param weights  its vectors are borrowed until a flush, and w is that of _forward
 */
void fed_sparse_backward_weights(fed_sparse_t *sparse, size_t batch, const float *x,
                                 const float *dy, const fed_sink_t *weights,
                                 const fed_sink_t *bias);

/** Bring every row of the sink's vectors up to date. Cheap when nothing is behind. */
void fed_sparse_flush(fed_sparse_t *sparse);

#endif
