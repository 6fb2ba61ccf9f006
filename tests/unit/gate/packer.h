/* Archives for the tests of the gates, made by libarchive in memory, and a check over bytes in memory. */
#ifndef AIRLOCK_TESTS_GATE_PACKER_H
#define AIRLOCK_TESTS_GATE_PACKER_H

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <sys/mman.h>

#include "base/file.h"
#include "base/str.h"
#include "gate/check.h"

#include "../sanitized.h"

#define PACKED_MAX ((size_t)256 * 1024 * 1024)

struct packer {
    struct archive *archive;
    struct str *out;
};

typedef int pack_format(struct archive *archive);

static inline la_ssize_t packer_write_(struct archive *archive, void *ctx, const void *bytes, size_t len)
{
    (void)archive;
    str_append_len(ctx, bytes, len);
    return (la_ssize_t)len;
}

/* filter: NULL for none; options: "" for none. */
static inline struct packer pack_begin(struct str *out, pack_format *format, pack_format *filter, const char *options)
{
    struct packer packer = {archive_write_new(), out};

    assert_int_equal(format(packer.archive), ARCHIVE_OK);
    if (filter)
        assert_int_equal(filter(packer.archive), ARCHIVE_OK);
    assert_int_equal(archive_write_set_bytes_in_last_block(packer.archive, 1), ARCHIVE_OK);
    assert_int_equal(archive_write_set_options(packer.archive, options), ARCHIVE_OK);
    assert_int_equal(archive_write_open(packer.archive, out, NULL, packer_write_, NULL), ARCHIVE_OK);
    return packer;
}

/* type: AE_IFREG and its like; link: what a link leads to, or NULL. */
static inline void pack_entry(struct packer *packer, const char *name, mode_t type, const char *link, const void *bytes,
                              size_t len)
{
    struct archive_entry *entry = archive_entry_new();

    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, type);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, (la_int64_t)len);
    archive_entry_set_mtime(entry, 1700000000, 0);
    if (link && type == AE_IFLNK)
        archive_entry_set_symlink(entry, link);
    else if (link)
        archive_entry_set_hardlink(entry, link);
    assert_int_equal(archive_write_header(packer->archive, entry), ARCHIVE_OK);
    if (len > 0)
        assert_int_equal(archive_write_data(packer->archive, bytes, len), len);
    archive_entry_free(entry);
}

static inline void pack_file(struct packer *packer, const char *name, const void *bytes, size_t len)
{
    pack_entry(packer, name, AE_IFREG, NULL, bytes, len);
}

static inline void pack_end(struct packer *packer)
{
    assert_int_equal(archive_write_close(packer->archive), ARCHIVE_OK);
    assert_int_equal(archive_write_free(packer->archive), ARCHIVE_OK);
}

/* One member in an archive. */
static inline void pack_one(struct str *out, pack_format *format, pack_format *filter, const char *name,
                            const void *bytes, size_t len)
{
    struct packer packer = pack_begin(out, format, filter, "");

    pack_file(&packer, name, bytes, len);
    pack_end(&packer);
}

static inline int memory_fd(const void *bytes, size_t len)
{
    int fd = memfd_create("bytes", MFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(file_write_all(fd, bytes, len, NULL), 0);
    return fd;
}

/* A check over bytes with the policy's defaults, which a test may change before it runs anything. */
struct bench {
    struct gate_policy policy;
    struct check check;
    struct report *report;
};

static inline void bench_init(struct bench *bench, const char *name, const void *bytes, size_t len)
{
    gate_policy_init(&bench->policy);
    bench->check = (struct check){.fd = memory_fd(bytes, len), .size = len, .name = name, .policy = &bench->policy};
    bench->check.gates = 1U << GATE_ARCHIVE | 1U << GATE_TYPES;
    bench->check.scanner = -1;
    for (int i = 0; i < CHECK_SCRATCH_MAX; i++)
        bench->check.scratch[i] = memory_fd("", 0);
    bench->report = report_new(&bench->policy);
}

static inline void bench_done(struct bench *bench)
{
    for (int i = 0; i < CHECK_SCRATCH_MAX; i++)
        (void)close(bench->check.scratch[i]);
    (void)close(bench->check.fd);
    report_free(bench->report);
    gate_policy_done(&bench->policy);
}
#define AUTO_BENCH CLEANUP(bench_done)

#endif
