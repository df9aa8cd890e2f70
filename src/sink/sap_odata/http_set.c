/* How a request is put to libcurl: limits, TLS, proxy, method, headers. See http.h. */
#include <openssl/crypto.h>
#include <string.h>

#include "sink/sap_odata/http_int.h"

#define IDLE_MAX_S	30L	/* a connection that was idle for longer is not used again: most far ends close theirs at about that age */

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
	curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);	/* a name service that hangs holds up nobody's end */
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

int
http_set(struct job *j, const struct http_request *q)
{
	struct http *h = j->http;
	CURL *e = j->easy;

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
