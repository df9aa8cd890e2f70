/* See far.h. A call's way: far_start() -> ready -> step() -> maybe waiting for a token -> sent -> on_answer(). */
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "sink/sap_odata/far_int.h"

static void
call_free(struct call *c)
{
	if (c->far != NULL)
		c->far->ncalls--;
	for (size_t i = 0; i < c->nheaders; i++)
		free(c->headers[i]);
	free(c->method);
	free(c->url);
	free(c);
}

void
call_end(struct call *c, const struct far_answer *a)
{
	struct far *f = c->far;
	bool probe = c->probe;

	c->done(c->arg, a);
	call_free(c);
	if (probe)
		logon_probed(f);
}

void
call_unsent(struct call *c, enum far_stage stage, const char *why)
{
	const struct http_answer h = { .end = HTTP_UNSENT, .body = "", .why = why };
	call_end(c, &(struct far_answer){ .stage = stage, .http = &h });
}

static bool
token_required(const struct http_answer *a)
{
	const char *v = a->end == HTTP_ANSWERED && a->status == 403 ? http_header(a, "x-csrf-token") : NULL;
	return v != NULL && strcasecmp(v, "required") == 0;
}

static void
on_answer(void *arg, const struct http_answer *a)
{
	struct call *c = arg;
	struct far *f = c->far;

	if (a->end == HTTP_ANSWERED && a->status == 401)
		logon_expired(f, c);
	else if (a->end == HTTP_ANSWERED)
		logon_proved(f);
	if (a->end == HTTP_ANSWERED && a->status == 401 && f->o.auth == FAR_AUTH_OAUTH && !c->renewed && !f->closing) {
		c->renewed = true;
		call_push(&f->ready, c);
		return;
	}
	if (c->changes && token_required(a)) {
		session_expired(c);
		if (!c->again && !f->closing) {
			c->again = true;
			call_push(&f->ready, c);
			return;
		}
	}
	call_end(c, &(struct far_answer){ .stage = FAR_CALL, .http = a });
}

static void
call_send(struct call *c)
{
	struct far *f = c->far;
	const char *h[FAR_HEADERS_MAX + 5], *password = NULL;
	char client[40], language[40], why[200] = "the request is none";
	size_t n = 0;

	for (; n < c->nheaders; n++)
		h[n] = c->headers[n];
	if (f->o.client != NULL) {
		snprintf(client, sizeof client, "sap-client: %.20s", f->o.client);
		h[n++] = client;
	}
	if (f->o.language != NULL) {
		snprintf(language, sizeof language, "sap-language: %.20s", f->o.language);
		h[n++] = language;
	}
	if (c->changes && c->session->state == SESSION_OPEN)
		h[n++] = c->session->header;
	if (f->o.auth == FAR_AUTH_OAUTH)
		h[n++] = f->bearer;
	h[n] = NULL;
	if (f->o.auth == FAR_AUTH_BASIC && (password = logon_secret(f, why, sizeof why)) == NULL) {
		call_unsent(c, FAR_LOGON, why);
		return;
	}
	c->session_serial = c->session->serial;
	c->bearer_serial = f->bearer_serial;
	const struct http_request q = { .method = c->method, .url = c->url, .headers = h, .user = password != NULL ? f->o.user : NULL,
	    .password = password, .body = c->body, .len = c->len, .repeatable = !c->changes, .jar = c->session->jar };
	int err = http_start(f->http, &q, on_answer, c);
	if (err != 0)
		call_unsent(c, FAR_CALL, err == ERR_SYNTAX ? "the address or a header of the call cannot be sent" : err_text(err));
}

static void
step(struct call *c)
{
	if (c->far->closing)
		call_unsent(c, FAR_CALL, "penstock is stopping");
	else if (c->changes && session_wait(c))		/* first: the fetch logs on as well */
		return;
	else if (c->far->o.auth != FAR_AUTH_NONE && logon_wait(c))
		return;
	else
		call_send(c);
}

static struct session *
session_of(struct far *f, const char *service)
{
	for (size_t i = 0; i < f->nsessions; i++)
		if (strcmp(f->sessions[i].service, service) == 0)
			return &f->sessions[i];
	if (f->nsessions == FAR_SERVICES_MAX)
		return NULL;
	struct session s = { .service = strdup(service), .jar = http_jar_new() };
	if (s.service == NULL || s.jar == NULL) {
		free(s.service);
		http_jar_free(s.jar);
		return NULL;
	}
	f->sessions[f->nsessions] = s;
	return &f->sessions[f->nsessions++];
}

static char *
url_of(const struct far *f, const struct far_call *q)
{
	char *url;
	int len = asprintf(&url, "%s%s/%s", f->o.base, q->service, q->path);

	if (len < 0)
		return NULL;
	if ((size_t)len > HTTP_URL_MAX) {
		free(url);
		return NULL;
	}
	return url;
}

int
far_start(struct far *f, const struct far_call *q, far_done *done, void *arg)
{
	struct session *s = f->closing ? NULL : session_of(f, q->service);
	struct call *c = s == NULL ? NULL : calloc(1, sizeof *c);

	if (c == NULL)
		return f->closing ? ERR_CONN : ERR_LIMIT;
	*c = (struct call){ .session = s, .method = strdup(q->method), .url = url_of(f, q), .body = q->body, .len = q->len, .done = done,
	    .arg = arg, .changes = strcmp(q->method, "GET") != 0 && strcmp(q->method, "HEAD") != 0 };
	bool whole = c->method != NULL && c->url != NULL;
	for (size_t i = 0; q->headers != NULL && q->headers[i] != NULL && whole; i++) {
		whole = i < FAR_HEADERS_MAX && (c->headers[i] = strdup(q->headers[i])) != NULL;
		c->nheaders += whole;
	}
	if (!whole) {
		call_free(c);
		return ERR_LIMIT;
	}
	c->far = f;
	f->ncalls++;
	call_push(&f->ready, c);
	return 0;
}

void
far_turn(struct far *f, int wake_fd, int64_t ns)
{
	struct call_list now = f->ready;

	if (now.head == NULL)
		now.tail = &now.head;
	f->ready.head = NULL;
	for (struct call *c; (c = call_pop(&now)) != NULL;)	/* what is queued meanwhile has the next turn */
		step(c);
	http_turn(f->http, wake_fd, f->ready.head != NULL ? 0 : ns);
}

unsigned
far_under_way(const struct far *f)
{
	return f->ncalls;
}

int
far_new(const struct far_opts *o, struct far **out, char *why, size_t size)
{
	struct far *f = calloc(1, sizeof *f);

	if (f == NULL || (f->secret = calloc(1, HTTP_SECRET_MAX)) == NULL || (f->bearer = calloc(1, FAR_BEARER_MAX)) == NULL) {
		if (f != NULL)
			free(f->secret);
		free(f);
		snprintf(why, size, "%s", err_text(ERR_NOMEM));
		return ERR_NOMEM;
	}
	f->o = *o;
	int err = http_open(&o->http, &f->http, why, size);
	if (err != 0) {
		far_free(f);
		return err;
	}
	*out = f;
	return 0;
}

/* Ends: while closing, none is added. */
static void
end_all(struct call_list *l)
{
	for (struct call *c; (c = call_pop(l)) != NULL;)
		call_unsent(c, FAR_CALL, "penstock is stopping");
}

void
far_free(struct far *f)
{
	if (f == NULL)
		return;
	f->closing = true;
	http_close(f->http);
	end_all(&f->ready);
	end_all(&f->waiting);
	for (size_t i = 0; i < f->nsessions; i++) {
		end_all(&f->sessions[i].waiting);
		free(f->sessions[i].service);
		http_jar_free(f->sessions[i].jar);
	}
	OPENSSL_cleanse(f->secret, HTTP_SECRET_MAX);
	OPENSSL_cleanse(f->bearer, FAR_BEARER_MAX);
	free(f->secret);
	free(f->bearer);
	free(f->form);
	free(f);
}
