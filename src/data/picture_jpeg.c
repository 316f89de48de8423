/* data/picture_jpeg.c: JPEG in and out, through libjpeg-turbo.   (ITU-T T.81; JFIF; Adobe's marker for CMYK)
 *
 * libjpeg reports an error by a call that must not return: it jumps back to the one setjmp of each direction, and what the jump
 * must not lose stands in a struct of the caller.  Warnings that mean lost pixels end the reading like errors, because a
 * network would otherwise learn grey bars.  CMYK is shown as Adobe's programs store it (inverted, with their marker) and
 * everybody reads it.
 */
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "data/picture.h"

typedef struct jpeg_work {
    struct jpeg_error_mgr mgr; /* first: libjpeg hands back a pointer to it */
    jmp_buf leave;
    int code; /* of the message that ended it */
    char message[JMSG_LENGTH_MAX];
    struct jpeg_progress_mgr progress;
    struct jpeg_decompress_struct in;
    const picture_source *s;
    picture_raw *raw;
    struct jpeg_compress_struct out; /* writing */
    struct jpeg_destination_mgr destination;
    ig_buf *to;
    JOCTET block[4096];
} jpeg_work;

static _Noreturn void leave(j_common_ptr any) {
    jpeg_work *w = (jpeg_work *)any->err;
    w->code = any->err->msg_code;
    any->err->format_message(any, w->message);
    longjmp(w->leave, 1);
}

static void on_message(j_common_ptr any, int level) {
    if (level >= 0) return;
    switch (any->err->msg_code) {
    case JWRN_JPEG_EOF:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_BOGUS_PROGRESSION:
    case JWRN_MUST_RESYNC: leave(any);
    default: break;
    }
}

static void on_output(j_common_ptr any) { (void)any; }

static void init_messages(jpeg_work *w) {
    jpeg_std_error(&w->mgr);
    w->mgr.error_exit = leave;
    w->mgr.emit_message = on_message;
    w->mgr.output_message = on_output;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* Called again and again while scans are read. */
static void on_progress(j_common_ptr any) {
    const jpeg_work *w = (const jpeg_work *)any->err;
    if (w->in.input_scan_number > IG_PICTURE_SCANS_MAX) ERREXIT(any, JERR_BAD_PROG_SCRIPT);
}

static ig_status told(const jpeg_work *w, ig_error *err) {
    switch (w->code) {
    case JERR_OUT_OF_MEMORY: return ig_error_nomem(err, w->s->len);
    case JWRN_JPEG_EOF:
    case JERR_INPUT_EMPTY:
    case JERR_INPUT_EOF: return picture_cut_off(w->s, err);
    case JERR_ARITH_NOTIMPL:
    case JERR_BAD_PRECISION:
    case JERR_SOF_UNSUPPORTED:
    case JERR_CONVERSION_NOTIMPL:
        return ig_error_at(err, IG_E_UNSUPPORTED, w->s->name, 0, "a JPEG of this kind is not read (%s): save it as a usual one",
                           w->message);
    case JERR_BAD_PROG_SCRIPT:
        return ig_error_at(err, IG_E_LIMIT, w->s->name, 0, "the JPEG has more than %d scans", IG_PICTURE_SCANS_MAX);
    default: return ig_error_at(err, IG_E_FORMAT, w->s->name, 0, "the JPEG is damaged: %s", w->message);
    }
}

static int find_orientation(const jpeg_work *w) {
    for (jpeg_saved_marker_ptr m = w->in.marker_list; m; m = m->next)
        if (m->data_length > 6 && memcmp(m->data, "Exif\0", 6) == 0) return exif_orientation(m->data + 6, m->data_length - 6);
    return 1;
}

/* In place, from 4 to 3 channels: what ink leaves of white. */
static void ink_to_light(picture_raw *r, bool inverted) {
    uint8_t *to = r->data;
    const uint8_t *end = r->data + r->height * r->width * 4;
    for (const uint8_t *p = r->data; p < end; p += 4) {
        unsigned flip = inverted ? 255 : 0, light = 255 - (p[3] ^ flip);
        for (int c = 0; c < 3; c++) *to++ = (uint8_t)(light - mul_255(p[c] ^ flip, light));
    }
    r->channels = 3;
}

static ig_status read_all(jpeg_work *w, ig_error *err) {
    struct jpeg_decompress_struct *in = &w->in;
    if (setjmp(w->leave)) return told(w, err);
    jpeg_create_decompress(in);
    in->progress = &w->progress;
    jpeg_save_markers(in, JPEG_APP0 + 1, 0xFFFF);
    jpeg_mem_src(in, w->s->bytes, (unsigned long)w->s->len);
    jpeg_read_header(in, TRUE);
    bool ink = in->jpeg_color_space == JCS_CMYK || in->jpeg_color_space == JCS_YCCK;
    in->out_color_space = ink ? JCS_CMYK : in->num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
    int channels = ink ? 4 : in->num_components == 1 ? 1 : 3;
    IG_TRY(picture_raw_new(w->s, in->image_height, in->image_width, channels, w->raw, err));
    jpeg_start_decompress(in);
    while (in->output_scanline < in->output_height) {
        JSAMPROW row = w->raw->data + (size_t)in->output_scanline * (size_t)w->raw->width * (size_t)channels;
        jpeg_read_scanlines(in, &row, 1);
    }
    w->raw->orientation = find_orientation(w); /* before the markers are let go */
    jpeg_finish_decompress(in);
    if (ink) ink_to_light(w->raw, in->saw_Adobe_marker);
    return IG_OK;
}

ig_status jpeg_decode(const picture_source *s, picture_raw *out, ig_error *err) {
    jpeg_work w = {.s = s, .raw = out, .progress.progress_monitor = on_progress};
    init_messages(&w);
    w.in.err = &w.mgr;
    ig_status status = read_all(&w, err);
    jpeg_destroy_decompress(&w.in);
    if (status != IG_OK) ig_free(out->data), out->data = NULL;
    return status;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static void begin_block(j_compress_ptr out) {
    jpeg_work *w = (jpeg_work *)out->err;
    w->destination.next_output_byte = w->block;
    w->destination.free_in_buffer = sizeof w->block;
}

static boolean full_block(j_compress_ptr out) { /* the whole of it, whatever the counters say */
    jpeg_work *w = (jpeg_work *)out->err;
    ig_buf_append(w->to, w->block, sizeof w->block);
    if (w->to->status != IG_OK) ERREXIT(out, JERR_OUT_OF_MEMORY);
    begin_block(out);
    return TRUE;
}

static void last_block(j_compress_ptr out) {
    jpeg_work *w = (jpeg_work *)out->err;
    ig_buf_append(w->to, w->block, sizeof w->block - w->destination.free_in_buffer);
}

static ig_status write_all(jpeg_work *w, const ig_picture *p, int quality, ig_error *err) {
    struct jpeg_compress_struct *out = &w->out;
    if (setjmp(w->leave)) {
        IG_TRY(ig_buf_status(w->to, err));
        if (w->code == JERR_OUT_OF_MEMORY) return ig_error_nomem(err, (size_t)p->width);
        return ig_error_set(err, IG_E_INTERNAL, "libjpeg does not write a JPEG: %s", w->message);
    }
    jpeg_create_compress(out);
    w->destination = (struct jpeg_destination_mgr){.init_destination = begin_block, .empty_output_buffer = full_block,
                                                   .term_destination = last_block};
    out->dest = &w->destination;
    out->image_width = (JDIMENSION)p->width;
    out->image_height = (JDIMENSION)p->height;
    out->input_components = p->channels;
    out->in_color_space = p->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(out);
    jpeg_set_quality(out, quality, TRUE);
    jpeg_start_compress(out, TRUE);
    while (out->next_scanline < out->image_height) {
        JSAMPROW row = p->data + (size_t)out->next_scanline * (size_t)p->width * (size_t)p->channels;
        jpeg_write_scanlines(out, &row, 1);
    }
    jpeg_finish_compress(out);
    return ig_buf_status(w->to, err);
}

ig_status ig_picture_encode_jpeg(const ig_picture *p, int quality, ig_buf *out, ig_error *err) {
    jpeg_work w = {.to = out};
    if (quality < 1 || quality > 100) return ig_error_set(err, IG_E_ARG, "the quality of a JPEG is 1 to 100, not %d", quality);
    init_messages(&w);
    w.out.err = &w.mgr;
    ig_status status = write_all(&w, p, quality, err);
    jpeg_destroy_compress(&w.out);
    return status;
}
