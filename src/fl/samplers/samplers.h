/* The samplers that are compiled in, in the order of --list: a new one is a line here. */
#ifndef FEDMPI_FL_SAMPLERS_SAMPLERS_H
#define FEDMPI_FL_SAMPLERS_SAMPLERS_H

#include "fedmpi/fl/sampler.h"

#define FED_SAMPLERS(each)                                                                         \
    each(fed_sampler_uniform), each(fed_sampler_weighted), each(fed_sampler_poisson)

extern const fed_sampler_t FED_SAMPLERS(FED_PLUGIN_ITSELF);

#endif
