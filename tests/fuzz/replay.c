/* tests/fuzz/replay.c: a main for fuzz targets in the normal tests: every file of the given folders goes through the target.
 *
 * A target is one file with LLVMFuzzerTestOneInput.  It is linked with this file for replaying, and with libFuzzer (which
 * has its own main) for fuzzing: see tests/fuzz/meson.build.  What a fuzzer finds is added to the corpus folder.
 */
#include <stdio.h>

#include "ingot/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static ig_status replay_file(const char *folder, const char *name, ig_error *err) {
    char path[4096];
    ig_buf bytes = {.max = 64 << 20};
    ig_status status = ig_path_join(path, sizeof path, folder, name, err);
    if (status == IG_OK) status = ig_file_read(path, bytes.max, &bytes, err);
    if (status == IG_OK) {
        /* a block of exactly this size, so that a sanitizer sees a read past the end */
        uint8_t *copy = ig_malloc(bytes.len ? bytes.len : 1);
        if (!copy) status = ig_error_nomem(err, bytes.len);
        for (size_t i = 0; copy && i < bytes.len; i++) copy[i] = (uint8_t)bytes.data[i];
        if (copy) LLVMFuzzerTestOneInput(copy, bytes.len);
        ig_free(copy);
    }
    ig_buf_fini(&bytes);
    return status;
}

static ig_status replay_folder(const char *folder, size_t *count, ig_error *err) {
    char **names;
    ig_status status = ig_dir_list(folder, &names, count, err);
    if (status != IG_OK) return status;
    for (size_t i = 0; i < *count && status == IG_OK; i++) status = replay_file(folder, names[i], err);
    ig_names_free(names, *count);
    return status;
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        ig_error err;
        char text[1200];
        size_t count = 0;
        if (replay_folder(argv[i], &count, &err) != IG_OK) {
            fprintf(stderr, "%s\n", ig_error_format(&err, text, sizeof text));
            return 1;
        }
        if (!count) {
            fprintf(stderr, "%s: no files to replay\n", argv[i]);
            return 1;
        }
        printf("%s: %zu files replayed\n", argv[i], count);
    }
    return argc > 1 ? 0 : 2;
}
