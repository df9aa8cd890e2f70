/* The connection: from the lobby (link/lobby.h), which knows that it is the node that peer: names; one at a time. */
#include <stdio.h>
#include <string.h>

#include "driver/link/link_int.h"
#include "os/clock.h"
#include "os/watch.h"
#include "site/link.h"

int
way_open(struct linkd *d)
{
	const struct keyval *k = d->s->keys;
	struct endpoint e;
	const char *path;
	char why[300] = "", what[160];
	int err = endpoint_parse_url(d->s->endpoint, "link", &e, &path, why, sizeof why);

	snprintf(what, sizeof what, "source=\"%.140s\"", d->s->name);
	struct lobby_conf conf = { .connect = link_role_connects(k), .host = e.host, .port = e.port != 0 ? e.port : link_driver.info.default_port,
	    .what = what, .peer = k[LINK_KEY_PEER].s, .name = k[LINK_KEY_NAME].set ? k[LINK_KEY_NAME].s : NULL, .site = driver_site(),
	    .state = k[LINK_KEY_PKI].set ? k[LINK_KEY_PKI].s : driver_state(), .side = PKI_OT, .silence_ns = k[LINK_KEY_TIMEOUT].i, .window = WINDOW };
	if (err == 0)
		err = lobby_open(&conf, &d->lobby);
	if (err == 0)
		err = watch_set(d->us.watch, lobby_wake(d->lobby), true, false);
	if (err != 0)
		snprintf(why, sizeof why, "cannot begin: %s", err_text(err));
	else
		snprintf(why, sizeof why, conf.connect ? "connects to node %.200s" : "waits for node %.200s", conf.peer);
	d->h->reach(d->h, 0, false, why);
	return err;
}

static void
forget(struct linkd *d)
{
	watch_set(d->us.watch, d->n->c.fd, false, false);
	lobby_conn_free(d->n);
	d->n = NULL;
	d->broken = false;
	memset(d->streams, 0, sizeof d->streams);
}

void
way_lost(struct linkd *d, const char *why)
{
	if (d->n == NULL)
		return;
	if (d->broken) {
		link_put_close(&d->n->c.out, why);
		link_conn_flush(&d->n->c, mono_now());
	}
	forget(d);
	lobby_again(d->lobby, d->worked);
	d->h->reach(d->h, 0, false, why);
}

/*
 * A new connection takes the place of one that is not heard: its far end may have been restarted, and the old one be half open. One that has
 * spoken within half of its time is not disturbed, since pings come at a third of it: else two nodes that were given one name would take turns.
 */
static void
take_over(struct linkd *d, struct lobby_conn *n, struct mono now)
{
	if (d->n != NULL && mono_diff(now, d->n->c.heard) < d->n->c.io.silence_ns / 2) {
		lobby_conn_free(n);	/* it comes again */
		return;
	}
	way_lost(d, "the other node has connected anew");
	d->n = n;
	d->serial++;
	d->worked = false;
	n->c.io.frame = linkd_frame;
	n->c.io.arg = d;
	n->c.heard = now;
	linkd_hold(d);
	d->h->reach(d->h, 0, true, n->from);
}

static void
news(struct linkd *d, struct mono now)
{
	char text[LOBBY_TEXT];
	int err;
	struct lobby_conn *n = lobby_take(d->lobby, text, &err);

	if (text[0] != '\0' && d->n == NULL && n == NULL)
		d->h->reach(d->h, 0, false, text);
	if (n != NULL)
		take_over(d, n, now);
}

void
way_step(struct linkd *d, struct mono now)
{
	char why[600];

	if (d->lobby != NULL)
		news(d, now);
	if (d->n == NULL)
		return;
	int err = link_conn_step(&d->n->c, now);
	if (err == 0 && !d->broken) {
		bond_step(&d->n->bond, &d->n->c, now, wall_now());
		watch_set(d->us.watch, d->n->c.fd, !d->n->c.hold, d->n->c.blocked);
		return;
	}
	snprintf(why, sizeof why, "%s", d->broken ? d->why : d->n->c.why);
	way_lost(d, why);
}

void
way_close(struct linkd *d)
{
	if (d->n != NULL) {
		link_put_close(&d->n->c.out, "the node is being stopped");
		link_conn_flush(&d->n->c, mono_now());
		forget(d);
	}
	if (d->lobby != NULL)
		watch_set(d->us.watch, lobby_wake(d->lobby), false, false);
	lobby_close(d->lobby);
	d->lobby = NULL;
}
