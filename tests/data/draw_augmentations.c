/* What the lines of an augmentation do, drawn: the pictures of docs/PICTURES.md.
 *
 *     draw_augmentations PICTURE OUT.png        a row for each line of the recipe below, its name and six examples
 */
#include <stdio.h>
#include <string.h>

#include "ingot/pictures.h"

enum { SIDE = 56, GAP = 4, EXAMPLES = 6, NAME = 110 };

static const struct {
    const char *name, *yaml;
} rows[] = {
    {"padding: 8", "padding: 8"},
    {"area: [0.2, 1]", "area: [0.2, 1]"},
    {"flip: 0.5", "flip: 0.5"},
    {"rotate: 25", "rotate: 25"},
    {"scale: [0.6, 1.4]", "scale: [0.6, 1.4]"},
    {"shift: 0.2", "shift: 0.2"},
    {"brightness: 0.5", "brightness: 0.5"},
    {"contrast: 0.8", "contrast: 0.8"},
    {"saturation: 1", "saturation: 1"},
    {"erase: 0.8", "erase: 0.8"},
    {"cutout: 20", "cutout: 20"},
};
enum { ROWS = sizeof rows / sizeof *rows };

static ig_status parse(const char *yaml, ig_augment *a, ig_error *err) {
    ig_doc *d;
    IG_TRY(ig_yaml_parse("row", yaml, strlen(yaml), &d, err));
    ig_status status = ig_augment_parse("row", ig_doc_root(d), a, err);
    ig_doc_free(d);
    a->height = a->width = SIDE, a->channels = 3;
    for (int c = 0; c < 3; c++) a->mean[c] = 0.5f, a->std[c] = 0.5f;
    return status;
}

static void paste(ig_picture *sheet, int64_t y, int64_t x, const float *values) {
    for (int64_t i = 0; i < SIDE; i++)
        for (int64_t k = 0; k < SIDE * 3; k++) {
            float v = values[i * SIDE * 3 + k] * 127.5f + 127.5f;
            sheet->data[((y + i) * sheet->width + x) * 3 + k] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v + 0.5f);
        }
}

static ig_status draw_row(ig_picture *sheet, const ig_picture *p, int row, ig_error *err) {
    static float values[SIDE * SIDE * 3];
    int64_t y = GAP + row * (SIDE + GAP);
    ig_augment a;
    IG_TRY(parse(rows[row].yaml, &a, err));
    ig_picture_text(sheet, y + SIDE / 2 - 4, GAP, 1, rows[row].name, (ig_color){30, 30, 30});
    for (int i = 0; i < EXAMPLES; i++) {
        IG_TRY(ig_augment_apply(&a, p, &(ig_augment_key){7, 0, (uint64_t)i}, values, err));
        paste(sheet, y, NAME + i * (SIDE + GAP), values);
    }
    return IG_OK;
}

static ig_status draw(const char *in, const char *out, ig_error *err) {
    ig_picture p, sheet;
    IG_TRY(ig_picture_read(in, 3, &p, err));
    ig_status status = ig_picture_new(GAP + ROWS * (SIDE + GAP), NAME + EXAMPLES * (SIDE + GAP), 3, &sheet, err);
    if (status == IG_OK) {
        ig_picture_fill(&sheet, (ig_picture_box){0, 0, sheet.height, sheet.width}, (ig_color){255, 255, 255});
        for (int row = 0; row < ROWS && status == IG_OK; row++) status = draw_row(&sheet, &p, row, err);
        if (status == IG_OK) status = ig_picture_write(out, &sheet, err);
        ig_picture_fini(&sheet);
    }
    ig_picture_fini(&p);
    return status;
}

int main(int argc, char **argv) {
    char text[1200];
    ig_error err = {0};
    if (argc != 3) {
        fprintf(stderr, "usage: draw_augmentations PICTURE OUT.png\n");
        return 2;
    }
    if (draw(argv[1], argv[2], &err) == IG_OK) return 0;
    fprintf(stderr, "%s\n", ig_error_format(&err, text, sizeof text));
    return 1;
}
