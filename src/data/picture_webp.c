/* data/picture_webp.c: WebP, lossy and lossless, through libwebp.   (RFC 9649)
 *
 *     "RIFF" size "WEBP"   chunks: VP8 or VP8L pixels, or VP8X flags and then ALPH, VP8, EXIF …, each with its size, padded to
 * 2
 */
#include <string.h>
#include <webp/decode.h>

#include "data/picture.h"

static uint32_t le32(const uint8_t *p) { return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24; }

static int find_orientation(const picture_source *s) {
    for (size_t at = 12; at + 8 <= s->len;) {
        size_t size = le32(s->bytes + at + 4), left = s->len - at - 8;
        if (size > left) break;
        if (memcmp(s->bytes + at, "EXIF", 4) == 0) return exif_orientation(s->bytes + at + 8, size);
        at += 8 + size + (size & 1);
    }
    return 1;
}

static ig_status refuse(const picture_source *s, VP8StatusCode code, ig_error *err) {
    switch (code) {
    case VP8_STATUS_OUT_OF_MEMORY: return ig_error_nomem(err, s->len);
    case VP8_STATUS_NOT_ENOUGH_DATA:
    case VP8_STATUS_SUSPENDED: return picture_cut_off(s, err);
    default: return ig_error_at(err, IG_E_FORMAT, s->name, 0, "the WebP is damaged");
    }
}

ig_status webp_decode(const picture_source *s, picture_raw *out, ig_error *err) {
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config))
        return ig_error_set(err, IG_E_UNSUPPORTED, "libwebp is of another version than its headers");
    if ((uint64_t)le32(s->bytes + 4) + 8 > s->len) return picture_cut_off(s, err);
    VP8StatusCode code = WebPGetFeatures(s->bytes, s->len, &config.input);
    if (code != VP8_STATUS_OK) return refuse(s, code, err);
    if (config.input.has_animation)
        return ig_error_at(err, IG_E_UNSUPPORTED, s->name, 0, "this WebP is an animation: save one of its pictures");
    int channels = config.input.has_alpha ? 4 : 3;
    IG_TRY(picture_raw_new(s, config.input.height, config.input.width, channels, out, err));
    config.output.colorspace = channels == 4 ? MODE_RGBA : MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = out->data;
    config.output.u.RGBA.stride = (int)out->width * channels;
    config.output.u.RGBA.size = (size_t)out->height * (size_t)out->width * (size_t)channels;
    code = WebPDecode(s->bytes, s->len, &config);
    WebPFreeDecBuffer(&config.output);
    if (code != VP8_STATUS_OK) {
        ig_free(out->data);
        return refuse(s, code, err);
    }
    out->orientation = find_orientation(s);
    return IG_OK;
}
