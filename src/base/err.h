/*
 * The one list of errors. A function that can fail returns 0 or a negative code from here; results leave through
 * pointers. Each row carries what is to be done about it, so every process decides on a retry in the same way.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err_action {
	ERR_DO_NOTHING,	/* not a failure that anyone acts on */
	ERR_DO_DROP,	/* the message is worthless: count it and go on */
	ERR_DO_RETRY,	/* the same call may succeed later */
	ERR_DO_STOP,	/* somebody must change something first */
};

/*        name     action   text */
#define ERR_LIST(X)							\
	X(SHORT,   DROP,    "message ends early")			\
	X(LONG,    DROP,    "message has bytes left over")		\
	X(PROTO,   DROP,    "peer broke the protocol")			\
	X(RANGE,   DROP,    "value out of range")			\
	X(LIMIT,   DROP,    "a declared limit was reached")		\
	X(SYNTAX,  STOP,    "text cannot be understood")		\
	X(TYPE,    STOP,    "wrong type")				\
	X(FULL,    RETRY,   "no room at the moment")			\
	X(AGAIN,   RETRY,   "not yet")					\
	X(TIMEOUT, RETRY,   "peer did not answer in time")		\
	X(CONN,    RETRY,   "connection lost or refused")		\
	X(BUSY,    RETRY,   "in use by somebody else")			\
	X(NOMEM,   RETRY,   "out of memory")				\
	X(IO,      RETRY,   "input or output failed")			\
	X(NOSPACE, RETRY,   "no space left on the disk")		\
	X(CORRUPT, STOP,    "stored data is damaged")			\
	X(VERSION, STOP,    "made by another version")			\
	X(DENIED,  STOP,    "refused by policy or credentials")		\
	X(NOTFOUND,STOP,    "no such thing")				\
	X(EXISTS,  STOP,    "it is there already")			\
	X(END,     NOTHING, "end reached")				\
	X(GAP,     NOTHING, "data was overwritten before it was read")	\
	X(EXPIRED, DROP,    "its time to live is over")		\
	X(UNSUPPORTED, STOP, "this system cannot do it")

enum err_order {
	ERR_ORDER_NONE,
#define X(name, action, text) ERR_ORDER_##name,
	ERR_LIST(X)
#undef X
	ERR_COUNT
};

enum err {
#define X(name, action, text) ERR_##name = -ERR_ORDER_##name,
	ERR_LIST(X)
#undef X
};

/* Text of a code, static; 0 is "no error", an unknown code says so. */
const char *err_text(int err);
/* Short name of a code ("TIMEOUT"), for logs and JSON. */
const char *err_name(int err);
enum err_action err_action(int err);
/* The nearest code for an errno value (positive). Never returns 0. */
int err_from_errno(int errnum);

#endif
