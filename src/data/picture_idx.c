/* data/picture_idx.c: IDX, the format of MNIST and of those that took its place.   (Y. LeCun: the MNIST database)
 *
 *     pictures   00 00 08 03   N H W     (08 04: N H W C)     N·H·W bytes
 *     labels     00 00 08 01   N                              N bytes, 0 to 255
 *
 * Sizes are big-endian, 4 bytes each.  The file is held whole: it is already what a data set in memory is.
 */
#include <string.h>

#include "data/picture_set.h"

static uint32_t be32(const uint8_t *p) { return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]; }

/* Sizes of `dims` dimensions in size[4], and that the bytes are all there. */
static ig_status check_file(const char *path, const ig_buf *b, const char *what, int least, int most, int64_t size[4],
                            ig_error *err) {
    const uint8_t *p = (const uint8_t *)b->data;
    size_t need = 1;
    if (b->len >= 2 && p[0] == 0x1F && p[1] == 0x8B)
        return ig_error_at(err, IG_E_UNSUPPORTED, path, 0, "the file is compressed: unpack it with gunzip");
    if (b->len < 4 || p[0] || p[1] || p[2] != 8 || p[3] < least || p[3] > most)
        return ig_error_at(err, IG_E_FORMAT, path, 0, "this is no IDX file of %s", what);
    size_t header = 4 + 4 * (size_t)p[3];
    if (b->len < header) return ig_error_at(err, IG_E_FORMAT, path, 0, "the file is cut off: copy or download it again");
    for (int i = 0; i < 4; i++) {
        size[i] = i < p[3] ? (int64_t)be32(p + 4 + 4 * i) : 1;
        if (!size[i] || !ig_mul_size(need, (size_t)size[i], &need))
            return ig_error_at(err, IG_E_FORMAT, path, 0, "its sizes cannot be");
    }
    if (b->len - header < need)
        return ig_error_at(err, IG_E_FORMAT, path, 0, "the file is cut off: its header says %zu bytes, %zu are there", need,
                           b->len - header);
    if (b->len - header > need)
        return ig_error_at(err, IG_E_FORMAT, path, 0, "%zu bytes stand behind what the header says", b->len - header - need);
    return IG_OK;
}

/* train-images-idx3-ubyte → train-labels-idx1-ubyte */
static ig_status labels_beside(const char *path, char out[IG_PATH_MAX], ig_error *err) {
    const char *images = strstr(ig_path_base(path), "images"), *dims = images ? strstr(images, "idx3") : NULL;
    if (!dims) return ig_error_at(err, IG_E_ARG, path, 0, "name the file of labels: it cannot be found from this name");
    int n = snprintf(out, IG_PATH_MAX, "%.*slabels%.*sidx1%s", (int)(images - path), path, (int)(dims - images - 6), images + 6,
                     dims + 4);
    return n < IG_PATH_MAX ? IG_OK : ig_error_at(err, IG_E_LIMIT, path, 0, "the path is too long");
}

static ig_status add_all(ig_picture_set *s, const char *path, const uint8_t *label, int64_t n, size_t class_count,
                         int64_t *most, ig_picture_problems *problems, ig_error *err) {
    for (int64_t i = 0; i < n; i++) {
        char name[24];
        snprintf(name, sizeof name, "%lld", (long long)i);
        if (class_count && label[i] >= class_count) {
            IG_TRY(picture_problem_at(problems, false, path, 0, err, "label %u of picture %s is none of the %zu classes",
                                      label[i], name, class_count));
            continue;
        }
        if (label[i] > *most) *most = label[i];
        IG_TRY(picture_set_add(s, name, NULL, (picture_item){.at = (size_t)i, .label = label[i]}, err));
    }
    return IG_OK;
}

static ig_status check_pictures(ig_picture_set *s, const char *path, int64_t size[4], ig_error *err) {
    IG_TRY(check_file(path, &s->pixels, "pictures", 3, 4, size, err));
    if ((size[3] != 1 && size[3] != 3) || size[1] > IG_PICTURE_SIDE_MAX || size[2] > IG_PICTURE_SIDE_MAX ||
        size[1] * size[2] > IG_PICTURE_PIXELS_MAX)
        return ig_error_at(err, IG_E_FORMAT, path, 0, "pictures of %lld × %lld pixels and %lld channels are not read",
                           (long long)size[2], (long long)size[1], (long long)size[3]);
    s->first_pixel = 4 + 4 * (size_t)(uint8_t)s->pixels.data[3];
    s->height = size[1], s->width = size[2], s->stored = (int)size[3], s->same_size = true;
    return IG_OK;
}

ig_status picture_set_idx(ig_picture_set *s, const char *path, const char *labels, size_t class_count, int64_t *most,
                          ig_picture_problems *problems, ig_error *err) {
    char beside[IG_PATH_MAX];
    int64_t size[4], label_size[4];
    ig_buf b = {.max = IG_IDX_BYTES_MAX};
    s->pixels.max = IG_IDX_BYTES_MAX;
    IG_TRY(ig_file_read(path, IG_IDX_BYTES_MAX, &s->pixels, err));
    IG_TRY(check_pictures(s, path, size, err));
    if (!labels) {
        IG_TRY(labels_beside(path, beside, err));
        labels = beside;
    }
    ig_status status = ig_file_read(labels, IG_IDX_BYTES_MAX, &b, err);
    if (status == IG_OK) status = check_file(labels, &b, "labels", 1, 1, label_size, err);
    if (status == IG_OK && label_size[0] != size[0])
        status = ig_error_at(err, IG_E_FORMAT, labels, 0, "it has %lld labels for %lld pictures", (long long)label_size[0],
                             (long long)size[0]);
    if (status == IG_OK) status = add_all(s, labels, (const uint8_t *)b.data + 8, size[0], class_count, most, problems, err);
    ig_buf_fini(&b);
    return status;
}
