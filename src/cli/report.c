/* The closing table of uploads and downloads. */
#include "cli/report.h"

#include "base/json.h"
#include "cli/table.h"

void report_add(json_t *done, const char *name, uint64_t size, const char *sha256, const char *result)
{
    json_t *file =
        json_pack("{s:s, s:I, s:s, s:s}", "name", name, "size", (json_int_t)size, "sha256", sha256, "result", result);

    if (!file) /* a local name that is not UTF-8 */
        file = json_pack("{s:s, s:I, s:s, s:s}", "name", "?", "size", (json_int_t)size, "sha256", sha256, "result",
                         result);
    (void)json_array_append_new(done, file);
}

static int print_files(const struct cli *cli, const json_t *done, struct error *err)
{
    static const char *const HEADINGS[] = {"FILE", ">SIZE", "SHA-256", "RESULT", NULL};
    AUTO_TABLE struct table *table = table_new(HEADINGS);
    size_t index;
    json_t *file;

    if (cli->json) {
        AUTO_JSON json_t *whole = json_pack("{s:O}", "files", done);
        return output_json(whole, err);
    }
    json_array_foreach((json_t *)done, index, file)
    {
        table_text(table, json_text(file, "name"));
        table_size(table, (uint64_t)json_int(file, "size"));
        table_text(table, json_text(file, "sha256"));
        table_text(table, json_text(file, "result"));
    }
    return table_print(table, cli->csv, err);
}

int report_print(const struct cli *cli, const json_t *done, int r, struct error *err)
{
    if (json_array_size(done) == 0)
        return r;
    int printed = print_files(cli, done, r ? NULL : err);
    return r ? r : printed;
}
