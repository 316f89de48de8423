/* Pictures: every kind is read as Pillow reads it, resized as Pillow resizes it; damaged ones and bombs are refused by name;
 * what is written is read back; every failed allocation is a status.
 */
#include "pictures.h"

static ig_doc *expected(void) {
    char path[1024];
    ig_error err = {0};
    ig_doc *d;
    check_ok(ig_doc_load(picture_path("expected.json", path), 1 << 20, &d, &err));
    return d;
}

static void check_digest(const char *what, const ig_picture *p, const char *want) {
    char hex[65];
    ig_sha256_hex(p->data, (size_t)(p->height * p->width * p->channels), hex);
    if (strcmp(hex, want) != 0) fail_msg("%s: other bytes than Pillow's", what);
}

static void every_kind_is_read_as_pillow_reads_it(void **state) {
    ig_doc *d = expected();
    size_t count = 0;
    (void)state;
    for (const ig_tree *t = ig_tree_get(ig_doc_root(d), "decode")->child; t; t = t->next, count++) {
        const char *name = ig_tree_text(t, "file", "");
        char path[1024];
        for (int channels = 1; channels <= 3; channels += 2) {
            ig_picture p;
            ig_error err = {0};
            check_ok(ig_picture_read(picture_path(name, path), channels, &p, &err));
            assert_int_equal(p.width, ig_tree_int(t, "width", 0));
            assert_int_equal(p.height, ig_tree_int(t, "height", 0));
            assert_int_equal(p.channels, channels);
            check_digest(name, &p, ig_tree_text(t, channels == 3 ? "rgb" : "grey", ""));
            ig_picture_fini(&p);
        }
    }
    assert_true(count > 30);
    ig_doc_free(d);
}

static ig_picture_box box_of(const ig_tree *t) {
    int64_t v[4], n = 0;
    for (const ig_tree *i = ig_tree_get(t, "box")->child; i; i = i->next) v[n++] = i->integer;
    return (ig_picture_box){v[1], v[0], v[3] - v[1], v[2] - v[0]};
}

static void resizing_gives_pillows_bytes(void **state) {
    ig_doc *d = expected();
    char path[1024], what[128];
    ig_error err = {0};
    (void)state;
    for (const ig_tree *t = ig_tree_get(ig_doc_root(d), "resize")->child; t; t = t->next) {
        ig_picture p, small;
        ig_picture_box box = box_of(t);
        const ig_tree *size = ig_tree_get(t, "size")->child;
        bool area = strcmp(ig_tree_text(t, "filter", ""), "area") == 0;
        check_ok(ig_picture_read(picture_path("rgb.png", path), (int)ig_tree_int(t, "channels", 0), &p, &err));
        check_ok(ig_picture_resize(&p, &box, size->next->integer, size->integer, area ? IG_PICTURE_AREA : IG_PICTURE_BILINEAR,
                                   &small, &err));
        snprintf(what, sizeof what, "line %d", t->line);
        check_digest(what, &small, ig_tree_text(t, "sha", ""));
        ig_picture_fini(&p);
        ig_picture_fini(&small);
    }
    ig_doc_free(d);
}

/* ---- damage ------------------------------------------------------------------------------------------------------ */

static void load(const char *name, ig_buf *out) {
    char path[1024];
    ig_error err = {0};
    check_ok(ig_file_read(picture_path(name, path), 1 << 20, out, &err));
}

static void pictures_that_are_cut_off_are_refused_at_every_byte(void **state) {
    ig_doc *d = expected();
    (void)state;
    for (const ig_tree *t = ig_tree_get(ig_doc_root(d), "decode")->child; t; t = t->next) {
        const char *name = ig_tree_text(t, "file", "");
        ig_buf b = {.max = 1 << 20};
        size_t said = 0;
        load(name, &b);
        for (size_t n = 0; n < b.len; n++) {
            ig_picture p;
            ig_error err = {0};
            char *copy = ig_malloc(n + 1); /* so that a sanitizer sees a read past the end */
            memcpy(copy, b.data, n);
            if (ig_picture_decode(name, copy, n, 0, &p, &err) == IG_OK)
                fail_msg("%s is read from %zu of %zu bytes", name, n, b.len);
            assert_null(p.data);
            assert_true(n < 12 || err.code == IG_E_FORMAT);
            assert_string_equal(err.file, name);
            said += strstr(err.message, "cut off") != NULL;
            ig_free(copy);
        }
        if (said < b.len * 9 / 10) fail_msg("%s: only %zu of %zu are told to be cut off", name, said, b.len);
        ig_buf_fini(&b);
    }
    ig_doc_free(d);
}

static void damaged_and_unknown_files_are_refused_by_name(void **state) {
#define BMP(bits, method)                                                           \
    "BM\x66\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\1\0\0\0\1\0\0\0\1\0" bits "\0" method \
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
    static const struct { const char *bytes; size_t len; ig_status status; const char *says; } cases[] = {
#define CASE(text, status, says) {text, sizeof(text) - 1, status, says}
        CASE("", IG_E_FORMAT, "empty"),
        CASE("hello", IG_E_FORMAT, "no picture"),
        CASE("GIF89a\1\0\1\0", IG_E_UNSUPPORTED, "a GIF"),
        CASE("II*\0\10\0\0\0", IG_E_UNSUPPORTED, "a TIFF"),
        CASE("MM\0*\0\0\0\10", IG_E_UNSUPPORTED, "a TIFF"),
        CASE("\0\0\0\x18" "ftypheic", IG_E_UNSUPPORTED, "a HEIC"),
        CASE("P5 2 2 255\n\1\2\3\4", IG_OK, ""),
        CASE("P3 1 1 255\n1 2 3\n", IG_E_UNSUPPORTED, "P3"),
        CASE("P5 0 2 255\n", IG_E_FORMAT, "no pixels"),
        CASE("P5 2 2 0\n\1\2\3\4", IG_E_FORMAT, "largest sample"),
        CASE("P5 2 2 70000\n\1\2\3\4", IG_E_FORMAT, "largest sample"),
        CASE("P5 2 2 3\n\1\2\3\4", IG_E_FORMAT, "more than the 3"),
        CASE("P5 x 2 3\n\1\2\3\4", IG_E_FORMAT, "width"),
        CASE("P6 99999 99999 255\n\1\2\3", IG_E_LIMIT, "99999"),
        CASE("P6 65000 65000 255\n\1\2\3", IG_E_FORMAT, "cut off"),
        CASE(BMP("\x18", "\0"), IG_OK, ""),
        CASE(BMP("\1", "\0"), IG_E_UNSUPPORTED, "1 bits"),
        CASE(BMP("\x10", "\0"), IG_E_UNSUPPORTED, "16 bits"),
        CASE(BMP("\x18", "\1"), IG_E_UNSUPPORTED, "compressed"),
        CASE("\xFF\xD8\xFF\xE0 oops", IG_E_FORMAT, ""),
        CASE("\x89PNG\r\n\x1A\n\0\0\0\rIHDR\0\0\xFF\0\0\0\xFF\0\10\2\0\0\0\0\0\0\0", IG_E_LIMIT, "65280"),
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ig_picture p;
        ig_error err = {0};
        ig_status s = ig_picture_decode("a.jpg", cases[i].bytes, cases[i].len, 3, &p, &err);
        if (s != cases[i].status || !strstr(err.message, cases[i].says))
            fail_msg("case %zu: %s: %s", i, ig_status_name(s), err.message);
        ig_picture_fini(&p);
    }
}

/* Bytes that stand for something else: sizes of a bomb, and noise in the middle. */
static void bombs_are_refused_from_the_header(void **state) {
    static const struct { const char *file, *find; size_t n, skip; const char *put; size_t put_len; } cases[] = {
        {"rgb.jpg", "\xFF\xC0", 2, 5, "\xF0\0\xF0\0", 4},
        {"progressive.jpg", "\xFF\xC2", 2, 5, "\xF0\0\xF0\0", 4},
        {"rgb.png", "IHDR", 4, 4, "\0\0\xF0\0\0\0\xF0\0", 8},
        {"lossy.webp", "\x9D\x01\x2A", 3, 3, "\xFF\x3F\xFF\x3F", 4},
        {"rgb.ppm", "37 29", 5, 0, "99999 99999 255\n", 16},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ig_buf b = {.max = 1 << 20};
        ig_picture p;
        ig_error err = {0};
        load(cases[i].file, &b);
        char *at = memmem(b.data, b.len, cases[i].find, cases[i].n);
        assert_non_null(at);
        memcpy(at + cases[i].skip, cases[i].put, cases[i].put_len);
        uint64_t before = ig_process_peak_bytes();
        ig_status s = ig_picture_decode(cases[i].file, b.data, b.len, 3, &p, &err);
        if (s != IG_E_LIMIT) fail_msg("%s: %s: %s", cases[i].file, ig_status_name(s), err.message);
        assert_true(ig_process_peak_bytes() - before < (16 << 20));
        ig_buf_fini(&b);
    }
}

static void noise_is_refused_or_read_and_never_more(void **state) {
    static const char *const names[] = {"rgb.jpg",   "progressive.jpg", "cmyk.jpg",   "palette4.png",
                                        "adam7.png", "lossy.webp",      "alpha.webp", "palette8.bmp"};
    ig_rng r;
    (void)state;
    ig_rng_init(&r, 1, 2);
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        ig_buf b = {.max = 1 << 20};
        load(names[k], &b);
        for (int round = 0; round < 300; round++) {
            ig_picture p;
            ig_error err = {0};
            size_t at = (size_t)ig_rng_below(&r, b.len);
            char kept = b.data[at];
            b.data[at] = (char)ig_rng_u32(&r);
            ig_status s = ig_picture_decode(names[k], b.data, b.len, 0, &p, &err);
            assert_true((s == IG_OK) == (p.data != NULL) && (s == IG_OK || *err.message));
            ig_picture_fini(&p);
            b.data[at] = kept;
        }
        ig_buf_fini(&b);
    }
}

/* ---- writing and drawing ----------------------------------------------------------------------------------------- */

static void what_is_written_is_read_back(void **state) {
    (void)state;
    for (int channels = 1; channels <= 3; channels += 2) {
        char path[1024];
        ig_picture p, q;
        ig_buf png = {.max = 1 << 20}, jpeg = {.max = 1 << 20};
        ig_error err = {0};
        check_ok(ig_picture_read(picture_path("rgb.png", path), channels, &p, &err));
        check_ok(ig_picture_encode_png(&p, &png, &err));
        check_ok(ig_picture_decode("a.png", png.data, png.len, 0, &q, &err));
        assert_int_equal(q.channels, channels);
        assert_memory_equal(p.data, q.data, (size_t)(p.height * p.width * channels));
        ig_picture_fini(&q);
        check_ok(ig_picture_encode_jpeg(&p, 95, &jpeg, &err));
        check_ok(ig_picture_decode("a.jpg", jpeg.data, jpeg.len, 0, &q, &err));
        assert_int_equal(q.channels, channels);
        double off = 0;
        for (int64_t i = 0; i < p.height * p.width * channels; i++) off += abs(p.data[i] - q.data[i]);
        assert_true(off / (double)(p.height * p.width * channels) < 8);
        check_fails(ig_picture_encode_jpeg(&p, 0, &jpeg, &err), IG_E_ARG);
        ig_buf small = {.max = 20};
        check_fails(ig_picture_encode_png(&p, &small, &err), IG_E_LIMIT);
        ig_buf_fini(&small);
        check_fails(ig_picture_encode_jpeg(&p, 90, &small, &err), IG_E_LIMIT);
        ig_buf_fini(&small);
        ig_picture_fini(&p);
        ig_picture_fini(&q);
        ig_buf_fini(&png);
        ig_buf_fini(&jpeg);
    }
}

static void large_jpegs_come_through_the_small_block(void **state) {
    ig_picture p, q;
    ig_buf jpeg = {.max = 4 << 20};
    ig_error err = {0};
    (void)state;
    check_ok(ig_picture_new(200, 300, 3, &p, &err));
    for (int64_t i = 0; i < 200 * 300 * 3; i++) p.data[i] = (uint8_t)(i * 2654435761u >> 13);
    check_ok(ig_picture_encode_jpeg(&p, 95, &jpeg, &err));
    assert_true(jpeg.len > 3 * 4096);
    check_ok(ig_picture_decode("a.jpg", jpeg.data, jpeg.len, 3, &q, &err));
    ig_picture_fini(&p);
    ig_picture_fini(&q);
    ig_buf_fini(&jpeg);
}

static int64_t count_color(const ig_picture *p, ig_color c) {
    int64_t n = 0;
    for (int64_t i = 0; i < p->height * p->width; i++)
        n += p->data[3 * i] == c.r && p->data[3 * i + 1] == c.g && p->data[3 * i + 2] == c.b;
    return n;
}

static void drawing_stays_inside(void **state) {
    const ig_color red = {255, 0, 0};
    ig_picture p;
    ig_error err = {0};
    (void)state;
    check_ok(ig_picture_new(40, 60, 3, &p, &err));
    memset(p.data, 0, 40 * 60 * 3);
    ig_picture_frame(&p, (ig_picture_box){10, 20, 12, 16}, 2, red);
    assert_int_equal(count_color(&p, red), 12 * 16 - 8 * 12);
    ig_picture_fill(&p, (ig_picture_box){0, 0, 40, 60}, (ig_color){0, 0, 0});
    ig_picture_frame(&p, (ig_picture_box){-5, -5, INT64_MAX / 2, 10}, 1, red);
    assert_int_equal(count_color(&p, red), 40);
    ig_picture_fill(&p, (ig_picture_box){0, 0, 40, 60}, (ig_color){0, 0, 0});
    ig_picture_text(&p, 2, 3, 1, "I", red);
    assert_int_equal(count_color(&p, red), 11);
    ig_picture_text(&p, -3, 50, 3, "cat 97% \xE7\x8C\xAB\xFF", red);
    assert_int_equal(ig_picture_text_width(2, "a\xE7\x8C\xAB\xFF"), 36);
    ig_picture_fini(&p);
}

static void heat_is_brighter_where_it_is_hotter(void **state) {
    const float heat[4] = {0, 1, 2, 3};
    int before = -1;
    ig_picture p;
    ig_error err = {0};
    (void)state;
    for (int i = 0; i <= 100; i++) {
        ig_color c = ig_heat_color(i / 100.0);
        int bright = 299 * c.r + 587 * c.g + 114 * c.b;
        assert_true(bright > before);
        before = bright;
    }
    check_ok(ig_picture_new(20, 20, 3, &p, &err));
    memset(p.data, 128, 1200);
    check_ok(ig_picture_heat(&p, heat, 2, 2, 1, &err));
    ig_color cold = ig_heat_color(0), hot = ig_heat_color(1);
    assert_memory_equal(p.data, &cold, 3);
    assert_memory_equal(p.data + 399 * 3, &hot, 3);
    memset(p.data, 128, 1200);
    check_ok(ig_picture_heat(&p, heat, 2, 2, 0, &err));
    assert_int_equal(p.data[600], 128);
    check_fails(ig_picture_heat(&p, heat, 0, 2, 1, &err), IG_E_ARG);
    ig_picture_fini(&p);
}

static ig_status decode_and_write(const char *name, const ig_buf *b, ig_error *err) {
    ig_picture p, small = {0};
    ig_buf out = {.max = 1 << 20};
    IG_TRY(ig_picture_decode(name, b->data, b->len, 3, &p, err));
    ig_status s = ig_picture_resize(&p, NULL, 11, 12, IG_PICTURE_BILINEAR, &small, err);
    if (s == IG_OK) s = ig_picture_encode_png(&small, &out, err);
    if (s == IG_OK) s = ig_picture_encode_jpeg(&small, 90, &out, err);
    ig_picture_fini(&p);
    ig_picture_fini(&small);
    ig_buf_fini(&out);
    return s;
}

static void every_failed_allocation_is_a_status(void **state) {
    static const char *const names[] = {"rgb.jpg",           "turned6.jpg", "grey.jpg",     "rgba.png",
                                        "palette_alpha.png", "alpha.webp",  "palette8.bmp", "grey.pgm"};
    (void)state;
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        ig_buf b = {.max = 1 << 20};
        load(names[k], &b);
        for (uint64_t n = 1;; n++) {
            ig_error err = {0};
            ig_alloc_fail_at(n);
            ig_status s = decode_and_write(names[k], &b, &err);
            bool fell = ig_alloc_fail_at(0) >= n;
            if (!fell) break;
            if (s != IG_E_NOMEM && s != IG_OK)
                fail_msg("%s, allocation %llu: %s: %s", names[k], (unsigned long long)n, ig_status_name(s), err.message);
        }
        ig_buf_fini(&b);
    }
}

static void emojione_is_read_whole(void **state) {
    char folder[1024], path[1400];
    char **names;
    size_t count;
    ig_error err = {0};
    (void)state;
    if (!data_folder("emojione-2.2.7", folder, sizeof folder)) skip();
    snprintf(path, sizeof path, "%s/assets/png", folder);
    check_ok(ig_dir_list(path, &names, &count, &err));
    assert_int_equal(count, 1832);
    for (size_t i = 0; i < count; i++) {
        ig_picture p;
        snprintf(path, sizeof path, "%s/assets/png/%s", folder, names[i]);
        check_ok(ig_picture_read(path, 3, &p, &err));
        assert_int_equal(p.height, 64);
        ig_picture_fini(&p);
    }
    ig_names_free(names, count);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_read_as_pillow_reads_it),
        cmocka_unit_test(resizing_gives_pillows_bytes),
        cmocka_unit_test(pictures_that_are_cut_off_are_refused_at_every_byte),
        cmocka_unit_test(damaged_and_unknown_files_are_refused_by_name),
        cmocka_unit_test(bombs_are_refused_from_the_header),
        cmocka_unit_test(noise_is_refused_or_read_and_never_more),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(large_jpegs_come_through_the_small_block),
        cmocka_unit_test(drawing_stays_inside),
        cmocka_unit_test(heat_is_brighter_where_it_is_hotter),
        cmocka_unit_test(every_failed_allocation_is_a_status),
        cmocka_unit_test(emojione_is_read_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
