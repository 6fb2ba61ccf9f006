/* The abuse cases T36, T37 and T38: nesting, encryption and bombs, through inspect_check and through the walk as the
 * malware scan uses it. */
#include "../check.h"
#include "gate/inspect.h"
#include "gate/walk.h"
#include "raw_zip.h"

#include <inttypes.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/clock.h"

#define MARKER "the marker that a scanner would find\n"

static int find_marker(void *ctx, const struct member *member, struct error *err)
{
    char head[sizeof MARKER] = "";

    (void)err;
    if (pread(member->fd, head, sizeof head - 1, 0) == sizeof head - 1 && strcmp(head, MARKER) == 0)
        ++*(int *)ctx;
    return 0;
}

/* What the malware scan does: no report. *ret_found: how often the marker was shown. */
static int scan(struct bench *bench, int *ret_found)
{
    struct walk walk = {.visit = find_marker, .ctx = ret_found};

    *ret_found = 0;
    int missed = walk_members(&bench->check, &walk, NULL);
    assert_true(missed >= 0);
    return missed;
}

static int64_t inspect(struct bench *bench, enum finding finding)
{
    struct error err = {0};

    if (inspect_check(&bench->check, bench->report, &err) != 0)
        fail_msg("%s", err.detail);
    return report_count(bench->report, finding);
}

/* Puts what there is into one more archive, of all forms in turn. */
static void nest(struct str *bytes, int archives)
{
    static pack_format *const FORMATS[] = {archive_write_set_format_zip, archive_write_set_format_pax,
                                           archive_write_set_format_7zip, archive_write_set_format_iso9660,
                                           archive_write_set_format_raw};
    struct str outer = STR_INIT(PACKED_MAX);
    size_t form = (size_t)archives % ARRAY_LEN(FORMATS);

    pack_one(&outer, FORMATS[form], form == 4 || form == 1 ? archive_write_add_filter_gzip : NULL, "inner", bytes->p,
             bytes->len);
    str_done(bytes);
    *bytes = outer;
}

/* The marker lies in so many archives. */
static void nest_check(const struct str *bytes, int archives, int64_t depth)
{
    AUTO_BENCH struct bench bench;
    bool reached = archives - 1 <= depth;
    int found;

    bench_init(&bench, "outer", bytes->p, bytes->len);
    bench.policy.number[GATE_POLICY_ARCHIVE_DEPTH] = depth;
    int missed = scan(&bench, &found);
    if (found != reached || missed != (reached ? 0 : WALK_LIMIT))
        fail_msg("%d archives, %d allowed inside: found %d, missed %d", archives, (int)depth, found, missed);
    assert_int_equal(inspect(&bench, FINDING_ARCHIVE_DEPTH), !reached);
    assert_int_equal(report_verdict(bench.report, GATE_ARCHIVE), reached ? VERDICT_PASS : VERDICT_BLOCK);
}

static void t36_nesting_is_followed_to_the_limit_and_never_called_whole_beyond(void **state)
{
    AUTO_STR struct str bytes = STR_INIT(PACKED_MAX);
    (void)state;
    str_append(&bytes, MARKER);
    for (int archives = 1; archives <= 20; archives++) {
        nest(&bytes, archives);
        nest_check(&bytes, archives, 5);
        nest_check(&bytes, archives, 16);
        if (archives <= 2)
            nest_check(&bytes, archives, 0);
    }
}

static void t36_a_marker_behind_another_format_is_shown(void **state)
{
    AUTO_STR struct str zip = STR_INIT(65536), tar = STR_INIT(65536);
    AUTO_BENCH struct bench bench;
    int found;
    (void)state;
    pack_one(&zip, archive_write_set_format_zip, NULL, "x", MARKER, sizeof MARKER - 1);
    pack_one(&tar, archive_write_set_format_ustar, NULL, "y", MARKER, sizeof MARKER - 1);
    str_append_len(&tar, zip.p, zip.len); /* a tar by its head, a zip by its end */
    bench_init(&bench, "both", tar.p, tar.len);
    assert_int_not_equal(scan(&bench, &found), 0); /* the tar is damaged behind its end */
    assert_int_equal(found, 2);
    assert_int_equal(inspect(&bench, FINDING_TYPE_POLYGLOT), 1);
}

static void assert_encrypted(const char *name, const void *bytes, size_t len, bool expected)
{
    AUTO_BENCH struct bench bench;
    int found;

    bench_init(&bench, name, bytes, len);
    int missed = scan(&bench, &found);
    bool opaque = expected && memcmp(bytes, "%PDF", 4) != 0; /* of a PDF the scanner says whether it could read it */
    if (missed != (opaque ? WALK_ENCRYPTED : 0))
        fail_msg("%s: missed %d", name, missed);
    assert_int_equal(inspect(&bench, FINDING_ARCHIVE_ENCRYPTED), expected);
    assert_int_equal(report_verdict(bench.report, GATE_ARCHIVE), expected ? VERDICT_BLOCK : VERDICT_PASS);
}

static void zip_encrypted(struct str *out, const char *how)
{
    struct packer packer = {archive_write_new(), out};

    assert_int_equal(archive_write_set_format_zip(packer.archive), ARCHIVE_OK);
    assert_int_equal(archive_write_set_passphrase(packer.archive, "secret"), ARCHIVE_OK);
    assert_int_equal(archive_write_set_options(packer.archive, how), ARCHIVE_OK);
    assert_int_equal(archive_write_open(packer.archive, out, NULL, packer_write_, NULL), ARCHIVE_OK);
    pack_file(&packer, "x.csv", MARKER, sizeof MARKER - 1);
    pack_end(&packer);
}

static void t37_an_encrypted_zip_blocks(void **state)
{
    static const char *const HOW[] = {"zip:encryption=zipcrypt", "zip:encryption=aes128", "zip:encryption=aes256"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(HOW); i++) {
        AUTO_STR struct str zip = STR_INIT(65536), outer = STR_INIT(65536);
        zip_encrypted(&zip, HOW[i]);
        assert_encrypted("a.zip", zip.p, zip.len, true);
        pack_one(&outer, archive_write_set_format_pax, archive_write_add_filter_gzip, "a.zip", zip.p, zip.len);
        assert_encrypted("a.tar.gz", outer.p, outer.len, true);
    }
}

static void t37_an_encrypted_7z_blocks_with_and_without_its_names(void **state)
{
    static const char DATA[] = "\x37\x7a\xbc\xaf\x27\x1c\x00\x04\x90\x64\x7d\xdb\x10\x00\x00\x00\x00\x00\x00\x00\x62"
                               "\x00\x00\x00\x00\x00\x00\x00"
                               "\x72\x2d\x4c\xfa\x0a\xe3\x0e\x27\xa6\xd8\x81\xed\xc9\x43\x59\xf0\x8f\x52\x5a\xd6\x01"
                               "\x04\x06\x00\x01\x09\x10\x00"
                               "\x07\x0b\x01\x00\x02\x24\x06\xf1\x07\x01\x12\x53\x0f\xaf\x43\x0e\x80\x03\x7f\xb8\x84"
                               "\xef\xe3\x71\x87\x15\x4e\x6b"
                               "\xc0\x21\x21\x01\x00\x01\x00\x0c\x0c\x08\x00\x08\x0a\x01\x7b\x07\x97\x0a\x00\x00\x05"
                               "\x01\x19\x01\x00\x11\x0d\x00"
                               "\x78\x00\x2e\x00\x63\x00\x73\x00\x76\x00\x00\x00\x14\x0a\x01\x00\xed\x9a\x56\x11\xdc"
                               "\x7d\xdd\x01\x15\x06\x01\x00"
                               "\x20\x80\xa4\x81\x00\x00";
    static const char NAMES[] = "\x37\x7a\xbc\xaf\x27\x1c\x00\x04\x80\xf8\x93\x14\x80\x00\x00\x00\x00\x00\x00\x00\x2e"
                                "\x00\x00\x00\x00\x00\x00\x00"
                                "\xdd\x33\x48\x25\x5e\xd2\xf0\xba\xec\x73\x19\xa8\x95\x8c\x28\xdc\x94\x9f\x28\xd1\x4f"
                                "\x7a\xaa\xa7\x48\xe7\x2c\x94"
                                "\xfa\x21\xc2\x9c\x03\x15\xa3\x86\xe7\xac\xcd\x6a\xb9\x98\xc0\xcf\xd7\x8f\x44\x9b\xb5"
                                "\x31\x30\x36\xfa\x58\xd8\x96"
                                "\xac\x48\x41\xc7\x02\x3f\xe8\x0e\xbe\x5f\x2f\x31\xf9\xd4\x97\x32\x39\x60\xda\xbd\xe3"
                                "\xe3\xcb\xdd\xbd\xf7\x6a\x88"
                                "\xfa\x9b\x27\xad\x3f\xe4\x34\x4b\x59\x9e\x88\xeb\x81\x49\xd7\xa2\xf7\x76\xe5\x19\x51"
                                "\x6f\x4e\x1d\x3b\x61\xb2\xab"
                                "\x59\xf8\xc6\xa4\xc2\x2f\x3b\x05\x88\x69\x16\x6c\x0c\xc3\x10\x97\x03\x8a\xb0\xdb\x17"
                                "\x06\x10\x01\x09\x70\x00\x07"
                                "\x0b\x01\x00\x01\x24\x06\xf1\x07\x01\x12\x53\x0f\x75\xfd\x01\xf1\x5e\x4b\x59\x6a\xe7"
                                "\x61\x2d\x07\x68\xf7\x79\xe1"
                                "\x0c\x62\x0a\x01\x8f\x15\x3d\x60\x00\x00";
    (void)state;
    assert_encrypted("a.7z", DATA, sizeof DATA - 1, true);
    assert_encrypted("a.7z", NAMES, sizeof NAMES - 1, true);
}

/* An OLE file with one directory entry. */
static void ole_with(struct str *out, const char *name)
{
    char head[512] = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", directory[512] = "";

    head[24] = 0x3e, head[26] = 3, head[28] = (char)0xfe, head[29] = (char)0xff, head[30] = 9, head[32] = 6;
    for (size_t i = 0; name[i]; i++)
        directory[128 + 2 * i] = name[i];
    str_append_len(out, head, sizeof head);
    str_append_len(out, directory, sizeof directory);
}

static void odt_with(struct str *out, const char *manifest)
{
    static const char TYPE[] = "application/vnd.oasis.opendocument.text";
    struct packer packer = pack_begin(out, archive_write_set_format_zip, NULL, "zip:compression=store");

    pack_file(&packer, "mimetype", TYPE, sizeof TYPE - 1);
    pack_file(&packer, "content.xml", "?", 1);
    pack_file(&packer, "META-INF/manifest.xml", manifest, strlen(manifest));
    pack_end(&packer);
}

static void t37_documents_with_a_password_block(void **state)
{
    static const char PDF[] = "%%PDF-1.4\ntrailer\n<</Size 3/Root 1 0 R%s>>\nstartxref\n9\n%%%%EOF\n";
    AUTO_FREE char *pdf = xasprintf(PDF, "/Encrypt 5 0 R"), *plain = xasprintf(PDF, "/EncryptMetadata false");
    AUTO_STR struct str docx = STR_INIT(65536), doc = STR_INIT(65536), odt = STR_INIT(65536), open = STR_INIT(65536);
    (void)state;
    ole_with(&docx, "EncryptedPackage");
    assert_encrypted("a.docx", docx.p, docx.len, true);
    ole_with(&doc, "WordDocument");
    assert_encrypted("a.doc", doc.p, doc.len, false);
    odt_with(&odt, "<manifest:file-entry><manifest:encryption-data/></manifest:file-entry>");
    assert_encrypted("a.odt", odt.p, odt.len, true);
    odt_with(&open, "<manifest:file-entry/>");
    assert_encrypted("a.odt", open.p, open.len, false);
    assert_encrypted("a.pdf", pdf, strlen(pdf), true);
    assert_encrypted("a.pdf", plain, strlen(plain), false);
    assert_encrypted("a.asc", "-----BEGIN PGP MESSAGE-----\n\nhQ", 31, true);
    assert_encrypted("a.asc", "-----BEGIN PGP SIGNED MESSAGE-----\n", 35, false);
    assert_encrypted("a.age", "age-encryption.org/v1\n-> X25519 ", 32, true);
    assert_encrypted("a.enc", "Salted__12345678", 16, true);
}

/* Zeroes by the stretch, so that no test holds them in memory. */
static void pack_zeroes(struct packer *packer, const char *name, uint64_t len)
{
    static const char BLOCK[1024 * 1024];
    struct archive_entry *entry = archive_entry_new();

    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_size(entry, (la_int64_t)len);
    assert_int_equal(archive_write_header(packer->archive, entry), ARCHIVE_OK);
    for (; len > 0; len -= len < sizeof BLOCK ? len : sizeof BLOCK)
        assert_true(archive_write_data(packer->archive, BLOCK, len < sizeof BLOCK ? (size_t)len : sizeof BLOCK) > 0);
    archive_entry_free(entry);
}

/* Runs both walks in a process with the address space that a check has; fails when it takes longer than a minute or
 * 200 MiB of memory, or does not find what it should. */
static void bomb_check(const char *name, const struct str *bomb, enum finding finding, int missed)
{
    AUTO_BENCH struct bench bench;
    int64_t begin = clock_mono_ms();
    struct rusage usage;
    int status, found;

    bench_init(&bench, name, bomb->p, bomb->len);
    pid_t pid = fork();
    if (pid == 0) {
        struct rlimit space = {(rlim_t)512 << 20, (rlim_t)512 << 20};
        if (!SANITIZED && setrlimit(RLIMIT_AS, &space) != 0)
            _exit(2);
        if (scan(&bench, &found) != missed)
            _exit(3);
        _exit(inspect(&bench, finding) > 0 && report_verdict(bench.report, GATE_ARCHIVE) == VERDICT_BLOCK ? 0 : 4);
    }
    assert_true(pid > 0);
    assert_int_equal(wait4(pid, &status, 0, &usage), pid);
    print_message("%s: %zu bytes, %" PRId64 " ms, %ld KiB\n", name, bomb->len, clock_mono_ms() - begin,
                  usage.ru_maxrss);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("%s: status %x", name, (unsigned)status);
    if (!SANITIZED)
        assert_in_range(usage.ru_maxrss, 1, 200 * 1024);
    assert_in_range(clock_mono_ms() - begin, 0, 60000); /* the machine may be busy with other tests */
}

static void t38_one_stream_of_zeroes_ends_at_the_ratio(void **state)
{
    static pack_format *const FILTERS[] = {archive_write_add_filter_gzip, archive_write_add_filter_bzip2,
                                           archive_write_add_filter_xz, archive_write_add_filter_zstd};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(FILTERS); i++) {
        AUTO_STR struct str bomb = STR_INIT(PACKED_MAX);
        struct packer packer = pack_begin(&bomb, archive_write_set_format_raw, FILTERS[i], "");
        pack_zeroes(&packer, "x", (uint64_t)48 << 20);
        pack_end(&packer);
        bomb_check("zeroes", &bomb, FINDING_ARCHIVE_RATIO, WALK_LIMIT);
    }
}

/* As 42.zip: sixteen copies of sixteen copies, down to a member of zeroes. */
static void t38_a_nested_bomb_ends_at_a_limit(void **state)
{
    AUTO_STR struct str inner = STR_INIT(PACKED_MAX);
    (void)state;
    struct packer packer = pack_begin(&inner, archive_write_set_format_zip, NULL, "");
    pack_zeroes(&packer, "0.dll", (uint64_t)64 << 20);
    pack_end(&packer);
    for (int level = 0; level < 5; level++) {
        struct str outer = STR_INIT(PACKED_MAX);
        packer = pack_begin(&outer, archive_write_set_format_zip, NULL, "");
        for (int i = 0; i < 16; i++) {
            AUTO_FREE char *name = xasprintf("lib %x.zip", i);
            pack_file(&packer, name, inner.p, inner.len);
        }
        pack_end(&packer);
        str_done(&inner);
        inner = outer;
    }
    bomb_check("nested", &inner, FINDING_ARCHIVE_RATIO, WALK_LIMIT);
}

/* A small bomb in a large file must not hide behind the size of the whole. */
static void t38_a_bomb_among_other_members_is_measured_by_itself(void **state)
{
    AUTO_STR struct str bomb = STR_INIT(PACKED_MAX), outer = STR_INIT(PACKED_MAX);
    AUTO_FREE char *noise = xmalloc(2 << 20);
    uint32_t random = 1;
    (void)state;
    for (size_t i = 0; i < 2 << 20; i++)
        noise[i] = (char)((random = random * 1664525 + 1013904223) >> 24);
    struct packer packer = pack_begin(&bomb, archive_write_set_format_zip, NULL, "");
    pack_zeroes(&packer, "zeroes", (uint64_t)64 << 20);
    pack_end(&packer);
    packer = pack_begin(&outer, archive_write_set_format_zip, NULL, "");
    pack_file(&packer, "noise", noise, 2 << 20);
    pack_file(&packer, "bomb.zip", bomb.p, bomb.len);
    pack_end(&packer);
    bomb_check("among others", &outer, FINDING_ARCHIVE_RATIO, WALK_LIMIT);
}

/* As zbsm.zip: every member's stream quotes the head of the next one, so that they share the same kernel. */
static void t38_overlapping_members_are_not_unpacked(void **state)
{
    enum { MEMBERS = 200, KERNEL = 60000 };
    AUTO_STR struct str bomb = STR_INIT(PACKED_MAX), directory = STR_INIT(PACKED_MAX);
    uint32_t rest = 5 + KERNEL + (MEMBERS - 1) * (5 + 30 + 4); /* from the first member's stream on */
    (void)state;
    for (int i = 0; i < MEMBERS; i++) {
        AUTO_FREE char *name = xasprintf("%04d", i);
        struct raw_head head = {name, 4, 0, 8, 0, rest, rest};
        raw_central(&directory, &head, raw_local(&bomb, &head));
        rest -= 39;
        if (i == MEMBERS - 1)
            break;
        str_append_char(&bomb, 0); /* a stored block, not the last: the next head */
        raw_le16(&bomb, 34);
        raw_le16(&bomb, (unsigned)~34 & 0xffff);
    }
    str_append_char(&bomb, 1);
    raw_le16(&bomb, KERNEL);
    raw_le16(&bomb, (unsigned)~KERNEL & 0xffff);
    for (int i = 0; i < KERNEL; i++)
        str_append_char(&bomb, 'a');
    uint32_t begin = (uint32_t)bomb.len;
    str_append_len(&bomb, directory.p, directory.len);
    raw_end(&bomb, MEMBERS, begin);
    bomb_check("overlapping", &bomb, FINDING_ARCHIVE_TWICE, WALK_LIMIT);
}

/* A directory whose entries all name one member. */
static void t38_one_member_listed_often_is_not_unpacked(void **state)
{
    AUTO_STR struct str bomb = STR_INIT(PACKED_MAX);
    struct raw_head head = raw_stored("a", "text\n");
    (void)state;
    uint32_t offset = raw_local(&bomb, &head);
    str_append(&bomb, "text\n");
    uint32_t begin = (uint32_t)bomb.len;
    for (int i = 0; i < 5000; i++)
        raw_central(&bomb, &head, offset);
    raw_end(&bomb, 5000, begin);
    bomb_check("listed often", &bomb, FINDING_ARCHIVE_TWICE, WALK_LIMIT);
}

static void t38_too_many_members_end_the_walk(void **state)
{
    AUTO_STR struct str tar = STR_INIT(PACKED_MAX), zip = STR_INIT(PACKED_MAX);
    (void)state;
    struct packer packer = pack_begin(&tar, archive_write_set_format_ustar, archive_write_add_filter_gzip, "");
    for (int i = 0; i < 10001; i++) {
        AUTO_FREE char *name = xasprintf("%d", i);
        pack_file(&packer, name, "", 0);
    }
    pack_end(&packer);
    bomb_check("members", &tar, FINDING_ARCHIVE_MEMBERS, WALK_LIMIT);
    packer = pack_begin(&zip, archive_write_set_format_zip, NULL, "");
    for (int i = 0; i < 10001; i++) {
        AUTO_FREE char *name = xasprintf("%d", i);
        pack_file(&packer, name, "", 0);
    }
    pack_end(&packer);
    bomb_check("members of a zip", &zip, FINDING_ARCHIVE_MEMBERS, WALK_LIMIT);
}

/* One terabyte of nothing and then a block, in 2 KiB: a sparse member as GNU tar writes it. */
static void t38_holes_count_as_bytes(void **state)
{
    static const char TERABYTE[12] = "\x80\0\0\0\0\0\1\0\0\0\0\0";
    AUTO_STR struct str tar = STR_INIT(65536);
    char head[512] = "sparse", end[1536] = "the only bytes";
    unsigned sum = 0;
    (void)state;
    memcpy(head + 100, "0000644", 8);
    memcpy(head + 108, "0000000", 8);
    memcpy(head + 116, "0000000", 8);
    memcpy(head + 124, "00000001000", 12); /* its bytes in the archive */
    memcpy(head + 136, "00000000000", 12);
    memcpy(head + 148, "        S", 9);
    memcpy(head + 257, "ustar  ", 8);
    memcpy(head + 386, TERABYTE, 12);
    memcpy(head + 398, "00000001000", 12);
    memcpy(head + 483, TERABYTE, 12);
    for (size_t i = 0; i < sizeof head; i++)
        sum += (unsigned char)head[i];
    (void)snprintf(head + 148, 8, "%06o", sum);
    str_append_len(&tar, head, sizeof head);
    str_append_len(&tar, end, sizeof end);
    bomb_check("holes", &tar, FINDING_ARCHIVE_BYTES, WALK_LIMIT);
}

static void t38_bytes_and_time_end_the_walk(void **state)
{
    AUTO_STR struct str zip = STR_INIT(65536);
    AUTO_BENCH struct bench bytes, seconds;
    int found;
    (void)state;
    struct packer packer = pack_begin(&zip, archive_write_set_format_zip, NULL, "");
    pack_file(&packer, "a", "12345678", 8);
    pack_file(&packer, "b", MARKER, sizeof MARKER - 1);
    pack_end(&packer);
    bench_init(&bytes, "a.zip", zip.p, zip.len);
    bytes.policy.number[GATE_POLICY_ARCHIVE_BYTES] = 8 + sizeof MARKER - 1;
    assert_int_equal(scan(&bytes, &found), 0);
    assert_int_equal(found, 1);
    bytes.policy.number[GATE_POLICY_ARCHIVE_BYTES]--;
    assert_int_equal(scan(&bytes, &found), WALK_LIMIT);
    assert_int_equal(found, 0);
    assert_int_equal(inspect(&bytes, FINDING_ARCHIVE_BYTES), 1);
    bench_init(&seconds, "a.zip", zip.p, zip.len);
    seconds.policy.number[GATE_POLICY_ARCHIVE_SECONDS] = -1;
    assert_int_equal(scan(&seconds, &found), WALK_LIMIT);
    assert_int_equal(inspect(&seconds, FINDING_ARCHIVE_TIME), 1);
}

/* Memory that a check does not have is a limit, not damage. */
static void t38_a_dictionary_larger_than_a_check_is_a_limit(void **state)
{
    AUTO_STR struct str xz = STR_INIT(65536);
    (void)state;
    struct packer packer = pack_begin(&xz, archive_write_set_format_raw, archive_write_add_filter_lzma, "");
    pack_file(&packer, "x", MARKER, sizeof MARKER - 1);
    pack_end(&packer);
    xz.p[1] = 0, xz.p[2] = 0, xz.p[3] = 0, xz.p[4] = 0x40; /* 1 GiB */
    if (!SANITIZED)                                        /* which would give it */
        bomb_check("dictionary", &xz, FINDING_ARCHIVE_BROKEN, WALK_LIMIT);
}

static int begin(void **state)
{
    (void)state;
    return inspect_prepare(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(t36_nesting_is_followed_to_the_limit_and_never_called_whole_beyond),
        cmocka_unit_test(t36_a_marker_behind_another_format_is_shown),
        cmocka_unit_test(t37_an_encrypted_zip_blocks),
        cmocka_unit_test(t37_an_encrypted_7z_blocks_with_and_without_its_names),
        cmocka_unit_test(t37_documents_with_a_password_block),
        cmocka_unit_test(t38_one_stream_of_zeroes_ends_at_the_ratio),
        cmocka_unit_test(t38_a_nested_bomb_ends_at_a_limit),
        cmocka_unit_test(t38_a_bomb_among_other_members_is_measured_by_itself),
        cmocka_unit_test(t38_overlapping_members_are_not_unpacked),
        cmocka_unit_test(t38_one_member_listed_often_is_not_unpacked),
        cmocka_unit_test(t38_too_many_members_end_the_walk),
        cmocka_unit_test(t38_holes_count_as_bytes),
        cmocka_unit_test(t38_bytes_and_time_end_the_walk),
        cmocka_unit_test(t38_a_dictionary_larger_than_a_check_is_a_limit),
    };
    return cmocka_run_group_tests(tests, begin, NULL);
}
