/* The table of samplers. */
#include "fl/samplers/samplers.h"

const fed_plugin_table_t fed_samplers = FED_PLUGIN_TABLE("sampler", FED_SAMPLERS);
