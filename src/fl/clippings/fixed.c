/* The bound that the user chose. */
#include "clippings.h"

const fed_clipping_t fed_clipping_fixed = {
    .plugin = {.name = "fixed", .summary = "C is privacy.clip_norm in all rounds"},
};
