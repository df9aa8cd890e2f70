/* See own.h. */
#include "driver/own.h"

#include "site/link.h"

int
own_link(const struct source *s, struct link_spec *out)
{
	const struct driver *d = driver_find(s->driver);
	struct endpoint e;
	const char *path;
	char why[200];

	*out = (struct link_spec){ .kind = LINK_OWN };
	return d == NULL ? ERR_NOTFOUND : endpoint_parse_url(s->endpoint, d->info.endpoint_scheme, &e, &path, why, sizeof why);
}

int
own_no_scan(void *ctx, uint32_t src, uint32_t scan_class, bool probe, struct mono now, struct wall wall)
{
	(void)ctx;
	(void)src;
	(void)scan_class;
	(void)probe;
	(void)now;
	(void)wall;
	return ERR_UNSUPPORTED;
}

int
own_no_read(void *ctx, uint32_t src, const uint32_t *tags, uint32_t n, uint32_t id, struct mono now)
{
	(void)ctx;
	(void)src;
	(void)tags;
	(void)n;
	(void)id;
	(void)now;
	return ERR_UNSUPPORTED;
}

void
own_no_give_up(void *ctx, uint32_t src, uint32_t status, struct wall wall)
{
	(void)ctx;
	(void)src;
	(void)status;
	(void)wall;
}

void
own_no_input(void *ctx, const void *p, size_t len, struct mono now, struct wall wall)
{
	(void)ctx;
	(void)p;
	(void)len;
	(void)now;
	(void)wall;
}

struct mono
own_no_next(const void *ctx)
{
	(void)ctx;
	return MONO_NEVER;
}

void
own_no_trace(void *ctx, uint32_t src, bool on)
{
	(void)ctx;
	(void)src;
	(void)on;
}

void
own_explain(bool out, const void *p, size_t len, struct buf *text)
{
	(void)out;
	buf_put(text, p, len);
}

int
own_no_load(const struct source *s, struct arena *a, struct load_info *out)
{
	(void)s;
	(void)a;
	(void)out;
	return ERR_UNSUPPORTED;
}
