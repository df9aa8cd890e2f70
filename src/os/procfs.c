/* See procfs.h; proc(5): smaps_rollup. */
#include "os/procfs.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
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
	struct timespec t;
	clockid_t clock;

	/* All threads, to the nanosecond; /proc/PID/stat has it in hundredths, too coarse for a process that idles. */
	if (clock_getcpuclockid((pid_t)pid, &clock) != 0 || clock_gettime(clock, &t) != 0)
		return 0;
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

void
procfs_security(int64_t pid, struct procfs_security *out)
{
	char path[64], line[256];
	struct stat st;
	unsigned found = 0, flag;

	*out = (struct procfs_security){ 0 };
	snprintf(path, sizeof path, "/proc/%" PRId64 "/status", pid);
	FILE *f = fopen(path, "re");
	if (f == NULL)
		return;
	while (fgets(line, sizeof line, f) != NULL) {
		if (sscanf(line, "NoNewPrivs: %u", &flag) == 1)
			out->no_new_privs = flag != 0;
		else if (sscanf(line, "Seccomp: %d", &out->seccomp) != 1 && sscanf(line, "CapEff: %" SCNx64, &out->effective) != 1 &&
		    sscanf(line, "CapBnd: %" SCNx64, &out->bounding) != 1 && sscanf(line, "Uid: %*d %" SCNd64, &out->uid) != 1)
			continue;
		found++;
	}
	fclose(f);
	snprintf(path, sizeof path, "/proc/%" PRId64 "/ns/net", pid);
	out->known = found == 5 && stat(path, &st) == 0;
	out->netns = out->known ? st.st_ino : 0;
}
