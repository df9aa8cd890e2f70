/* The inside of http.h: http.c has the life of a request, http_set.c how it is put to libcurl, http_jar.c cookies and secrets. */
#ifndef SAP_ODATA_HTTP_INT_H
#define SAP_ODATA_HTTP_INT_H

#include <curl/curl.h>

#include "sink/sap_odata/http.h"

struct http {
	CURLM			*multi;
	struct http_opts	 o;
	char			 proxy_url[300];
	struct job		*jobs;
	unsigned		 n;
	bool			 closing;
};

struct http_jar {
	CURLSH		*share;
	unsigned	 set;		/* set-cookie lines since it was cleared */
};

struct job {
	struct job		*next, **at;
	struct http		*http;
	CURL			*easy;
	struct curl_slist	*headers;
	struct buf		 body;
	struct http_jar		*jar;		/* NULL: none */
	size_t			 head;		/* bytes of the answer's head so far */
	bool			 repeatable, cut, head_too_long;
	unsigned		 begun;		/* how often it was about to be sent */
	char			 error[CURL_ERROR_SIZE];
	http_done		*done;
	void			*arg;
};

/* Put q to j->easy. 0, ERR_SYNTAX, ERR_NOMEM, ERR_DENIED. */
int http_set(struct job *j, const struct http_request *q);

#endif
