/* infer/preprocess.c: preprocessor_config.json, as Hugging Face's image processors have it. */
#include <math.h>
#include <string.h>

#include "ingot/vision.h"

#define FILE_NAME "preprocessor_config.json"

static const ig_schema_field size_fields[] = {
    {.key = "shortest_edge", .type = IG_TREE_INT, .has_range = true, .min = 1, .max = IG_PICTURE_SIDE_MAX},
    {.key = "height", .type = IG_TREE_INT, .has_range = true, .min = 1, .max = IG_PICTURE_SIDE_MAX},
    {.key = "width", .type = IG_TREE_INT, .has_range = true, .min = 1, .max = IG_PICTURE_SIDE_MAX},
    {.key = "*"},
    {0},
};
static const ig_schema_field fields[] = {
    {.key = "size", .type = IG_TREE_MAP, .fields = size_fields},
    {.key = "image_mean", .type = IG_TREE_LIST, .item = IG_TREE_REAL, .has_range = true, .min = -1e6, .max = 1e6},
    {.key = "image_std", .type = IG_TREE_LIST, .item = IG_TREE_REAL, .has_range = true, .min = 1e-6, .max = 1e6},
    {.key = "rescale_factor", .type = IG_TREE_REAL, .has_range = true, .min = 1e-6, .max = 1e6},
    {.key = "*"},
    {0},
};

/* One number for all channels, or one for each.  `scale` brings values that are not of 0 … 1 there. */
static ig_status read_channels(const char *path, const ig_tree *root, const char *key, int channels, double scale, float out[3], ig_error *err) {
    const ig_tree *list = ig_tree_get(root, key), *v = list ? list->child : NULL;
    if (!list) return IG_OK;
    if (list->count != 1 && list->count != (size_t)channels)
        return ig_error_at(err, IG_E_FORMAT, path, list->line, "%s: expected %d numbers, found %zu", key, channels, list->count);
    for (int c = 0; c < channels; c++, v = list->count > 1 ? v->next : v) out[c] = (float)(v->real * scale);
    return IG_OK;
}

static ig_status read_file(const char *path, const ig_tree *root, ig_augment *out, ig_error *err) {
    double factor = ig_tree_real(root, "rescale_factor", 1.0 / 255), scale = 1 / (255 * factor);
    IG_TRY(ig_schema_check(path, root, fields, err));
    out->resize = ig_tree_int(ig_tree_get(root, "size"), "shortest_edge", 0);
    IG_TRY(read_channels(path, root, "image_mean", out->channels, scale, out->mean, err));
    return read_channels(path, root, "image_std", out->channels, scale, out->std, err);
}

ig_status ig_preprocess_read(const ig_model *m, ig_augment *out, ig_error *err) {
    int64_t size[3];
    char path[IG_PATH_MAX];
    ig_doc *d = NULL;
    m->family->picture_size(m, size);
    *out = (ig_augment){.height = size[0], .width = size[1], .channels = (int)size[2], .std = {1, 1, 1}, .normalized = true};
    if (size[2] != 1 && size[2] != 3) return ig_error_set(err, IG_E_UNSUPPORTED, "the model wants %lld channels; pictures have 1 or 3", (long long)size[2]);
    if (!m->path) return IG_OK;
    IG_TRY(ig_path_join(path, sizeof path, m->path, FILE_NAME, err));
    if (!ig_path_exists(path)) return IG_OK;
    IG_TRY(ig_doc_load(path, IG_RECIPE_BYTES_MAX, &d, err));
    ig_status status = read_file(path, ig_doc_root(d), out, err);
    ig_doc_free(d);
    return status;
}

static void put_channels(ig_json *j, const char *key, const float *v, int channels) {
    ig_json_key(j, key);
    ig_json_open(j, '[');
    for (int c = 0; c < channels; c++) ig_json_real(j, round((double)v[c] * 1e7) / 1e7);
    ig_json_close(j, ']');
}

static void put_int(ig_json *j, const char *key, int64_t v) {
    ig_json_key(j, key);
    ig_json_int(j, v);
}

static void put_bool(ig_json *j, const char *key) {
    ig_json_key(j, key);
    ig_json_bool(j, true);
}

ig_status ig_preprocess_write(const ig_augment *a, const char *dir, ig_error *err) {
    char path[IG_PATH_MAX];
    ig_buf text = {.max = 1 << 16};
    ig_json j = {.out = &text, .indent = 2};
    IG_TRY(ig_path_join(path, sizeof path, dir, FILE_NAME, err));
    ig_json_open(&j, '{');
    ig_json_key(&j, "image_processor_type"), ig_json_text(&j, "CLIPImageProcessor");
    put_bool(&j, "do_resize"), put_bool(&j, "do_center_crop"), put_bool(&j, "do_rescale"), put_bool(&j, "do_normalize");
    ig_json_key(&j, "size"), ig_json_open(&j, '{');
    put_int(&j, "shortest_edge", a->resize ? a->resize : a->height > a->width ? a->height : a->width);
    ig_json_close(&j, '}');
    ig_json_key(&j, "crop_size"), ig_json_open(&j, '{');
    put_int(&j, "height", a->height), put_int(&j, "width", a->width);
    ig_json_close(&j, '}');
    ig_json_key(&j, "rescale_factor"), ig_json_real(&j, 1.0 / 255);
    put_channels(&j, "image_mean", a->mean, a->channels);
    put_channels(&j, "image_std", a->std, a->channels);
    ig_json_close(&j, '}');
    ig_status status = ig_buf_status(&text, err);
    if (status == IG_OK) status = ig_file_write(path, text.data, text.len, err);
    ig_buf_fini(&text);
    return status;
}
