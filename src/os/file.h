/* A whole file into memory, for configuration: files that people write, small beside what disk.h is for. */
#ifndef OS_FILE_H
#define OS_FILE_H

#include "base/buf.h"

/*
 * Append all of a regular file to out, at most max bytes. 0; ERR_NOTFOUND, ERR_DENIED, ERR_TYPE for anything that
 * is no regular file (it is not waited for), ERR_LIMIT when it is longer, ERR_IO. Blocks as long as the disk does.
 */
int file_read(const char *path, size_t max, struct buf *out);

/* Whatever descriptors this program was started with, its children get none but 0 to 2, and those three are open: closed ones become
 * /dev/null, so that no file of ours ever stands where messages are written. */
void file_inherit_none(void);

#endif
