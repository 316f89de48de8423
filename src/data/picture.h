/* data/picture.h: what the decoders of pictures share.
 *
 *     bytes ──sniff──► *_decode ──► picture_raw, 1 to 4 channels, as stored ──alpha, channels, orientation──► ig_picture
 *
 * A decoder gives the pixels as the file has them, and frees what it took when it fails.
 */
#ifndef DATA_PICTURE_H
#define DATA_PICTURE_H

#include "ingot/pictures.h"

typedef struct picture_source {
    const char *name; /* for errors */
    const uint8_t *bytes;
    size_t len;
} picture_source;

typedef struct picture_raw {
    uint8_t *data; /* [height,width,channels] */
    int64_t height, width;
    int channels;    /* 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha */
    int orientation; /* EXIF's, 1 to 8; 0 is as 1 */
} picture_raw;

/* Memory for the pixels, after the limits. */
ig_status picture_raw_new(const picture_source *s, int64_t height, int64_t width, int channels, picture_raw *out,
                          ig_error *err);
ig_status picture_cut_off(const picture_source *s, ig_error *err);
/* From a TIFF block, as EXIF is one: 1 to 8, 1 when it does not say. */
int exif_orientation(const uint8_t *tiff, size_t len);

ig_status jpeg_decode(const picture_source *s, picture_raw *out, ig_error *err);
ig_status png_decode(const picture_source *s, picture_raw *out, ig_error *err);
ig_status webp_decode(const picture_source *s, picture_raw *out, ig_error *err);
ig_status bmp_decode(const picture_source *s, picture_raw *out, ig_error *err);
ig_status pnm_decode(const picture_source *s, picture_raw *out, ig_error *err);

/* a·b/255, rounded to nearest. */
static inline uint8_t mul_255(unsigned a, unsigned b) {
    unsigned t = a * b + 128;
    return (uint8_t)((t + (t >> 8)) >> 8);
}

/* Brightness after ITU-R 601-2, in 16 bits of fraction. */
static inline uint8_t luma(unsigned r, unsigned g, unsigned b) {
    return (uint8_t)((r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16);
}

/* Room for one problem; the status is IG_E_NOMEM or IG_OK. */
ig_status picture_problem_add(ig_picture_problems *p, bool harmless, const ig_error *error, ig_error *err);

#endif
