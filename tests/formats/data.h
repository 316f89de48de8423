/* tests/formats/data.h: the folder of a data archive, or a skipped test that says which one is missing. */
#ifndef TESTS_FORMATS_DATA_H
#define TESTS_FORMATS_DATA_H

#include "../text/data.h"

/* Leaves the test as skipped where the archive is absent. */
#define need_data(name, folder)                                                                                        \
    do {                                                                                                               \
        if (!data_folder((name), (folder), sizeof (folder))) skip();                                                   \
    } while (0)

#endif
