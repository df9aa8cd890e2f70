/* Where the texts of a site come from: the disk, or memory for tests and fuzzers. */
#ifndef SITE_FILES_H
#define SITE_FILES_H

#include "site/loader.h"

extern const struct site_io site_io_disk;

/* Files in memory: rows of name and content, ended by a row without a name. */
struct site_file {
	const char	*name, *text;
	size_t		 len;
};
/* rows: borrowed as long as the result is used. */
struct site_io site_io_memory(const struct site_file *rows);

/* site_load with files of another kind; see site.h. */
int site_load_from(const struct site_io *io, const char *path, const struct catalog *catalog, struct plan **out,
    struct site_report *report);

#endif
