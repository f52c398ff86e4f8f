/* HDF5's handles and errors. */
#include "handles.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* H5Pset_file_locking came with 1.10.7 and 1.12.1. */
#define HAS_FILE_LOCKING                                                                           \
    (H5_VERSION_GE(1, 12, 1) || (H5_VERSION_GE(1, 10, 7) && !H5_VERSION_GE(1, 12, 0)))

hid_t fed_file_access(void) {
#if !HAS_FILE_LOCKING
    setenv("HDF5_USE_FILE_LOCKING", "FALSE", true); /* HDF5 reads it when it starts */
#endif
    H5dont_atexit();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    H5PLset_loading_state(0);
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
#if HAS_FILE_LOCKING
    H5Pset_file_locking(access, false, true);
#endif
    return access;
}

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
