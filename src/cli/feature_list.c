/* cli/feature_list.c: features where models stand, too: ingot ls, show and rm; and one namespace for both. */
#include <string.h>

#include "cli/feature.h"
#include "cli/words.h"
#include "cli/workspace_store.h"

bool cli_is_feature(cli *c, const char *name) {
    char workspace[IG_PATH_MAX], path[IG_PATH_MAX];
    ig_store *s = NULL;
    ig_store_feature f = {0};
    ig_error err = {0};
    if (strchr(name, '/') || cli_workspace(c, workspace, sizeof workspace, false, &err) != IG_OK || !workspace[0]) return false;
    if (ig_path_join(path, sizeof path, workspace, "store/store.db", &err) != IG_OK || !ig_path_exists(path)) return false;
    if (ig_path_join(path, sizeof path, workspace, "store", &err) != IG_OK) return false;
    bool found = ig_store_open(path, &(ig_store_opts){.quick = true}, &s, &err) == IG_OK && ig_store_feature_get(s, name, &f, &err) == IG_OK;
    ig_store_feature_fini(&f);
    ig_store_close(s);
    return found;
}

static void print_row(const cli *c, const ig_tree *f) {
    printf(cli_say(c, "%-24s %-10s version %-4lld %6lld items, asked %lld this week\n", "%-24s %-10s 版本 %-4lld %6lld 项内容，本周提问 %lld\n"),
           ig_tree_text(f, "name", ""), ig_tree_text(f, "kind", ""), (long long)ig_tree_int(f, "live", 0), (long long)ig_tree_int(f, "items", 0),
           (long long)ig_tree_int(ig_tree_get(f, "week"), "interactions", 0));
}

static void tell_list(cli *c, const ig_tree *list, ig_json *j) {
    if (j) {
        ig_json_key(j, "features"), ig_json_tree(j, list);
        return;
    }
    if (list->count) printf("\n%s\n", cli_say(c, "features", "功能"));
    for (const ig_tree *f = list->child; f; f = f->next) print_row(c, f);
}

int cli_list_features(cli *c, ig_json *j) {
    char workspace[IG_PATH_MAX], path[IG_PATH_MAX];
    cli_loop l;
    ig_doc *d = NULL;
    ig_buf out = {.max = (size_t)1 << 30};
    ig_error err = {0};
    if (cli_workspace(c, workspace, sizeof workspace, false, &err) != IG_OK || !workspace[0]) return 0;
    if (ig_path_join(path, sizeof path, workspace, "store/store.db", &err) != IG_OK || !ig_path_exists(path)) return 0;
    ig_status s = cli_loop_open(c, &l);
    if (s == IG_OK) s = ig_loop_list(l.loop, &out, &c->err);
    cli_loop_close(&l);
    if (s == IG_OK) s = ig_buf_status(&out, &c->err);
    if (s == IG_OK) s = ig_json_parse("features", out.data, out.len, &d, &c->err);
    const ig_tree *list = s == IG_OK ? ig_tree_get(ig_doc_root(d), "features") : NULL;
    if (list && list->type == IG_TREE_LIST) tell_list(c, list, j);
    ig_doc_free(d);
    ig_buf_fini(&out);
    return s == IG_OK ? 0 : cli_failed(c, NULL);
}

int cli_show_feature(cli *c, const char *name) {
    cli_loop l;
    ig_buf out = {.max = (size_t)1 << 30};
    ig_status s = cli_loop_open(c, &l);
    if (s == IG_OK) s = ig_loop_show(l.loop, name, &out, &c->err);
    return cli_feature_result(&l, s, &out, cli_print_feature, cli_say(c, "ingot ls lists the features", "ingot ls 列出功能"));
}

static void print_removed(cli *c, const ig_tree *t) { printf(cli_say(c, "removed %s\n", "已删除 %s\n"), ig_tree_text(t, "removed", "")); }

int cli_remove_feature(cli *c, const char *name) {
    cli_loop l;
    ig_buf out = {.max = 4096};
    ig_json j = {.out = &out};
    ig_status s = cli_loop_open(c, &l);
    if (s == IG_OK) s = ig_loop_remove(l.loop, name, &l.doing, &c->err);
    ig_json_open(&j, '{');
    cli_json_pair_text(&j, "removed", name);
    ig_json_close(&j, '}');
    return cli_feature_result(&l, s, &out, print_removed, cli_say(c, "ingot ls lists the features", "ingot ls 列出功能"));
}
