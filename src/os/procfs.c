/* See procfs.h; proc(5): smaps_rollup and stat. */
#include "os/procfs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int64_t
procfs_self(void)
{
	return getpid();
}

void
procfs_memory(int64_t pid, struct procfs_memory *out)
{
	char path[64], line[256];
	uint64_t kb;

	*out = (struct procfs_memory){ 0 };
	snprintf(path, sizeof path, "/proc/%" PRId64 "/smaps_rollup", pid);
	FILE *f = fopen(path, "re");
	if (f == NULL)
		return;
	while (fgets(line, sizeof line, f) != NULL)
		if (sscanf(line, "Pss: %" SCNu64, &kb) == 1)
			out->pss = kb << 10;
		else if (sscanf(line, "Rss: %" SCNu64, &kb) == 1)
			out->rss = kb << 10;
	fclose(f);
}

uint64_t
procfs_cpu_ns(int64_t pid)
{
	char path[64], text[1024];
	unsigned long user = 0, system = 0;

	snprintf(path, sizeof path, "/proc/%" PRId64 "/stat", pid);
	FILE *f = fopen(path, "re");
	if (f == NULL)
		return 0;
	size_t n = fread(text, 1, sizeof text - 1, f);
	fclose(f);
	text[n] = '\0';
	/* The name in parentheses may hold anything; fields are counted behind its end: utime and stime are 14 and 15. */
	const char *p = strrchr(text, ')');
	if (p == NULL || sscanf(p + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
		return 0;
	long hz = sysconf(_SC_CLK_TCK);
	return hz <= 0 ? 0 : (uint64_t)(user + system) * (UINT64_C(1000000000) / (uint64_t)hz);
}
