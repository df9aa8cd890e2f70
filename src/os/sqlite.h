/* Result codes of SQLite as errors of ours. */
#ifndef OS_SQLITE_H
#define OS_SQLITE_H

int sqlite_err(int rc);

#endif
