/* The encoders that are compiled in. */
#include "encoders.h"

const fed_encoder_t *const fed_encoders[] = {
    &fed_encoder_norm_bound,
};
const size_t fed_encoder_count = sizeof fed_encoders / sizeof *fed_encoders;
