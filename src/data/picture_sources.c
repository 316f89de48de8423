/* data/picture_sources.c: labelled pictures in a folder per class, and in a table of paths and labels.
 *
 *     pictures/cat/1.jpg  pictures/dog/7.png …            path,label
 *                                                         scans/1.jpg,invoice
 *
 * What is left out is told: files that are no pictures and folders inside of a class are harmless, rows without a picture are
 * not.
 */
#include <string.h>
#include <strings.h>

#include "data/picture_set.h"
#include "ingot/documents.h"

/* ---- a folder for each class ------------------------------------------------------------------------------------- */

static ig_status add_file(ig_picture_set *s, const char *class_name, const char *folder, const char *file,
                          ig_picture_problems *problems, ig_error *err) {
    char path[IG_PATH_MAX], name[IG_PATH_MAX];
    if (*file == '.') return IG_OK;
    IG_TRY(ig_path_join(path, sizeof path, folder, file, err));
    IG_TRY(ig_path_join(name, sizeof name, class_name, file, err));
    if (ig_path_is_dir(path))
        return picture_problem_at(problems, true, path, 0, err,
                                  "a folder inside of a class is not read: move its pictures one folder up");
    if (!ig_picture_is_named(file))
        return picture_problem_at(problems, true, path, 0, err,
                                  "is left out: its name does not end as that of a picture that is read "
                                  "(.jpg .png .webp .bmp .pgm .ppm)");
    return picture_set_add(s, name, class_name, (picture_item){0}, err);
}

static ig_status add_class(ig_picture_set *s, const char *class_name, const char *folder, ig_picture_problems *problems,
                           ig_error *err) {
    char **names;
    size_t count, before = s->count;
    IG_TRY(ig_dir_list(folder, &names, &count, err));
    ig_status status = IG_OK;
    for (size_t i = 0; i < count && status == IG_OK; i++) status = add_file(s, class_name, folder, names[i], problems, err);
    ig_names_free(names, count);
    if (status == IG_OK && s->count == before)
        status = picture_problem_at(problems, true, folder, 0, err, "no picture is in this folder, so that it is no class");
    return status;
}

ig_status picture_set_folder(ig_picture_set *s, const char *path, ig_picture_problems *problems, ig_error *err) {
    char **names, folder[IG_PATH_MAX];
    size_t count, folders = 0;
    IG_TRY(ig_dir_list(path, &names, &count, err));
    ig_status status = IG_OK;
    for (size_t i = 0; i < count && status == IG_OK; i++) {
        if (*names[i] == '.') continue;
        status = ig_path_join(folder, sizeof folder, path, names[i], err);
        if (status != IG_OK) break;
        bool is_folder = ig_path_is_dir(folder);
        folders += is_folder;
        status = is_folder ? add_class(s, names[i], folder, problems, err)
                           : picture_problem_at(problems, true, folder, 0, err,
                                                "is left out: it stands beside the folders of classes");
    }
    ig_names_free(names, count);
    if (status == IG_OK && !folders)
        status =
            ig_error_at(err, IG_E_FORMAT, path, 0, "a folder of pictures has a folder for each class, named like the class");
    return status;
}

/* ---- a table ----------------------------------------------------------------------------------------------------- */

typedef struct rows {
    ig_picture_set *s;
    const char *file;
    ig_picture_problems *problems;
    int path, label; /* columns */
    ig_status status; /* of noting a problem */
    ig_error *err;
} rows;

static void on_problem(void *arg, const ig_error *problem) {
    rows *r = arg;
    if (r->status == IG_OK) r->status = picture_problem_add(r->problems, false, problem, r->err);
}

static int find_column(const ig_table *t, const char *const *known) {
    for (; *known; known++)
        for (size_t i = 0; i < ig_table_count(t); i++)
            if (strcasecmp(ig_table_name(t, i), *known) == 0) return (int)i;
    return -1;
}

static ig_status find_columns(const ig_table *t, rows *r, ig_error *err) {
    static const char *const paths[] = {"path",       "file", "filename", "file_name", "image", "picture",
                                        "image_path", "图片", "文件",     "路径",      NULL};
    static const char *const labels[] = {"label", "class", "category", "target", "标签", "类别", "分类", NULL};
    r->path = find_column(t, paths), r->label = find_column(t, labels);
    if (r->path >= 0 && r->label >= 0) return IG_OK;
    return ig_error_at(err, IG_E_NOT_FOUND, r->file, 1,
                       "a table of pictures has a column \"path\" and a column \"label\"; %s is missing",
                       r->path < 0 ? "path" : "label");
}

static ig_status on_row(void *arg, const ig_table_row *row, ig_error *err) {
    rows *r = arg;
    char path[IG_PATH_MAX];
    const char *name = row->values[r->path], *label = row->values[r->label];
    IG_TRY(r->status);
    if (!*name || !*label)
        return picture_problem_at(r->problems, false, r->file, row->line, err, "the row has no %s", *name ? "label" : "path");
    IG_TRY(ig_path_join(path, sizeof path, r->s->root, name, err));
    if (!ig_path_exists(path))
        return picture_problem_at(r->problems, false, r->file, row->line, err, "there is no file %.300s", path);
    return picture_set_add(r->s, name, label, (picture_item){.line = row->line}, err);
}

ig_status picture_set_table(ig_picture_set *s, const char *path, ig_picture_problems *problems, ig_error *err) {
    rows r = {.s = s, .file = path, .problems = problems, .err = err};
    const ig_table_opts opts = {.problem = on_problem, .problem_arg = &r};
    ig_table *t;
    IG_TRY(ig_table_open(path, &opts, &t, err));
    ig_status status = find_columns(t, &r, err);
    if (status == IG_OK) status = ig_table_each(t, on_row, &r, err);
    ig_table_close(t);
    return status == IG_OK ? r.status : status;
}
