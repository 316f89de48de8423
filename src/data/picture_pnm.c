/* data/picture_pnm.c: binary PGM and PPM.   (Netpbm: pgm(5), ppm(5))
 *
 *     "P5" or "P6"  width  height  maxval  one white space  rows of 1 or 3 samples, of 2 bytes (big-endian) when maxval > 255
 *
 * A # begins a comment that ends with its line.  Samples are brought from 0 … maxval to 0 … 255.
 */
#include <string.h>

#include "data/picture.h"

typedef struct pnm {
    const picture_source *s;
    size_t at;
} pnm;

static bool is_space(uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static ig_status read_number(pnm *p, const char *what, int64_t most, int64_t *out, ig_error *err) {
    const picture_source *s = p->s;
    while (p->at < s->len && (is_space(s->bytes[p->at]) || s->bytes[p->at] == '#')) {
        if (s->bytes[p->at] == '#')
            while (p->at < s->len && s->bytes[p->at] != '\n' && s->bytes[p->at] != '\r') p->at++;
        else p->at++;
    }
    if (p->at == s->len) return picture_cut_off(s, err);
    size_t first = p->at;
    *out = 0;
    for (; p->at < s->len && s->bytes[p->at] >= '0' && s->bytes[p->at] <= '9' && *out < INT32_MAX; p->at++)
        *out = *out * 10 + s->bytes[p->at] - '0';
    if (p->at == s->len) return picture_cut_off(s, err);
    if (p->at == first || *out > most || !is_space(s->bytes[p->at]))
        return ig_error_at(err, IG_E_FORMAT, s->name, 0, "the %s in its header is no number from 1 to %lld", what,
                           (long long)most);
    return IG_OK;
}

static ig_status read_samples(const picture_source *s, const uint8_t *in, unsigned most, picture_raw *out, ig_error *err) {
    int64_t n = out->height * out->width * out->channels;
    int bytes = most > 255 ? 2 : 1;
    for (int64_t i = 0; i < n; i++, in += bytes) {
        unsigned v = bytes == 2 ? (unsigned)in[0] << 8 | in[1] : *in;
        if (v > most) {
            ig_free(out->data);
            return ig_error_at(err, IG_E_FORMAT, s->name, 0, "a sample is %u, more than the %u of its header", v, most);
        }
        out->data[i] = (uint8_t)((2 * v * 255 + most) / (2 * most));
    }
    return IG_OK;
}

ig_status pnm_decode(const picture_source *s, picture_raw *out, ig_error *err) {
    int64_t width = 0, height = 0, most = 0;
    pnm p = {s, 2};
    if (s->bytes[1] != '5' && s->bytes[1] != '6')
        return ig_error_at(err, IG_E_UNSUPPORTED, s->name, 0, "Netpbm's P%c is not read, binary P5 and P6 are: save it so",
                           s->bytes[1]);
    int channels = s->bytes[1] == '6' ? 3 : 1;
    IG_TRY(read_number(&p, "width", INT32_MAX - 1, &width, err));
    IG_TRY(read_number(&p, "height", INT32_MAX - 1, &height, err));
    IG_TRY(read_number(&p, "largest sample", 65535, &most, err));
    if (most < 1) return ig_error_at(err, IG_E_FORMAT, s->name, 0, "the largest sample in its header is 0");
    size_t have = s->len - p.at - 1;
    if (width <= IG_PICTURE_SIDE_MAX && height <= IG_PICTURE_SIDE_MAX &&
        have / (size_t)(channels * (most > 255 ? 2 : 1)) < (size_t)(width * height))
        return picture_cut_off(s, err);
    IG_TRY(picture_raw_new(s, height, width, channels, out, err));
    return read_samples(s, s->bytes + p.at + 1, (unsigned)most, out, err);
}
