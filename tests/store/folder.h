/* tests/store/folder.h: a folder for each test, a clock that it turns, and short ways to what every test does. */
#ifndef TESTS_STORE_FOLDER_H
#define TESTS_STORE_FOLDER_H

#include "../check.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ingot/store.h"

static char root[300];
static int64_t now_s = 1700000000;

static int64_t test_now(void *arg) {
    (void)arg;
    return now_s;
}

static inline const char *at(const char *name) {
    static char path[4][600];
    static int next;
    char *p = path[next++ % 4];
    snprintf(p, sizeof path[0], "%s/%s", root, name);
    return p;
}

/* In memory where the machine has that: a store waits for its disk all the time, and a killed process, unlike a power cut,
 * loses nothing that was written. */
static inline int make_root(void **state) {
    (void)state;
    const char *places[] = {getenv("TMPDIR"), "/dev/shm", "/tmp"};
    for (int i = 0; i < 3; i++) {
        snprintf(root, sizeof root, "%s/ingot-store-XXXXXX", places[i] ? places[i] : "");
        if (places[i] && mkdtemp(root)) return 0;
    }
    return -1;
}

static inline int remove_root(void **state) {
    (void)state;
    return ig_dir_remove(root, NULL) == IG_OK ? 0 : -1;
}

static inline ig_store *open_store(const char *name) {
    ig_error err = {0};
    ig_store *s = NULL;
    check_ok(ig_store_open(at(name), &(ig_store_opts){.now = test_now}, &s, &err));
    return s;
}

static inline ig_store_file new_file(ig_store *s, const char *filename, const char *content) {
    ig_error err = {0};
    ig_store_file f;
    check_ok(ig_store_file_new(s, filename, "fine-tune", content, strlen(content), NULL, &f, &err));
    return f;
}

static inline bool has_content(ig_store *s, const ig_store_file *f, const char *content) {
    char path[IG_PATH_MAX];
    ig_buf b = {.max = 1 << 20};
    bool same = ig_store_file_path(s, f, path, sizeof path, NULL) == IG_OK && ig_file_read(path, 1 << 20, &b, NULL) == IG_OK &&
                strcmp(b.data ? b.data : "", content) == 0;
    ig_buf_fini(&b);
    return same;
}

#endif
