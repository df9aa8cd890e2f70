/* What a sink's keys name: the far end, which mapping is for which event, and which are in use. See keys.h. */
#include <stdio.h>
#include <string.h>

#include "model/path.h"
#include "sink/sap_odata/keys.h"
#include "site/link.h"

const char *
sap_base(struct arena *a, bool tls, const char *server)
{
	struct endpoint e;
	char why[160], link[sizeof e.host + 16];

	/* What cannot be read has been refused by the parser of keys. */
	return arena_printf(a, "%s://%s", tls ? "https" : "http", endpoint_parse(server, &e, why, sizeof why) == 0 ?
	    endpoint_link(&e, tls ? 443 : 80, link, sizeof link) : server);
}

const struct mapping *
sap_mapping_of(const struct sap_cfg *cfg, const struct mapping_set *set, const char *event, const char *type, char *why, size_t size)
{
	const char *other = NULL;

	for (size_t i = 0; i < cfg->nposts; i++) {
		if (!path_match(cfg->posts[i].pattern, event))
			continue;
		const struct mapping *m = mapping_find(set, cfg->posts[i].mapping);
		if (m != NULL && strcmp(m->event, type) == 0)
			return m;
		other = cfg->posts[i].mapping;
	}
	if (other != NULL)
		snprintf(why, size, "the event is a %.60s, and the mapping %.60s takes others: name one that takes it under `post`", type, other);
	else
		snprintf(why, size, "no row of `post` fits the event %.200s: add one, then retry", event);
	return NULL;
}

size_t
sap_mappings_used(const struct sap_cfg *cfg, const struct mapping_set *set, const struct mapping **v)
{
	size_t n = 0;

	for (size_t i = 0; i < cfg->nposts + cfg->nreads; i++) {
		const char *name = i < cfg->nposts ? cfg->posts[i].mapping : cfg->reads[i - cfg->nposts].mapping;
		size_t k = 0;
		const struct mapping *m = mapping_find(set, name);
		while (k < n && v[k] != m)
			k++;
		if (m != NULL && k == n)
			v[n++] = m;
	}
	return n;
}
