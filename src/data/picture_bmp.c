/* data/picture_bmp.c: BMP without compression.   (Microsoft: Bitmap Storage)
 *
 *     "BM" size … offset of the pixels │ header: its size, width, height, planes, bits, compression … │ palette │ rows
 *
 * Rows stand bottom up (top down when the height is negative), each padded to 4 bytes; colours are blue, green, red.  8 bits
 * with a palette, 24, and 32 whose fourth byte counts as alpha only where the header's masks say so.  All else is refused by
 * name.
 */
#include <string.h>

#include "data/picture.h"

typedef struct bmp {
    int64_t width, height;
    bool top_down, alpha;
    unsigned bits, entry; /* of a pixel; bytes of a palette entry */
    size_t palette, colors, pixels, row;
} bmp;

static uint32_t le32(const uint8_t *p) { return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24; }
static uint32_t le16(const uint8_t *p) { return p[0] | (uint32_t)p[1] << 8; }

/* Masks of 32 bits: red, green, blue as in BI_RGB, and alpha or none. */
static ig_status read_masks(const picture_source *s, uint32_t header, bmp *b, ig_error *err) {
    if (s->len < 70) return picture_cut_off(s, err);
    if (b->bits != 32 || le32(s->bytes + 54) != 0xFF0000 || le32(s->bytes + 58) != 0xFF00 || le32(s->bytes + 62) != 0xFF)
        return ig_error_at(err, IG_E_UNSUPPORTED, s->name, 0,
                           "a BMP with %u bits and masks of its own is not read: save it with 24 bits", b->bits);
    b->alpha = header >= 56 && le32(s->bytes + 66) == 0xFF000000u;
    return IG_OK;
}

static ig_status read_sizes(const picture_source *s, uint32_t header, bmp *b, ig_error *err) {
    const uint8_t *h = s->bytes + 14;
    if (header == 12) {
        b->width = le16(h + 4), b->height = le16(h + 6), b->bits = le16(h + 10), b->entry = 3;
        return IG_OK;
    }
    if (header < 40 || header > 124)
        return ig_error_at(err, IG_E_UNSUPPORTED, s->name, 0, "a BMP with a header of %u bytes is not read", header);
    b->width = (int32_t)le32(h + 4), b->height = (int32_t)le32(h + 8), b->bits = le16(h + 14), b->entry = 4;
    uint32_t compression = le32(h + 16), used = le32(h + 32);
    b->top_down = b->height < 0;
    if (b->top_down) b->height = -b->height;
    b->colors = b->bits <= 8 && used > 0 && used < 256 ? used : 256;
    if (compression == 3 || compression == 6) return read_masks(s, header, b, err);
    if (compression != 0)
        return ig_error_at(err, IG_E_UNSUPPORTED, s->name, 0, "a compressed BMP (method %u) is not read: save it as PNG",
                           compression);
    return IG_OK;
}

static ig_status read_header(const picture_source *s, bmp *b, ig_error *err) {
    if (s->len < 26) return picture_cut_off(s, err);
    uint32_t header = le32(s->bytes + 14);
    *b = (bmp){.pixels = le32(s->bytes + 10), .palette = (size_t)14 + header, .colors = 256};
    if (s->len - 14 < header) return picture_cut_off(s, err);
    IG_TRY(read_sizes(s, header, b, err));
    if (b->bits != 8 && b->bits != 24 && b->bits != 32)
        return ig_error_at(err, IG_E_UNSUPPORTED, s->name, 0,
                           "a BMP with %u bits per pixel is not read, those with 8, 24 and 32 are", b->bits);
    if (b->width < 1 || b->height < 1) return ig_error_at(err, IG_E_FORMAT, s->name, 0, "the picture has no pixels");
    b->row = ((size_t)b->width * b->bits + 31) / 32 * 4;
    return IG_OK;
}

static ig_status check_places(const picture_source *s, const bmp *b, ig_error *err) {
    size_t need;
    if (b->bits == 8 && (b->palette > s->len || (s->len - b->palette) / b->entry < b->colors)) return picture_cut_off(s, err);
    if (b->pixels < b->palette + (b->bits == 8 ? b->colors * b->entry : 0))
        return ig_error_at(err, IG_E_FORMAT, s->name, 0, "the pixels would begin inside of the header");
    if (!ig_mul_size(b->row, (size_t)b->height, &need) || b->pixels > s->len || s->len - b->pixels < need)
        return picture_cut_off(s, err);
    return IG_OK;
}

static ig_status read_row(const picture_source *s, const bmp *b, const uint8_t *in, uint8_t *out, ig_error *err) {
    for (int64_t x = 0; x < b->width; x++) {
        const uint8_t *p = in + (size_t)x * (b->bits / 8);
        if (b->bits == 8) {
            if (*p >= b->colors)
                return ig_error_at(err, IG_E_FORMAT, s->name, 0, "a pixel names colour %u of a palette of %zu", *p, b->colors);
            p = s->bytes + b->palette + *p * (size_t)b->entry;
        }
        *out++ = p[2], *out++ = p[1], *out++ = p[0];
        if (b->alpha) *out++ = p[3];
    }
    return IG_OK;
}

ig_status bmp_decode(const picture_source *s, picture_raw *out, ig_error *err) {
    bmp b = {0};
    IG_TRY(read_header(s, &b, err));
    if (b.height <= IG_PICTURE_SIDE_MAX && b.width <= IG_PICTURE_SIDE_MAX) IG_TRY(check_places(s, &b, err));
    IG_TRY(picture_raw_new(s, b.height, b.width, b.alpha ? 4 : 3, out, err));
    for (int64_t y = 0; y < b.height; y++) {
        int64_t from = b.top_down ? y : b.height - 1 - y;
        ig_status status =
            read_row(s, &b, s->bytes + b.pixels + (size_t)from * b.row, out->data + y * b.width * out->channels, err);
        if (status != IG_OK) {
            ig_free(out->data);
            return status;
        }
    }
    return IG_OK;
}
