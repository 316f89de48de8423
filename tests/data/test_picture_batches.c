/* Augmentation and batches: the same key gives the same picture, whatever the threads and what was prepared before; each line
 * of the augmentation does what it says and disturbs no other; mixup keeps sums; an unreadable picture is told at its batch.
 */
#include <math.h>

#include "pictures.h"

static ig_augment parse(const char *yaml) {
    ig_doc *d;
    ig_augment a;
    ig_error err = {0};
    check_ok(ig_yaml_parse("recipe.yaml", yaml, strlen(yaml), &d, &err));
    check_ok(ig_augment_parse("recipe.yaml", ig_doc_root(d), &a, &err));
    ig_doc_free(d);
    return a;
}

static void options_are_checked_by_line(void **state) {
    static const struct { const char *yaml, *says;
    } cases[] = {
        {"sise: 3", "size"},
        {"flip: 2", "flip"},
        {"height: 3", "together"},
        {"area: [0.5]", "area"},
        {"area: [0.9, 0.1]", "first"},
        {"mean: [0.5]", "mean"},
        {"mean: [0.5, 0.5]\nstd: [1, 1]", "three"},
        {"mean: [7]\nstd: [1]", "7"},
        {"scale: [0, 1]", "scale"},
        {"std: [0.0]\nmean: [0]", "std"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ig_doc *d;
        ig_augment a;
        ig_error err = {0};
        check_ok(ig_yaml_parse("r.yaml", cases[i].yaml, strlen(cases[i].yaml), &d, &err));
        if (ig_augment_parse("r.yaml", ig_doc_root(d), &a, &err) == IG_OK || !strstr(err.message, cases[i].says) || !err.line)
            fail_msg("case %zu: line %d: %s", i, err.line, err.message);
        ig_doc_free(d);
    }
    ig_augment a = parse("size: 32\nwidth: 48\npadding: 4\nflip: 0.5\nmean: [0.5]\nstd: [0.25]\narea: [0.1, 1]");
    assert_true(a.height == 32 && a.width == 48 && a.padding == 4 && a.normalized && a.area_max == 1);
    assert_true(a.std[2] == 0.25f && a.flip == 0.5f);
    ig_error err;
    check_ok(ig_augment_parse("r.yaml", NULL, &a, &err));
    assert_true(a.height == 0 && !a.normalized);
}

/* ---- one picture ------------------------------------------------------------------------------------------------- */

enum { SIDE = 16, VALUES = SIDE * SIDE * 3 };

static ig_picture noise(int64_t height, int64_t width) {
    ig_picture p;
    ig_error err = {0};
    ig_rng r;
    ig_rng_init(&r, 5, 6);
    check_ok(ig_picture_new(height, width, 3, &p, &err));
    for (int64_t i = 0; i < height * width * 3; i++) p.data[i] = (uint8_t)ig_rng_below(&r, 256);
    return p;
}

static void apply(const ig_augment *a, const ig_picture *p, uint64_t example, float *out) {
    ig_error err = {0};
    check_ok(ig_augment_apply(a, p, &(ig_augment_key){3, 1, example}, out, &err));
}

static void evaluation_is_the_resized_centre_normalised(void **state) {
    ig_picture p = noise(40, 30), sized;
    ig_augment a = parse("size: 16\nresize: 20\nflip: 1\nrotate: 90\nmean: [0.5, 0.4, 0.3]\nstd: [0.2, 0.25, 0.5]\nerase: 1");
    float out[VALUES];
    ig_error err = {0};
    (void)state;
    a.channels = 3;
    check_ok(ig_augment_apply(&a, &p, NULL, out, &err));
    check_ok(ig_picture_resize(&p, NULL, 26, 20, IG_PICTURE_BILINEAR, &sized, &err));
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            for (int c = 0; c < 3; c++) {
                double v = sized.data[((y + 5) * 20 + x + 2) * 3 + c] / 255.0;
                assert_true(fabs((double)out[(y * SIDE + x) * 3 + c] - (v - (double)a.mean[c]) / (double)a.std[c]) < 1e-5);
            }
    ig_picture_fini(&p);
    ig_picture_fini(&sized);
}

static void a_flip_is_a_mirror_with_and_without_interpolation(void **state) {
    ig_picture p = noise(SIDE, SIDE);
    ig_augment plain = parse("size: 16\nmean: [0.5]\nstd: [0.5]"), a = plain;
    float want[VALUES], out[VALUES];
    (void)state;
    plain.channels = a.channels = 3;
    apply(&plain, &p, 0, want);
    a.flip = 1;
    apply(&a, &p, 0, out);
    for (int i = 0; i < VALUES; i++) assert_true(out[i] == want[(i / (3 * SIDE) * SIDE + SIDE - 1 - i / 3 % SIDE) * 3 + i % 3]);
    a.flip_vertical = 1;
    apply(&a, &p, 0, out);
    for (int i = 0; i < VALUES; i++) assert_true(out[i] == want[(SIDE * SIDE - 1 - i / 3) * 3 + i % 3]);
    a = plain, a.scale_min = a.scale_max = 1; /* through the interpolation, and the same */
    apply(&a, &p, 0, out);
    for (int i = 0; i < VALUES; i++) assert_true(fabsf(out[i] - want[i]) < 1e-5f);
    a.flip = 1;
    apply(&a, &p, 0, out);
    for (int i = 0; i < VALUES; i++)
        assert_true(fabsf(out[i] - want[(i / (3 * SIDE) * SIDE + SIDE - 1 - i / 3 % SIDE) * 3 + i % 3]) < 1e-5f);
    ig_picture_fini(&p);
}

static void a_padded_crop_moves_the_picture_and_fills_with_the_mean(void **state) {
    ig_picture p = noise(SIDE, SIDE);
    ig_augment plain = parse("size: 16\nmean: [0.45]\nstd: [0.3]"), a = plain;
    float want[VALUES], out[VALUES];
    int places = 0;
    (void)state;
    plain.channels = a.channels = 3, a.padding = 2;
    apply(&plain, &p, 0, want);
    for (uint64_t example = 0; example < 40; example++) {
        bool found = false;
        apply(&a, &p, example, out);
        for (int dy = -2; dy <= 2 && !found; dy++)
            for (int dx = -2; dx <= 2 && !found; dx++) {
                found = true;
                for (int y = 0; y < SIDE && found; y++)
                    for (int x = 0; x < SIDE && found; x++) {
                        bool inside = y + dy >= 0 && y + dy < SIDE && x + dx >= 0 && x + dx < SIDE;
                        float v = inside ? want[((y + dy) * SIDE + x + dx) * 3] : 0;
                        found = out[(y * SIDE + x) * 3] == v;
                    }
                if (found) places |= 1 << ((dy + 2) * 5 + dx + 2);
            }
        assert_true(found);
    }
    assert_true(__builtin_popcount((unsigned)places) > 12);
    ig_picture_fini(&p);
}

static void erasing_takes_a_rectangle_and_nothing_else(void **state) {
    ig_picture p = noise(SIDE, SIDE);
    ig_augment plain = parse("size: 16\nmean: [0.501]\nstd: [0.3]"), a = plain;
    float want[VALUES], out[VALUES];
    (void)state;
    plain.channels = a.channels = 3, a.cutout = 4;
    apply(&plain, &p, 0, want);
    for (uint64_t example = 0; example < 20; example++) {
        int gone = 0;
        apply(&a, &p, example, out);
        for (int i = 0; i < VALUES; i++) {
            gone += out[i] == 0;
            assert_true(out[i] == 0 || out[i] == want[i]);
        }
        assert_true(gone >= 2 * 2 * 3 && gone <= 4 * 4 * 3);
        assert_false(a.erase > 0);
    }
    a.cutout = 0, a.erase = 1;
    for (uint64_t example = 0; example < 20; example++) {
        int gone = 0;
        apply(&a, &p, example, out);
        for (int i = 0; i < VALUES; i++) gone += out[i] == 0;
        assert_true(gone > 0 && gone < VALUES * 0.4);
    }
    ig_picture_fini(&p);
}

static void colours_change_as_far_as_they_may(void **state) {
    ig_picture p = noise(SIDE, SIDE);
    ig_augment a = parse("size: 16");
    float plain[VALUES], out[VALUES];
    (void)state;
    a.channels = 3;
    for (int i = 0; i < VALUES; i++) p.data[i] = (uint8_t)(60 + p.data[i] / 4);
    apply(&a, &p, 0, plain);
    a.brightness = 0.4f;
    for (uint64_t example = 0; example < 20; example++) {
        apply(&a, &p, example, out);
        float f = out[0] / plain[0];
        assert_true(f > 0.599f && f < 1.401f);
        for (int i = 0; i < VALUES; i++) assert_true(fabsf(out[i] - f * plain[i]) < 1e-5f);
    }
    a.brightness = 0, a.contrast = 0.5f, a.saturation = 0.5f;
    apply(&a, &p, 1, out);
    double before = 0, after = 0;
    for (int i = 0; i < VALUES; i += 3) {
        before += 0.299 * (double)plain[i] + 0.587 * (double)plain[i + 1] + 0.114 * (double)plain[i + 2];
        after += 0.299 * (double)out[i] + 0.587 * (double)out[i + 1] + 0.114 * (double)out[i + 2];
    }
    assert_true(fabs(before - after) < 1e-3 * before &&
                memcmp(plain, out, sizeof out) != 0); /* both leave the mean grey where it is */
    ig_picture_fini(&p);
}

static void all_lines_together_stay_finite_and_differ_by_key(void **state) {
    ig_picture p = noise(50, 23);
    ig_augment a = parse(
        "size: 16\narea: [0.08, 1]\nflip: 0.5\nflip_vertical: 0.1\nrotate: 30\nscale: [0.8, 1.2]\nshift: 0.1\nbrightness: 0.4\n"
        "contrast: 0.4\nsaturation: 0.4\nerase: 0.3\ncutout: 3\nmean: [0.5]\nstd: [0.25]");
    float one[VALUES], two[VALUES];
    (void)state;
    a.channels = 3;
    for (uint64_t example = 0; example < 200; example++) {
        apply(&a, &p, example, one);
        for (int i = 0; i < VALUES; i++) assert_true(fabsf(one[i]) <= 2.001f);
        apply(&a, &p, example, two);
        assert_memory_equal(one, two, sizeof one);
        apply(&a, &p, example + 1, two);
        assert_true(memcmp(one, two, sizeof one) != 0);
    }
    ig_picture_fini(&p);
}

/* ---- batches ----------------------------------------------------------------------------------------------------- */

enum { EACH = 9, BATCH = 8 };

typedef struct fixture {
    char folder[64];
    ig_context *ctx;
    ig_picture_set *s;
} fixture;

static fixture make(int threads) {
    fixture f;
    char path[128], name[64];
    ig_error err = {0};
    make_folder(f.folder);
    for (int k = 0; k < 3; k++) {
        snprintf(path, sizeof path, "%s/%c", f.folder, 'a' + k);
        check_ok(ig_dir_make(path, &err));
        for (int i = 0; i < EACH; i++) {
            snprintf(name, sizeof name, "%c/%d.png", 'a' + k, i);
            write_plain(f.folder, name, 3 * i + k % 3, 20 + i, 24);
        }
    }
    check_ok(ig_context_new(&(ig_context_opts){.threads = threads}, &f.ctx, &err));
    check_ok(ig_picture_set_open(f.folder, NULL, NULL, &f.s, &err));
    return f;
}

static void unmake(fixture *f) {
    ig_error err = {0};
    ig_picture_set_free(f->s);
    ig_context_free(f->ctx);
    check_ok(ig_dir_remove(f->folder, &err));
}

static const char augmented[] =
    "size: 16\npadding: 2\nflip: 0.5\nrotate: 10\nbrightness: 0.2\ncutout: 4\nmixup: 0.4\nmean: [0.5]\nstd: [0.25]";

static ig_picture_batches *open_batches(const fixture *f, bool training, bool serial) {
    ig_augment a = parse(augmented);
    ig_picture_batches *b;
    ig_error err = {0};
    a.channels = 3;
    check_ok(ig_picture_batches_open(
        f->ctx, f->s, &a, &(ig_picture_batches_opts){.batch = BATCH, .seed = 42, .training = training, .serial = serial}, &b,
        &err));
    return b;
}

static uint64_t digest(const ig_picture_batch *b) {
    uint64_t h = ig_hash64(b->pictures.data, ig_tensor_bytes(&b->pictures), 1);
    h = ig_hash64(b->labels.data, ig_tensor_bytes(&b->labels), h);
    h = ig_hash64(b->mixed.data, ig_tensor_bytes(&b->mixed), h);
    return ig_hash64(b->weight.data, ig_tensor_bytes(&b->weight), h);
}

static void batches_are_the_same_whatever_the_threads_and_the_order(void **state) {
    static const int order[] = {0, 1, 2, 3, 4, 2, 3, 9, 0, 4, 5};
    uint64_t want[10];
    ig_error err = {0};
    const ig_picture_batch *one;
    (void)state;
    for (int threads = 1; threads <= 3; threads++)
        for (int way = 0; way < 3; way++) { /* serial; prepared in the background; of kept pictures */
            fixture f = make(threads);
            if (way == 2) check_ok(ig_picture_set_check(f.ctx, f.s, NULL, &err));
            ig_picture_batches *b = open_batches(&f, true, way == 0);
            for (int i = 0; i < 10; i++) {
                check_ok(ig_picture_batches_get(b, i, &one, &err));
                assert_true(one->index == i && one->rows == BATCH);
                if (threads == 1 && way == 0) want[i] = digest(one);
                assert_true(digest(one) == want[i]);
            }
            for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
                check_ok(ig_picture_batches_get(b, order[i], &one, &err));
                assert_true(digest(one) == want[order[i]]);
            }
            ig_picture_batches_close(b);
            unmake(&f);
        }
    for (int i = 1; i < 10; i++) assert_true(want[i] != want[0]);
}

static void an_epoch_has_every_picture_once_and_evaluation_keeps_the_order(void **state) {
    fixture f = make(2);
    const ig_picture_batch *one;
    ig_error err = {0};
    int64_t of_class[3] = {0};
    (void)state;
    ig_picture_batches *b = open_batches(&f, true, false);
    assert_int_equal(ig_picture_batches_per_epoch(b), 4);
    assert_true(ig_picture_batches_epoch(b, 27) == 8.0);
    for (int i = 0; i < EACH * 3; i++) { /* 27 batches of 8 are 8 epochs of 27 */
        check_ok(ig_picture_batches_get(b, i, &one, &err));
        for (int r = 0; r < BATCH; r++) of_class[((int64_t *)one->labels.data)[r]]++;
    }
    for (int k = 0; k < 3; k++) assert_int_equal(of_class[k], 8 * EACH);
    ig_picture_batches_close(b);
    b = open_batches(&f, false, false);
    int64_t seen = 0;
    for (int i = 0; i < 4; i++) {
        check_ok(ig_picture_batches_get(b, i, &one, &err));
        assert_int_equal(one->rows, i < 3 ? BATCH : 3);
        for (int r = 0; r < BATCH; r++) {
            int64_t label = ((int64_t *)one->labels.data)[r];
            assert_int_equal(label, r < one->rows ? seen++ / EACH : IG_NO_TARGET);
            assert_true(((float *)one->weight.data)[r] == 1);
        }
    }
    check_fails(ig_picture_batches_get(b, 4, &one, &err), IG_E_NOT_FOUND);
    check_fails(ig_picture_batches_get(b, -1, &one, &err), IG_E_NOT_FOUND);
    ig_picture_batches_close(b);
    unmake(&f);
}

static void mixup_joins_pairs_and_keeps_their_sum(void **state) {
    fixture f = make(1);
    ig_augment a = parse("size: 16\nmean: [0.5]\nstd: [0.25]"), mixing = a;
    ig_picture_batches *plain, *mixed;
    const ig_picture_batch *p, *m;
    const ig_picture_batches_opts opts = {.batch = 7, .seed = 3, .training = true, .serial = true};
    ig_error err = {0};
    double mean_weight = 0, strong = 0;
    int values = SIDE * SIDE * 3;
    (void)state;
    a.channels = mixing.channels = 3, mixing.mixup = 0.3f;
    check_ok(ig_picture_batches_open(f.ctx, f.s, &a, &opts, &plain, &err));
    check_ok(ig_picture_batches_open(f.ctx, f.s, &mixing, &opts, &mixed, &err));
    for (int i = 0; i < 60; i++) {
        check_ok(ig_picture_batches_get(plain, i, &p, &err));
        check_ok(ig_picture_batches_get(mixed, i, &m, &err));
        const float *x = p->pictures.data, *y = m->pictures.data, *w = m->weight.data;
        const int64_t *label = m->labels.data;
        assert_memory_equal(p->labels.data, label, 7 * sizeof *label);
        int alone = 0;
        for (int r = 0; r < 7; r++) {
            int other = 0;
            assert_true(w[r] >= 0 && w[r] <= 1);
            alone += w[r] == 1;
            mean_weight += (double)w[r], strong += w[r] < 0.1f || w[r] > 0.9f;
            for (bool found = false; other < 7 && !found; other += !found) {
                found = ((int64_t *)m->mixed.data)[r] == label[other];
                for (int k = 0; k < values && found; k++)
                    found = fabsf(y[r * values + k] - (w[r] * x[r * values + k] + (1 - w[r]) * x[other * values + k])) < 1e-5f;
            }
            assert_true(other < 7);
        }
        assert_true(alone >= 1);
    }
    assert_true(mean_weight / 420 > 0.45 && mean_weight / 420 < 0.68); /* 1/2 of six, 1 of the seventh */
    assert_true(strong / 420 > 0.4);                                  /* α = 0.3 lies at the ends */
    ig_picture_batches_close(plain);
    ig_picture_batches_close(mixed);
    unmake(&f);
}

static void what_a_recipe_leaves_open_comes_from_the_data(void **state) {
    fixture f = make(2);
    int64_t index[27];
    ig_augment a = {0};
    ig_error err = {0};
    (void)state;
    for (int i = 0; i < 27; i++) index[i] = i;
    check_fails(ig_augment_complete(f.ctx, f.s, index, 27, &a, &err), IG_E_ARG); /* sizes are not known yet */
    check_ok(ig_picture_set_check(f.ctx, f.s, NULL, &err));
    check_fails(ig_augment_complete(f.ctx, f.s, index, 27, &a, &err), IG_E_ARG); /* and differ */
    a = parse("size: 16\nmean: [0.25]\nstd: [0.5]");
    check_ok(ig_augment_complete(f.ctx, f.s, index, 27, &a, &err));
    assert_true(a.channels == 3 && a.height == 16 && a.mean[1] == 0.25f);
    a = parse("size: 16");
    check_ok(ig_augment_complete(f.ctx, f.s, index, 3, &a, &err)); /* red is 0, 30 and 60 in pictures of 20, 21 and 22 rows */
    double mean = (30.0 * 21 + 60.0 * 22) / 63, square = (900.0 * 21 + 3600.0 * 22) / 63;
    assert_true(a.normalized && fabs((double)a.mean[0] * 255 - mean) < 1e-4);
    assert_true(fabs((double)a.std[0] * 255 - sqrt(square - mean * mean)) < 1e-3);
    check_fails(ig_picture_set_moments(f.ctx, f.s, index, 0, a.mean, a.std, &err), IG_E_ARG);
    unmake(&f);
}

static void an_unreadable_picture_is_told_at_its_batch(void **state) {
    fixture f = make(2);
    const ig_picture_batch *one;
    ig_error err = {0};
    (void)state;
    write_text(f.folder, "b/2.png", "oops"); /* number 11, in batch 1 of an evaluation */
    ig_picture_batches *b = open_batches(&f, false, false);
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 4; i++) {
            ig_status s = ig_picture_batches_get(b, i, &one, &err);
            assert_int_equal(s, i == 1 ? IG_E_FORMAT : IG_OK);
            if (i == 1) assert_non_null(strstr(err.file, "b/2.png"));
        }
    ig_picture_batches_close(b);
    b = open_batches(&f, true, false); /* closed while it works */
    ig_picture_batches_get(b, 0, &one, &err);
    ig_picture_batches_close(b);
    unmake(&f);
}

static ig_status open_and_get(const fixture *f, ig_error *err) {
    const ig_augment a = {.height = 16, .width = 16, .channels = 3, .padding = 2, .mixup = 0.4f};
    ig_picture_batches *b;
    const ig_picture_batch *one;
    IG_TRY(ig_picture_batches_open(f->ctx, f->s, &a, &(ig_picture_batches_opts){.batch = 2, .training = true, .serial = true},
                                   &b, err));
    ig_status s = ig_picture_batches_get(b, 0, &one, err);
    ig_picture_batches_close(b);
    return s;
}

static void every_failed_allocation_is_a_status(void **state) {
    fixture f = make(1);
    (void)state;
    for (uint64_t n = 1;; n++) {
        ig_error err = {0};
        ig_alloc_fail_at(n);
        ig_status s = open_and_get(&f, &err);
        if (ig_alloc_fail_at(0) < n) break;
        if (s != IG_OK && s != IG_E_NOMEM)
            fail_msg("allocation %llu: %s: %s", (unsigned long long)n, ig_status_name(s), err.message);
    }
    unmake(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_checked_by_line),
        cmocka_unit_test(evaluation_is_the_resized_centre_normalised),
        cmocka_unit_test(a_flip_is_a_mirror_with_and_without_interpolation),
        cmocka_unit_test(a_padded_crop_moves_the_picture_and_fills_with_the_mean),
        cmocka_unit_test(erasing_takes_a_rectangle_and_nothing_else),
        cmocka_unit_test(colours_change_as_far_as_they_may),
        cmocka_unit_test(all_lines_together_stay_finite_and_differ_by_key),
        cmocka_unit_test(batches_are_the_same_whatever_the_threads_and_the_order),
        cmocka_unit_test(an_epoch_has_every_picture_once_and_evaluation_keeps_the_order),
        cmocka_unit_test(mixup_joins_pairs_and_keeps_their_sum),
        cmocka_unit_test(what_a_recipe_leaves_open_comes_from_the_data),
        cmocka_unit_test(an_unreadable_picture_is_told_at_its_batch),
        cmocka_unit_test(every_failed_allocation_is_a_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
