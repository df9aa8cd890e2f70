/* Inside of audit.c and audit_read.c: the files of a log. */
#ifndef GATE_AUDIT_FILES_H
#define GATE_AUDIT_FILES_H

#include "gate/audit.h"

#define AUDIT_NAME_MAX	40u
#define AUDIT_FILES_MAX	4096u

struct audit_files {
	char	(*v)[AUDIT_NAME_MAX];	/* names, oldest first; free() */
	size_t	 n;
};

/* 0, ERR_LIMIT, or the disk's error. */
int audit_files_find(const char *dir, const struct disk *disk, struct audit_files *out);
/* Read a file whole, at most two times AUDIT_FILE_MAX. */
int audit_file_read(const char *dir, const struct disk *disk, const char *name, struct buf *out);
/* "audit-<16 digits>.log" */
void audit_file_name(uint64_t first, char out[AUDIT_NAME_MAX]);
/* Each piece of text up to a '\n'; ended false: the last one has none. Ends when each() returns non-zero, with that. */
int audit_lines(const char *p, size_t len, int (*each)(void *arg, size_t line, const char *text, size_t len,
    bool ended), void *arg);

#endif
