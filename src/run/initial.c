/* Initial parameters. */
#include "fedmpi/run/initial.h"

#include "fedmpi/config/experiment.h"
#include "fedmpi/core/file.h"
#include "fedmpi/core/isolate.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/io/archive.h"
#include "fedmpi/nn/initialization.h"

#include <math.h>
#include <string.h>

#define LARGEST_FILE ((size_t)1 << 36)
#define HDF5_BYTES ((size_t)64 << 20) /* that HDF5 may take for itself */

static fed_status_t read_tensors(fed_archive_t *archive, const char *group,
                                 const fed_model_t *model, float *w) {
    for (size_t t = 0; t < model->tensor_count; t++) {
        const fed_tensor_t *tensor = &model->tensors[t];
        FED_AUTOFREE char *path = fed_format("%s/%s", group, tensor->name);
        FED_AUTOFREE float *values = FED_NEW_ARRAY(float, tensor->count);
        FED_TRY(
            fed_archive_get(archive, path, FED_FLOAT32, tensor->dimensions, tensor->shape, values));
        for (size_t i = 0; i < tensor->count; i++)
            if (!isfinite(values[i]))
                return fed_fail(FED_INPUT, "%s has a value that is not a number", path);
        fed_tensor_import(tensor, values, w);
    }
    return FED_OK;
}

/* "file.h5:group" into its parts; the group is "" where none is named. */
static void split_location(const char *location, char **file, char **group) {
    const char *colon = strrchr(location, ':');
    *file = fed_format("%.*s", colon ? (int)(colon - location) : (int)strlen(location), location);
    *group = fed_strdup(colon ? colon + 1 : "");
}

/* What the child process reads, and where to. */
typedef struct task {
    const char *file, *group;
    const void *image;
    size_t bytes;
    const fed_model_t *model;
    float *w;
} task_t;

/* Where no group is named: the root, or what a results file has. */
static const char *group_in(const fed_archive_t *archive, const task_t *task) {
    bool elsewhere = !*task->group && !fed_archive_has(archive, task->model->tensors[0].name) &&
                     fed_archive_has(archive, "model/federated");
    return elsewhere ? "model/federated" : task->group;
}

static fed_status_t read_image(void *context) {
    const task_t *task = context;
    fed_archive_t *archive;
    FED_TRY(fed_archive_open(task->image, task->bytes, task->file, &archive));
    fed_status_t status = read_tensors(archive, group_in(archive, task), task->model, task->w);
    fed_archive_destroy(archive);
    return status;
}

static fed_status_t read_file(const char *file, const char *group, const fed_model_t *model,
                              float *w) {
    void *image;
    task_t task = {.file = file, .group = group, .model = model};
    FED_TRY(fed_file_read(file, LARGEST_FILE, &image, &task.bytes));
    size_t w_bytes = model->parameters * sizeof *w;
    task.image = image;
    task.w = fed_isolate_alloc(w_bytes);
    size_t memory = 2 * (task.bytes + w_bytes) + HDF5_BYTES;
    fed_status_t status = fed_isolate(read_image, &task, memory, file);
    memcpy(w, task.w, w_bytes);
    fed_isolate_free(task.w, w_bytes);
    fed_free(image);
    return status;
}

fed_status_t fed_initial_parameters(const fed_config_t *config, const fed_model_t *model,
                                    float *w) {
    const fed_initialization_t *drawn = fed_initialization_of(config);
    if (drawn) {
        fed_initialization_draw(drawn, model, fed_seed(config), w);
        return FED_OK;
    }
    FED_AUTOFREE char *file = NULL;
    FED_AUTOFREE char *group = NULL;
    split_location(fed_initialization_options(config)->init, &file, &group);
    if (read_file(file, group, model, w) == FED_OK)
        return FED_OK;
    FED_AUTOFREE char *accepted = fed_key_accepted(fed_config_value(config, "model.init")->key);
    return fed_config_fail(config, "model.init",
                           "%s; accepted is %s to an HDF5 file with the model's tensors",
                           fed_error_message(), accepted);
}
