/* Drawing progress. */
#include "cli/progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/clock.h"
#include "cli/text.h"

#define BAR_WIDTH 20
#define LABEL_WIDTH 20
#define COLUMNS_DEFAULT 80

void progress_begin(struct progress *progress, const char *label, uint64_t total)
{
    progress->label = label;
    progress->total = total;
    atomic_store(&progress->moved, 0);
    atomic_store(&progress->resumed, 0);
    progress->started_ms = clock_mono_ms();
    progress->terminal = isatty(STDERR_FILENO);
}

void progress_skip(struct progress *progress, uint64_t bytes)
{
    atomic_fetch_add(&progress->resumed, bytes);
    atomic_fetch_add(&progress->moved, bytes);
}

static void append_label(struct str *out, const char *label)
{
    AUTO_STR struct str safe = STR_INIT(4096);

    text_append_safe(&safe, label);
    size_t len = text_fit(str_text(&safe), LABEL_WIDTH);
    str_append_len(out, str_text(&safe), len);
    AUTO_FREE char *shown = xstrndup(str_text(&safe), len);
    for (size_t i = text_width(shown); i < LABEL_WIDTH; i++)
        str_append_char(out, ' ');
}

void progress_render(const struct progress *progress, uint64_t moved, int64_t elapsed_ms, size_t columns,
                     struct str *out)
{
    AUTO_STR struct str line = STR_INIT(4096);
    char done[TEXT_SIZE_MAX];
    char total[TEXT_SIZE_MAX];
    char rate[TEXT_SIZE_MAX];

    if (moved > progress->total)
        moved = progress->total; /* a try that will be taken back counts twice for a moment */
    double share = progress->total ? (double)moved / (double)progress->total : 1.0;
    uint64_t resumed = atomic_load(&progress->resumed);
    uint64_t fresh = moved > resumed ? moved - resumed : 0;
    double per_second = elapsed_ms > 0 ? (double)fresh * 1000.0 / (double)elapsed_ms : 0.0;
    text_format_size(moved, done);
    text_format_size(progress->total, total);
    text_format_size((uint64_t)per_second, rate);
    append_label(&line, progress->label);
    str_append(&line, " [");
    for (int i = 0; i < BAR_WIDTH; i++)
        str_append_char(&line, i < (int)(share * BAR_WIDTH) ? '#' : '-');
    str_printf(&line, "] %3d%%  %s of %s  %s/s", (int)(share * 100.0), done, total, rate);
    if (per_second >= 1.0 && moved < progress->total) {
        uint64_t left = (uint64_t)((double)(progress->total - moved) / per_second);
        str_printf(&line, "  %llu:%02llu left", (unsigned long long)(left / 60), (unsigned long long)(left % 60));
    }
    str_append_len(out, str_text(&line), text_fit(str_text(&line), columns));
}

void progress_draw(struct progress *progress)
{
    AUTO_STR struct str line = STR_INIT(4096);
    struct winsize size = {0};

    if (!progress->terminal)
        return;
    size_t columns = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col : COLUMNS_DEFAULT;
    progress_render(progress, atomic_load(&progress->moved), clock_mono_ms() - progress->started_ms, columns - 1,
                    &line);
    (void)fprintf(stderr, "\r\033[K%s", str_text(&line));
}

void progress_end(struct progress *progress, bool done)
{
    if (!progress->terminal)
        return;
    if (done)
        progress_draw(progress);
    (void)fputc('\n', stderr);
}
