/* server/web_files.c: the table of a program that was built without the console. */
#include "server/web_files.h"

const web_file web_files[] = {
    {NULL, NULL, NULL, 0},
};
