/* See sqlite.h. */
#include "os/sqlite.h"

#include <sqlite3.h>

#include "base/err.h"

int
sqlite_err(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_DONE:
	case SQLITE_ROW:	return 0;
	case SQLITE_FULL:	return ERR_NOSPACE;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:	return ERR_BUSY;
	case SQLITE_NOMEM:	return ERR_NOMEM;
	case SQLITE_CANTOPEN:	return ERR_NOTFOUND;
	case SQLITE_PERM:
	case SQLITE_READONLY:
	case SQLITE_AUTH:	return ERR_DENIED;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:	return ERR_CORRUPT;
	default:		return ERR_IO;
	}
}
