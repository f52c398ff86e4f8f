/** Errors: one idiom for all of fedmpi.
 *
 * What the user can mend (configuration, data, disk) is returned as a status up
 * to main, which prints the message once. What nobody can mend at run time (no
 * memory, MPI broken) dies on the spot with rank, file and line. A programmer's
 * mistake asserts.
 */
#ifndef FEDMPI_CORE_ERROR_H
#define FEDMPI_CORE_ERROR_H

/** Ordered by severity: when ranks disagree, the largest wins. */
typedef enum fed_status {
    FED_OK,
    FED_STOPPED,  /**< stopped on purpose, a checkpoint is there to resume from */
    FED_INPUT,    /**< the user's input is wrong: usage, configuration, data */
    FED_DIVERGED, /**< what was computed left the range of numbers */
    FED_FAILURE,  /**< anything else */
} fed_status_t;

/** The exit code that the contract with users gives a status: 0, 75, 2 or 1. */
int fed_status_exit_code(fed_status_t status);

/** Room for a message: one that is longer is cut. */
#define FED_MESSAGE_BYTES 8192

/** Keep a message of one line for main and hand the status back: `return fed_fail(FED_INPUT,
 * "...")`. */
fed_status_t fed_fail(fed_status_t status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** The message of the last fed_fail in this process; "" if there was none. */
const char *fed_error_message(void);

/** Return from the calling function when `call` did not give FED_OK. */
#define FED_TRY(call)                                                                              \
    do {                                                                                           \
        fed_status_t fed_try_status_ = (call);                                                     \
        if (fed_try_status_ != FED_OK)                                                             \
            return fed_try_status_;                                                                \
    } while (0)

/** Print rank, file, line and the message, then end every rank, with the code of FED_FAILURE. */
#define fed_die(...) fed_die_at(__FILE__, __LINE__, __VA_ARGS__)
_Noreturn void fed_die_at(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Print rank and message, then end every rank, with the code of this status: for what is over
 * without being anybody's mistake, such as waiting for a rank that is gone. */
_Noreturn void fed_give_up(fed_status_t status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** What ends the other ranks for fed_die and fed_give_up, and where a library calls exit(); comm
 * sets it while MPI runs. */
void fed_set_abort(void (*abort_all_ranks)(int exit_code), int rank);

#endif
