/* HDF5's handles and errors. */
#include "handles.h"

#include <stdio.h>

void fed_close_handle(const hid_t *handle) {
    if (*handle >= 0)
        H5Idec_ref(*handle);
}

static herr_t keep_innermost(unsigned depth, const H5E_error2_t *error, void *text) {
    (void)depth;
    snprintf(text, 256, "%s", error->desc ? error->desc : "unknown error");
    return 0;
}

const char *fed_last_reason(char reason[256]) {
    snprintf(reason, 256, "unknown error");
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_innermost, reason);
    return reason;
}
