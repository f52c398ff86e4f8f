/* Initial weights from an HDF5 file. */
#include "input.h"
#include "tiny.h"

#include "fedmpi/core/memory.h"
#include "fedmpi/run/initial.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    fed_run_t *run = tiny_federation()->run;
    size_t live = fed_memory_live();
    FED_AUTOFREE char *assignment = fed_format("model.init=%s", fuzz_file(data, bytes));
    if (fed_config_override(&run->config, assignment) != FED_OK)
        abort();
    FED_AUTOFREE float *w = FED_NEW_ARRAY(float, run->model.parameters);
    if (fed_initial_parameters(&run->config, &run->model, w) == FED_OK)
        for (size_t i = 0; i < run->model.parameters; i++)
            if (!isfinite(w[i]))
                abort();
    fed_free(w);
    fed_free(assignment);
    w = NULL;
    assignment = NULL;
    if (fed_memory_live() > live + 1) /* the key's origin, from the first time on */
        abort();
    return 0;
}
