/* data/picture.c: bytes to a picture of 1 or 3 channels, whatever they are, and pictures to files.
 *
 * The format is told by the first bytes, never by the name.  What was decoded is laid on white where it is transparent,
 * brought to the channels that were asked for, and turned as its EXIF orientation says, in this order.
 */
#include <string.h>
#include <strings.h>

#include "data/picture.h"

ig_status ig_picture_new(int64_t height, int64_t width, int channels, ig_picture *out, ig_error *err) {
    *out = (ig_picture){0};
    if (height < 1 || width < 1 || (channels != 1 && channels != 3))
        return ig_error_set(err, IG_E_ARG, "a picture of %lld × %lld pixels and %d channels cannot be: channels are 1 or 3",
                            (long long)width, (long long)height, channels);
    if (height > IG_PICTURE_SIDE_MAX || width > IG_PICTURE_SIDE_MAX || height * width > IG_PICTURE_PIXELS_MAX)
        return ig_error_set(err, IG_E_LIMIT, "a picture of %lld × %lld pixels is larger than the limit of %lld pixels",
                            (long long)width, (long long)height, (long long)IG_PICTURE_PIXELS_MAX);
    size_t bytes = (size_t)height * (size_t)width * (size_t)channels;
    uint8_t *data = ig_malloc(bytes);
    if (!data) return ig_error_nomem(err, bytes);
    *out = (ig_picture){data, height, width, channels};
    return IG_OK;
}

void ig_picture_fini(ig_picture *p) {
    ig_free(p->data);
    *p = (ig_picture){0};
}

ig_status picture_raw_new(const picture_source *s, int64_t height, int64_t width, int channels, picture_raw *out,
                          ig_error *err) {
    *out = (picture_raw){0};
    if (height < 1 || width < 1) return ig_error_at(err, IG_E_FORMAT, s->name, 0, "the picture has no pixels");
    if (height > IG_PICTURE_SIDE_MAX || width > IG_PICTURE_SIDE_MAX || height * width > IG_PICTURE_PIXELS_MAX)
        return ig_error_at(err, IG_E_LIMIT, s->name, 0,
                           "its header says %lld × %lld pixels; at most %lld pixels and %d per side are read: make it smaller",
                           (long long)width, (long long)height, (long long)IG_PICTURE_PIXELS_MAX, IG_PICTURE_SIDE_MAX);
    size_t bytes = (size_t)height * (size_t)width * (size_t)channels;
    uint8_t *data = ig_malloc(bytes);
    if (!data) return ig_error_nomem(err, bytes);
    *out = (picture_raw){.data = data, .height = height, .width = width, .channels = channels};
    return IG_OK;
}

ig_status picture_cut_off(const picture_source *s, ig_error *err) {
    return ig_error_at(err, IG_E_FORMAT, s->name, 0, "the picture is cut off after %zu bytes: copy or download it again",
                       s->len);
}

/* ---- formats ----------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name, *ends; /* of file names, each between bars */
} formats[] = {
    [IG_PICTURE_UNKNOWN] = {"unknown", ""}, [IG_PICTURE_JPEG] = {"JPEG", "|jpg|jpeg|jpe|jfif|"},
    [IG_PICTURE_PNG] = {"PNG", "|png|"},    [IG_PICTURE_WEBP] = {"WebP", "|webp|"},
    [IG_PICTURE_BMP] = {"BMP", "|bmp|"},    [IG_PICTURE_PNM] = {"PNM", "|pgm|ppm|pnm|"},
};

const char *ig_picture_format_name(ig_picture_format f) { return formats[f].name; }

static bool begins(const picture_source *s, size_t at, const char *magic, size_t n) {
    return s->len >= at + n && memcmp(s->bytes + at, magic, n) == 0;
}

ig_picture_format ig_picture_format_of(const void *bytes, size_t len) {
    picture_source s = {"", bytes, len};
    if (begins(&s, 0, "\xFF\xD8\xFF", 3)) return IG_PICTURE_JPEG;
    if (begins(&s, 0, "\x89PNG\r\n\x1A\n", 8)) return IG_PICTURE_PNG;
    if (begins(&s, 0, "RIFF", 4) && begins(&s, 8, "WEBP", 4)) return IG_PICTURE_WEBP;
    if (begins(&s, 0, "BM", 2)) return IG_PICTURE_BMP;
    if (len >= 3 && s.bytes[0] == 'P' && s.bytes[1] >= '1' && s.bytes[1] <= '7' && strchr(" \t\r\n#", s.bytes[2]) && s.bytes[2])
        return IG_PICTURE_PNM;
    return IG_PICTURE_UNKNOWN;
}

bool ig_picture_is_named(const char *path) {
    const char *dot = strrchr(ig_path_base(path), '.');
    size_t n = dot ? strlen(dot + 1) : 0;
    if (!n || strchr(dot, '|')) return false;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        for (const char *end = formats[i].ends; *end; end++)
            if (*end == '|' && strncasecmp(end + 1, dot + 1, n) == 0 && end[1 + n] == '|') return true;
    return false;
}

static ig_status refuse_unknown(const picture_source *s, ig_error *err) {
    static const struct { size_t at; const char *magic, *name;
    } known[] = {
        {0, "GIF8", "a GIF"},       {0, "II*", "a TIFF"},      {0, "MM\0*", "a TIFF"}, {4, "ftypheic", "a HEIC"},
        {4, "ftypavif", "an AVIF"}, {4, "ftypmif1", "a HEIF"}, {0, "%PDF", "a PDF"},   {0, "<svg", "an SVG"},
        {0, "<?xml", "an XML"},     {0, "PK\3\4", "a ZIP"},
    };
    if (!s->len) return ig_error_at(err, IG_E_FORMAT, s->name, 0, "the file is empty");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const char *magic = known[i].magic;
        if (begins(s, known[i].at, magic, *magic == 'M' ? 4 : strlen(magic)))
            return ig_error_at(err, IG_E_UNSUPPORTED, s->name, 0,
                               "this is %s file; read are JPEG, PNG, WebP, BMP, PGM and PPM: convert it", known[i].name);
    }
    return ig_error_at(err, IG_E_FORMAT, s->name, 0,
                       "this is no picture that is known: read are JPEG, PNG, WebP, BMP, PGM and PPM");
}

static ig_status decode_raw(const picture_source *s, picture_raw *out, ig_error *err) {
    if (s->len > IG_PICTURE_BYTES_MAX)
        return ig_error_at(err, IG_E_LIMIT, s->name, 0, "the file has %zu bytes; a picture may have %zu", s->len,
                           IG_PICTURE_BYTES_MAX);
    switch (ig_picture_format_of(s->bytes, s->len)) {
    case IG_PICTURE_JPEG: return jpeg_decode(s, out, err);
    case IG_PICTURE_PNG: return png_decode(s, out, err);
    case IG_PICTURE_WEBP: return webp_decode(s, out, err);
    case IG_PICTURE_BMP: return bmp_decode(s, out, err);
    case IG_PICTURE_PNM: return pnm_decode(s, out, err);
    case IG_PICTURE_UNKNOWN: break;
    }
    return refuse_unknown(s, err);
}

/* ---- channels and orientation ------------------------------------------------------------------------------------ */

/* In place: the result is never ahead of what is read. */
static void lay_on_white(picture_raw *r) {
    if (r->channels == 1 || r->channels == 3) return;
    int colors = r->channels - 1;
    uint8_t *out = r->data;
    const uint8_t *end = r->data + r->height * r->width * r->channels;
    for (const uint8_t *in = r->data; in < end; in += r->channels) {
        unsigned alpha = in[colors];
        for (int c = 0; c < colors; c++) {
            unsigned t = in[c] * alpha + 255 * (255 - alpha) + 128;
            *out++ = (uint8_t)((t + (t >> 8)) >> 8);
        }
    }
    r->channels = colors;
}

static void to_grey(picture_raw *r) {
    const uint8_t *in = r->data;
    for (int64_t i = 0; i < r->height * r->width; i++, in += 3) r->data[i] = luma(in[0], in[1], in[2]);
    r->channels = 1;
}

/* out[y,x] = in[start + y·dy + x·dx] in pixels.   (EXIF 2.32, tag 0x0112) */
static void turn(const picture_raw *r, int channels, ig_picture *out) {
    int64_t w = r->width, h = r->height, last = h * w - 1;
    const struct { int64_t start, dx, dy;
    } way[] = {
        {0, 1, w},      {0, 1, w},      {w - 1, -1, w}, {last, -1, -w}, {last - w + 1, 1, -w}, {0, w, 1}, {last - w + 1, -w, 1},
        {last, -w, -1}, {w - 1, w, -1},
    };
    uint8_t *o = out->data;
    for (int64_t y = 0; y < out->height; y++)
        for (int64_t x = 0; x < out->width; x++) {
            const uint8_t *in =
                r->data + (way[r->orientation].start + y * way[r->orientation].dy + x * way[r->orientation].dx) * r->channels;
            for (int c = 0; c < channels; c++) *o++ = r->channels == 1 ? in[0] : in[c];
        }
}

/* Takes r->data. */
static ig_status finish(const picture_source *s, picture_raw *r, int channels, ig_picture *out, ig_error *err) {
    lay_on_white(r);
    if (channels == 1 && r->channels == 3) to_grey(r);
    if (!channels) channels = r->channels;
    if (r->channels == channels && r->orientation < 2) {
        uint8_t *fitting = ig_realloc(r->data, (size_t)r->height * (size_t)r->width * (size_t)channels);
        *out = (ig_picture){fitting ? fitting : r->data, r->height, r->width, channels};
        return IG_OK;
    }
    bool upright = r->orientation < 5;
    ig_error inner = {0};
    ig_status status = ig_picture_new(upright ? r->height : r->width, upright ? r->width : r->height, channels, out, &inner);
    if (status == IG_OK) turn(r, channels, out);
    else ig_error_at(err, status, s->name, 0, "%s", inner.message);
    ig_free(r->data);
    return status;
}

ig_status ig_picture_decode(const char *name, const void *bytes, size_t len, int channels, ig_picture *out, ig_error *err) {
    picture_source s = {name, bytes, len};
    picture_raw raw = {0};
    *out = (ig_picture){0};
    if (channels != 0 && channels != 1 && channels != 3)
        return ig_error_set(err, IG_E_ARG, "a picture has 1 or 3 channels, not %d", channels);
    IG_TRY(decode_raw(&s, &raw, err));
    return finish(&s, &raw, channels, out, err);
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

ig_status ig_picture_read(const char *path, int channels, ig_picture *out, ig_error *err) {
    ig_buf bytes = {.max = IG_PICTURE_BYTES_MAX};
    *out = (ig_picture){0};
    ig_status status = ig_file_read(path, IG_PICTURE_BYTES_MAX, &bytes, err);
    if (status == IG_OK) status = ig_picture_decode(path, bytes.data, bytes.len, channels, out, err);
    ig_buf_fini(&bytes);
    return status;
}

ig_status ig_picture_write(const char *path, const ig_picture *p, ig_error *err) {
    const char *dot = strrchr(ig_path_base(path), '.');
    bool jpeg = dot && (strcasecmp(dot, ".jpg") == 0 || strcasecmp(dot, ".jpeg") == 0);
    ig_buf bytes = {.max = (size_t)1 << 30};
    ig_status status = jpeg ? ig_picture_encode_jpeg(p, 90, &bytes, err) : ig_picture_encode_png(p, &bytes, err);
    if (status == IG_OK) status = ig_file_write(path, bytes.data, bytes.len, err);
    ig_buf_fini(&bytes);
    return status;
}
