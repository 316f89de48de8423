/* data/picture_png.c: PNG in and out, through libpng.   (ISO/IEC 15948)
 *
 * libpng reports an error by a call that must not return: it jumps back to the one setjmp of each direction, and what the jump
 * must not lose stands in a struct of the caller.  Colours are taken as they are stored: gamma and profiles are ignored, as
 * Pillow and browsers' canvases of the same picture do.
 */
#include <png.h>
#include <setjmp.h>
#include <string.h>

#include "data/picture.h"

#define CHUNK_BYTES_MAX (16u << 20) /* of one chunk beside the pixels, unpacked */
#define CHUNKS_MAX 256              /* of them */

typedef struct png_work {
    jmp_buf leave;
    png_structp png;
    png_infop info;
    char message[128];
    const picture_source *s; /* reading */
    size_t at;
    bool cut_off, no_memory;
    picture_raw *raw;
    const ig_picture *picture; /* writing */
    ig_buf *out;
} png_work;

static PNG_NORETURN void on_error(png_structp png, png_const_charp message) {
    png_work *w = png_get_error_ptr(png);
    snprintf(w->message, sizeof w->message, "%s", message);
    longjmp(w->leave, 1);
}

static void on_warning(png_structp png, png_const_charp message) { (void)png, (void)message; }

static png_voidp on_malloc(png_structp png, png_alloc_size_t size) {
    void *p = ig_malloc(size);
    if (!p) ((png_work *)png_get_mem_ptr(png))->no_memory = true;
    return p;
}

static void on_free(png_structp png, png_voidp p) {
    (void)png;
    ig_free(p);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static void on_read(png_structp png, png_bytep to, size_t n) {
    png_work *w = png_get_io_ptr(png);
    if (n > w->s->len - w->at) {
        w->cut_off = true;
        png_error(png, "cut off");
    }
    memcpy(to, w->s->bytes + w->at, n);
    w->at += n;
}

/* All kinds become 8 bits of grey, grey and alpha, RGB, or RGB and alpha. */
static void expand(png_work *w) {
    png_set_expand(w->png);
    if (png_get_bit_depth(w->png, w->info) == 16) png_set_scale_16(w->png);
    png_set_interlace_handling(w->png);
    png_read_update_info(w->png, w->info);
}

static void read_rows(png_work *w, int passes) {
    size_t row = (size_t)w->raw->width * (size_t)w->raw->channels;
    for (int pass = 0; pass < passes; pass++)
        for (int64_t y = 0; y < w->raw->height; y++) png_read_row(w->png, w->raw->data + (size_t)y * row, NULL);
}

static int read_orientation(png_work *w) {
    png_bytep exif;
    png_uint_32 n;
    return png_get_eXIf_1(w->png, w->info, &n, &exif) ? exif_orientation(exif, n) : 1;
}

static ig_status read_all(png_work *w, ig_error *err) {
    if (setjmp(w->leave)) {
        if (w->no_memory) return ig_error_nomem(err, w->s->len);
        if (w->cut_off) return picture_cut_off(w->s, err);
        return ig_error_at(err, IG_E_FORMAT, w->s->name, 0, "the PNG is damaged: %s", w->message);
    }
    png_set_read_fn(w->png, w, on_read);
    png_set_user_limits(w->png, IG_PICTURE_SIDE_MAX, IG_PICTURE_SIDE_MAX);
    png_set_chunk_malloc_max(w->png, CHUNK_BYTES_MAX);
    png_set_chunk_cache_max(w->png, CHUNKS_MAX);
    png_read_info(w->png, w->info);
    int passes = png_get_interlace_type(w->png, w->info) == PNG_INTERLACE_ADAM7 ? 7 : 1;
    expand(w);
    IG_TRY(picture_raw_new(w->s, png_get_image_height(w->png, w->info), png_get_image_width(w->png, w->info),
                           png_get_channels(w->png, w->info), w->raw, err));
    if (png_get_rowbytes(w->png, w->info) != (size_t)w->raw->width * (size_t)w->raw->channels)
        png_error(w->png, "rows of an unknown form");
    read_rows(w, passes);
    png_read_end(w->png, w->info);
    w->raw->orientation = read_orientation(w);
    return IG_OK;
}

/* The size before libpng sees it, so that one past our limits is told with ours. */
static ig_status check_size(const picture_source *s, ig_error *err) {
    if (s->len < 24) return picture_cut_off(s, err);
    uint32_t w = png_get_uint_32(s->bytes + 16), h = png_get_uint_32(s->bytes + 20);
    picture_raw none;
    if (w <= IG_PICTURE_SIDE_MAX && h <= IG_PICTURE_SIDE_MAX && (int64_t)w * h <= IG_PICTURE_PIXELS_MAX && w && h) return IG_OK;
    return picture_raw_new(s, h, w, 1, &none, err);
}

ig_status png_decode(const picture_source *s, picture_raw *out, ig_error *err) {
    png_work w = {.s = s, .raw = out};
    IG_TRY(check_size(s, err));
    w.png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &w, on_error, on_warning, &w, on_malloc, on_free);
    if (w.png) w.info = png_create_info_struct(w.png);
    ig_status status = w.info ? read_all(&w, err) : ig_error_nomem(err, sizeof w);
    if (w.png) png_destroy_read_struct(&w.png, &w.info, NULL);
    if (status != IG_OK) ig_free(out->data), out->data = NULL;
    return status;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static void on_write(png_structp png, png_bytep bytes, size_t n) {
    png_work *w = png_get_io_ptr(png);
    ig_buf_append(w->out, bytes, n);
    if (w->out->status != IG_OK) png_error(png, "no room");
}

static void on_flush(png_structp png) { (void)png; }

static ig_status write_all(png_work *w, ig_error *err) {
    const ig_picture *p = w->picture;
    if (setjmp(w->leave)) {
        if (w->no_memory) return ig_error_nomem(err, (size_t)p->width);
        IG_TRY(ig_buf_status(w->out, err));
        return ig_error_set(err, IG_E_INTERNAL, "libpng does not write a PNG: %s", w->message);
    }
    png_set_write_fn(w->png, w, on_write, on_flush);
    png_set_IHDR(w->png, w->info, (png_uint_32)p->width, (png_uint_32)p->height, 8,
                 p->channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_write_info(w->png, w->info);
    for (int64_t y = 0; y < p->height; y++) png_write_row(w->png, p->data + y * p->width * p->channels);
    png_write_end(w->png, NULL);
    return IG_OK;
}

ig_status ig_picture_encode_png(const ig_picture *p, ig_buf *out, ig_error *err) {
    png_work w = {.picture = p, .out = out};
    w.png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, &w, on_error, on_warning, &w, on_malloc, on_free);
    if (w.png) w.info = png_create_info_struct(w.png);
    ig_status status = w.info ? write_all(&w, err) : ig_error_nomem(err, sizeof w);
    if (w.png) png_destroy_write_struct(&w.png, &w.info);
    return status;
}
