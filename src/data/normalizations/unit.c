/* Bytes become numbers from 0 to 1; reals are taken as they are. */
#include "normalizations.h"

#include "fedmpi/core/log.h"

#include <math.h>

#define REALS_UP_TO 16 /* features beyond are hardly scaled for training */

/* Pixels that were stored as reals from 0 to 255 train to chance. */
static void warn_of_pixels(const fed_config_t *config, const fed_block_header_t *header,
                           const fed_raw_samples_t *train) {
    const float *values = train->values;
    float smallest = 0, largest = 0;
    if (header->shape.type != FED_VALUES_FLOAT32)
        return;
    for (size_t i = 0; i < header->train_count * header->features; i++) {
        smallest = fminf(smallest, values[i]);
        largest = fmaxf(largest, values[i]);
    }
    if (largest > REALS_UP_TO || smallest < -REALS_UP_TO)
        fed_warn(
            "%s: its features are reals from %g to %g, which data.normalize = unit does not "
            "scale; standard brings them to mean 0 and deviation 1, and bytes (uint8) are "
            "divided by 255",
            fed_data_options(config)->path, (double)smallest, (double)largest);
}

static void measure(const fed_channel_t *channel, float *scale, float *shift) {
    (void)shift;
    if (channel->header->shape.type == FED_VALUES_UINT8)
        *scale = 1.0F / 255.0F;
}

const fed_normalization_t fed_normalization_unit = {
    .plugin = {.name = "unit", .summary = "bytes as x/255, reals as stored"},
    .look = warn_of_pixels,
    .measure = measure,
};
