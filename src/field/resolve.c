/*
 * Name lookup in the loop's helper threads, of which there are four however many devices have names. A lookup that
 * nobody waits for any more runs on to its end alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "field/link.h"

struct lookup {
	uv_getaddrinfo_t req;
	struct link	*link;		/* NULL: given up */
};

static void
take_addresses(struct link *l, const struct addrinfo *found)
{
	l->naddresses = l->address = 0;
	for (const struct addrinfo *a = found; a != NULL && l->naddresses < LINK_ADDRESSES_MAX; a = a->ai_next) {
		if (a->ai_addrlen > sizeof l->addresses[0].a)
			continue;
		memcpy(&l->addresses[l->naddresses].a, a->ai_addr, a->ai_addrlen);
		l->addresses[l->naddresses++].len = a->ai_addrlen;
	}
}

static void
on_found(uv_getaddrinfo_t *req, int status, struct addrinfo *found)
{
	struct lookup *k = CONTAINER(req, struct lookup, req);
	struct link *l = k->link;

	if (l != NULL) {
		l->lookup = NULL;
		if (status == 0)
			take_addresses(l, found);
		link_resolved(l, status);
	}
	uv_freeaddrinfo(found);
	free(k);
}

int
resolve_start(struct link *l)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	char service[16];
	struct lookup *k = calloc(1, sizeof *k);

	if (k == NULL)
		fatal("out_of_memory", "what=lookup link=\"%s\"", l->name);
	k->link = l;
	snprintf(service, sizeof service, "%d", l->spec.port);
	int err = uv_getaddrinfo(l->field->loop, &k->req, on_found, l->spec.host, service, &hints);
	if (err != 0) {
		free(k);
		return err_from_errno(-err);
	}
	l->lookup = k;
	return 0;
}

void
resolve_cancel(struct link *l)
{
	if (l->lookup == NULL)
		return;
	l->lookup->link = NULL;
	uv_cancel((uv_req_t *)&l->lookup->req);	/* succeeds only before it has started; else it ends alone */
	l->lookup = NULL;
}
