/* Makes the probes with libarchive, in files without a name. Runs in airlock-gate's main process, on bytes of our own.
 */
#include "gate/probe.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "base/crypto.h"
#include "base/file.h"

#define NESTED_DEPTH 17              /* clamd's MaxRecursion: the first that it does not look into */
#define LARGE_BYTES ((off_t)1 << 31) /* one byte more than clamd reads of anything, whatever it is told */
#define ZIP_OVERHEAD 1024            /* of one member */
#define PASSWORD_BYTES 16

static const char HARMLESS[] = "This is a harmless file of airlock. It shows that the scanner lets such files pass.\n";

struct probes {
    int fds[PROBE_COUNT];
};

struct bytes {
    char *p;
    size_t len;
};

static const struct {
    unsigned needs;
    const char *what, *remedy;
} PROBES[] = {
#define X(name, needs, what, remedy) {needs, what, remedy},
#include "gate/probe.def"
#undef X
};

/* The EICAR test text of 68 bytes, kept in an order that no scanner knows. */
static struct bytes eicar_new(void)
{
    static const char *const PIECES[] = {"H+H*",  "TEST-FILE!$", "ANTIVIRUS-", "STANDARD-", "}$EICAR-",
                                         "7CC)7", "(P^)",        "\\PZX54",    "P%@AP[4",   "X5O!"};
    AUTO_STR struct str text = STR_INIT(68);

    for (size_t i = ARRAY_LEN(PIECES); i-- > 0;)
        str_append(&text, PIECES[i]);
    return (struct bytes){xstrndup(str_text(&text), text.len), text.len};
}

static void cleanup_writer(struct archive **archive)
{
    if (*archive)
        (void)archive_write_free(*archive);
}

/* A zip file of one member, encrypted where there is a password. It is deflated: in one that is stored the marker would
 * lie open, at whatever depth. false: libarchive could not. */
static bool zip_write(struct archive *zip, const struct bytes *member, const char *password, struct bytes *ret)
{
    size_t size = member->len + ZIP_OVERHEAD, used = 0;
    AUTO_FREE char *out = xmalloc(size);
    struct archive_entry *entry = archive_entry_new();

    bool good = archive_write_set_format_zip(zip) == ARCHIVE_OK;
    if (good && password)
        good = archive_write_set_options(zip, "zip:encryption=traditional") == ARCHIVE_OK &&
               archive_write_set_passphrase(zip, password) == ARCHIVE_OK;
    archive_entry_set_pathname(entry, "probe");
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_size(entry, (la_int64_t)member->len);
    good = good && archive_write_set_bytes_in_last_block(zip, 1) == ARCHIVE_OK &&
           archive_write_open_memory(zip, out, size, &used) == ARCHIVE_OK &&
           archive_write_header(zip, entry) == ARCHIVE_OK &&
           archive_write_data(zip, member->p, member->len) == (la_ssize_t)member->len &&
           archive_write_close(zip) == ARCHIVE_OK;
    archive_entry_free(entry);
    if (good)
        *ret = (struct bytes){TAKE_PTR(out), used};
    return good;
}

static int zip_new(const struct bytes *member, const char *password, struct bytes *ret, struct error *err)
{
    CLEANUP(cleanup_writer) struct archive *zip = archive_write_new();

    if (!zip || !zip_write(zip, member, password, ret))
        return error_set(err, E_INTERNAL, "A probe could not be made: %s",
                         zip ? archive_error_string(zip) : "no memory");
    return 0;
}

static int nested_new(const struct bytes *marker, struct bytes *ret, struct error *err)
{
    struct bytes inner = {xmalloc(marker->len), marker->len};

    memcpy(inner.p, marker->p, marker->len);
    for (int depth = 0; depth < NESTED_DEPTH; depth++) {
        struct bytes outer;
        int r = zip_new(&inner, NULL, &outer, err);
        free(inner.p);
        if (r)
            return r;
        inner = outer;
    }
    *ret = inner;
    return 0;
}

static int encrypted_new(const struct bytes *marker, struct bytes *ret, struct error *err)
{
    unsigned char random[PASSWORD_BYTES];
    char password[2 * PASSWORD_BYTES + 1];

    random_fill(random, sizeof random);
    hex_encode(random, sizeof random, password);
    return zip_new(marker, password, ret, err);
}

/* A file without a name in memory, that begins with the bytes and ends at size, with nothing in between. */
static int memory_file(const struct bytes *bytes, off_t size, int *ret, struct error *err)
{
    AUTO_FD int fd = memfd_create("airlock-probe", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0)
        return error_set_errno(err, E_INTERNAL, "A probe could not be made");
    int r = file_write_all(fd, bytes->p, bytes->len, err);
    if (r)
        return r;
    if (ftruncate(fd, size) < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
        return error_set_errno(err, E_INTERNAL, "A probe could not be made");
    *ret = TAKE_FD(fd);
    return 0;
}

static int probe_new(enum probe probe, const struct bytes *marker, int *ret, struct error *err)
{
    struct bytes made = {NULL, 0};
    struct bytes harmless = {(char *)HARMLESS, strlen(HARMLESS)}; /* NOLINT: only read */
    const struct bytes *bytes = &made;
    int r = 0;

    if (probe == PROBE_HARMLESS)
        bytes = &harmless;
    else if (probe == PROBE_NESTED)
        r = nested_new(marker, &made, err);
    else if (probe == PROBE_ENCRYPTED)
        r = encrypted_new(marker, &made, err);
    else
        bytes = marker;
    if (r == 0)
        r = memory_file(bytes, probe == PROBE_LARGE ? LARGE_BYTES : (off_t)bytes->len, ret, err);
    free(made.p);
    return r;
}

static int probes_make(struct probes *probes, const struct bytes *marker, struct error *err)
{
    for (int i = 0; i < PROBE_COUNT; i++)
        probes->fds[i] = -1;
    for (int i = 0; i < PROBE_COUNT; i++) {
        int r = probe_new((enum probe)i, marker, &probes->fds[i], err);
        if (r)
            return r;
    }
    return 0;
}

int probes_new(const char *marker, size_t marker_len, struct probes **ret, struct error *err)
{
    struct probes *probes = xcalloc(1, sizeof *probes);
    struct bytes eicar = eicar_new();
    struct bytes own = {(char *)marker, marker_len}; /* NOLINT: only read */
    int r = probes_make(probes, marker ? &own : &eicar, err);

    free(eicar.p);
    if (r)
        probes_free(probes);
    else
        *ret = probes;
    return r;
}

void probes_free(struct probes *probes)
{
    for (int i = 0; probes && i < PROBE_COUNT; i++)
        if (probes->fds[i] >= 0)
            (void)close(probes->fds[i]);
    free(probes);
}

int probes_fd(const struct probes *probes, enum probe probe)
{
    return probes->fds[probe];
}

int probe_judge(enum probe probe, const struct reply *reply, struct error *err)
{
    const char *said = reply->kind == REPLY_CLEAN ? "OK" : reply->text;

    if (PROBES[probe].needs & 1U << reply->kind)
        return 0;
    if (reply->kind == REPLY_ERROR)
        return error_set(err, E_UNAVAILABLE, "it could not scan %s: \"%s\"; look into its log", PROBES[probe].what,
                         said);
    return error_set(err, E_UNAVAILABLE, "it says \"%s\" of %s, so that nothing it says can be relied on: %s", said,
                     PROBES[probe].what, PROBES[probe].remedy);
}
