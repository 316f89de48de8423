/* cli/server_file.c: WORKSPACE/serve.json: written, read and removed (server_file.h). */
#include "cli/server_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define FILE_BYTES_MAX 4096
#define KEY_SECONDS (30 * 86400) /* a server that was killed leaves its key until the next one, or so long */

static ig_status path_of(const char *workspace, char path[IG_PATH_MAX], ig_error *err) {
    return ig_path_join(path, IG_PATH_MAX, workspace, "serve.json", err);
}

static bool copy(const ig_tree *root, const char *key, char *out, size_t size) {
    const char *text = ig_tree_text(root, key, "");
    return snprintf(out, size, "%s", text) < (int)size;
}

static bool read_file(const char *workspace, cli_server_file *out) {
    char path[IG_PATH_MAX];
    ig_buf text = {.max = FILE_BYTES_MAX};
    ig_doc *d = NULL;
    bool good = path_of(workspace, path, NULL) == IG_OK && ig_file_read(path, FILE_BYTES_MAX, &text, NULL) == IG_OK &&
                ig_json_parse(path, text.data ? text.data : "", text.len, &d, NULL) == IG_OK;
    const ig_tree *root = good ? ig_doc_root(d) : NULL;
    *out = (cli_server_file){0};
    good = good && root->type == IG_TREE_MAP && copy(root, "url", out->url, sizeof out->url) && out->url[0] &&
           copy(root, "key_id", out->key_id, sizeof out->key_id) && copy(root, "key", out->key, sizeof out->key);
    if (good) out->pid = ig_tree_int(root, "pid", 0);
    ig_doc_free(d);
    ig_buf_fini(&text);
    return good;
}

/* Numbers of processes are used again: it must be one that was started as `… serve …`. */
static bool is_serving(int64_t pid) {
    char path[64];
    ig_buf line = {.max = 1 << 20};
    bool found = false;
    snprintf(path, sizeof path, "/proc/%lld/cmdline", (long long)pid);
    if (pid > 0 && ig_file_read(path, line.max, &line, NULL) == IG_OK && line.len) found = memmem(line.data, line.len, "serve", 6) != NULL;
    ig_buf_fini(&line);
    return found;
}

bool cli_server_find(const char *workspace, cli_server_file *out) {
    return read_file(workspace, out) && is_serving(out->pid);
}

/* ---- the server's side ------------------------------------------------------------------------------------------------ */

static ig_status open_store(const char *workspace, ig_store **out, ig_error *err) {
    char folder[IG_PATH_MAX];
    IG_TRY(ig_path_join(folder, sizeof folder, workspace, "store", err));
    return ig_store_open(folder, &(ig_store_opts){.quick = true}, out, err);
}

static void revoke_key(const char *workspace, const char *id) {
    ig_store *store = NULL;
    if (!*id || open_store(workspace, &store, NULL) != IG_OK) return;
    (void)ig_store_key_revoke(store, id, NULL, NULL); /* else it expires by itself */
    ig_store_close(store);
}

static void remove_file(const char *workspace, const cli_server_file *f) {
    char path[IG_PATH_MAX];
    revoke_key(workspace, f->key_id);
    if (path_of(workspace, path, NULL) == IG_OK) (void)unlink(path);
}

void cli_server_clear(const char *workspace) {
    cli_server_file f;
    if (read_file(workspace, &f) && !is_serving(f.pid)) remove_file(workspace, &f);
}

void cli_server_untell(const char *workspace) {
    cli_server_file f;
    if (read_file(workspace, &f) && f.pid == getpid()) remove_file(workspace, &f);
}

static ig_status make_key(const char *workspace, cli_server_file *f, ig_error *err) {
    ig_store *store = NULL;
    ig_store_key key;
    char name[64];
    snprintf(name, sizeof name, "serve.json of process %lld", (long long)f->pid);
    ig_store_key_opts o = {.name = name, .role = IG_ROLE_APP, .expires_at = ig_unix_time() + KEY_SECONDS};
    IG_TRY(open_store(workspace, &store, err));
    ig_status s = ig_store_key_new(store, &o, f->key, &key, err);
    if (s == IG_OK) memcpy(f->key_id, key.id, sizeof f->key_id);
    ig_store_close(store);
    return s;
}

static void put(ig_json *j, const char *key, const char *value) {
    ig_json_key(j, key);
    if (*value) ig_json_text(j, value);
    else ig_json_null(j);
}

/* Whole or not at all, and never readable for others. */
static ig_status write_private(const char *path, const ig_buf *b, ig_error *err) {
    char beside[IG_PATH_MAX];
    IG_TRY(ig_buf_status(b, err));
    if (snprintf(beside, sizeof beside, "%s.new", path) >= (int)sizeof beside) return ig_error_set(err, IG_E_LIMIT, "%s: the path is too long", path);
    (void)unlink(beside);
    int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) return ig_error_errno_at(err, beside, "cannot be made");
    bool good = write(fd, b->data, b->len) == (ssize_t)b->len;
    good = close(fd) == 0 && good && rename(beside, path) == 0;
    if (good) return IG_OK;
    ig_status s = ig_error_errno_at(err, path, "cannot be written");
    (void)unlink(beside);
    return s;
}

static ig_status write_file(const char *workspace, const cli_server_file *f, ig_error *err) {
    char path[IG_PATH_MAX];
    ig_buf b = {.max = FILE_BYTES_MAX};
    ig_json j = {.out = &b};
    IG_TRY(path_of(workspace, path, err));
    ig_json_open(&j, '{');
    ig_json_key(&j, "pid"), ig_json_int(&j, f->pid);
    put(&j, "url", f->url);
    put(&j, "key_id", f->key_id);
    put(&j, "key", f->key);
    ig_json_close(&j, '}');
    ig_status s = write_private(path, &b, err);
    ig_buf_fini(&b);
    return s;
}

ig_status cli_server_tell(const char *workspace, const char *host, int port, bool with_key, ig_error *err) {
    cli_server_file other, f = {.pid = getpid()};
    if (cli_server_find(workspace, &other)) return IG_OK;
    bool any = !host || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0, v6 = !any && strchr(host, ':') && host[0] != '[';
    snprintf(f.url, sizeof f.url, "http://%s%.255s%s:%d", v6 ? "[" : "", any ? "127.0.0.1" : host, v6 ? "]" : "", port);
    if (with_key) IG_TRY(make_key(workspace, &f, err));
    ig_status s = write_file(workspace, &f, err);
    if (s != IG_OK) revoke_key(workspace, f.key_id);
    return s;
}
