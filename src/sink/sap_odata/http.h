/*
 * HTTP/1.1 as a client, on libcurl, for one thread: requests are started and end with a call-back from http_turn(). It knows nothing of SAP.
 *
 * What this module adds to libcurl is the one question that a posting hangs on: did the request leave this machine? libcurl repeats a request by
 * itself when a connection that was kept open turns out to be dead, also a POST, which the far end may well have carried out before it
 * hung up. Here a request that must not be repeated is sent once: any second try ends it as HTTP_LOST, and its owner asks what became of it.
 *
 * The far end is hostile: an answer has a ceiling for its head and its body, nothing is unpacked, no redirect is followed, no protocol but the
 * one asked for is spoken, certificates and names are always verified, and TLS is 1.2 at least.
 */
#ifndef SAP_ODATA_HTTP_H
#define SAP_ODATA_HTTP_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

#define HTTP_HEAD_MAX		65536u		/* bytes of an answer's head, all lines */
#define HTTP_VALUE_MAX		4096u		/* bytes of a header that is looked at; a longer one counts as absent */
#define HTTP_COOKIES_MAX	1000u		/* that a session may set in its life; then it is begun anew, with none */
#define HTTP_URL_MAX		8192u
#define HTTP_HEADERS_MAX	24u		/* of a request */
#define HTTP_SECRET_MAX		8192u		/* bytes of a file that holds a password or a client secret */

/* All texts are borrowed and outlive the http; NULL: none. */
struct http_opts {
	const char	*ca_file;		/* NULL: the system's */
	const char	*cert_file, *key_file;
	const char	*proxy;			/* "host:port" */
	const char	*proxy_user, *proxy_password_file;
	unsigned	 connections;		/* most at one time */
	int64_t		 connect_ns, total_ns;	/* to connect (TLS and proxy included), and for all of a request */
	size_t		 answer_max;		/* bytes of an answer's body */
};

enum http_end {
	HTTP_ANSWERED,	/* status and head are whole; the body too, unless `cut` */
	HTTP_UNSENT,	/* no byte of the request has left: name, connection, TLS, proxy, or http_close() */
	HTTP_LOST,	/* some or all of it went out and no whole answer came back */
};

struct http_answer {
	enum http_end	 end;
	int		 status;
	const char	*body;		/* "" when empty; NUL-ended, may hold NULs */
	size_t		 len;
	bool		 cut;		/* the body went beyond answer_max: what is here is its beginning */
	const char	*why;		/* for people; "" when answered */
	void		*easy;		/* for http_header() */
};
/* Called once, from http_turn() or http_close(). a is borrowed during the call. */
typedef void http_done(void *arg, const struct http_answer *a);

struct http_jar;	/* the cookies of one session */

struct http_request {
	const char	*method;
	const char	*url;
	const char	*const *headers;	/* "name: value", NULL-ended */
	const char	*user, *password;	/* basic; NULL: none */
	const void	*body;			/* NULL: none. Borrowed until done */
	size_t		 len;
	bool		 repeatable;		/* may be sent again on a fresh connection when a kept one was dead */
	struct http_jar	*jar;			/* NULL: no cookies go out, none are kept */
};

struct http;
/* Once a program, before any thread: libcurl's own state. */
void http_global(void);
/* 0 and *out given (http_close()), or an error with why for people. */
int http_open(const struct http_opts *o, struct http **out, char *why, size_t size);
/* Start; texts but the body are copied. 0: done comes. ERR_NOMEM, ERR_SYNTAX (an URL that is none), ERR_DENIED (a secret cannot be read): done does not come. */
int http_start(struct http *h, const struct http_request *q, http_done *done, void *arg);
/* Go on with all that is under way; waits until something happens, wake_fd (-1: none) is readable, or ns have passed. */
void http_turn(struct http *h, int wake_fd, int64_t ns);
unsigned http_under_way(const struct http *h);
/* End; what is under way ends now, as HTTP_LOST where it had begun. */
void http_close(struct http *h);

/* Value of a header of an answer, of a later one of the same name the first; NULL: absent, or longer than HTTP_VALUE_MAX. Valid as long as the answer. */
const char *http_header(const struct http_answer *a, const char *name);

struct http_jar *http_jar_new(void);
void http_jar_clear(struct http_jar *j);
void http_jar_free(struct http_jar *j);		/* no request may be under way with it */

/*
 * The first line of a file that holds a secret; the caller wipes it (OPENSSL_cleanse). 0, or an error with cause in why; the secret never
 * stands there. Warns in the log of a file that others may read.
 */
int http_secret(const char *path, char out[HTTP_SECRET_MAX], char *why, size_t size);

#endif
