/** What was installed beside the program: PREFIX/share/fedmpi for PREFIX/bin/fedmpi. */
#ifndef FEDMPI_CORE_INSTALLED_H
#define FEDMPI_CORE_INSTALLED_H

/** The path of an installed file or folder; the caller frees it with fed_free. NULL if it is not
 * there, or the program was not installed. Local; looks where the program itself lies, so that a
 * tree may be moved.
 * @param name  below share/fedmpi: "configs/quick.ini" */
char *fed_installed(const char *name);

#endif
