/* See err.h: the tables that the list expands to. */
#include "base/err.h"

#include <errno.h>

static const struct {
	const char	*name, *text;
	enum err_action	 action;
} rows[ERR_COUNT] = {
	[ERR_ORDER_NONE] = { "OK", "no error", ERR_DO_NOTHING },
#define X(n, a, t) [ERR_ORDER_##n] = { #n, t, ERR_DO_##a },
	ERR_LIST(X)
#undef X
};

static int
order(int err)
{
	return err <= 0 && -err < ERR_COUNT ? -err : -1;
}

const char *
err_text(int err)
{
	return order(err) < 0 ? "unknown error" : rows[order(err)].text;
}

const char *
err_name(int err)
{
	return order(err) < 0 ? "UNKNOWN" : rows[order(err)].name;
}

enum err_action
err_action(int err)
{
	return order(err) < 0 ? ERR_DO_STOP : rows[order(err)].action;
}

int
err_from_errno(int errnum)
{
	switch (errnum) {
	case EAGAIN:
	case EINTR:		return ERR_AGAIN;
	case ENOMEM:		return ERR_NOMEM;
	case ENOSPC:
	case EDQUOT:		return ERR_NOSPACE;
	case EACCES:
	case EPERM:
	case EROFS:		return ERR_DENIED;
	case ENOENT:
	case ENODEV:
	case ENXIO:		return ERR_NOTFOUND;
	case EEXIST:		return ERR_EXISTS;
	case EBUSY:
	case EADDRINUSE:		return ERR_BUSY;
	case ETIMEDOUT:		return ERR_TIMEOUT;
	case ECONNREFUSED:
	case ECONNRESET:
	case ECONNABORTED:
	case ENOTCONN:
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EPIPE:		return ERR_CONN;
	default:		return ERR_IO;
	}
}
