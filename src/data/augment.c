/* data/augment.c: what a recipe says about augmentation, checked, and the rest from the data. */
#include "ingot/pictures.h"

#define NUMBER(key_, type_, min_, max_, doc_)                                                                          \
    {.key = key_, .type = IG_TREE_##type_, .has_range = true, .min = min_, .max = max_, .doc = doc_, .otherwise = "0"}

const ig_schema_field ig_augment_fields[] = {
    NUMBER("size", INT, 1, 4096, "height and width of what the network sees"),
    NUMBER("height", INT, 1, 4096, "height, where it is not the width"),
    NUMBER("width", INT, 1, 4096, "width, where it is not the height"),
    NUMBER("resize", INT, 1, 8192, "shorter side before the crop"),
    NUMBER("padding", INT, 0, 1024, "pixels around the picture before a random crop"),
    {.key = "area",
     .type = IG_TREE_LIST,
     .item = IG_TREE_REAL,
     .doc = "random resized crop: least and largest share of the picture"},
    NUMBER("flip", REAL, 0, 1, "probability of left and right changing sides"),
    NUMBER("flip_vertical", REAL, 0, 1, "probability of top and bottom changing sides"),
    NUMBER("rotate", REAL, 0, 180, "degrees, either way"),
    {.key = "scale", .type = IG_TREE_LIST, .item = IG_TREE_REAL, .doc = "least and largest factor of the content's size"},
    NUMBER("shift", REAL, 0, 1, "share of height and width, either way"),
    NUMBER("brightness", REAL, 0, 1, "factor from 1 - x to 1 + x"),
    NUMBER("contrast", REAL, 0, 1, "factor from 1 - x to 1 + x"),
    NUMBER("saturation", REAL, 0, 1, "factor from 1 - x to 1 + x"),
    NUMBER("erase", REAL, 0, 1, "probability of random erasing"),
    NUMBER("cutout", INT, 0, 4096, "side of a square that is taken out, in pixels"),
    NUMBER("mixup", REAL, 0, 100, "alpha of the Beta distribution that mixup draws from"),
    {.key = "mean",
     .type = IG_TREE_LIST,
     .item = IG_TREE_REAL,
     .doc = "of each channel, 1 is white",
     .otherwise = "of the training pictures"},
    {.key = "std",
     .type = IG_TREE_LIST,
     .item = IG_TREE_REAL,
     .doc = "of each channel",
     .otherwise = "of the training pictures"},
    {.key = NULL},
};

/* A list of `least` to `most` numbers of a range; *count 0 when it is not there. */
static ig_status read_list(const char *name, const ig_tree *map, const char *key, double min, double max, size_t least,
                           size_t most, float *out, size_t *count, ig_error *err) {
    const ig_tree *list = ig_tree_get(map, key);
    *count = 0;
    if (!list) return IG_OK;
    if (list->count < least || list->count > most)
        return ig_error_at(err, IG_E_FORMAT, name, list->line, "%s: %zu numbers are wanted, %zu are there", key, least,
                           list->count);
    for (const ig_tree *v = list->child; v; v = v->next) {
        if (!(v->real >= min && v->real <= max))
            return ig_error_at(err, IG_E_FORMAT, name, v->line, "%s: %g is not from %g to %g", key, v->real, min, max);
        out[(*count)++] = (float)v->real;
    }
    return IG_OK;
}

static ig_status read_pair(const char *name, const ig_tree *map, const char *key, double min, double max, float *least,
                           float *most, ig_error *err) {
    float pair[2] = {0};
    size_t count;
    IG_TRY(read_list(name, map, key, min, max, 2, 2, pair, &count, err));
    if (pair[0] > pair[1])
        return ig_error_at(err, IG_E_FORMAT, name, ig_tree_get(map, key)->line, "%s: the smaller number stands first", key);
    *least = pair[0], *most = pair[1];
    return IG_OK;
}

/* Mean and std come together, for one or three channels; one number is for all. */
static ig_status read_moments(const char *name, const ig_tree *map, ig_augment *a, ig_error *err) {
    size_t means, stds;
    IG_TRY(read_list(name, map, "mean", 0, 1, 1, 3, a->mean, &means, err));
    IG_TRY(read_list(name, map, "std", 1e-4, 10, 1, 3, a->std, &stds, err));
    if (means != stds || means == 2)
        return ig_error_at(err, IG_E_FORMAT, name, map->line,
                           "mean and std have one number each, or three: %zu and %zu are there", means, stds);
    for (int c = 1; means == 1 && c < 3; c++) a->mean[c] = a->mean[0], a->std[c] = a->std[0];
    a->normalized = means > 0;
    return IG_OK;
}

ig_status ig_augment_parse(const char *name, const ig_tree *map, ig_augment *out, ig_error *err) {
    ig_augment a = {0};
    *out = a;
    if (!map) return IG_OK;
    IG_TRY(ig_schema_check(name, map, ig_augment_fields, err));
    a.height = ig_tree_int(map, "height", ig_tree_int(map, "size", 0));
    a.width = ig_tree_int(map, "width", ig_tree_int(map, "size", 0));
    if (!a.height != !a.width)
        return ig_error_at(err, IG_E_FORMAT, name, map->line, "height and width are given together, or size for both");
    a.resize = ig_tree_int(map, "resize", 0);
    a.padding = ig_tree_int(map, "padding", 0);
    a.cutout = ig_tree_int(map, "cutout", 0);
    const struct { const char *key; float *to;
    } reals[] = {
        {"flip", &a.flip},
        {"flip_vertical", &a.flip_vertical},
        {"rotate", &a.rotate},
        {"shift", &a.shift},
        {"brightness", &a.brightness},
        {"contrast", &a.contrast},
        {"saturation", &a.saturation},
        {"erase", &a.erase},
        {"mixup", &a.mixup},
    };
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) *reals[i].to = (float)ig_tree_real(map, reals[i].key, 0);
    IG_TRY(read_pair(name, map, "area", 0.01, 1, &a.area_min, &a.area_max, err));
    IG_TRY(read_pair(name, map, "scale", 0.1, 10, &a.scale_min, &a.scale_max, err));
    IG_TRY(read_moments(name, map, &a, err));
    *out = a;
    return IG_OK;
}

ig_status ig_augment_complete(ig_context *ctx, const ig_picture_set *s, const int64_t *index, size_t count, ig_augment *a,
                              ig_error *err) {
    a->channels = ig_picture_set_channels(s);
    if (!a->height && !ig_picture_set_size(s, &a->height, &a->width))
        return ig_error_set(err, IG_E_ARG,
                            "the pictures have different sizes: say with size what the network sees, for instance 224");
    if (a->normalized) return IG_OK;
    IG_TRY(ig_picture_set_moments(ctx, s, index, count, a->mean, a->std, err));
    a->normalized = true;
    return IG_OK;
}
