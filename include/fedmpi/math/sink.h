/* Where a gradient goes: into a step of SGD, into a vector, or into norms.
 *
 * A backward pass hands each block of a gradient to a sink while it is in the first-level
 * cache. A step of SGD there needs no memory for the gradient and no pass over it; a vector
 * of gradients is for whatever must see them before a step, or has steps of its own. The norms
 * of single samples' gradients need no gradient at all in a dense layer, where they are products
 * of two norms (Goodfellow 2015, "Efficient per-example gradient computations").
 */
#ifndef FEDMPI_MATH_SINK_H
#define FEDMPI_MATH_SINK_H

#include "fedmpi/math/sgd.h"

#include <stddef.h>

typedef enum fed_sink_kind {
    FED_SINK_SGD,   /* a step of SGD on w with momentum v */
    FED_SINK_STORE, /* g = keep * g + the gradient; w stays as it is */
    FED_SINK_NORMS  /* squared[s] += the squared L2 norm of what sample s adds to the gradient */
} fed_sink_kind_t;

/* A place for the gradient of a vector of parameters; all memory is the caller's. */
typedef struct fed_sink {
    fed_sink_kind_t kind;
    fed_sgd_t sgd;   /* FED_SINK_SGD: the step */
    float keep;      /* FED_SINK_STORE: 1 adds, 0 replaces what is there, which must be numbers */
    float *w, *v;    /* FED_SINK_SGD: parameters and their momentum, [n] each */
    float *g;        /* FED_SINK_STORE: [n] */
    double *squared; /* FED_SINK_NORMS: [batch] */
} fed_sink_t;

/** Steps of SGD on these vectors. */
fed_sink_t fed_sink_sgd(const fed_sgd_t *sgd, float *w, float *v);

/** Gradients stored in g. */
fed_sink_t fed_sink_store(float keep, float *g);

/** Squared norms added to squared, [batch]. A layer's backward pass fills it, by the functions
 * _squared_norms of dense.h, conv.h and group_norm.h; it takes no gradient. */
fed_sink_t fed_sink_norms(double *squared);

/** The same sink for the parameters from number `first` on. */
fed_sink_t fed_sink_at(const fed_sink_t *sink, size_t first);

/** Hand over the gradient of the sink's first n parameters: SGD or stored.
 *
 * Local. Element by element, so the same bits for any split of a vector.
 *
 * @param g  [in] the gradient of a mini-batch's mean loss, [n]
 */
void fed_sink_take(const fed_sink_t *sink, size_t n, const float *g);

#endif
