/*
 * The servers of a redundant set: the source's endpoint and those under `also`. All have the same content; which one is used goes by ServiceLevel (Part 4 1.05,
 * 6.6.2.4.2): 200 to 255 healthy, 2 to 199 degraded, 1 no data, 0 maintenance. While the one in use is healthy, no other is asked.
 */
#include <stdio.h>
#include <string.h>

#include "driver/opcua/conn.h"
#include "site/link.h"

#define BETTER_PAUSE_NS	(15 * NS_PER_S)	/* between looks at others while the one in use is not healthy */
#define STALE_NS	(60 * NS_PER_S)	/* a level that was seen longer ago says nothing */

static int
add(struct ua_conn *c, const char *text, char *why, size_t size)
{
	struct endpoint e;
	const char *path;
	char authority[300];
	struct ua_server *s = &c->servers[c->nservers];
	int err = endpoint_parse_url(text, "opc.tcp", &e, &path, why, size);

	if (err != 0)
		return err;
	endpoint_link(&e, 4840, authority, sizeof authority);
	if ((size_t)snprintf(s->url, sizeof s->url, "opc.tcp://%s%s", authority, path) >= sizeof s->url ||
	    (size_t)snprintf(s->host, sizeof s->host, "%.*s", (int)sizeof s->host - 1, e.host) >= sizeof s->host) {
		snprintf(why, size, "is too long");
		return ERR_LIMIT;
	}
	s->level = -1;
	c->nservers++;
	return 0;
}

int
ua_servers_init(struct ua_thread *t)
{
	struct ua_conn *c = t->agent.conn;
	char why[200];
	int err = add(c, t->agent.source->endpoint, why, sizeof why);
	const char *text = t->agent.source->endpoint;

	for (size_t i = 0; err == 0 && i < t->conf.nalso; i++) {
		text = t->conf.also[i];
		if (c->nservers == UA_SERVERS_MAX) {
			snprintf(why, sizeof why, "is one too many: a set has at most %u servers", UA_SERVERS_MAX);
			err = ERR_LIMIT;
		} else
			err = add(c, text, why, sizeof why);
	}
	if (err != 0)
		snprintf(c->text, sizeof c->text, "the endpoint \"%.200s\" %s: correct `endpoint` or `also` of this source", text, why);
	return err;
}

uint32_t
ua_servers_next(struct ua_conn *c, struct mono now)
{
	c->servers[c->current].level = -2;
	c->servers[c->current].at = now;
	return (c->current + 1) % c->nservers;
}

bool
ua_servers_better(struct ua_conn *c, struct mono now, uint32_t *which)
{
	int best = -3;

	if (c->nservers < 2 || c->level >= (int)UA_LEVEL_GOOD || mono_before(now, c->better_at))
		return false;
	c->better_at = mono_add(now, BETTER_PAUSE_NS);
	for (uint32_t i = 0; i < c->nservers; i++) {
		const struct ua_server *s = &c->servers[i];
		bool fresh = s->at.ns != 0 && mono_diff(now, s->at) < STALE_NS;
		/* One that nobody has seen for a while may be the best: it is looked at before one that is known to be worse. */
		int level = fresh ? s->level : 256;
		if (i == c->current || (fresh && level <= c->level) || level <= best)
			continue;
		best = level;
		*which = i;
	}
	return best > -3;
}
