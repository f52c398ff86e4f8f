/* The encoders that are compiled in: a new one is a line here and in encoder.c. */
#ifndef FEDMPI_FL_ENCODERS_ENCODERS_H
#define FEDMPI_FL_ENCODERS_ENCODERS_H

#include "fedmpi/fl/encoder.h"

extern const fed_encoder_t fed_encoder_norm_bound;

#endif
