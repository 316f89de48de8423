/* data/picture_set.c: labelled pictures, wherever they come from: names, classes, and picture i when it is asked for. */
#include <stdlib.h>
#include <string.h>

#include "data/picture_set.h"

#define TEXT_BYTES_MAX ((size_t)4 << 30) /* names and labels of a set */

/* ---- items ------------------------------------------------------------------------------------------------------- */

ig_status picture_set_add(ig_picture_set *s, const char *name, const char *label_text, picture_item item, ig_error *err) {
    if (s->count == IG_PICTURES_MAX) return ig_error_set(err, IG_E_LIMIT, "a data set may have %zu pictures", IG_PICTURES_MAX);
    if (s->count == s->cap) {
        size_t cap = s->cap ? 2 * s->cap : 64;
        picture_item *more = ig_realloc_array(s->item, cap, sizeof *more);
        if (!more) return ig_error_nomem(err, cap * sizeof *more);
        s->item = more, s->cap = cap;
    }
    item.name = s->text.len;
    item.key = ig_hash64(name, strlen(name), 0);
    ig_buf_append(&s->text, name, strlen(name) + 1);
    item.label_text = s->text.len;
    if (label_text) ig_buf_append(&s->text, label_text, strlen(label_text) + 1);
    s->item[s->count++] = item;
    return ig_buf_status(&s->text, err);
}

/* ---- classes ----------------------------------------------------------------------------------------------------- */

typedef struct class_name {
    const char *name;
    int32_t label;
} class_name;

static int by_name(const void *a, const void *b) {
    return strcmp(((const class_name *)a)->name, ((const class_name *)b)->name);
}

/* The classes as the caller gives them, or those of the items; sorted, each once.  Names are borrowed. */
static ig_status list_classes(const ig_picture_set *s, const ig_picture_set_opts *opts, class_name **out, size_t *count,
                              ig_error *err) {
    size_t n = opts->classes ? opts->class_count : s->count, kept = 0;
    class_name *list = ig_realloc_array(NULL, n ? n : 1, sizeof *list);
    if (!list) return ig_error_nomem(err, n * sizeof *list);
    for (size_t i = 0; i < n; i++)
        list[i] = (class_name){opts->classes ? opts->classes[i] : s->text.data + s->item[i].label_text, (int32_t)i};
    qsort(list, n, sizeof *list, by_name);
    for (size_t i = 0; i < n; i++)
        if (!kept || strcmp(list[kept - 1].name, list[i].name) != 0) list[kept++] = list[i];
    for (size_t i = 0; !opts->classes && i < kept; i++) list[i].label = (int32_t)i;
    *out = list, *count = kept;
    return IG_OK;
}

static ig_status copy_classes(ig_picture_set *s, const class_name *list, size_t count, ig_error *err) {
    if (count > IG_PICTURE_CLASSES_MAX)
        return ig_error_set(err, IG_E_LIMIT,
                            "there are %zu classes; at most %d are learned: is the column of labels the right one?", count,
                            IG_PICTURE_CLASSES_MAX);
    s->classes = ig_calloc(count ? count : 1, sizeof *s->classes);
    if (!s->classes) return ig_error_nomem(err, count * sizeof *s->classes);
    s->class_count = count;
    for (size_t i = 0; i < count; i++)
        if (!(s->classes[list[i].label] = ig_strdup(list[i].name))) return ig_error_nomem(err, strlen(list[i].name));
    return IG_OK;
}

/* Labels from their texts.  Those that are none of the classes leave the set. */
static ig_status assign_labels(ig_picture_set *s, const class_name *list, size_t count, ig_picture_problems *problems,
                               ig_error *err) {
    size_t kept = 0;
    for (size_t i = 0; i < s->count; i++) {
        class_name wanted = {s->text.data + s->item[i].label_text, 0};
        const class_name *found = bsearch(&wanted, list, count, sizeof *list, by_name);
        if (!found) {
            IG_TRY(picture_problem_at(problems, false, s->text.data + s->item[i].name, s->item[i].line, err,
                                      "its class \"%.200s\" is none of the %zu that are known", wanted.name, count));
            continue;
        }
        s->item[kept] = s->item[i];
        s->item[kept++].label = found->label;
    }
    s->count = kept;
    return IG_OK;
}

static ig_status name_classes(ig_picture_set *s, const ig_picture_set_opts *opts, ig_picture_problems *problems,
                              ig_error *err) {
    class_name *list = NULL;
    size_t count = 0;
    IG_TRY(list_classes(s, opts, &list, &count, err));
    ig_status status = opts->classes && count < opts->class_count ? ig_error_set(err, IG_E_ARG, "a class is named twice")
                                                                  : copy_classes(s, list, count, err);
    if (status == IG_OK) status = assign_labels(s, list, count, problems, err);
    ig_free(list);
    return status;
}

/* Of numbers: the names given, or "0", "1" … */
static ig_status number_classes(ig_picture_set *s, const ig_picture_set_opts *opts, int64_t most, ig_error *err) {
    size_t count = opts->classes ? opts->class_count : (size_t)most + 1;
    s->classes = ig_calloc(count, sizeof *s->classes);
    if (!s->classes) return ig_error_nomem(err, count * sizeof *s->classes);
    s->class_count = count;
    for (size_t i = 0; i < count; i++) {
        char number[24];
        snprintf(number, sizeof number, "%zu", i);
        s->classes[i] = ig_strdup(opts->classes ? opts->classes[i] : number);
        if (!s->classes[i]) return ig_error_nomem(err, sizeof number);
    }
    return IG_OK;
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static bool is_idx(const char *path) {
    uint8_t head[4] = {0};
    FILE *f = fopen(path, "rb");
    size_t n = f ? fread(head, 1, sizeof head, f) : 0;
    if (f) fclose(f);
    return n == 4 && ((head[0] == 0 && head[1] == 0 && head[2] == 8) || (head[0] == 0x1F && head[1] == 0x8B));
}

static ig_status keep_root(ig_picture_set *s, const char *path, bool folder, ig_error *err) {
    size_t n = folder ? strlen(path) : (size_t)(ig_path_base(path) - path);
    s->root = n ? ig_strndup(path, n) : ig_strdup(".");
    return s->root ? IG_OK : ig_error_nomem(err, n);
}

static ig_status read_source(ig_picture_set *s, const char *path, const ig_picture_set_opts *opts,
                             ig_picture_problems *problems, ig_error *err) {
    bool folder = ig_path_is_dir(path), idx = !folder && is_idx(path);
    int64_t most = 0;
    IG_TRY(keep_root(s, path, folder, err));
    s->channels = opts->channels ? opts->channels : 3;
    if (idx) {
        IG_TRY(picture_set_idx(s, path, opts->labels, opts->classes ? opts->class_count : 0, &most, problems, err));
        s->channels = opts->channels ? opts->channels : s->stored;
        IG_TRY(number_classes(s, opts, most, err));
    } else {
        IG_TRY(folder ? picture_set_folder(s, path, problems, err) : picture_set_table(s, path, problems, err));
        IG_TRY(name_classes(s, opts, problems, err));
    }
    if (!s->count) return ig_error_at(err, IG_E_FORMAT, path, 0, "not one labelled picture was found here");
    return IG_OK;
}

ig_status ig_picture_set_open(const char *path, const ig_picture_set_opts *opts, ig_picture_problems *problems,
                              ig_picture_set **out, ig_error *err) {
    static const ig_picture_set_opts none = {0};
    if (!opts) opts = &none;
    if ((opts->channels != 0 && opts->channels != 1 && opts->channels != 3) || (opts->classes && !opts->class_count))
        return ig_error_set(err, IG_E_ARG, "channels are 1 or 3, and classes one or more");
    ig_picture_set *s = ig_calloc(1, sizeof *s);
    if (!s) return ig_error_nomem(err, sizeof *s);
    s->text.max = TEXT_BYTES_MAX;
    s->memory_max = opts->memory_max ? opts->memory_max : IG_PICTURES_KEPT_BYTES_MAX;
    s->progress = opts->progress, s->progress_arg = opts->progress_arg;
    ig_status status = read_source(s, path, opts, problems, err);
    if (status == IG_OK) *out = s;
    else ig_picture_set_free(s);
    return status;
}

void ig_picture_set_free(ig_picture_set *s) {
    if (!s) return;
    for (size_t i = 0; s->kept && i < s->count; i++) ig_free(s->kept[i].data);
    for (size_t i = 0; i < s->class_count; i++) ig_free(s->classes[i]);
    ig_free(s->kept);
    ig_free(s->classes);
    ig_free(s->item);
    ig_free(s->root);
    ig_buf_fini(&s->text);
    ig_buf_fini(&s->pixels);
    ig_free(s);
}

/* ---- what it holds ----------------------------------------------------------------------------------------------- */

size_t ig_picture_set_count(const ig_picture_set *s) { return s->count; }
size_t ig_picture_set_classes(const ig_picture_set *s) { return s->class_count; }
const char *ig_picture_set_class(const ig_picture_set *s, size_t label) { return s->classes[label]; }
int64_t ig_picture_set_label(const ig_picture_set *s, size_t i) { return s->item[i].label; }
const char *ig_picture_set_name(const ig_picture_set *s, size_t i) { return s->text.data + s->item[i].name; }
int ig_picture_set_channels(const ig_picture_set *s) { return s->channels; }

bool ig_picture_set_size(const ig_picture_set *s, int64_t *height, int64_t *width) {
    if (s->same_size) *height = s->height, *width = s->width;
    return s->same_size;
}

/* Of IDX, with the channels of the set. */
static ig_status from_idx(const ig_picture_set *s, size_t at, ig_picture *out, bool *owned, ig_error *err) {
    size_t pixels = (size_t)(s->height * s->width), bytes = pixels * (size_t)s->stored;
    uint8_t *in = (uint8_t *)s->pixels.data + s->first_pixel + at * bytes;
    *owned = s->channels != s->stored;
    *out = (ig_picture){in, s->height, s->width, s->stored};
    if (!*owned) return IG_OK;
    IG_TRY(ig_picture_new(s->height, s->width, s->channels, out, err));
    for (size_t i = 0; i < pixels; i++) {
        if (s->channels == 3) memset(out->data + 3 * i, in[i], 3);
        else out->data[i] = luma(in[3 * i], in[3 * i + 1], in[3 * i + 2]);
    }
    return IG_OK;
}

ig_status picture_set_get(const ig_picture_set *s, size_t i, ig_picture *out, bool *owned, ig_error *err) {
    char path[IG_PATH_MAX];
    *owned = false;
    if (s->stored) return from_idx(s, s->item[i].at, out, owned, err);
    if (s->kept) {
        *out = s->kept[i];
        return IG_OK;
    }
    IG_TRY(ig_path_join(path, sizeof path, s->root, ig_picture_set_name(s, i), err));
    *owned = true;
    return ig_picture_read(path, s->channels, out, err);
}

ig_status ig_picture_set_decode(const ig_picture_set *s, size_t i, ig_picture *out, ig_error *err) {
    bool owned;
    ig_picture p = {0};
    *out = (ig_picture){0};
    if (i >= s->count) return ig_error_set(err, IG_E_ARG, "there is no picture %zu in a set of %zu", i, s->count);
    IG_TRY(picture_set_get(s, i, &p, &owned, err));
    if (owned) {
        *out = p;
        return IG_OK;
    }
    IG_TRY(ig_picture_new(p.height, p.width, p.channels, out, err));
    memcpy(out->data, p.data, (size_t)p.height * (size_t)p.width * (size_t)p.channels);
    return IG_OK;
}
