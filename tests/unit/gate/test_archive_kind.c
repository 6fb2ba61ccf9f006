/* What is an archive, and what only looks like one. */
#include "../check.h"
#include "gate/archive_kind.h"
#include "sample.h"

static uint64_t kinds_of(const void *bytes, size_t len)
{
    AUTO_FD int fd = memory_fd(bytes, len);

    return archive_kinds(fd, len);
}

static void plain_files_are_no_archives(void **state)
{
    static const struct sample FILES[] = {
        SAMPLE(""),
        SAMPLE("a"),
        SAMPLE(CSV),
        SAMPLE(PNG),
        SAMPLE(JPEG),
        SAMPLE(GIF),
        SAMPLE(PDF),
        SAMPLE(ELF),
        SAMPLE("070707000001000002100644000000000000000001000000,00000000000000000001000000000000\n"),
        SAMPLE("070701,0707,1\n"),
        SAMPLE("0707010000000100000001000000010000000000000000,"
               "00000000000000000000000000000000000000000000000200000000a\n"),
        SAMPLE("070727 is a number\n"),
        SAMPLE("\xc7\x71 begins as a binary cpio and is none, however long it is"),
        SAMPLE("\x71\xc7 begins as a binary cpio and is none, however long it is"),
        SAMPLE("PK,count\n1,2\n"),
        SAMPLE("PK"),
        SAMPLE("BZh9,count\n"),
        SAMPLE("BZip is a program\n"),
        SAMPLE("id-lh5-x,count,of,rows,in,it\n"),
        SAMPLE("xx-lh9- and no level of such a head"),
        SAMPLE("LZIP,words\n"),
        SAMPLE("Rar!,words\n"),
        SAMPLE("MSCF,words\n"),
        SAMPLE("!<arch> words\n"),
        SAMPLE("7z,words\n"),
        SAMPLE("`ea,words that arj would not have\n"),
        SAMPLE("#mtree\n./x type=file\n"),
        SAMPLE("WARC/1.0\r\nWARC-Type: resource\r\nContent-Length: 1\r\n\r\nx\r\n\r\n"),
        SAMPLE("begin 644 x\n#0V%T\n`\nend\n"),
        SAMPLE("#!/bin/sh\n# This is a shell archive\n"),
        SAMPLE("\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0"),              /* numbers */
        SAMPLE("]\0\0\0\1\xff\xff\xff\xff\xff\xff\xff\x01\0\0"), /* nearly lzma */
        SAMPLE("]\1\2\3\4\5\6\7\0\0\0\0\0\0\0\0"),
        SAMPLE("\0\0\1\0\1\0\x10\x10\0\0\1\0\x20\0h\4\0\0\x16\0\0\0"), /* an icon */
        SAMPLE("\x5c\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),                  /* NIfTI */
        SAMPLE("\x93NUMPY\1\0v\0{'descr': '<f8'}"),
        SAMPLE("PAR1\x15\4\x15\x10\x15\x14"),
        SAMPLE("SQLite format 3\0\x10\0\1\1\0\x40\x20\x20"),
        SAMPLE("\x89HDF\r\n\x1a\n\0\0\0\0\0\x08\x08\0"),
        SAMPLE("\x1f\x8b\x07\0\0\0\0\0\0\0\0\0"), /* no gzip that anybody unpacks */
        SAMPLE("\x1f\x8b"),
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(FILES); i++)
        if (kinds_of(FILES[i].bytes, FILES[i].len) != 0)
            fail_msg(
                "file %zu is a %s", i,
                archive_kind_facts((enum archive_kind)__builtin_ctzll(kinds_of(FILES[i].bytes, FILES[i].len)))->name);
}

static void stretches_of_one_byte_are_no_archives(void **state)
{
    AUTO_FREE char *bytes = xmalloc(65536);
    (void)state;
    for (int value = 0; value < 256; value++) {
        memset(bytes, value, 65536);
        assert_int_equal(kinds_of(bytes, 65536), 0);
    }
}

static void noise_is_no_archive(void **state)
{
    uint32_t random = 20261126, bytes[512];
    (void)state;
    for (int i = 0; i < 5000; i++) {
        for (size_t word = 0; word < ARRAY_LEN(bytes); word++)
            bytes[word] = random = random * 1664525 + 1013904223;
        assert_int_equal(kinds_of(bytes, sizeof bytes), 0);
    }
}

static void closed_ones_are_known(void **state)
{
    static const struct {
        const char *name;
        struct sample is;
    } FILES[] = {
        {"xar", SAMPLE("xar!\0\x1c\0\1")},
        {"ace", SAMPLE("\0\0\x31\0\0\0\0**ACE**\x14\x14")},
        {"lzop", SAMPLE("\x89LZO\0\r\n\x1a\n\x10")},
        {"lrzip", SAMPLE("LRZI\0\6")},
        {"wim", SAMPLE("MSWIM\0\0\0\xd0")},
        {"arj", SAMPLE("\x60\xea\x2c\0\x22\x0b\1\2\0\0\2\0aaaaaaaaaaaaaaaaaaaaaaaaaaaa")},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(FILES); i++) {
        uint64_t kinds = kinds_of(FILES[i].is.bytes, FILES[i].is.len);
        assert_int_not_equal(kinds, 0);
        const struct archive_kind_facts *facts = archive_kind_facts((enum archive_kind)__builtin_ctzll(kinds));
        assert_string_equal(facts->name, FILES[i].name);
        assert_int_equal(facts->form, ARCHIVE_CLOSED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_files_are_no_archives),
        cmocka_unit_test(stretches_of_one_byte_are_no_archives),
        cmocka_unit_test(noise_is_no_archive),
        cmocka_unit_test(closed_ones_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
