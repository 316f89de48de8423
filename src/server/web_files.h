/* server/web_files.h: the console and the widget as they stand inside the program: a table made from web/ when it is built.
 *
 *     "/console/index.html"   "text/html; charset=utf-8"   bytes   length
 *
 * `path` is the path of the URL; NULL ends the table.  route_web.c serves it.
 */
#ifndef INGOT_SERVER_WEB_FILES_H
#define INGOT_SERVER_WEB_FILES_H

#include <stddef.h>

typedef struct web_file {
    const char *path, *type;
    const unsigned char *bytes;
    size_t len;
} web_file;

extern const web_file web_files[];

#endif
