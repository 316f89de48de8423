/* tests/text/data.h: the folder of a data archive, or a skipped test that says which one is missing. */
#ifndef TESTS_TEXT_DATA_H
#define TESTS_TEXT_DATA_H

#include "../check.h"

/* Unpacks with tools/unpack_data.sh of $INGOT_ROOT.  Where the archive is absent its SKIP line is printed and false returned. */
static inline bool data_folder(const char *name, char *folder, size_t size) {
    const char *root = getenv("INGOT_ROOT");
    char command[1024];
    snprintf(command, sizeof command, "\"%s/tools/unpack_data.sh\" %s", root ? root : ".", name);
    FILE *p = popen(command, "r");
    assert_non_null(p);
    bool read = fgets(folder, (int)size, p) != NULL;
    int status = pclose(p);
    if (read) folder[strcspn(folder, "\n")] = '\0';
    if (status == 0 && read) return true;
    printf("%s\n", read ? folder : "SKIP: tools/unpack_data.sh did not run");
    return false;
}

#endif
