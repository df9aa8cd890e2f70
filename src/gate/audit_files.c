/* See audit_files.h. */
#include "gate/audit_files.h"

#include <stdio.h>
#include <stdlib.h>

struct finding_files {
	struct audit_files	*out;
	size_t			 cap;
};

void
audit_file_name(uint64_t first, char out[AUDIT_NAME_MAX])
{
	snprintf(out, AUDIT_NAME_MAX, "audit-%016llu.log", (unsigned long long)first);
}

static bool
is_ours(const char *name)
{
	return strlen(name) == strlen("audit-0000000000000000.log") && strncmp(name, "audit-", 6) == 0 &&
	    strspn(name + 6, "0123456789") == 16 && strcmp(name + 22, ".log") == 0;
}

static int
note(void *arg, const char *name)
{
	struct finding_files *f = arg;

	if (!is_ours(name))
		return 0;
	if (f->out->n == AUDIT_FILES_MAX)
		return ERR_LIMIT;
	if (f->out->n == f->cap) {
		f->cap = f->cap != 0 ? 2 * f->cap : 16;
		void *v = reallocarray(f->out->v, f->cap, sizeof f->out->v[0]);
		if (v == NULL)
			return ERR_NOMEM;
		f->out->v = v;
	}
	snprintf(f->out->v[f->out->n++], AUDIT_NAME_MAX, "%s", name);
	return 0;
}

int
audit_files_find(const char *dir, const struct disk *disk, struct audit_files *out)
{
	struct finding_files f = { .out = out };

	*out = (struct audit_files){ 0 };
	int err = disk->list(disk->ctx, dir, note, &f);
	if (err != 0) {
		free(out->v);
		*out = (struct audit_files){ 0 };
	}
	return err;
}

int
audit_file_read(const char *dir, const struct disk *disk, const char *name, struct buf *out)
{
	char path[DISK_PATH_MAX];
	struct disk_stat st;

	if ((size_t)snprintf(path, sizeof path, "%s/%s", dir, name) >= sizeof path)
		return ERR_LIMIT;
	int fd = disk->open(disk->ctx, path, DISK_READ);
	if (fd < 0)
		return fd;
	int err = disk->fstat(disk->ctx, fd, &st);
	if (err == 0 && st.size > 2 * (uint64_t)AUDIT_FILE_MAX)
		err = ERR_LIMIT;
	buf_reset(out);
	out->max = 2 * AUDIT_FILE_MAX + 16;
	char *p = err == 0 && st.size > 0 ? buf_room(out, (size_t)st.size) : NULL;
	if (p != NULL && (err = disk_read_all(disk, fd, p, (size_t)st.size, 0)) == 0) {
		out->len += (size_t)st.size;
		out->p[out->len] = '\0';
	}
	disk->close(disk->ctx, fd);
	return err != 0 ? err : out->err;
}

int
audit_lines(const char *p, size_t len, int (*each)(void *arg, size_t line, const char *text, size_t len, bool ended),
    void *arg)
{
	const char *end = p + len;

	for (size_t line = 1; p != end; line++) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((nl != NULL ? nl : end) - p);
		int err = each(arg, line, p, n, nl != NULL);
		if (err != 0)
			return err;
		p = nl != NULL ? nl + 1 : end;
	}
	return 0;
}
