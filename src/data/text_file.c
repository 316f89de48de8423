/* data/text_file.c: the text of a corpus, from one file or several, and its cut into training and validation. */
#include <math.h>
#include <string.h>

#include "ingot/data.h"

static ig_status load_one(const char *path, ig_buf *out, ig_error *err) {
    size_t before = out->len;
    if (ig_path_is_dir(path)) return ig_error_at(err, IG_E_ARG, path, 0, "this is a folder; a text file is needed");
    IG_TRY(ig_file_read(path, IG_TEXT_BYTES_MAX, out, err));
    if (out->len == before) return ig_error_at(err, IG_E_FORMAT, path, 0, "the file is empty; text to learn from is needed");
    return IG_OK;
}

ig_status ig_text_load(const char *const *paths, size_t count, ig_buf *out, ig_error *err) {
    out->max = IG_TEXT_BYTES_MAX;
    if (count == 0) return ig_error_set(err, IG_E_ARG, "no text file is given");
    for (size_t i = 0; i < count; i++) IG_TRY(load_one(paths[i], out, err));
    return ig_buf_status(out, err);
}

/* A byte 10xxxxxx continues a UTF-8 sequence.  At most three stand in a row; more is no UTF-8, and is cut where asked. */
size_t ig_text_split(const char *text, size_t len, double fraction) {
    size_t cut = (size_t)floor((double)len * (1 - fraction));
    if (cut >= len) return len;
    for (size_t back = 0; back < 4 && back <= cut; back++)
        if (((unsigned char)text[cut - back] & 0xC0) != 0x80) return cut - back;
    return cut;
}
