/* data/picture_font.h: a font of 5 × 7 pixels for labels. */
#ifndef DATA_PICTURE_FONT_H
#define DATA_PICTURE_FONT_H

#include <stdint.h>

enum { FONT_WIDTH = 5, FONT_HEIGHT = 7, FONT_ADVANCE = 6 };
/* Seven rows, the leftmost pixel in bit 4.  A hollow box for what is not ASCII. */
const uint8_t *font_glyph(uint32_t cp);

#endif
