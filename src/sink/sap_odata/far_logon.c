/* The two tokens of far.h: the one of OAuth, which says who we are, and the one of a service's session, without which nothing is changed there. */
#include <ctype.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/log.h"
#include "os/clock.h"
#include "sink/sap_odata/far_int.h"

#define RENEW_BEFORE_NS	(60 * NS_PER_S)		/* of a token's end; of a short-lived one at half of its life */
#define REFUSED_NS	(300 * NS_PER_S)	/* a password that was refused is not tried again before, unless its file changes */
#define LIFE_DEFAULT_S	300			/* of a token that does not say how long it lives (RFC 6749, 5.1) */
#define LIFE_MAX_S	(24 * 3600)

const char *
logon_secret(struct far *f, char *why, size_t size)
{
	if (f->o.secret_file == NULL)
		return "";
	if (f->secret[0] == '\0')
		(void)disk_os.stat(disk_os.ctx, f->o.secret_file, &f->secret_stat);
	if (f->secret[0] == '\0' && http_secret(f->o.secret_file, f->secret, why, size) != 0) {
		f->secret[0] = '\0';
		return NULL;
	}
	return f->secret;
}

/* All that waited: they go on, or end here as well. a NULL: go on. */
static void
release(struct far *f, struct call_list *l, enum far_stage stage, const struct http_answer *a)
{
	struct call_list now = *l;

	l->head = NULL;
	for (struct call *c; (c = call_pop(&now)) != NULL;) {
		if (a == NULL)
			call_push(&f->ready, c);
		else
			call_end(c, &(struct far_answer){ .stage = stage, .http = a });
	}
}

/* ---- passwords ---- */

static bool
secret_changed(const struct far *f)
{
	struct disk_stat st;

	if (f->refused_until.ns == 0)	/* not asked before each call */
		return false;
	return f->o.secret_file != NULL && disk_os.stat(disk_os.ctx, f->o.secret_file, &st) == 0 &&
	    (st.id != f->secret_stat.id || st.mtime_ns != f->secret_stat.mtime_ns || st.size != f->secret_stat.size);
}

static bool
password_wait(struct call *c)
{
	struct far *f = c->far;

	if (secret_changed(f))
		f->refused_until = (struct mono){ 0 };
	if (mono_before(mono_now(), f->refused_until)) {
		call_unsent(c, FAR_LOGON, "SAP has refused the log-on (401): check user and password-file; it is tried again when the file changes, or in "
		    "some minutes, since SAP locks a user after a few wrong passwords");
		return true;
	}
	if (f->proved || c->probe)
		return false;
	if (f->probing) {
		call_push(&f->waiting, c);
		return true;
	}
	f->probing = c->probe = true;
	return false;
}

void
logon_proved(struct far *f)
{
	f->proved = true;
	f->refused_until = (struct mono){ 0 };
}

void
logon_probed(struct far *f)
{
	f->probing = false;
	release(f, &f->waiting, FAR_LOGON, NULL);
}

/* ---- OAuth 2.0, client credentials: RFC 6749, 4.4 ---- */

/* RFC 6749, 5.1. 0, or an error with why. */
static int
read_token(struct far *f, const struct http_answer *a, char *why, size_t size)
{
	json_error_t e;
	json_t *j = json_loadb(a->body, a->len, JSON_REJECT_DUPLICATES, &e);
	const char *token = json_string_value(json_object_get(j, "access_token"));
	json_t *life = json_object_get(j, "expires_in");
	int64_t s = json_is_integer(life) ? json_integer_value(life) : json_is_string(life) ? atoll(json_string_value(life)) : LIFE_DEFAULT_S;
	int err = ERR_PROTO;

	if (token == NULL || token[0] == '\0' || strpbrk(token, "\r\n") != NULL)
		snprintf(why, size, "the answer of the token endpoint holds no access_token");
	else if (strlen(token) > FAR_BEARER_MAX - 32)
		snprintf(why, size, "the access token is longer than %u bytes", FAR_BEARER_MAX - 32);
	else {
		s = s < 1 ? 1 : s > LIFE_MAX_S ? LIFE_MAX_S : s;
		int64_t life_ns = s * NS_PER_S;
		snprintf(f->bearer, FAR_BEARER_MAX, "authorization: Bearer %s", token);
		f->renew_at = mono_add(mono_now(), life_ns > 2 * RENEW_BEFORE_NS ? life_ns - RENEW_BEFORE_NS : life_ns / 2);
		f->bearer_serial++;
		err = 0;
	}
	json_decref(j);
	return err;
}

static void
on_bearer(void *arg, const struct http_answer *a)
{
	struct far *f = arg;
	char why[LOGON_TEXT] = "";
	struct http_answer failed = *a;

	f->renewing = false;
	OPENSSL_cleanse(f->secret, HTTP_SECRET_MAX);
	if (a->end == HTTP_ANSWERED && a->status == 200 && !a->cut && read_token(f, a, why, sizeof why) == 0) {
		log_info("oauth_token", "client=\"%.100s\"", f->o.user);
		release(f, &f->waiting, FAR_LOGON, NULL);
		return;
	}
	if (why[0] == '\0')
		snprintf(why, sizeof why, "%s", a->end != HTTP_ANSWERED ? a->why : "the token endpoint refused");
	failed.why = why;
	release(f, &f->waiting, FAR_LOGON, &failed);
}

static int
start_bearer(struct far *f, char *why, size_t size)
{
	static const char *const headers[] = { "content-type: application/x-www-form-urlencoded", "accept: application/json", NULL };
	struct buf form = { 0 };

	if (f->form == NULL) {
		buf_puts(&form, "grant_type=client_credentials");
		if (f->o.scope != NULL)
			buf_puts(&form, "&scope=");
		for (const char *p = f->o.scope; p != NULL && *p != '\0'; p++)
			buf_printf(&form, isalnum((unsigned char)*p) || strchr("-._~", *p) != NULL ? "%c" : "%%%02X", (unsigned char)*p);
		if (form.err != 0) {
			buf_fini(&form);
			return ERR_NOMEM;
		}
		f->form = form.p;
	}
	const char *secret = logon_secret(f, why, size);
	if (secret == NULL)
		return ERR_DENIED;
	const struct http_request q = { .method = "POST", .url = f->o.token_url, .headers = headers, .user = f->o.user, .password = secret,
	    .body = f->form, .len = strlen(f->form), .repeatable = true };
	int err = http_start(f->http, &q, on_bearer, f);
	if (err != 0)
		snprintf(why, size, "the token endpoint %.100s cannot be asked: %s", f->o.token_url, err_text(err));
	return err;
}

bool
logon_wait(struct call *c)
{
	struct far *f = c->far;
	char why[LOGON_TEXT] = "";

	if (f->o.auth == FAR_AUTH_BASIC)
		return password_wait(c);
	if (f->bearer[0] != '\0' && mono_before(mono_now(), f->renew_at))
		return false;
	if (!f->renewing && start_bearer(f, why, sizeof why) != 0) {
		call_unsent(c, FAR_LOGON, why);
		return true;
	}
	f->renewing = true;
	call_push(&f->waiting, c);
	return true;
}

void
logon_expired(struct far *f, const struct call *c)
{
	if (f->o.auth == FAR_AUTH_BASIC) {
		OPENSSL_cleanse(f->secret, HTTP_SECRET_MAX);	/* somebody may have put a new one there */
		f->proved = false;
		f->refused_until = mono_add(mono_now(), REFUSED_NS);
	} else if (f->o.auth == FAR_AUTH_OAUTH && c->bearer_serial == f->bearer_serial)
		f->bearer[0] = '\0';
}

/* ---- the session of a service ---- */

static void
on_session(void *arg, const struct far_answer *a)
{
	struct session *s = arg;
	const struct http_answer *h = a->http;
	bool answered = a->stage == FAR_CALL && h->end == HTTP_ANSWERED;	/* by the service, not by who logs us on */
	const char *token = answered ? http_header(h, "x-csrf-token") : NULL;
	char why[LOGON_TEXT];
	struct http_answer failed = *h;

	if (token != NULL && (strcasecmp(token, "required") == 0 || strcasecmp(token, "fetch") == 0))
		token = NULL;
	s->serial++;
	s->state = SESSION_NONE;
	if (answered && h->status / 100 == 2 && token != NULL && strlen(token) <= FAR_TOKEN_MAX) {
		snprintf(s->header, sizeof s->header, "x-csrf-token: %s", token);
		s->state = SESSION_OPEN;
	} else if (answered && h->status / 100 == 2 && token == NULL)
		s->state = SESSION_WITHOUT;
	if (s->state != SESSION_NONE)
		return;
	snprintf(why, sizeof why, "%s", answered && h->status / 100 == 2 ? "its token is longer than any token" : h->why);
	failed.why = why;
	if (s->waiting.head != NULL)
		release(s->waiting.head->far, &s->waiting, a->stage == FAR_LOGON ? FAR_LOGON : FAR_SESSION, &failed);
}

/* The fetch ended: whoever waited goes on. (on_session() has ended them if it failed.) */
static void
on_fetched(void *arg, const struct far_answer *a)
{
	struct session *s = arg;

	on_session(s, a);
	if (s->waiting.head != NULL)
		release(s->waiting.head->far, &s->waiting, FAR_SESSION, NULL);
}

bool
session_wait(struct call *c)
{
	struct session *s = c->session;
	struct far *f = c->far;
	/* Exactly this spelling: a server was seen that compares it letter by letter. */
	static const char *const headers[] = { "x-csrf-token: Fetch", "accept: application/json", NULL };

	if (s->state == SESSION_OPEN || s->state == SESSION_WITHOUT)
		return false;
	if (s->state == SESSION_NONE) {
		http_jar_clear(s->jar);
		const struct far_call q = { .method = "GET", .service = s->service, .path = "", .headers = headers };
		if (far_start(f, &q, on_fetched, s) != 0) {
			call_unsent(c, FAR_SESSION, "no memory to ask for a token");
			return true;
		}
		s->state = SESSION_FETCHING;
	}
	call_push(&s->waiting, c);
	return true;
}

void
session_expired(struct call *c)
{
	if (c->session->serial == c->session_serial && c->session->state != SESSION_FETCHING)
		c->session->state = SESSION_NONE;
}
