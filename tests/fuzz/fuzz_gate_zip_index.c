/* Fuzz target: the directory of a zip. The input is a file. Whatever it holds, reading it ends, stays within its
 * bounds, and a directory that is called good has its members where it says. */
#include <assert.h>
#include <string.h>
#include <sys/mman.h>

#include "base/file.h"
#include "gate/zip_index.h"

#define ENTRIES_MAX 1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void told(void *ctx, enum finding finding, const char *name, const char *detail)
{
    assert(finding == FINDING_ARCHIVE_TWICE || finding == FINDING_ARCHIVE_ESCAPE || finding == FINDING_ARCHIVE_BROKEN ||
           finding == FINDING_ARCHIVE_MEMBERS);
    assert(!name || strlen(name) <= UINT16_MAX);
    assert(detail || finding == FINDING_ARCHIVE_MEMBERS);
    ++*(int *)ctx;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FD int fd = memfd_create("input", MFD_CLOEXEC);
    struct zip_end end;
    int count = 0;

    if (fd < 0 || file_write_all(fd, data, size, NULL) != 0)
        return 0;
    enum zip_index index = zip_index_check(fd, size, ENTRIES_MAX, told, &count);
    assert(index == ZIP_INDEX_GOOD || count > 0); /* never refused without a reason */
    if (zip_end_find(fd, size, &end)) {
        assert(end.start <= end.directory && end.directory <= end.record && end.record < end.after &&
               end.after <= size);
        assert(end.directory + end.directory_size == end.record);
    } else {
        assert(index == ZIP_INDEX_NONE);
    }
    return 0;
}
