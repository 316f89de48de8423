/* Labelled pictures: folders, tables and IDX give the same set in every order, bad pictures are told and left out, equal ones
 * stay on one side of the split.
 */
#include "pictures.h"

static ig_context *context(int threads) {
    ig_context *ctx;
    ig_error err = {0};
    check_ok(ig_context_new(&(ig_context_opts){.threads = threads}, &ctx, &err));
    return ctx;
}

/* cat/ dog/ with `each` pictures, and what does not belong there. */
static void make_classes(char folder[64], int each) {
    char path[256], name[64];
    ig_error err = {0};
    make_folder(folder);
    for (int k = 0; k < 2; k++) {
        snprintf(path, sizeof path, "%s/%s", folder, k ? "dog" : "cat");
        check_ok(ig_dir_make(path, &err));
        for (int i = 0; i < each; i++) {
            snprintf(name, sizeof name, "%s/%02d.png", k ? "dog" : "cat", i);
            write_plain(folder, name, 2 * i + k, 9, 7);
        }
    }
}

static void folders_are_classes_in_the_order_of_their_names(void **state) {
    char folder[64], path[256];
    ig_picture_set *s;
    ig_picture_problems problems = {0};
    ig_error err = {0};
    int64_t h, w;
    (void)state;
    make_classes(folder, 3);
    write_text(folder, "readme.txt", "hello");
    write_text(folder, "cat/notes.txt", "hello");
    write_text(folder, "cat/.hidden.png", "hello");
    snprintf(path, sizeof path, "%s/empty", folder);
    check_ok(ig_dir_make(path, &err));
    check_ok(ig_picture_set_open(folder, NULL, &problems, &s, &err));
    assert_int_equal(ig_picture_set_count(s), 6);
    assert_int_equal(ig_picture_set_classes(s), 2);
    assert_string_equal(ig_picture_set_class(s, 1), "dog");
    assert_string_equal(ig_picture_set_name(s, 3), "dog/00.png");
    assert_int_equal(ig_picture_set_label(s, 3), 1);
    assert_int_equal(problems.count, 3);
    assert_int_equal(problems.harmless, 3);
    ig_picture p;
    check_ok(ig_picture_set_decode(s, 5, &p, &err));
    assert_true(p.height == 9 && p.width == 7 && p.channels == 3 && p.data[0] == 50);
    ig_picture_fini(&p);
    ig_context *ctx = context(2);
    assert_false(ig_picture_set_size(s, &h, &w));
    check_ok(ig_picture_set_check(ctx, s, &problems, &err));
    assert_true(ig_picture_set_size(s, &h, &w) && h == 9 && w == 7);
    assert_int_equal(problems.count, 3);
    ig_context_free(ctx);
    ig_picture_set_free(s);
    ig_picture_problems_fini(&problems);
    check_ok(ig_dir_remove(folder, &err));
}

static void bad_pictures_are_told_and_left_out(void **state) {
    char folder[64];
    ig_picture_set *s;
    ig_picture_problems problems = {0};
    ig_error err = {0};
    ig_context *ctx = context(2);
    (void)state;
    make_classes(folder, 12);
    write_text(folder, "cat/05.png", "\x89PNG\r\n\x1A\n cut");
    write_plain(folder, "dog/11.png", 1, 9, 7);  /* as dog/00.png */
    write_plain(folder, "dog/10.png", 0, 9, 7);  /* as cat/00.png */
    check_ok(ig_picture_set_open(folder, NULL, NULL, &s, &err));
    check_ok(ig_picture_set_check(ctx, s, &problems, &err));
    assert_int_equal(ig_picture_set_count(s), 23);
    assert_string_equal(ig_picture_set_name(s, 5), "cat/06.png");
    assert_int_equal(problems.count, 3);
    assert_int_equal(problems.harmless, 2);
    assert_non_null(strstr(problems.item[0].error.file, "cat/05.png"));
    assert_non_null(strstr(problems.item[0].error.message, "cut off"));
    assert_non_null(strstr(problems.item[1].error.message, "cat/00.png, which has the class"));
    assert_non_null(strstr(problems.item[2].error.message, "the same picture as dog/00.png"));
    ig_picture_set_free(s);
    for (int i = 0; i < 3; i++) {
        char name[32];
        snprintf(name, sizeof name, "dog/%02d.png", i);
        write_text(folder, name, "oops");
    }
    check_ok(ig_picture_set_open(folder, NULL, NULL, &s, &err));
    check_fails(ig_picture_set_check(ctx, s, NULL, &err), IG_E_FORMAT);
    assert_non_null(strstr(err.message, "4 of 24 pictures cannot be read"));
    ig_picture_set_free(s);
    ig_picture_problems_fini(&problems);
    ig_context_free(ctx);
    check_ok(ig_dir_remove(folder, &err));
}

static bool stop_at_once(void *arg, size_t done, size_t count) {
    assert_true(done <= count);
    return ++*(int *)arg < 1;
}

static void a_check_can_be_stopped(void **state) {
    char folder[64];
    int calls = 0;
    ig_picture_set *s;
    ig_error err = {0};
    ig_context *ctx = context(1);
    (void)state;
    make_classes(folder, 40);
    check_ok(
        ig_picture_set_open(folder, &(ig_picture_set_opts){.progress = stop_at_once, .progress_arg = &calls}, NULL, &s, &err));
    check_fails(ig_picture_set_check(ctx, s, NULL, &err), IG_E_CANCELLED);
    assert_int_equal(calls, 1);
    ig_picture_set_free(s);
    ig_context_free(ctx);
    check_ok(ig_dir_remove(folder, &err));
}

static void a_table_names_pictures_and_rows_without_one_are_told(void **state) {
    static const char *const known[] = {"dog", "cat"};
    char folder[64], path[128];
    ig_picture_set *s;
    ig_picture_problems problems = {0};
    ig_error err = {0};
    (void)state;
    make_classes(folder, 2);
    write_text(folder, "index.csv",
               "Label,note,path\ncat,x,cat/00.png\ndog,y,dog/01.png\n,z,dog/00.png\ncat,q,cat/09.png\nbird,q,cat/01.png\n");
    snprintf(path, sizeof path, "%s/index.csv", folder);
    check_ok(ig_picture_set_open(path, &(ig_picture_set_opts){.classes = known, .class_count = 2, .channels = 1}, &problems, &s,
                                 &err));
    assert_int_equal(ig_picture_set_count(s), 2);
    assert_int_equal(ig_picture_set_label(s, 0), 1);
    assert_int_equal(ig_picture_set_label(s, 1), 0);
    assert_int_equal(problems.count, 3);
    assert_int_equal(problems.item[0].error.line, 4);
    assert_int_equal(problems.item[1].error.line, 5);
    assert_int_equal(problems.item[2].error.line, 6);
    ig_picture_set_free(s);
    check_ok(ig_picture_set_open(path, NULL, NULL, &s, &err));
    assert_int_equal(ig_picture_set_classes(s), 3);
    assert_string_equal(ig_picture_set_class(s, 0), "bird");
    ig_picture_set_free(s);
    write_text(folder, "index.csv", "name,kind\na.png,cat\n");
    check_fails(ig_picture_set_open(path, NULL, NULL, &s, &err), IG_E_NOT_FOUND);
    check_fails(ig_picture_set_open("/nowhere/at/all", NULL, NULL, &s, &err), IG_E_NOT_FOUND);
    ig_picture_problems_fini(&problems);
    check_ok(ig_dir_remove(folder, &err));
}

/* n pictures of 2 × 3 whose bytes count up; the file ends `cut` bytes early. */
static void write_idx(const char *folder, int n, int cut) {
    char path[256];
    uint8_t pictures[16 + 600] = {0, 0, 8, 3, 0, 0, 0, (uint8_t)n, 0, 0, 0, 2, 0, 0, 0, 3},
                          labels[8 + 100] = {0, 0, 8, 1, 0, 0, 0, (uint8_t)n};
    ig_error err = {0};
    for (int i = 0; i < 6 * n; i++) pictures[16 + i] = (uint8_t)i;
    for (int i = 0; i < n; i++) labels[8 + i] = (uint8_t)(i % 3);
    snprintf(path, sizeof path, "%s/t-images-idx3-ubyte", folder);
    check_ok(ig_file_write(path, pictures, (size_t)(16 + 6 * n - cut), &err));
    snprintf(path, sizeof path, "%s/t-labels-idx1-ubyte", folder);
    check_ok(ig_file_write(path, labels, (size_t)(8 + n), &err));
}

static void idx_pairs_are_found_and_checked(void **state) {
    char folder[64], path[256];
    ig_picture_set *s;
    ig_picture p;
    ig_error err = {0};
    (void)state;
    make_folder(folder);
    write_idx(folder, 7, 0);
    snprintf(path, sizeof path, "%s/t-images-idx3-ubyte", folder);
    for (int channels = 0; channels <= 3; channels += 3) {
        check_ok(ig_picture_set_open(path, &(ig_picture_set_opts){.channels = channels}, NULL, &s, &err));
        assert_int_equal(ig_picture_set_count(s), 7);
        assert_int_equal(ig_picture_set_classes(s), 3);
        assert_int_equal(ig_picture_set_label(s, 4), 1);
        check_ok(ig_picture_set_decode(s, 6, &p, &err));
        assert_true(p.height == 2 && p.width == 3 && p.channels == (channels ? 3 : 1) && p.data[p.channels] == 37);
        ig_picture_fini(&p);
        check_fails(ig_picture_set_decode(s, 7, &p, &err), IG_E_ARG);
        ig_picture_set_free(s);
    }
    write_idx(folder, 7, 1);
    check_fails(ig_picture_set_open(path, NULL, NULL, &s, &err), IG_E_FORMAT);
    assert_non_null(strstr(err.message, "cut off"));
    write_idx(folder, 7, -1);
    check_fails(ig_picture_set_open(path, NULL, NULL, &s, &err), IG_E_FORMAT);
    assert_non_null(strstr(err.message, "stand behind"));
    check_ok(ig_file_write(path, "\x1F\x8B\x08\0", 4, &err));
    check_fails(ig_picture_set_open(path, NULL, NULL, &s, &err), IG_E_UNSUPPORTED);
    check_ok(ig_dir_remove(folder, &err));
}

static void the_split_takes_its_share_of_every_class_and_keeps_equal_pictures_together(void **state) {
    char folder[64];
    ig_picture_set *s;
    ig_picture_split split, again;
    ig_error err = {0};
    ig_context *ctx = context(1);
    int64_t of_class[2] = {0};
    (void)state;
    make_classes(folder, 20);
    write_plain(folder, "cat/19.png", 0, 9, 7);
    write_plain(folder, "cat/18.png", 0, 9, 7);
    check_ok(ig_picture_set_open(folder, NULL, NULL, &s, &err));
    check_ok(ig_picture_set_check(ctx, s, NULL, &err));
    check_ok(ig_picture_split_make(s, 0.25, &split, &err));
    assert_int_equal(split.train_count + split.valid_count, 40);
    bool held[40] = {0};
    for (size_t i = 0; i < split.valid_count; i++)
        of_class[ig_picture_set_label(s, (size_t)split.valid[i])]++, held[split.valid[i]] = true;
    assert_int_equal(of_class[1], 5);
    assert_in_range(of_class[0], 5, 7);
    assert_true(held[0] == held[19] && held[0] == held[18]);
    ig_picture_set_free(s);
    ig_dir_remove(folder, &err);
    make_classes(folder, 20); /* another folder, the same names */
    check_ok(ig_picture_set_open(folder, NULL, NULL, &s, &err));
    check_ok(ig_picture_split_make(s, 0.25, &again, &err));
    for (size_t i = 0; i < again.valid_count; i++)
        if (ig_picture_set_label(s, (size_t)again.valid[i]) == 1) assert_true(held[again.valid[i]]);
    ig_picture_split_fini(&again);
    check_ok(ig_picture_split_make(s, 0, &again, &err));
    assert_int_equal(again.valid_count, 0);
    ig_picture_split_fini(&again);
    check_ok(ig_picture_split_make(s, 0.999, &again, &err));
    assert_int_equal(again.train_count, 2);
    ig_picture_split_fini(&again);
    check_fails(ig_picture_split_make(s, 1, &again, &err), IG_E_ARG);
    ig_picture_split_fini(&split);
    ig_picture_set_free(s);
    ig_context_free(ctx);
    check_ok(ig_dir_remove(folder, &err));
}

static ig_status open_and_use(ig_context *ctx, const char *path, ig_error *err) {
    ig_picture_set *s;
    ig_picture_problems problems = {0};
    ig_picture_split split = {0};
    float mean[3], std[3];
    ig_status status = ig_picture_set_open(path, NULL, &problems, &s, err);
    if (status == IG_OK) {
        status = ig_picture_set_check(ctx, s, &problems, err);
        if (status == IG_OK) status = ig_picture_split_make(s, 0.3, &split, err);
        if (status == IG_OK) status = ig_picture_set_moments(ctx, s, split.train, split.train_count, mean, std, err);
        ig_picture_split_fini(&split);
        ig_picture_set_free(s);
    }
    ig_picture_problems_fini(&problems);
    return status;
}

static void every_failed_allocation_is_a_status(void **state) {
    char folder[64], path[128];
    ig_error err = {0};
    ig_context *ctx = context(1);
    (void)state;
    make_classes(folder, 2);
    write_idx(folder, 5, 0);
    write_text(folder, "index.csv", "path,label\ncat/00.png,a\ndog/01.png,b\ndog/01.png\n");
    for (int source = 0; source < 3; source++) {
        static const char *const names[] = {"", "index.csv", "t-images-idx3-ubyte"};
        snprintf(path, sizeof path, "%s/%s", folder, names[source]);
        for (uint64_t n = 1;; n++) {
            ig_alloc_fail_at(n);
            ig_status s = open_and_use(ctx, path, &err);
            bool fell = ig_alloc_fail_at(0) >= n;
            if (!fell) break;
            if (s != IG_E_NOMEM && s != IG_OK)
                fail_msg("%s, allocation %llu: %s: %s", path, (unsigned long long)n, ig_status_name(s), err.message);
        }
        check_ok(open_and_use(ctx, path, &err));
    }
    ig_context_free(ctx);
    check_ok(ig_dir_remove(folder, &err));
}

static void fashion_mnist_is_read(void **state) {
    char folder[1024], path[1400];
    ig_picture_set *s;
    ig_picture_split split;
    ig_error err = {0};
    float mean[3], std[3];
    size_t of_class[10] = {0};
    (void)state;
    if (!data_folder("fashion-mnist", folder, sizeof folder)) skip();
    snprintf(path, sizeof path, "%s/t10k-images-idx3-ubyte", folder);
    if (!ig_path_exists(path)) skip();
    check_ok(ig_picture_set_open(path, NULL, NULL, &s, &err));
    assert_int_equal(ig_picture_set_count(s), 10000);
    assert_int_equal(ig_picture_set_classes(s), 10);
    check_ok(ig_picture_split_make(s, 0.1, &split, &err));
    for (size_t i = 0; i < split.valid_count; i++) of_class[ig_picture_set_label(s, (size_t)split.valid[i])]++;
    for (int k = 0; k < 10; k++) assert_int_equal(of_class[k], 100);
    ig_context *ctx = context(2);
    check_ok(ig_picture_set_moments(ctx, s, split.train, split.train_count, mean, std, &err));
    assert_true(mean[0] > 0.284f && mean[0] < 0.289f && std[0] > 0.34f &&
                std[0] < 0.37f); /* 0.2860 and 0.3530 of the training pictures */
    ig_context_free(ctx);
    ig_picture_split_fini(&split);
    ig_picture_set_free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folders_are_classes_in_the_order_of_their_names),
        cmocka_unit_test(bad_pictures_are_told_and_left_out),
        cmocka_unit_test(a_check_can_be_stopped),
        cmocka_unit_test(a_table_names_pictures_and_rows_without_one_are_told),
        cmocka_unit_test(idx_pairs_are_found_and_checked),
        cmocka_unit_test(the_split_takes_its_share_of_every_class_and_keeps_equal_pictures_together),
        cmocka_unit_test(every_failed_allocation_is_a_status),
        cmocka_unit_test(fashion_mnist_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
