/* text/charset.c: bytes of unknown encoding to UTF-8.
 *
 *     byte order mark ─► hint ─► valid UTF-8 ─► UTF-16 without mark ─► GB18030 | Big5 | Windows-1252
 *
 * Pure checks come before guesses: a valid UTF-8 text of more than a few letters is hardly ever anything else.  GB18030 and Big5
 * accept most of each other's bytes; what tells them apart is what the bytes then say, so each is decoded strictly and its
 * characters are weighed: the most frequent ones of Chinese make up a third of any text and next to nothing of a misread one.
 * ICU converts; its detector, which needs longer texts, is asked only where both readings weigh the same.
 */
#include <string.h>
#include <unicode/ucnv.h>
#include <unicode/ucsdet.h>
#include <unicode/ustring.h>

#include "ingot/analyze.h"
#include "ingot/limits.h"
#include "text/analyze_impl.h"

#define SAMPLE 65536 /* bytes that a guess looks at */

typedef struct bytes {
    const uint8_t *data;
    size_t n;
} bytes;

/* ---- conversion ---- */

static bool ends_early(UErrorCode code) {
    return code == U_TRUNCATED_CHAR_FOUND;
}

/* Decode strictly: a byte that the encoding does not have is IG_E_FORMAT.  `cut`: the last character may be incomplete. */
static ig_status decode(const char *name, bytes b, bool cut, UChar **units, int32_t *count, ig_error *err) {
    UErrorCode code = U_ZERO_ERROR;
    UConverter *c = ucnv_open(name, &code);
    if (U_FAILURE(code)) return ig_error_set(err, IG_E_UNSUPPORTED, "ICU has no encoding \"%s\"", name);
    ig_status status = IG_OK;
    UChar *made = ig_realloc_array(NULL, b.n + 1, sizeof *made);
    if (!made) status = ig_error_nomem(err, b.n * sizeof *made);
    else {
        UChar *to = made;
        const char *from = (const char *)b.data;
        ucnv_setToUCallBack(c, UCNV_TO_U_CALLBACK_STOP, NULL, NULL, NULL, &code);
        ucnv_toUnicode(c, &to, made + b.n + 1, &from, from + b.n, NULL, true, &code);
        if (U_FAILURE(code) && !(cut && ends_early(code)))
            status = ig_error_set(err, IG_E_FORMAT, "the bytes are not %s: %s", name, u_errorName(code));
        *count = (int32_t)(to - made);
    }
    ucnv_close(c);
    if (status == IG_OK) *units = made;
    else ig_free(made);
    return status;
}

static ig_status append(const UChar *units, int32_t n, ig_buf *out, ig_error *err) {
    for (int32_t i = 0; i < n;) {
        UChar32 cp;
        char utf8[4];
        U16_NEXT_OR_FFFD(units, i, n, cp);
        ig_buf_append(out, utf8, ig_utf8_encode((uint32_t)cp, utf8));
    }
    return ig_buf_status(out, err);
}

static ig_status convert(const char *name, bytes b, ig_buf *out, const char **detected, ig_error *err) {
    UChar *units = NULL;
    int32_t n = 0;
    IG_TRY(decode(name, b, false, &units, &n, err));
    ig_status status = append(units, n, out, err);
    ig_free(units);
    if (detected) *detected = name;
    return status;
}

/* ---- marks and hints ---- */

static const char *mark(bytes b, size_t *skip) {
    static const struct {
        const char *bytes;
        size_t n;
        const char *name;
    } marks[] = {{"\xef\xbb\xbf", 3, "UTF-8"}, {"\xff\xfe\0\0", 4, "UTF-32LE"}, {"\0\0\xfe\xff", 4, "UTF-32BE"},
                 {"\xff\xfe", 2, "UTF-16LE"}, {"\xfe\xff", 2, "UTF-16BE"}, {"\x84\x31\x95\x33", 4, "GB18030"}};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (b.n >= marks[i].n && !memcmp(b.data, marks[i].bytes, marks[i].n)) return *skip = marks[i].n, marks[i].name;
    return NULL;
}

/* Our name of an encoding that goes by any of its names; GB2312 and GBK are parts of GB18030, Latin-1 means Windows-1252 as on the
 * web.  NULL for what is not taken. */
static const char *known(const char *hint) {
    static const char *const names[][2] = {
        {"UTF-8", "UTF-8"}, {"UTF-16LE", "UTF-16LE"}, {"UTF-16BE", "UTF-16BE"}, {"UTF-32LE", "UTF-32LE"}, {"UTF-32BE", "UTF-32BE"},
        {"GB18030", "GB18030"}, {"GBK", "GB18030"}, {"GB2312", "GB18030"}, {"Big5", "Big5"}, {"Big5-HKSCS", "Big5"},
        {"windows-1252", "windows-1252"}, {"ISO-8859-1", "windows-1252"}, {"US-ASCII", "windows-1252"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!ucnv_compareNames(hint, names[i][0])) return names[i][1];
    return NULL;
}

/* ---- UTF-16 without mark ---- */

/* Which half of the byte pairs holds high bytes: ASCII has zero there, Chinese 4E … 9F or 30 and FF for its signs. */
static const char *utf16(bytes b) {
    size_t high[2] = {0}, zero[2] = {0}, n = (b.n < SAMPLE ? b.n : SAMPLE) & ~(size_t)1;
    if (b.n < 2 || b.n % 2) return NULL;
    for (size_t i = 0; i < n; i++) {
        uint8_t v = b.data[i];
        zero[i & 1] += !v;
        high[i & 1] += !v || v == 0x30 || v == 0xff || (v >= 0x4e && v <= 0x9f);
    }
    for (int k = 0; k < 2; k++) /* k = 1: the second byte is the high one, little-endian */
        if (zero[k] && zero[k] > 4 * zero[1 - k] && high[k] * 20 >= n / 2 * 19) return k ? "UTF-16LE" : "UTF-16BE";
    return NULL;
}

/* ---- GB18030, Big5, Windows-1252 ---- */

static bool is_frequent(UChar u) {
    static const UChar frequent[] =
        u"的一是不了在人有我他这這个個们們中来來上大为為和国國地到以说說时時要就出会會可也你对對生能而子那得于於着下自之年过過发發后後作"
        u"里用道行所然家种種事成方多经經么麼去法学學如都同现現当當没沒动動面起看定天分还還进進好小部其些主样樣理心她本前开開但因只从從想实實"
        u"请請问問退款订訂单單货貨您客户戶服务務费費收付电電话話线線题題产產品使用买買卖賣期日月元号號支持帐賬账，。？！、：；（）「」“”";
    return u && u_strchr(frequent, u);
}

/* Weight of a reading, per thousand characters that are not ASCII: frequent ones for it, odd ones against it; -1: impossible. */
static ig_status weigh(const char *name, bytes b, int *weight, ig_error *err) {
    UChar *units = NULL;
    int32_t n = 0, all = 0, good = 0, odd = 0;
    *weight = -1;
    ig_status status = decode(name, b, true, &units, &n, NULL);
    if (status == IG_E_NOMEM) return ig_error_nomem(err, b.n);
    if (status != IG_OK) return IG_OK;
    for (int32_t i = 0; i < n; i++) {
        if (units[i] < 0x80) continue;
        all++;
        good += is_frequent(units[i]);
        odd += U16_IS_SURROGATE(units[i]) || (units[i] >= 0xe000 && units[i] <= 0xf8ff) || (units[i] >= 0x3400 && units[i] <= 0x4dbf) ||
               (units[i] >= 0x80 && units[i] < 0xa0);
    }
    ig_free(units);
    *weight = all ? (good - odd > 0 ? (good - odd) * 1000 / all : 0) : 0;
    return IG_OK;
}

/* Western text has letters between its accents; in Chinese, bytes above 7F come in pairs. */
static bool looks_western(bytes b) {
    size_t single = 0, runs = 0;
    for (size_t i = 0, end; i < b.n; i = end + 1) {
        for (end = i; end < b.n && b.data[end] >= 0x80;) end++;
        runs += end > i;
        single += end == i + 1;
    }
    return single * 2 > runs;
}

/* What ICU's detector thinks, where both Chinese readings are equally good. */
static const char *icu_guess(bytes b) {
    UErrorCode code = U_ZERO_ERROR;
    UCharsetDetector *d = ucsdet_open(&code);
    const char *name = NULL;
    if (U_SUCCESS(code)) {
        ucsdet_setText(d, (const char *)b.data, (int32_t)b.n, &code);
        const UCharsetMatch *m = ucsdet_detect(d, &code);
        if (U_SUCCESS(code) && m) name = known(ucsdet_getName(m, &code));
    }
    if (d) ucsdet_close(d);
    return name && !strcmp(name, "Big5") ? name : "GB18030";
}

static ig_status guess(bytes b, const char **name, ig_error *err) {
    bytes sample = {b.data, b.n < SAMPLE ? b.n : SAMPLE};
    int gb, big5;
    IG_TRY(weigh("GB18030", sample, &gb, err));
    IG_TRY(weigh("Big5", sample, &big5, err));
    bool western = looks_western(sample) && gb < 100 && big5 < 100;
    if (western || (gb < 0 && big5 < 0)) *name = "windows-1252";
    else *name = gb > big5 ? "GB18030" : big5 > gb ? "Big5" : icu_guess(sample);
    return IG_OK;
}

static bool has_zero(bytes b) {
    return b.n && memchr(b.data, 0, b.n) != NULL;
}

static ig_status append_utf8(bytes b, ig_buf *out, const char **detected, ig_error *err) {
    if (detected) *detected = "UTF-8";
    ig_buf_append(out, b.data, b.n);
    return ig_buf_status(out, err);
}

/* Convert, and take back what a failed reading has appended. */
static ig_status attempt(const char *name, bytes b, ig_buf *out, const char **detected, ig_error *err) {
    if (strcmp(name, "UTF-8")) return convert(name, b, out, detected, err);
    if (!ig_utf8_valid((const char *)b.data, b.n)) return ig_error_set(err, IG_E_FORMAT, "the bytes are not UTF-8");
    return append_utf8(b, out, detected, err);
}

ig_status ig_text_to_utf8(const void *data, size_t n, const char *hint, ig_buf *out, const char **detected, ig_error *err) {
    bytes b = {data, n};
    size_t skip = 0;
    if (!n) return append_utf8((bytes){(const uint8_t *)"", 0}, out, detected, err);
    if (n > IG_CHARSET_BYTES_MAX)
        return ig_error_set(err, IG_E_LIMIT, "a text of %zu bytes is too long to decode at once (at most %u)", n, IG_CHARSET_BYTES_MAX);
    const char *name = mark(b, &skip);
    if (name) return attempt(name, (bytes){b.data + skip, n - skip}, out, detected, err);
    name = hint ? known(hint) : NULL;
    if (name && strcmp(name, "windows-1252")) { /* which takes any bytes: no hint worth more than a look */
        ig_status status = attempt(name, b, out, detected, err);
        if (status != IG_E_FORMAT) return status;
    }
    bool zeros = has_zero(b);
    if (!zeros && ig_utf8_valid(data, n)) return append_utf8(b, out, detected, err);
    name = utf16(b);
    if (!name && zeros) return ig_error_set(err, IG_E_FORMAT, "the bytes are no text: there are zeros among them");
    if (!name) IG_TRY(guess(b, &name, err));
    ig_status status = attempt(name, b, out, detected, err);
    return status == IG_E_FORMAT && strcmp(name, "windows-1252") ? attempt("windows-1252", b, out, detected, err) : status;
}
