/* data/picture_exif.c: the orientation that a camera noted.   (EXIF 2.32, 4.6; TIFF 6.0)
 *
 *     "II*\0" or "MM\0*"   offset of the directory   …   count, entries of 12 bytes: tag, type, count, value
 *
 * EXIF is a note beside the pixels: one that is damaged says nothing, and is no reason to refuse the picture.
 */
#include <string.h>

#include "data/picture.h"

enum { TAG_ORIENTATION = 0x0112, TYPE_SHORT = 3 };

static uint32_t number(const uint8_t *p, int bytes, bool big) {
    uint32_t v = 0;
    for (int i = 0; i < bytes; i++) v |= (uint32_t)p[i] << 8 * (big ? bytes - 1 - i : i);
    return v;
}

int exif_orientation(const uint8_t *tiff, size_t len) {
    if (len >= 6 && memcmp(tiff, "Exif\0", 6) == 0) tiff += 6, len -= 6; /* some writers leave JPEG's prefix in other formats */
    if (len < 8 || (memcmp(tiff, "II*", 4) != 0 && memcmp(tiff, "MM\0*", 4) != 0)) return 1;
    bool big = *tiff == 'M';
    size_t at = number(tiff + 4, 4, big);
    if (at > len - 2) return 1;
    size_t count = number(tiff + at, 2, big);
    for (at += 2; count > 0 && len >= 12 && at <= len - 12; count--, at += 12) {
        if (number(tiff + at, 2, big) != TAG_ORIENTATION || number(tiff + at + 2, 2, big) != TYPE_SHORT) continue;
        uint32_t v = number(tiff + at + 8, 2, big);
        return v >= 1 && v <= 8 ? (int)v : 1;
    }
    return 1;
}
