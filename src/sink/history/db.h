/* Inside of the store: the file, its statements, and what its two halves (write.c, read.c) share. See store.h. */
#ifndef SINK_HISTORY_DB_H
#define SINK_HISTORY_DB_H

#include <sqlite3.h>

#include "os/sqlite.h"
#include "sink/history/store.h"

enum statement {
	SQL_BEGIN, SQL_COMMIT, SQL_ROLLBACK, SQL_PUT_SERIES, SQL_PUT_RAW, SQL_GET_ROLL, SQL_PUT_ROLL, SQL_EXPIRE_RAW, SQL_EXPIRE_ROLL,
	SQL_VACUUM, SQL_NEXT_SERIES, SQL_NEXT_RAW, SQL_TAIL, SQL_SERIES, SQL_POINTS, SQL_OPEN_RAW, SQL_ROLLS, SQL_COUNT
};

struct history {
	sqlite3		*db;
	sqlite3_stmt	*s[SQL_COUNT];
};

/* A prepared statement, reset, ready to bind. NULL and history_fault() when it cannot be made. */
sqlite3_stmt *db_statement(struct history *h, enum statement which);
/* Step a statement that gives no rows. 0 or an error. */
int db_done(struct history *h, sqlite3_stmt *s);

#endif
