/* The configuration's reader: any text is read, or refused with a message. What is
 * accepted reads back to the same values. */
#include "input.h"

#include "fedmpi/config/config.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/run/rooms.h"

#include <stdlib.h>
#include <string.h>

static void check_round_trip(const fed_config_t *config) {
    fed_text_t ini = {0};
    fed_config_write(config, false, &ini);
    fed_config_t again;
    fed_config_init(&again, fed_rooms);
    if (fed_config_read_text(&again, ini.chars, "again") != FED_OK)
        abort();
    for (size_t i = 0; i < config->count; i++)
        if (!fed_config_same(config, &again, i))
            abort();
    fed_config_fini(&again);
    fed_text_fini(&ini);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    fed_config_t config;
    fed_config_init(&config, fed_rooms);
    if (fed_config_read_file(&config, fuzz_file(data, bytes)) == FED_OK)
        check_round_trip(&config);
    else if (!*fed_error_message())
        abort();
    fed_config_fini(&config);

    FED_AUTOFREE char *assignment = fed_alloc(bytes + 1, 1);
    memcpy(assignment, data, bytes);
    fed_config_init(&config, fed_rooms);
    if (fed_config_override(&config, assignment) == FED_OK)
        check_round_trip(&config);
    fed_config_fini(&config);
    fed_free(assignment);
    assignment = NULL;
    fuzz_check_memory();
    return 0;
}
