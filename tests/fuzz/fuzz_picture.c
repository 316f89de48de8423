/* Fuzz target: pictures as they are uploaded: JPEG, PNG, WebP, BMP, PGM, PPM, told apart by their bytes.
 *
 * The length of the input says how many channels are asked for.  What is read has the sizes that ingot/pictures.h promises,
 * becomes what a network sees, and is written and read back as PNG.
 */
#include <string.h>

#include "ingot/pictures.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                  \
    do {                                    \
        if (!(condition)) __builtin_trap(); \
    } while (0)

static void use(const ig_picture *p) {
    float seen[8 * 8 * 3];
    ig_error err = {0};
    const ig_augment a = {
        .height = 8, .width = 8, .channels = p->channels, .area_min = 0.1f, .area_max = 1, .rotate = 30, .flip = 0.5f};
    ig_status status = ig_augment_apply(&a, p, &(ig_augment_key){1, 2, 3}, seen, &err);
    REQUIRE(status == IG_OK || status == IG_E_NOMEM);
    for (int i = 0; status == IG_OK && i < 8 * 8 * p->channels; i++) REQUIRE(seen[i] >= 0 && seen[i] <= 1.001f);
}

static void write_and_read(const ig_picture *p) {
    ig_buf png = {.max = 16 << 20};
    ig_picture again;
    ig_error err = {0};
    if (ig_picture_encode_png(p, &png, &err) == IG_OK &&
        ig_picture_decode("again.png", png.data, png.len, 0, &again, &err) == IG_OK) {
        REQUIRE(again.height == p->height && again.width == p->width && again.channels == p->channels);
        REQUIRE(memcmp(again.data, p->data, (size_t)(p->height * p->width * p->channels)) == 0);
        ig_picture_fini(&again);
    }
    ig_buf_fini(&png);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const int channels[] = {0, 1, 3};
    int asked = channels[size % 3];
    ig_picture p;
    ig_error err = {0};
    ig_status status = ig_picture_decode("upload", data, size, asked, &p, &err);
    REQUIRE((status == IG_OK) == (p.data != NULL));
    if (status != IG_OK) {
        REQUIRE(*err.message &&
                (status == IG_E_FORMAT || status == IG_E_UNSUPPORTED || status == IG_E_LIMIT || status == IG_E_NOMEM));
        return 0;
    }
    REQUIRE(p.height > 0 && p.width > 0 && p.height * p.width <= IG_PICTURE_PIXELS_MAX && (p.channels == asked || !asked));
    use(&p);
    if (p.height * p.width <= 1 << 16) write_and_read(&p);
    ig_picture_fini(&p);
    return 0;
}
