/* The walk over archives: what it shows, in which order. */
#include "../check.h"
#include "gate/walk.h"

#include <archive.h>
#include <archive_entry.h>
#include <inttypes.h>
#include <sys/mman.h>

#include "base/file.h"

static int bytes_fd(const void *bytes, size_t len)
{
    int fd = memfd_create("bytes", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(file_write_all(fd, bytes, len, NULL), 0);
    return fd;
}

static int collect(void *ctx, const struct member *member, struct error *err)
{
    struct str *seen = ctx;
    (void)err;
    str_printf(seen, "%d %s %" PRIu64 "\n", member->depth, member->path ? member->path : member->name, member->size);
    return 0;
}

static size_t zip_of(const char *name, const void *bytes, size_t len, char *out, size_t max)
{
    size_t used = 0;
    struct archive *zip = archive_write_new();
    struct archive_entry *entry = archive_entry_new();
    assert_int_equal(archive_write_set_format_zip(zip), ARCHIVE_OK);
    assert_int_equal(archive_write_open_memory(zip, out, max, &used), ARCHIVE_OK);
    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_size(entry, (la_int64_t)len);
    assert_int_equal(archive_write_header(zip, entry), ARCHIVE_OK);
    assert_int_equal(archive_write_data(zip, bytes, len), len);
    archive_entry_free(entry);
    assert_int_equal(archive_write_free(zip), ARCHIVE_OK);
    return used;
}

static void members_are_shown_in_depth_first_order(void **state)
{
    struct gate_policy policy;
    AUTO_STR struct str seen = STR_INIT(4096);
    struct check check = {.name = "outer.zip", .policy = &policy, .scanner = -1};
    struct walk walk = {collect, &seen, NULL};
    char inner[1024], outer[2048];
    size_t len = zip_of("data/x.csv", "a,b\n", 4, inner, sizeof inner);
    (void)state;
    gate_policy_init(&policy);
    check.size = zip_of("inner.zip", inner, len, outer, sizeof outer);
    check.fd = bytes_fd(outer, check.size);
    for (size_t i = 0; i < CHECK_SCRATCH_MAX; i++)
        check.scratch[i] = bytes_fd("", 0);
    assert_int_equal(walk_members(&check, &walk, NULL), 0);
    AUTO_FREE char *wanted = xasprintf("0 outer.zip %zu\n1 inner.zip %zu\n2 inner.zip!/data/x.csv 4\n",
                                       (size_t)check.size, len);
    assert_string_equal(str_text(&seen), wanted);
    gate_policy_done(&policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_shown_in_depth_first_order),
    };
    walk_prepare();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
