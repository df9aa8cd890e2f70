/* See http.h. Start reading at http_start(). */
#include "sink/sap_odata/http.h"

#include <curl/curl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "os/disk.h"

#define IDLE_MAX_S	30L	/* a connection that was idle for longer is not used again: most far ends close theirs at about that age */

struct http {
	CURLM			*multi;
	struct http_opts	 o;
	char			 proxy_url[300];
	struct job		*jobs;
	unsigned		 n;
	bool			 closing;
};

struct http_jar {
	CURLSH	*share;
};

struct job {
	struct job		*next, **at;
	struct http		*http;
	CURL			*easy;
	struct curl_slist	*headers;
	struct buf		 body;
	size_t			 head;		/* bytes of the answer's head so far */
	bool			 repeatable, cut, head_too_long;
	unsigned		 begun;		/* how often it was about to be sent */
	char			 error[CURL_ERROR_SIZE];
	http_done		*done;
	void			*arg;
};

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
	(void)p;

	j->head += one * n;
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

static int
set_proxy(struct http *h, CURL *e)
{
	char secret[HTTP_SECRET_MAX] = "", why[200];
	int err = 0;

	/* Said either way: libcurl would look at the environment. */
	curl_easy_setopt(e, CURLOPT_PROXY, h->proxy_url);
	if (h->o.proxy == NULL || h->o.proxy_user == NULL)
		return 0;
	if (h->o.proxy_password_file != NULL)
		err = http_secret(h->o.proxy_password_file, secret, why, sizeof why);
	if (err == 0) {
		curl_easy_setopt(e, CURLOPT_PROXYAUTH, (long)CURLAUTH_BASIC);
		curl_easy_setopt(e, CURLOPT_PROXYUSERNAME, h->o.proxy_user);
		curl_easy_setopt(e, CURLOPT_PROXYPASSWORD, secret);
	}
	OPENSSL_cleanse(secret, sizeof secret);
	return err;
}

static void
set_limits(struct http *h, CURL *e)
{
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)(h->o.connect_ns / NS_PER_MS));
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)(h->o.total_ns / NS_PER_MS));
	curl_easy_setopt(e, CURLOPT_MAXAGE_CONN, IDLE_MAX_S);
	curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
}

static void
set_tls(struct http *h, CURL *e)
{
	curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
	if (h->o.ca_file != NULL) {
		curl_easy_setopt(e, CURLOPT_CAINFO, h->o.ca_file);
		curl_easy_setopt(e, CURLOPT_CAPATH, NULL);	/* these and no others */
	}
	if (h->o.cert_file != NULL) {
		curl_easy_setopt(e, CURLOPT_SSLCERT, h->o.cert_file);
		curl_easy_setopt(e, CURLOPT_SSLKEY, h->o.key_file);
	}
}

static void
set_method(CURL *e, const struct http_request *q)
{
	if (strcmp(q->method, "HEAD") == 0)
		curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
	else if (strcmp(q->method, "GET") == 0)
		curl_easy_setopt(e, CURLOPT_HTTPGET, 1L);
	else {
		curl_easy_setopt(e, CURLOPT_POST, 1L);
		curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->len);
		curl_easy_setopt(e, CURLOPT_POSTFIELDS, q->body != NULL ? q->body : "");
		curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, q->method);
	}
}

static int
set_headers(struct job *j, const struct http_request *q)
{
	struct curl_slist *list;

	for (size_t i = 0; q->headers != NULL && q->headers[i] != NULL; i++) {
		if (i == HTTP_HEADERS_MAX || strpbrk(q->headers[i], "\r\n") != NULL)
			return ERR_SYNTAX;	/* it would be another header, or another request */
		if ((list = curl_slist_append(j->headers, q->headers[i])) == NULL)
			return ERR_NOMEM;
		j->headers = list;
	}
	/* No question beforehand whether the body is welcome: some proxies never answer it. */
	if ((list = curl_slist_append(j->headers, "Expect:")) == NULL)
		return ERR_NOMEM;
	j->headers = list;
	curl_easy_setopt(j->easy, CURLOPT_HTTPHEADER, j->headers);
	return 0;
}

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

static int
job_set(struct http *h, struct job *j, const struct http_request *q)
{
	CURL *e = j->easy;

	set_calls(j);
	set_limits(h, e);
	set_tls(h, e);
	set_method(e, q);
	if (strlen(q->url) > HTTP_URL_MAX || curl_easy_setopt(e, CURLOPT_URL, q->url) != CURLE_OK)
		return ERR_SYNTAX;
	if (q->user != NULL) {
		curl_easy_setopt(e, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		curl_easy_setopt(e, CURLOPT_USERNAME, q->user);
		curl_easy_setopt(e, CURLOPT_PASSWORD, q->password != NULL ? q->password : "");
	}
	if (q->jar != NULL) {
		curl_easy_setopt(e, CURLOPT_COOKIEFILE, "");	/* no file: only keep them */
		curl_easy_setopt(e, CURLOPT_SHARE, q->jar->share);
	}
	int err = set_headers(j, q);
	return err != 0 ? err : set_proxy(h, e);
}

int
http_start(struct http *h, const struct http_request *q, http_done *done, void *arg)
{
	struct job *j = h->closing ? NULL : calloc(1, sizeof *j);

	if (j == NULL)
		return h->closing ? ERR_CONN : ERR_NOMEM;
	*j = (struct job){ .http = h, .easy = curl_easy_init(), .repeatable = q->repeatable, .done = done, .arg = arg,
	    .body = { .max = h->o.answer_max + 1 } };
	int err = j->easy == NULL ? ERR_NOMEM : job_set(h, j, q);
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

/* ---- cookies and secrets ---- */

struct http_jar *
http_jar_new(void)
{
	struct http_jar *j = calloc(1, sizeof *j);

	if (j != NULL && (j->share = curl_share_init()) == NULL) {
		free(j);
		j = NULL;
	}
	if (j != NULL)
		curl_share_setopt(j->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_COOKIE);
	return j;
}

void
http_jar_clear(struct http_jar *j)
{
	CURL *e = curl_easy_init();

	if (e == NULL)
		return;
	curl_easy_setopt(e, CURLOPT_SHARE, j->share);
	curl_easy_setopt(e, CURLOPT_COOKIELIST, "ALL");
	curl_easy_cleanup(e);
}

void
http_jar_free(struct http_jar *j)
{
	if (j != NULL)
		curl_share_cleanup(j->share);
	free(j);
}

int
http_secret(const char *path, char out[HTTP_SECRET_MAX], char *why, size_t size)
{
	struct disk_stat st;
	int fd = disk_os.open(disk_os.ctx, path, DISK_READ);
	ssize_t n = fd < 0 ? fd : disk_os.pread(disk_os.ctx, fd, out, HTTP_SECRET_MAX - 1, 0);

	if (fd >= 0 && disk_os.fstat(disk_os.ctx, fd, &st) == 0 && st.exposed)
		log_warn("secret_readable", "file=\"%s\" remedy=\"chmod 600: others on this machine can read the secret\"", path);
	if (fd >= 0)
		disk_os.close(disk_os.ctx, fd);
	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, "\r\n")] = '\0';
	if (n >= 0 && out[0] != '\0')
		return 0;
	snprintf(why, size, "the file %.120s with the secret: %s", path, n < 0 ? err_text((int)n) : "its first line is empty");
	return n < 0 ? (int)n : ERR_SYNTAX;
}
