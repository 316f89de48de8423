/* Documents: passages of each format, cut at sentence ends, from files, folders and sites; hostile pages end; allocations fail
 * cleanly.  The office files and the PDF: make_documents.py. */
#include <sys/stat.h>
#include <unistd.h>

#include "../check.h"
#include "data/program.h"
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

static void anchors_of_markdown_are_unique(void **state) {
    (void)state;
    expect("a.md", "# A\n1\n# A\n2\n# A-1\n3\n# A\n4\n# B {#a}\n5\n", "A#a@2:1;A#a-1@4:2;A-1#a-1-1@6:3;A#a-2@8:4;B#a@10:5;");
}

static void front_matter_names_the_document(void **state) {
    (void)state;
    expect("a.md", "---\nlayout: x\ntitle: \"Help: us\"\n---\ntext\n", "Help: us#@5:text;");
    expect("a.md", "---\r\ntitle: 帮助 \r\n---\r\ntext\n# H\nmore", "帮助#@4:text;H#h@6:more;");
    expect("a.md", "---\ntitle: no\n", "a#@2:title: no;");
}

static void path_of(char *path, size_t size, const char *name) {
    snprintf(path, size, "%s/tests/data/documents/%s", getenv("INGOT_ROOT") ? getenv("INGOT_ROOT") : ".", name);
}

static void file_gives(const char *name, const char *passages) {
    char path[1024];
    seen s = {.text.max = 1 << 20};
    ig_error err = {0};
    path_of(path, sizeof path, name);
    check_ok(ig_document_read(path, NULL, see, &s, NULL, &err));
    assert_string_equal(s.text.data, passages);
    ig_buf_fini(&s.text);
}

static void docx_gives_headings_and_tables(void **state) {
    (void)state;
    file_gives("help.docx", "Returns#@2:Send it back & wait.;Returns > 退款#@5:card | 3 days\nOne\ntwo.;");
}

/* ---- PDF, other programs ---------------------------------------------------------------------------------------------- */

static ig_status see_page(void *arg, const ig_passage *p, ig_error *err) {
    seen *s = arg;
    ig_buf_printf(&s->text, "%s, page %d, line %d: %s;", p->title, p->page, p->line, p->text);
    return ig_buf_status(&s->text, err);
}

static void pdf_gives_its_pages(void **state) {
    (void)state;
    char path[1024];
    seen s = {.text.max = 1 << 20};
    ig_error err = {0};
    if (system("pdftotext -v 2>/dev/null") != 0) skip();
    path_of(path, sizeof path, "help.pdf");
    check_ok(ig_document_read(path, NULL, see_page, &s, NULL, &err));
    assert_string_equal(s.text.data, "help, page 1, line 1: Send it back within thirty days.\nThe money follows.;"
                                     "help, page 2, line 1: 退款三天;");
    check_fails(ig_document_parse("bad.pdf", "%PDF-1.4\nno", 11, NULL, see_page, &s, NULL, &err), IG_E_FORMAT);
    assert_non_null(strstr(err.message, "damaged"));
    ig_buf_fini(&s.text);
}

static void without_pdftotext_a_pdf_tells_what_to_install(void **state) {
    (void)state;
    seen s = {0};
    ig_error err = {0};
    char *path = strdup(getenv("PATH"));
    assert_int_equal(setenv("PATH", "/nowhere", 1), 0);
    check_fails(ig_document_parse("a.pdf", "%PDF-1.4", 8, NULL, see, &s, NULL, &err), IG_E_UNSUPPORTED);
    assert_non_null(strstr(err.message, "apt-get install poppler-utils"));
    assert_int_equal(setenv("PATH", path, 1), 0);
    free(path);
}

static void another_program_is_bounded(void **state) {
    (void)state;
    static const struct { const char *script, *in, *out; ig_status status; int code; double seconds; size_t max; } cases[] = {
        {"tr a b; exit 7", "aaa", "bbb", IG_OK, 7, 20, 100},
        {"kill -9 $$", "", "", IG_OK, 128 + 9, 20, 100},
        {"sleep 100", "", "", IG_E_LIMIT, 0, 0.2, 100},
        {"exec >&-; sleep 100", "", "", IG_OK, 128 + 9, 20, 100},
        {"while :; do echo x; done", "", NULL, IG_E_LIMIT, 0, 20, 100},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *const argv[] = {"sh", "-c", cases[i].script, NULL};
        const program_bounds bounds = {.seconds = cases[i].seconds, .memory = (size_t)1 << 30};
        ig_buf out = {.max = cases[i].max};
        ig_error err = {0};
        int code = -1;
        check_fails(program_run("f", argv, cases[i].in, strlen(cases[i].in), &bounds, &out, &code, &err), cases[i].status);
        if (cases[i].out) assert_string_equal(out.data ? out.data : "", cases[i].out);
        if (cases[i].status == IG_OK) assert_int_equal(code, cases[i].code);
        ig_buf_fini(&out);
    }
}

/* ---- a site ------------------------------------------------------------------------------------------------------------ */

static const struct { const char *url, *body; } site[] = {
    {"https://shop.example/sitemap.xml",
     "<sitemapindex xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'><sitemap><loc> https://SHOP.example:443/a.xml\n</loc></sitemap>"
     "<sitemap><loc>https://shop.example/sitemap.xml</loc></sitemap><sitemap><loc>https://shop.example/gone.xml</loc></sitemap>"
     "<sitemap><loc>https://other.example/b.xml</loc></sitemap></sitemapindex>"},
    {"https://SHOP.example:443/a.xml",
     "<urlset><url><loc>https://shop.example/x?a=1&amp;b=2</loc></url><url><loc>https://shop.example/x?a=1&amp;b=2#top</loc></url>"
     "<url><loc>http://shop.example/plain</loc></url><url><loc>https://shop.example:8443/port</loc></url>"
     "<url><loc>https://me@shop.example/</loc></url><url><loc>https://shop.example\\@other.example/</loc></url>"
     "<url><loc>file:///etc/passwd</loc></url><url><loc/></url><url><loc>https://shop.example/y</loc></url>"
     "<url><loc>https://shop.example/z</loc></url></urlset>"},
    {"https://shop.example/x?a=1&b=2", "<title>X</title><p>first"},
    {"https://shop.example/y", "<h1 id=t>Y</h1><p>second"},
};

static ig_status fetch(void *arg, const char *url, ig_buf *body, ig_error *err) {
    (void)arg;
    for (size_t i = 0; i < sizeof site / sizeof *site; i++)
        if (strcmp(site[i].url, url) == 0) {
            ig_buf_puts(body, site[i].body);
            return IG_OK;
        }
    return ig_error_at(err, IG_E_NOT_FOUND, url, 0, "404");
}

static void a_site_gives_the_pages_of_its_own_host(void **state) {
    (void)state;
    seen s = {.text.max = 1 << 20};
    ig_error err = {0};
    ig_document_counts counts;
    ig_sitemap_opts opts = {.fetch = fetch, .document = {.problem = see_problem, .problem_arg = &s}};
    check_ok(ig_sitemap_read(site[0].url, &opts, see, &s, &counts, &err));
    assert_string_equal(s.text.data, "X#@1:first;Y#t@1:second;");
    assert_int_equal(counts.documents, 2);
    assert_int_equal(counts.skipped, 7);
    assert_int_equal(counts.failed, 2); /* gone.xml and z */
    assert_int_equal(s.problems, 2);
    opts.pages_max = 1;
    ig_buf_clear(&s.text);
    check_ok(ig_sitemap_read(site[0].url, &opts, see, &s, &counts, &err));
    assert_string_equal(s.text.data, "X#@1:first;");
    assert_int_equal(counts.failed, 2); /* gone.xml, and that there are more */
    opts.document.problem = NULL;
    check_fails(ig_sitemap_read(site[0].url, &opts, see, &s, NULL, &err), IG_E_NOT_FOUND);
    check_fails(ig_sitemap_read("https://shop.example/none.xml", &opts, see, &s, NULL, &err), IG_E_NOT_FOUND);
    check_fails(ig_sitemap_read("shop.example", &opts, see, &s, NULL, &err), IG_E_ARG);
    opts.pages_max = IG_SITEMAP_PAGES_MAX + 1;
    check_fails(ig_sitemap_read(site[0].url, &opts, see, &s, NULL, &err), IG_E_ARG);
    ig_buf_fini(&s.text);
}

static void every_failed_allocation_of_a_site_is_a_status(void **state) {
    (void)state;
    for (uint64_t n = 1;; n++) {
        seen s = {.text.max = 1 << 20};
        ig_error err = {0};
        const ig_sitemap_opts opts = {.fetch = fetch, .document = {.problem = see_problem, .problem_arg = &s}};
        ig_alloc_fail_at(n);
        ig_status status = ig_sitemap_read(site[0].url, &opts, see, &s, NULL, &err);
        ig_alloc_fail_at(0);
        ig_buf_fini(&s.text);
        if (status == IG_OK) break;
        if (status != IG_E_NOMEM) fail_msg("allocation %d: %s: %s", (int)n, ig_status_name(status), err.message);
    }
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
        cmocka_unit_test(anchors_of_markdown_are_unique),
        cmocka_unit_test(front_matter_names_the_document),
        cmocka_unit_test(docx_gives_headings_and_tables),
        cmocka_unit_test(pdf_gives_its_pages),
        cmocka_unit_test(without_pdftotext_a_pdf_tells_what_to_install),
        cmocka_unit_test(another_program_is_bounded),
        cmocka_unit_test(a_site_gives_the_pages_of_its_own_host),
        cmocka_unit_test(every_failed_allocation_of_a_site_is_a_status),
        cmocka_unit_test(long_texts_are_cut_at_sentence_ends),
        cmocka_unit_test(hostile_pages_end),
        cmocka_unit_test(a_folder_names_its_bad_files_and_reads_the_others),
        cmocka_unit_test(every_failed_allocation_is_a_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
