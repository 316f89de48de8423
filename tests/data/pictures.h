/* tests/data/pictures.h: the committed pictures, and pictures made here. */
#ifndef TESTS_DATA_PICTURES_H
#define TESTS_DATA_PICTURES_H

#include <unistd.h>

#include "../text/data.h"
#include "ingot/pictures.h"

static inline const char *picture_path(const char *name, char out[1024]) {
    const char *root = getenv("INGOT_ROOT");
    snprintf(out, 1024, "%s/tests/data/pictures/%s", root ? root : ".", name);
    return out;
}

/* A new empty folder. */
static inline void make_folder(char out[64]) {
    snprintf(out, 64, "/tmp/ingot_pictures_XXXXXX");
    assert_non_null(mkdtemp(out));
}

/* Its colour tells its number: another for each. */
static inline void plain_picture(int number, int64_t height, int64_t width, ig_picture *out) {
    ig_error err = {0};
    check_ok(ig_picture_new(height, width, 3, out, &err));
    for (int64_t i = 0; i < height * width; i++) {
        out->data[3 * i] = (uint8_t)(number * 10), out->data[3 * i + 1] = (uint8_t)(i % 251),
                      out->data[3 * i + 2] = (uint8_t)(number + i / width);
    }
}

static inline void write_plain(const char *folder, const char *name, int number, int64_t height, int64_t width) {
    char path[512];
    ig_error err = {0};
    ig_picture p;
    plain_picture(number, height, width, &p);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    check_ok(ig_picture_write(path, &p, &err));
    ig_picture_fini(&p);
}

static inline void write_text(const char *folder, const char *name, const char *text) {
    char path[512];
    ig_error err = {0};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    check_ok(ig_file_write(path, text, strlen(text), &err));
}

#endif
