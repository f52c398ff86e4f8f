/* Memory that the ranks of a node share: a window of MPI's, or, where that has no room for it,
 * a file that all map. A rank that is alone on its node has ordinary memory.
 *
 * MPI puts its windows into /dev/shm, of which a container often has 64 MB, and ends the run
 * where they do not fit. A file in memory alone (memfd) needs no such place; others find it
 * below /proc, or, where they do not see this process, a file in a folder for temporary ones. */
#include "fedmpi/comm/shared.h"

#include "handle.h"
#include "wait.h"

#include "fedmpi/comm/agree.h"
#include "fedmpi/comm/nodes.h"
#include "fedmpi/core/environment.h"
#include "fedmpi/core/log.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/core/text.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define WINDOWS_PLACE "/dev/shm"
#define WINDOW_MARGIN ((size_t)1 << 20) /* for what MPI itself still makes there */

typedef char path_t[512];

struct fed_shared {
    const fed_comm_t *comm; /* borrowed */
    void *bytes;
    void *own;           /* NULL: this rank is not alone on its node */
    MPI_Win window;      /* MPI_WIN_NULL: no window */
    size_t mapped_bytes; /* 0: not mapped */
};

/* --- A window ---------------------------------------------------------------------------- */

/* SIZE_MAX where that cannot be known. */
static size_t bytes_for_windows(void) {
    struct statvfs place;
    return statvfs(WINDOWS_PLACE, &place) == 0 ? place.f_bavail * place.f_frsize : SIZE_MAX;
}

static void make_window(fed_shared_t *shared, size_t bytes) {
    const fed_comm_t *comm = shared->comm;
    /* A cache line more, to align the start in every rank's own mapping. */
    MPI_Aint size = fed_comm_leads_node(comm) ? (MPI_Aint)(bytes + FED_ALIGNMENT) : 0;
    void *own;
    MPI_TRY(MPI_Win_allocate_shared(size, 1, MPI_INFO_NULL, comm->node, &own, &shared->window));
    int unit;
    MPI_TRY(MPI_Win_shared_query(shared->window, 0, &size, &unit, &shared->bytes));
    MPI_TRY(MPI_Win_lock_all(MPI_MODE_NOCHECK, shared->window));
    uintptr_t address = (uintptr_t)shared->bytes;
    shared->bytes = (char *)shared->bytes + (-address & (FED_ALIGNMENT - 1));
    if (fed_comm_leads_node(comm))
        memset(shared->bytes, 0, bytes); /* MPI does not promise zeros */
}

/* --- A file that all map ------------------------------------------------------------------ */

/* Each makes a file of zeros and says where others find it. -1: cannot. */
typedef int make_file_t(size_t bytes, path_t path);

static int close_failed(int file) {
    close(file);
    return -1;
}

static int make_in_memory(size_t bytes, path_t path) {
    int file = memfd_create("fedmpi", MFD_CLOEXEC);
    if (file < 0)
        return -1;
    if (ftruncate(file, (off_t)bytes) != 0)
        return close_failed(file);
    snprintf(path, sizeof(path_t), "/proc/%ld/fd/%d", (long)getpid(), file);
    return file;
}

static const char *temporary_folder(void) {
    const char *folder = fed_environment_get("TMPDIR");
    return folder && *folder ? folder : "/tmp";
}

static int make_on_disk(size_t bytes, path_t path) {
    snprintf(path, sizeof(path_t), "%s/fedmpi-XXXXXX", temporary_folder());
    int file = mkostemp(path, O_CLOEXEC);
    if (file < 0)
        return -1;
    if (posix_fallocate(file, 0, (off_t)bytes) == 0)
        return file;
    unlink(path);
    return close_failed(file);
}

/* Collective over the node; false on all of its ranks where one cannot map it. */
static bool map_file(fed_shared_t *shared, make_file_t *make, bool named) {
    const fed_comm_t *comm = shared->comm;
    path_t path = "";
    bool leads = fed_comm_leads_node(comm);
    int file = leads ? make(shared->mapped_bytes, path) : -1;
    if (leads && file < 0)
        path[0] = '\0';
    MPI_TRY(MPI_Bcast(path, sizeof path, MPI_CHAR, 0, comm->node));
    if (!leads && *path)
        file = open(path, O_RDWR | O_CLOEXEC);
    void *mapped = MAP_FAILED;
    if (file >= 0)
        mapped = mmap(NULL, shared->mapped_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    int well = mapped != MAP_FAILED, all_well;
    MPI_TRY(MPI_Allreduce(&well, &all_well, 1, MPI_INT, MPI_MIN, comm->node));
    if (leads && *path && named)
        unlink(path); /* goes with the last who maps it */
    if (file >= 0)
        close(file);
    if (all_well)
        shared->bytes = mapped;
    else if (well)
        munmap(mapped, shared->mapped_bytes);
    return all_well;
}

static fed_status_t map(fed_shared_t *shared, size_t bytes, size_t room) {
    char needed[16], there[16];
    fed_text_bytes(needed, (double)bytes);
    fed_text_bytes(there, (double)room);
    fed_detail(WINDOWS_PLACE " has room for %s: %s are shared by other means", there, needed);
    shared->mapped_bytes = bytes > 0 ? bytes : 1;
    if (map_file(shared, make_in_memory, false) || map_file(shared, make_on_disk, true))
        return FED_OK;
    shared->mapped_bytes = 0;
    return fed_fail(FED_INPUT,
                    "no room for %s that the ranks of a node share: " WINDOWS_PLACE
                    " has %s, and "
                    "neither memory nor a file in %s can be mapped by all; give " WINDOWS_PLACE
                    " more (docker run --shm-size or --ipc=host), or set TMPDIR to a folder that "
                    "has room",
                    needed, there, temporary_folder());
}

/* --- Both ------------------------------------------------------------------------------ */

/* A window that does not fit ends the run within MPI: what it needs is asked for before. */
static fed_status_t share(fed_shared_t *shared, size_t bytes) {
    size_t room = bytes_for_windows();
    MPI_TRY(MPI_Bcast(&room, sizeof room, MPI_BYTE, 0, shared->comm->node));
    if (room < WINDOW_MARGIN || room - WINDOW_MARGIN < bytes)
        return map(shared, bytes, room);
    make_window(shared, bytes);
    return FED_OK;
}

fed_status_t fed_shared_create(const fed_comm_t *comm, size_t bytes, fed_shared_t **created) {
    fed_shared_t *shared = *created = FED_NEW(fed_shared_t);
    shared->comm = comm;
    shared->window = MPI_WIN_NULL;
    fed_status_t status = FED_OK;
    if (comm->node_size == 1)
        shared->bytes = shared->own = fed_alloc(bytes, 1);
    else
        status = share(shared, bytes);
    status = fed_comm_agree(comm, fed_comm_blame_host(comm, status), NULL, NULL);
    if (status == FED_OK)
        fed_shared_publish(shared);
    return status;
}

void fed_shared_destroy(fed_shared_t *shared) {
    if (!shared)
        return;
    fed_free(shared->own);
    if (shared->mapped_bytes > 0)
        munmap(shared->bytes, shared->mapped_bytes);
    if (shared->window != MPI_WIN_NULL) {
        MPI_TRY(MPI_Win_unlock_all(shared->window));
        MPI_TRY(MPI_Win_free(&shared->window));
    }
    fed_free(shared);
}

void *fed_shared_bytes(const fed_shared_t *shared) {
    return shared->bytes;
}

static void synchronize(const fed_shared_t *shared) {
    atomic_thread_fence(memory_order_seq_cst);
    if (shared->window != MPI_WIN_NULL)
        MPI_TRY(MPI_Win_sync(shared->window));
}

void fed_shared_publish(const fed_shared_t *shared) {
    if (shared->own)
        return;
    synchronize(shared);
    MPI_Request request; /* the leader may have been reading files for long */
    MPI_TRY(MPI_Ibarrier(shared->comm->node, &request));
    fed_mpi_wait_idle(shared->comm, &request, NULL, NULL);
    synchronize(shared);
}

/* The upper half of the word is the round: the first turn of a round needs no reset before. */
uint32_t fed_shared_take_turn(const fed_shared_t *shared, uint32_t round) {
    _Atomic uint64_t *latest = shared->bytes;
    uint64_t seen = atomic_load(latest), turn;
    do {
        if (seen >> 32 > round)
            return UINT32_MAX;
        turn = seen >> 32 == round ? seen + 1 : (uint64_t)round << 32;
    } while (!atomic_compare_exchange_weak(latest, &seen, turn));
    return (uint32_t)turn;
}
