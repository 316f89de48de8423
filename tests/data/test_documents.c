/* Documents: passages of each format, cut at sentence ends, from files and folders; hostile pages end; allocations fail cleanly. */
#include <sys/stat.h>
#include <unistd.h>

#include "../check.h"
#include "ingot/documents.h"

typedef struct seen {
    ig_buf text; /* "title#anchor@line:text;" for each passage */
    size_t longest;
    int problems;
} seen;

static ig_status see(void *arg, const ig_passage *p, ig_error *err) {
    seen *s = arg;
    ig_buf_printf(&s->text, "%s#%s@%d:%s;", p->title, p->anchor, p->line, p->text);
    if (strlen(p->text) > s->longest) s->longest = strlen(p->text);
    assert_true(ig_utf8_valid(p->text, strlen(p->text)));
    return ig_buf_status(&s->text, err);
}

static void see_problem(void *arg, const ig_error *problem) {
    (void)problem;
    ((seen *)arg)->problems++;
}

static ig_status read_text(const char *name, const char *text, size_t bytes, seen *s, ig_error *err) {
    const ig_document_opts opts = {.passage_bytes = bytes};
    s->text.max = 1 << 24;
    return ig_document_parse(name, text, strlen(text), &opts, see, s, NULL, err);
}

static void expect(const char *name, const char *text, const char *passages) {
    seen s = {0};
    ig_error err = {0};
    check_ok(read_text(name, text, 64, &s, &err));
    assert_string_equal(s.text.data ? s.text.data : "", passages);
    ig_buf_fini(&s.text);
}

static const char markdown[] = "---\nx: y\n---\n# Help & more\n\nOne *two*\nthree.\n\n## 退款 {#refund}\n\n- a\n- b\n\n| x | y |\n|---|---|\n| 1 | 2 |\n\n### A\n```\nx  y\n```\n";
static const char html[] = "<html><head><title>T</title><script>n1</script></head><body><nav>n2</nav><main><h1 id=top>One</h1><p>a <b>b</b> &amp;\nc</p>"
                           "<section id=s><h2>Two</h2><ul><li>x<li>y</ul><table><tr><td>1<td>2</table><button>n3</button></section></main><footer>n4</footer>";

static void each_format_gives_passages(void **state) {
    (void)state;
    expect("notes.txt", "One\ntwo.\n\nThree.\n", "notes#@1:One\ntwo.\nThree.;");
    expect("a.md", markdown, "Help & more#help--more@6:One two three.;Help & more > 退款#refund@11:a\nb\nx | y\n1 | 2;"
           "Help & more > 退款 > A#a@20:x  y;");
    expect("a.html", html, "One#top@1:a b & c;One > Two#s@2:x\ny\n1 | 2;");
    expect("a.html", "<title>T</title><p>x", "T#@1:x;");
}

static void long_texts_are_cut_at_sentence_ends(void **state) {
    (void)state;
    expect("n.txt", "This is the first sentence of a text. And this is the second one, which is long.",
           "n#@1:This is the first sentence of a text.;n#@1:And this is the second one, which is long.;");
    expect("n.txt", "这是第一句话，说的是退款多久能到账。这是第二句话，说的是怎么联系我们。",
           "n#@1:这是第一句话，说的是退款多久能到账。;n#@1:这是第二句话，说的是怎么联系我们。;");
    seen s = {0};
    ig_error err = {0};
    char *text = calloc(1, 30001);
    for (int i = 0; i < 30000; i += 3) memcpy(text + i, "字", 3);
    check_ok(read_text("n.txt", text, 100, &s, &err));
    assert_int_equal(s.longest, 99);
    free(text);
    ig_buf_fini(&s.text);
}

/* Deep nesting overflows a recursive reader; formatting elements make gumbo copy them for every paragraph. */
static void hostile_pages_end(void **state) {
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        ig_buf page = {.max = 1 << 24};
        seen s = {0};
        ig_error err = {0};
        for (int i = 0; i < (kind ? 3000 : 20000); i++) ig_buf_printf(&page, kind ? "<b a=%d>" : "<i%d>", i);
        for (int i = 0; kind && i < 3000; i++) ig_buf_puts(&page, "<p>");
        ig_buf_puts(&page, "x");
        ig_status status = read_text("a.html", page.data, 64, &s, &err);
        if (status != IG_OK) assert_int_equal(status, IG_E_LIMIT);
        ig_buf_fini(&page);
        ig_buf_fini(&s.text);
    }
}

static void put(const char *folder, const char *name, const char *text) {
    char path[1024];
    ig_error err = {0};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    check_ok(ig_file_write(path, text, strlen(text), &err));
}

static void a_folder_names_its_bad_files_and_reads_the_others(void **state) {
    (void)state;
    char folder[] = "/tmp/ingot-documents-XXXXXX", sub[64], link[80];
    seen s = {.text.max = 1 << 20};
    ig_error err = {0};
    ig_document_counts counts;
    const ig_document_opts opts = {.problem = see_problem, .problem_arg = &s};
    assert_non_null(mkdtemp(folder));
    snprintf(sub, sizeof sub, "%s/sub", folder);
    snprintf(link, sizeof link, "%s/up", sub);
    check_ok(ig_dir_make(sub, &err));
    put(folder, "a.md", "# A\nx"), put(folder, "bad.docx", "no"), put(folder, ".hidden.md", "y"), put(sub, "z.txt", "z"), put(folder, "p.png", "");
    assert_int_equal(symlink(folder, link), 0);
    check_ok(ig_document_read(folder, &opts, see, &s, &counts, &err));
    assert_string_equal(s.text.data, "A#a@2:x;z#@1:z;");
    assert_int_equal(counts.documents, 2);
    assert_int_equal(counts.failed, 1);
    assert_int_equal(counts.skipped, 2);
    assert_int_equal(s.problems, 1);
    check_ok(ig_dir_remove(folder, &err));
    ig_buf_fini(&s.text);
}

static void every_failed_allocation_is_a_status(void **state) {
    static const char *const cases[][2] = {{"a.md", markdown}, {"a.html", html}, {"a.txt", "x\n\ny"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (uint64_t n = 1;; n++) {
            seen s = {0};
            ig_error err = {0};
            ig_alloc_fail_at(n);
            ig_status status = read_text(cases[i][0], cases[i][1], 64, &s, &err);
            ig_alloc_fail_at(0);
            ig_buf_fini(&s.text);
            if (status == IG_OK) break;
            if (status != IG_E_NOMEM) fail_msg("%s, allocation %d: %s: %s", cases[i][0], (int)n, ig_status_name(status), err.message);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_format_gives_passages),
        cmocka_unit_test(long_texts_are_cut_at_sentence_ends),
        cmocka_unit_test(hostile_pages_end),
        cmocka_unit_test(a_folder_names_its_bad_files_and_reads_the_others),
        cmocka_unit_test(every_failed_allocation_is_a_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
