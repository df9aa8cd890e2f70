/* See http.h. Start reading at http_start(). */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "sink/sap_odata/http_int.h"

void
http_global(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* ---- what libcurl calls ---- */

static size_t
on_body(char *p, size_t one, size_t n, void *arg)
{
	struct job *j = arg;
	size_t len = one * n, room = j->http->o.answer_max - j->body.len;

	buf_put(&j->body, p, len < room ? len : room);
	j->cut = len > room || j->body.err != 0;
	return j->cut ? CURL_WRITEFUNC_ERROR : len;
}

static size_t
on_head(char *p, size_t one, size_t n, void *arg)
{
	struct job *j = arg;

	j->head += one * n;
	if (j->jar != NULL && one * n > 11 && strncasecmp(p, "set-cookie:", 11) == 0)
		j->jar->set++;
	j->head_too_long = j->head > HTTP_HEAD_MAX;
	return j->head_too_long ? CURL_WRITEFUNC_ERROR : one * n;
}

/* The connection stands and the request is about to go out: the first time for sure, a second time only if that does no harm. */
static int
on_begin(void *arg, char *ip, char *local_ip, int port, int local_port)
{
	struct job *j = arg;
	(void)ip;
	(void)local_ip;
	(void)port;
	(void)local_port;

	j->begun++;
	return j->begun > 1 && !j->repeatable ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

/* ---- the end of a request ---- */

static void
job_free(struct job *j)
{
	if (j->at != NULL) {
		*j->at = j->next;
		if (j->next != NULL)
			j->next->at = j->at;
		curl_multi_remove_handle(j->http->multi, j->easy);
		j->http->n--;
	}
	curl_easy_cleanup(j->easy);
	curl_slist_free_all(j->headers);
	buf_fini(&j->body);
	free(j);
}

static void
explain(const struct job *j, CURLcode rc, char *why, size_t size)
{
	if (j->head_too_long)
		snprintf(why, size, "the head of the answer is longer than %u bytes", HTTP_HEAD_MAX);
	else if (rc == CURLE_ABORTED_BY_CALLBACK && j->begun > 1)
		snprintf(why, size, "the connection was closed before an answer came");
	else if (rc == CURLE_ABORTED_BY_CALLBACK)
		snprintf(why, size, "ended here before an answer came");
	else
		snprintf(why, size, "%s", j->error[0] != '\0' ? j->error : curl_easy_strerror(rc));
}

static void
job_end(struct job *j, CURLcode rc)
{
	char why[CURL_ERROR_SIZE + 64] = "";
	long status = 0;

	curl_easy_getinfo(j->easy, CURLINFO_RESPONSE_CODE, &status);
	struct http_answer a = { .status = (int)status, .body = buf_text(&j->body), .len = j->body.len, .cut = j->cut, .easy = j->easy, .why = why };
	if ((rc == CURLE_OK || j->cut) && status > 0)
		a.end = HTTP_ANSWERED;
	else {
		a.end = j->begun > 0 ? HTTP_LOST : HTTP_UNSENT;
		explain(j, rc, why, sizeof why);
	}
	j->done(j->arg, &a);
	job_free(j);
}

/* ---- the start of one ---- */

static void
set_calls(struct job *j)
{
	CURL *e = j->easy;

	curl_easy_setopt(e, CURLOPT_PRIVATE, j);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, j->error);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, j);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_head);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, j);
	curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_begin);
	curl_easy_setopt(e, CURLOPT_PREREQDATA, j);
}

int
http_start(struct http *h, const struct http_request *q, http_done *done, void *arg)
{
	struct job *j = h->closing ? NULL : calloc(1, sizeof *j);

	if (j == NULL)
		return h->closing ? ERR_CONN : ERR_NOMEM;
	if (q->jar != NULL && q->jar->set > HTTP_COOKIES_MAX)
		http_jar_clear(q->jar);
	*j = (struct job){ .http = h, .easy = curl_easy_init(), .jar = q->jar, .repeatable = q->repeatable, .done = done, .arg = arg,
	    .body = { .max = h->o.answer_max + 1 } };
	int err = j->easy == NULL ? ERR_NOMEM : http_set(j, q);
	if (err == 0)
		set_calls(j);
	if (err == 0 && curl_multi_add_handle(h->multi, j->easy) != CURLM_OK)
		err = ERR_NOMEM;
	if (err != 0) {
		job_free(j);
		return err;
	}
	j->next = h->jobs;
	j->at = &h->jobs;
	if (j->next != NULL)
		j->next->at = &j->next;
	h->jobs = j;
	h->n++;
	return 0;
}

void
http_turn(struct http *h, int wake_fd, int64_t ns)
{
	struct curl_waitfd extra = { .fd = wake_fd, .events = CURL_WAIT_POLLIN };
	int64_t ms = ns <= 0 ? 0 : ns / NS_PER_MS + 1;
	CURLMsg *m;
	int running, left;

	curl_multi_perform(h->multi, &running);
	if ((unsigned)running == h->n)	/* else one has ended: it is not to wait */
		curl_multi_poll(h->multi, &extra, wake_fd >= 0 ? 1 : 0, ms > 60000 ? 60000 : (int)ms, NULL);
	curl_multi_perform(h->multi, &running);
	while ((m = curl_multi_info_read(h->multi, &left)) != NULL) {
		char *j = NULL;
		CURLcode rc = m->data.result;
		if (m->msg == CURLMSG_DONE && curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &j) == CURLE_OK)
			job_end((struct job *)(void *)j, rc);
	}
}

unsigned
http_under_way(const struct http *h)
{
	return h->n;
}

int
http_open(const struct http_opts *o, struct http **out, char *why, size_t size)
{
	struct http *h = calloc(1, sizeof *h);

	if (h == NULL || (h->multi = curl_multi_init()) == NULL) {
		free(h);
		snprintf(why, size, "no memory for HTTP");
		return ERR_NOMEM;
	}
	h->o = *o;
	if (o->proxy != NULL)
		snprintf(h->proxy_url, sizeof h->proxy_url, "http://%s", o->proxy);
	curl_multi_setopt(h->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)o->connections);
	curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)o->connections);
	curl_multi_setopt(h->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	*out = h;
	return 0;
}

void
http_close(struct http *h)
{
	if (h == NULL)
		return;
	h->closing = true;
	while (h->jobs != NULL)	/* none is added any more, each turn ends one */
		job_end(h->jobs, CURLE_ABORTED_BY_CALLBACK);
	curl_multi_cleanup(h->multi);
	free(h);
}

const char *
http_header(const struct http_answer *a, const char *name)
{
	struct curl_header *found;

	if (a->easy == NULL || curl_easy_header(a->easy, name, 0, CURLH_HEADER, -1, &found) != CURLHE_OK)
		return NULL;
	return strlen(found->value) <= HTTP_VALUE_MAX ? found->value : NULL;
}

