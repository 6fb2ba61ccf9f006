/* Templates of mail: what they may say, what is refused and how, and that no value gets out of its place. */
#include "../check.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "notify/templates.h"

static int parse(const char *text, struct template **ret, struct error *err)
{
    return template_parse("t.txt", text, strlen(text), TEMPLATE_TEXT, ret, err);
}

static void assert_rendered_as(enum template_form form, const char *text, json_t *data, const char *wanted)
{
    AUTO_STR struct str out = STR_INIT(TEMPLATE_OUT_MAX);
    struct template *t = NULL;

    assert_non_null(data);
    assert_int_equal(template_parse("t", text, strlen(text), form, &t, NULL), 0);
    template_render(t, data, &out);
    assert_string_equal(str_text(&out), wanted);
    template_free(t);
    json_decref(data);
}

#define assert_text(text, data, wanted) assert_rendered_as(TEMPLATE_TEXT, text, data, wanted)

static void values_and_sections(void **state)
{
    (void)state;
    assert_text("", json_object(), "");
    assert_text("a {{title}}, {{files}}.\n", json_pack("{s:s}", "title", "T"), "a T, .\n");
    assert_text("{{#title}}<{{title}}>{{/title}}", json_pack("{s:s}", "title", "T"), "<T>");
    assert_text("{{#title}}<{{title}}>{{/title}}", json_pack("{s:s}", "title", ""), "");
    assert_text("{{^title}}none{{/title}}", json_object(), "none");
    assert_text("{{^title}}none{{/title}}", json_pack("{s:s}", "title", "T"), "");
    assert_text("{{#title}}{{#files}}both{{/files}}{{^files}}one{{/files}}{{/title}}", json_pack("{s:s}", "title", "T"),
                "one");
    assert_text("}} } { {x", json_object(), "}} } { {x");
}

static void lists(void **state)
{
    (void)state;
    static const char T[] =
        "{{count}}:{{#items}} {{title}}{{#when}}@{{when}}{{/when}};{{/items}}{{^items}} none{{/items}}";

    assert_text(
        T, json_pack("{s:s, s:[{s:s},{s:s,s:s}]}", "count", "2", "items", "title", "A", "title", "B", "when", "now"),
        "2: A; B@now;");
    assert_text(T, json_pack("{s:[]}", "items"), ": none");
    assert_text(T, json_object(), ": none");
}

/* What is not a text, or not there, is empty: core's word is not trusted to have a shape. */
static void odd_data(void **state)
{
    (void)state;
    assert_text("[{{title}}]{{#title}}x{{/title}}", json_pack("{s:i}", "title", 7), "[]");
    assert_text("{{#items}}[{{title}}]{{/items}}", json_pack("{s:[i,n]}", "items", 7), "[][]");
    assert_text("{{#items}}[{{title}}]{{/items}}", json_pack("{s:s}", "items", "x"), "[]");
    assert_text("{{title}}", json_array(), "");
}

static void a_tag_alone_takes_its_line(void **state)
{
    (void)state;
    assert_text("a\n{{#title}}\nb\n{{/title}}\nc\n", json_pack("{s:s}", "title", "T"), "a\nb\nc\n");
    assert_text("a\r\n  {{#title}} \r\nb\r\n{{/title}}\r\nc", json_object(), "a\nc");
    assert_text("{{#title}}\n{{/title}}", json_pack("{s:s}", "title", "T"), "");
    assert_text("a {{#title}}\nb{{/title}}\n", json_pack("{s:s}", "title", "T"), "a \nb\n");
    assert_text("{{title}}\n", json_pack("{s:s}", "title", "T"), "T\n");
}

static void mistakes_are_told_with_their_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *told;
    } MISTAKES[] = {
        {"a\nb {{titel}}", "t.txt:2: there is no value \"titel\": docs/generated/mail.md lists them"},
        {"\n{{#title}}\n\n", "t.txt:2: the section title is never closed: add {{/title}}"},
        {"{{#title}}\n{{#files}}\n{{/title}}", "t.txt:3: {{/title}} closes nothing: what is open here is files"},
        {"x\n\n{{/title}}", "t.txt:3: {{/title}} closes nothing: no section is open here"},
        {"{{ title }}", "t.txt:1: what begins with {{ must be {{name}}"},
        {"{{{title}}}", "t.txt:1: what begins with {{ must be {{name}}"},
        {"{{title", "t.txt:1: what begins with {{ must be {{name}}"},
        {"{{", "t.txt:1: what begins with {{ must be {{name}}"},
        {"{{#}}", "t.txt:1: what begins with {{ must be {{name}}"},
        {"{{> title}}", "t.txt:1: what begins with {{ must be {{name}}"},
        {"{{items}}", "t.txt:1: items is a list: use {{#items}}"},
        {"{{when}}", "t.txt:1: when can only be used inside of {{#items}}"},
        {"{{^items}}{{when}}{{/items}}", "t.txt:1: when can only be used inside of {{#items}}"},
        {"{{#items}}{{count}}{{/items}}", "t.txt:1: count can only be used outside of {{#items}}"},
        {"{{#items}}{{#items}}{{/items}}{{/items}}", "t.txt:1: items can only be used outside of {{#items}}"},
        {"\xFF", "t.txt:1: it is not UTF-8 text"},
    };

    for (size_t i = 0; i < ARRAY_LEN(MISTAKES); i++) {
        struct template *t = NULL;
        assert_refused(parse(MISTAKES[i].text, &t, err), E_CONFIG, MISTAKES[i].told);
        assert_null(t);
    }
}

static void limits(void **state)
{
    (void)state;
    AUTO_STR struct str text = STR_INIT(2 * TEMPLATE_MAX);
    struct template *t = NULL;

    for (int i = 0; i <= TEMPLATE_DEPTH_MAX; i++)
        str_append(&text, "{{#title}}");
    assert_refused(parse(str_text(&text), &t, err), E_CONFIG, "more than 8 sections are open");
    str_reset(&text);
    for (int i = 0; i <= TEMPLATE_NODES_MAX; i++)
        str_append(&text, "{{title}}");
    assert_refused(parse(str_text(&text), &t, err), E_CONFIG, "more than 2000 tags and texts");
    str_reset(&text);
    for (int i = 0; i <= TEMPLATE_MAX; i++)
        str_append_char(&text, 'x');
    assert_refused(parse(str_text(&text), &t, err), E_CONFIG, "more than 65536 bytes");
    assert_int_equal(template_parse("t", "a\0b", 3, TEMPLATE_TEXT, &t, NULL), E_CONFIG);
}

/* A list can repeat a template's text: the output has its own bound, which ends the work, too. */
static void output_is_bounded(void **state)
{
    (void)state;
    AUTO_STR struct str text = STR_INIT(TEMPLATE_MAX), out = STR_INIT(TEMPLATE_OUT_MAX);
    AUTO_JSON json_t *data = json_pack("{s:[]}", "items");
    struct template *t = NULL;

    str_append(&text, "{{#items}}");
    while (text.len < 1000)
        str_append_char(&text, 'x');
    str_append(&text, "{{/items}}");
    for (int i = 0; i < 1000; i++)
        json_array_append_new(json_object_get(data, "items"), json_object());
    assert_int_equal(parse(str_text(&text), &t, NULL), 0);
    template_render(t, data, &out);
    assert_true(out.overflow && out.len <= TEMPLATE_OUT_MAX);
    template_free(t);
}

static void t63_values_stay_text_in_html(void **state)
{
    (void)state;
    assert_rendered_as(
        TEMPLATE_HTML, "<p title='{{title}}' id=\"{{title}}\">{{title}}</p>",
        json_pack("{s:s}", "title", "<script>&\"'</p>"),
        "<p title='&lt;script&gt;&amp;&quot;&#39;&lt;/p&gt;' id=\"&lt;script&gt;&amp;&quot;&#39;&lt;/p&gt;\">"
        "&lt;script&gt;&amp;&quot;&#39;&lt;/p&gt;</p>");
    /* a value is not read as a template */
    assert_text("{{title}}", json_pack("{s:s}", "title", "{{reason}}{{#x"), "{{reason}}{{#x");
}

static void t63_a_value_is_one_line(void **state)
{
    (void)state;
    static const char HOSTILE[] = "a\r\nBcc: x\rb\nc\xE2\x80\xA8"
                                  "d\xE2\x80\xA9"
                                  "e\xC2\x85"
                                  "f\xE2\x80\xAE"
                                  "g\x7F.\xC3\xA9";
    json_t *nul = json_stringn("a\0b", 3);

    assert_text("{{title}}", json_pack("{s:s}", "title", HOSTILE), "a  Bcc: x b c d e f g .\xC3\xA9");
    assert_text("{{title}}", json_pack("{s:o}", "title", nul), "a b");
    /* nor does it look like the line that programs read */
    assert_text("Status: {{status}}\n{{title}}\n",
                json_pack("{s:s, s:s}", "status", "failed", "title", "Status: approved"),
                "Status: failed\n Status: approved\n");
}

/* --- The set of an operator's directory --- */

static char DIR_NAME[] = "/tmp/airlock-templates-XXXXXX";

static int make_dir(void **state)
{
    (void)state;
    return mkdtemp(DIR_NAME) ? 0 : -1;
}

static int remove_dir(void **state)
{
    (void)state;
    AUTO_FD int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return file_remove_tree(tmp, DIR_NAME + strlen("/tmp/"), NULL);
}

/* The directory holds these files and no others. */
static void dir_holds(const char *const files[][2], size_t count)
{
    AUTO_FD int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(file_remove_tree(tmp, DIR_NAME + strlen("/tmp/"), NULL), 0);
    assert_int_equal(mkdir(DIR_NAME, 0755), 0);
    AUTO_FD int dir = open(DIR_NAME, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(file_write(dir, files[i][0], files[i][1], strlen(files[i][1]), 0644, NULL), 0);
}

static void built_in_ones_say_what_they_should(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"status", "reminder", "digest"};
    struct templates *templates = NULL;
    AUTO_JSON json_t *samples = template_samples();

    assert_int_equal(templates_load("", &templates, NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
        AUTO_LETTER struct letter letter = LETTER_INIT;
        assert_int_equal(templates_render(templates, NAMES[i], samples, &letter, NULL), 0);
        assert_non_null(strstr(str_text(&letter.text), "Blood pressure, \"2019\" & <later>"));
        assert_non_null(strstr(str_text(&letter.html), "Blood pressure, &quot;2019&quot; &amp; &lt;later&gt;"));
        assert_null(strstr(str_text(&letter.html), "<later>"));
        assert_non_null(strstr(str_text(&letter.html), "<html lang=\"en\">"));
        assert_null(strstr(str_text(&letter.html), "src="));
        assert_null(strstr(str_text(&letter.text), "\n\n\n"));
    }
    AUTO_LETTER struct letter none = LETTER_INIT;
    assert_refused(templates_render(templates, "other", samples, &none, err), E_NOT_FOUND,
                   "no template is called other");
    templates_free(templates);
}

static void an_operators_files_replace_and_add(void **state)
{
    (void)state;
    static const char *const FILES[][2] = {{"status.subject", "Neu: {{title}}\n"},
                                           {"short.subject", "S\n"},
                                           {"short.txt", "Status: {{status}}\r\n"},
                                           {"short.html", "<p>{{status}}</p>"},
                                           {".hidden", "{{nothing}}"}};
    AUTO_LETTER struct letter status = LETTER_INIT, own = LETTER_INIT;
    AUTO_JSON json_t *samples = template_samples();
    struct templates *templates = NULL;

    dir_holds(FILES, ARRAY_LEN(FILES));
    assert_int_equal(templates_load(DIR_NAME, &templates, NULL), 0);
    assert_int_equal(templates_render(templates, "status", samples, &status, NULL), 0);
    assert_string_equal(str_text(&status.subject), "Neu: Blood pressure, \"2019\" & <later>");
    assert_int_equal(templates_render(templates, "short", samples, &own, NULL), 0);
    assert_string_equal(str_text(&own.text), "Status: in_review\n");
    templates_free(templates);
}

static void a_broken_directory_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *file, *text, *told;
    } MISTAKES[] = {
        {"status.txt", "Status: {{status}}\n{{nothing}}\n", "/status.txt:2: there is no value \"nothing\""},
        {"status.txt", "{{title}} is {{status}}\n",
         "/status.txt:1: add the line \"Status: {{status}}\", which programs look for"},
        {"status.subject", "a\nb\n", "/status.subject:1: a subject is one line, and not empty"},
        {"status.subject", "", "/status.subject:1: a subject is one line, and not empty"},
        {"status.htm", "x", "/status.htm:1: it is no template: files are NAME.subject, NAME.txt and NAME.html"},
        {"Status.txt", "x", "/Status.txt:1: it is no template"},
        {"status.txt~", "x", "/status.txt~:1: it is no template"},
        {"other.txt", "Status: {{status}}\n", "/other.subject:1: the file is missing"},
    };

    for (size_t i = 0; i < ARRAY_LEN(MISTAKES); i++) {
        const char *const files[][2] = {{MISTAKES[i].file, MISTAKES[i].text}};
        struct templates *templates = NULL;
        dir_holds(files, 1);
        assert_refused(templates_load(DIR_NAME, &templates, err), E_CONFIG, MISTAKES[i].told);
        assert_null(templates);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_and_sections),
        cmocka_unit_test(lists),
        cmocka_unit_test(odd_data),
        cmocka_unit_test(a_tag_alone_takes_its_line),
        cmocka_unit_test(mistakes_are_told_with_their_line),
        cmocka_unit_test(limits),
        cmocka_unit_test(output_is_bounded),
        cmocka_unit_test(t63_values_stay_text_in_html),
        cmocka_unit_test(t63_a_value_is_one_line),
        cmocka_unit_test(built_in_ones_say_what_they_should),
        cmocka_unit_test(an_operators_files_replace_and_add),
        cmocka_unit_test(a_broken_directory_is_refused),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
