/*
 * The far end: one SAP system, spoken to as one technical user. On top of HTTP it does what every call there needs:
 *
 *	log-on		basic, OAuth 2.0 client credentials (token kept and renewed before it ends; RFC 6749, 4.4), or the client certificate
 *	session		what changes something needs an anti-forgery token and all cookies of the session that gave it. Each service has a session of
 *			its own here: fetched by GET on the service's root before the first such call, thrown away when the far end says
 *			403 with x-csrf-token: Required, fetched anew, and the call repeated once. Services without tokens are taken as such
 *	context		sap-client, sap-language
 *
 * A call that was answered 401 (token of OAuth no longer good) or 403 (token of the session) was not carried out, so that its repeat is no repeat of
 * its effect. Nothing else is repeated here.
 *
 * One thread: far_start() only queues, all call-backs come from far_turn() or far_free().
 */
#ifndef SAP_ODATA_FAR_H
#define SAP_ODATA_FAR_H

#include "sink/sap_odata/http.h"

#define FAR_SERVICES_MAX	64u
#define FAR_TOKEN_MAX		512u		/* of a session; longer ones are refused */
#define FAR_BEARER_MAX		16384u
#define FAR_HEADERS_MAX		10u		/* of a call's own */

enum far_auth { FAR_AUTH_NONE, FAR_AUTH_BASIC, FAR_AUTH_OAUTH };

/* All texts are borrowed and outlive the far end; NULL: none. */
struct far_opts {
	struct http_opts	 http;
	const char		*base;		/* "https://host:port" */
	const char		*client, *language;
	enum far_auth		 auth;
	const char		*user, *secret_file;	/* of OAuth: client id and client secret */
	const char		*token_url, *scope;
};

/* Where a call ended. Before FAR_CALL nothing of it has reached the service. */
enum far_stage {
	FAR_LOGON,	/* the token endpoint of OAuth, or a secret that cannot be read */
	FAR_SESSION,	/* the fetch of the session's token */
	FAR_CALL,
};

struct far_answer {
	enum far_stage		  stage;
	const struct http_answer *http;
};
typedef void far_done(void *arg, const struct far_answer *a);

struct far_call {
	const char	*method;
	const char	*service;	/* path of the service's root, without a slash at its end */
	const char	*path;		/* below it, with its query, as it stands in the URL; "" the root itself */
	const char	*const *headers;	/* "name: value", NULL-ended, at most FAR_HEADERS_MAX; NULL: none */
	const void	*body;		/* borrowed until done */
	size_t		 len;
};

struct far;
int far_new(const struct far_opts *o, struct far **out, char *why, size_t size);
/* Texts are copied, the body is not. 0: done comes once. ERR_LIMIT: too many services, or a path too long; ERR_NOMEM, ERR_CONN (closing). */
int far_start(struct far *f, const struct far_call *c, far_done *done, void *arg);
/* As http_turn(). */
void far_turn(struct far *f, int wake_fd, int64_t ns);
unsigned far_under_way(const struct far *f);
/* All calls end now, those under way as HTTP_LOST. */
void far_free(struct far *f);

#endif
