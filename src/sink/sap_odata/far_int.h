/* The inside of the far end: far.c has the calls, far_logon.c the two tokens. */
#ifndef SAP_ODATA_FAR_INT_H
#define SAP_ODATA_FAR_INT_H

#include "os/disk.h"
#include "sink/sap_odata/far.h"

#define LOGON_TEXT	512u

struct call;
struct call_list {
	struct call	*head, **tail;
};

enum session_state {
	SESSION_NONE,		/* no token: to be fetched before the next call that changes something */
	SESSION_FETCHING,
	SESSION_OPEN,		/* token and cookies are there */
	SESSION_WITHOUT,	/* the service gives none, so that none is needed */
};

struct session {
	char			*service;
	struct http_jar		*jar;
	enum session_state	 state;
	unsigned		 serial;	/* of the token */
	char			 header[FAR_TOKEN_MAX + 32];	/* "x-csrf-token: ..." */
	struct call_list	 waiting;
};

struct call {
	struct call		*next;
	struct far		*far;
	struct session		*session;
	char			*method, *url;
	char			*headers[FAR_HEADERS_MAX];
	size_t			 nheaders;
	const void		*body;
	size_t			 len;
	bool			 changes;	/* anything but GET and HEAD */
	bool			 renewed, again;	/* repeated after 401, after 403 */
	bool			 probe;		/* the one call that tries whether a password is good */
	unsigned		 session_serial, bearer_serial;	/* it was sent with */
	far_done		*done;
	void			*arg;
};

struct far {
	struct far_opts		 o;
	struct http		*http;
	struct session		 sessions[FAR_SERVICES_MAX];
	size_t			 nsessions;
	struct call_list	 ready;		/* to be sent in the next turn */
	unsigned		 ncalls;
	bool			 closing;
	char			*secret;	/* HTTP_SECRET_MAX bytes; "" not read yet */
	/* Passwords: a user is locked after a few wrong ones, so one call tries, the others wait for its answer. */
	bool			 proved, probing;
	struct mono		 refused_until;	/* 401: not tried again before, unless the file changes */
	struct disk_stat	 secret_stat;
	/* OAuth */
	char			*bearer;	/* FAR_BEARER_MAX bytes, "authorization: Bearer ..."; "" none */
	unsigned		 bearer_serial;
	struct mono		 renew_at;
	bool			 renewing;
	char			*form;		/* body of the request for a token */
	struct call_list	 waiting;	/* for the token of OAuth, or for the probe */
};

static inline void
call_push(struct call_list *l, struct call *c)
{
	c->next = NULL;
	if (l->head == NULL)
		l->tail = &l->head;
	*l->tail = c;
	l->tail = &c->next;
}

static inline struct call *
call_pop(struct call_list *l)
{
	struct call *c = l->head;
	if (c != NULL)
		l->head = c->next;
	return c;
}

/* far.c: end a call without its having been sent. */
void call_unsent(struct call *c, enum far_stage stage, const char *why);
void call_end(struct call *c, const struct far_answer *a);

/* far_logon.c. Each takes the call and keeps it until its token is there; false: it is there, the call goes on. */
bool logon_wait(struct call *c);
bool session_wait(struct call *c);
/* The far end said 401: the token that this call was sent with, or the password, is not good. */
void logon_expired(struct far *f, const struct call *c);
/* It said anything else: the password is good. */
void logon_proved(struct far *f);
/* The probe is over, whatever it brought: the others go on. */
void logon_probed(struct far *f);
void session_expired(struct call *c);
/* The first line of the secret's file, read anew after logon_expired(); NULL with why. */
const char *logon_secret(struct far *f, char *why, size_t size);

#endif
