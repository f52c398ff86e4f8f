/* The samplers that are compiled in: a new one is a line here and in sampler.c. */
#ifndef FEDMPI_FL_SAMPLERS_SAMPLERS_H
#define FEDMPI_FL_SAMPLERS_SAMPLERS_H

#include "fedmpi/fl/sampler.h"

extern const fed_sampler_t fed_sampler_uniform, fed_sampler_weighted, fed_sampler_poisson;

#endif
