/* The table of normalisations, and the one that does nothing. */
#include "data/normalizations/normalizations.h"

const fed_normalization_t fed_normalization_none = {
    .plugin = {.name = "none", .summary = "as stored"},
};

const fed_plugin_table_t fed_normalizations = FED_PLUGIN_TABLE("normalisation", FED_NORMALIZATIONS);

const fed_normalization_t *fed_normalization_of(const fed_config_t *config) {
    return (const fed_normalization_t *)fed_data_options(config)->normalize;
}

void fed_normalize(const fed_config_t *config, fed_block_header_t *header,
                   const fed_raw_samples_t *train) {
    const fed_normalization_t *normalization = fed_normalization_of(config);
    size_t channels = header->dropped_features ? 1 : header->shape.channels;
    size_t plane = header->features / channels;
    if (normalization->look)
        normalization->look(config, header, train);
    for (size_t c = 0; c < channels; c++) {
        fed_channel_t channel = {header, train, c * plane, plane};
        header->scale[c] = 1;
        header->shift[c] = 0;
        if (normalization->measure)
            normalization->measure(&channel, &header->scale[c], &header->shift[c]);
    }
}
