/* ~ and $NAME in paths. */
#include "path.h"

#include "fedmpi/core/environment.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/core/text.h"

#include <pwd.h>
#include <string.h>

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
#define DIGITS "0123456789"

static fed_status_t append_variable(fed_text_t *path, const char *name) {
    const char *value = fed_environment_named(name);
    if (!value || !*value)
        return fed_fail(FED_INPUT,
                        "environment variable %s is %s; '...' around a path leaves its $ as it is",
                        name, value ? "empty" : "not set");
    fed_text_append(path, "%s", value);
    return FED_OK;
}

/* @param text  behind the $; moved behind the name */
static fed_status_t expand_variable(fed_text_t *path, const char **text) {
    bool braced = **text == '{';
    const char *begin = *text + braced;
    size_t length = strspn(begin, LETTERS) ? strspn(begin, LETTERS DIGITS) : 0;
    if (length == 0 || (braced && begin[length] != '}'))
        return fed_fail(FED_INPUT,
                        "accepted behind $ is NAME or {NAME} of an environment "
                        "variable; '...' around a path leaves its $ as it is");
    FED_AUTOFREE char *name = fed_format("%.*s", (int)length, begin);
    *text = begin + length + braced;
    return append_variable(path, name);
}

/* @param text  behind the ~; moved behind the user */
static fed_status_t expand_home(fed_text_t *path, const char **text) {
    size_t length = strcspn(*text, "/");
    if (length == 0)
        return append_variable(path, "HOME");
    FED_AUTOFREE char *user = fed_format("%.*s", (int)length, *text);
    const struct passwd *found = getpwnam(user);
    if (!found)
        return fed_fail(FED_INPUT, "there is no user %s; '...' around a path leaves its ~ as it is",
                        user);
    *text += length;
    fed_text_append(path, "%s", found->pw_dir);
    return FED_OK;
}

static fed_status_t expand(fed_text_t *path, const char *text) {
    if (*text == '~') {
        text++;
        FED_TRY(expand_home(path, &text));
    }
    while (*text) {
        size_t length = strcspn(text, "$");
        fed_text_append(path, "%.*s", (int)length, text);
        text += length;
        if (*text) {
            text++;
            FED_TRY(expand_variable(path, &text));
        }
    }
    return FED_OK;
}

fed_status_t fed_path_expand(const char *written, char **path) {
    fed_text_t text = {0};
    fed_text_append(&text, "%s", "");
    fed_status_t status = expand(&text, written);
    if (status == FED_OK)
        *path = text.chars;
    else
        fed_text_fini(&text);
    return status;
}
