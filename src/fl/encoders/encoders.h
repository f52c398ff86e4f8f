/* The encoders that are compiled in, in the order of --list: a new one is a line here. */
#ifndef FEDMPI_FL_ENCODERS_ENCODERS_H
#define FEDMPI_FL_ENCODERS_ENCODERS_H

#include "fedmpi/config/columns.h"
#include "fedmpi/fl/encoder.h"

/* The keys of the norm bound. */
extern const fed_key_group_t fed_norm_bound_keys;

/* What it adds to clients and rounds. */
extern const fed_added_column_t fed_norm_bound_cut, fed_norm_bound_cuts;

#define FED_ENCODERS(each) each(fed_encoder_norm_bound), each(fed_encoder_bfloat16)

extern const fed_encoder_t FED_ENCODERS(FED_PLUGIN_ITSELF);

/* Those that stand in chains without being named, see fl/method.c. */
extern const fed_encoder_t fed_encoder_pretend, fed_encoder_range, fed_encoder_weight,
    fed_encoder_fixed_point, fed_encoder_clip, fed_encoder_show;

#endif
