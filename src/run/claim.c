/* Who may write results and checkpoint, and over what. */
#include "fedmpi/run/claim.h"

#include "fedmpi/comm/agree.h"
#include "fedmpi/comm/collectives.h"
#include "fedmpi/comm/nodes.h"
#include "fedmpi/core/digest.h"
#include "fedmpi/core/file.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/io/sealed.h"
#include "fedmpi/run/checkpoint.h"
#include "fedmpi/run/record.h"

#include <inttypes.h>
#include <string.h>

#define LARGEST_LOCK ((size_t)1 << 16)

/* A message of the key's, if the place is wrong and not the disk. */
static fed_status_t blame(const fed_config_t *config, const char *key, const char *path,
                          fed_status_t status) {
    if (status == FED_INPUT)
        return fed_config_fail(config, key, "%s", fed_error_message());
    return status == FED_OK ? FED_OK : fed_fail(status, "%s: %s", path, fed_error_message());
}

fed_status_t fed_claim_look(const fed_config_t *config, fed_earlier_t *earlier) {
    if (fed_earlier_read(earlier, fed_output_options(config)->file) == FED_OK)
        return FED_OK;
    return fed_config_fail(config, "output.file",
                           "is there already, and no results file of fedmpi; --overwrite "
                           "replaces it, --output FILE writes another");
}

/* Of a run that ended before its first round, and before its baseline's first epoch, nothing can
 * be lost. */
static fed_status_t refuse_results(const fed_config_t *config) {
    fed_earlier_t earlier;
    FED_TRY(fed_claim_look(config, &earlier));
    fed_status_t status = FED_OK;
    if (earlier.rounds > 0 || earlier.epochs > 0 || earlier.status == FED_RUN_COMPLETE)
        status = fed_config_fail(config, "output.file",
                                 "is there already, with the %" PRId64
                                 " rounds of a run that is \"%s\"; --resume goes on, --overwrite "
                                 "starts anew, --output FILE writes another",
                                 earlier.rounds, fed_run_statuses[earlier.status].name);
    fed_earlier_fini(&earlier);
    return status;
}

static fed_status_t refuse_what_is_there(const fed_config_t *config) {
    if (fed_file_holds_something(fed_output_options(config)->file))
        FED_TRY(refuse_results(config));
    if (fed_checkpoint_options(config)->every > 0 &&
        fed_sealed_exists(fed_checkpoint_options(config)->file))
        return fed_config_fail(config, "checkpoint.file",
                               "is there already, from an earlier run; --resume goes on, "
                               "--overwrite starts anew");
    return FED_OK;
}

static fed_status_t lock_place(fed_lock_t *lock, const fed_config_t *config, const char *key,
                               const char *path) {
    FED_TRY(blame(config, key, path, fed_lock_take(lock, path)));
    return blame(config, key, path, fed_file_try(path));
}

fed_status_t fed_claim_take(fed_claim_t *claim, const fed_config_t *config,
                            const fed_options_t *options) {
    FED_TRY(lock_place(&claim->results, config, "output.file", fed_output_options(config)->file));
    if (fed_checkpoint_options(config)->every > 0)
        FED_TRY(lock_place(&claim->checkpoint, config, "checkpoint.file",
                           fed_checkpoint_options(config)->file));
    return options->resume || options->overwrite ? FED_OK : refuse_what_is_there(config);
}

/* Of what a lock file says, who holds it; empty if it is not there. */
static void read_lock(const fed_config_t *config, char digest[FED_DIGEST_TEXT_BYTES]) {
    FED_AUTOFREE char *target = fed_file_resolve(fed_checkpoint_options(config)->file);
    FED_AUTOFREE char *path = fed_format("%s.lock", target);
    void *content;
    size_t bytes;
    memset(digest, 0, FED_DIGEST_TEXT_BYTES);
    if (fed_file_read(path, LARGEST_LOCK, &content, &bytes) != FED_OK)
        return;
    fed_digest_text(content, bytes, digest);
    fed_free(content);
}

/* Is the folder here the one in which the server holds its lock? */
static fed_status_t check_folder(const fed_config_t *config, const char *expected) {
    char digest[FED_DIGEST_TEXT_BYTES];
    read_lock(config, digest);
    if (strcmp(digest, expected) != 0)
        return fed_fail(FED_INPUT,
                        "this folder is another one than that of rank 0; clients' states are "
                        "saved where the clients train: accepted is a file in a folder that all "
                        "nodes share, or checkpoint.every = 0");
    FED_AUTOFREE char *states = fed_format("%s.states", fed_checkpoint_options(config)->file);
    return fed_file_try(states);
}

fed_status_t fed_claim_share(const fed_comm_t *comm, const fed_config_t *config) {
    char digest[FED_DIGEST_TEXT_BYTES];
    fed_status_t mine = FED_OK;
    if (fed_comm_is_server(comm))
        read_lock(config, digest);
    fed_comm_broadcast(comm, digest, sizeof digest);
    if (fed_comm_leads_node(comm) && !fed_comm_is_server(comm))
        mine = fed_comm_blame_host(comm, check_folder(config, digest));
    return blame(config, "checkpoint.file", fed_checkpoint_options(config)->file,
                 fed_comm_agree(comm, mine, NULL, NULL));
}

void fed_claim_release(fed_claim_t *claim) {
    fed_lock_release(&claim->checkpoint);
    fed_lock_release(&claim->results);
}
