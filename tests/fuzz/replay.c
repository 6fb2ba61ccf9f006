/* main() of a fuzz target that replays a directory of inputs, so that the corpus is part of the ordinary tests.
 * Usage: replay_NAME DIRECTORY */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"

#define INPUT_MAX ((size_t)1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
    struct error err;
    DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
    if (!dir) {
        (void)fprintf(stderr, "usage: replay DIRECTORY\n");
        return 64;
    }
    size_t count = 0;
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        AUTO_FREE char *input = NULL;
        size_t len = 0;
        if (entry->d_name[0] == '.')
            continue;
        if (file_read(dirfd(dir), entry->d_name, INPUT_MAX, &input, &len, &err)) {
            (void)fprintf(stderr, "%s: %s\n", entry->d_name, err.detail);
            return 1;
        }
        printf("%s\n", entry->d_name);
        (void)fflush(stdout); /* so that the input that fails is the last one named */
        (void)LLVMFuzzerTestOneInput((const uint8_t *)input, len); /* always 0 */
        count++;
    }
    (void)closedir(dir);
    printf("%zu inputs\n", count);
    return count > 0 ? 0 : 1;
}
