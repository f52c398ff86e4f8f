/* Nothing is promised. */
#include "mechanisms.h"

const fed_mechanism_plugin_t fed_mechanism_none = {
    .plugin = {.name = "none", .summary = "models may tell anything about clients"},
};
