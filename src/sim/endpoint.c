/* Endpoints: opening and closing ports, finding units, and faults on both. See net.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "sim/net.h"

static void on_fault_end(uv_timer_t *t);

void
sim_net_init(struct sim_net *n, uv_loop_t *loop, uint64_t seed)
{
	*n = (struct sim_net){ .loop = loop };
	sim_rng_init(&n->dice, seed, 1000);
	uv_timer_init(loop, &n->fault_end);
	n->fault_end.data = n;
	uv_update_time(loop);
	n->start_ms = uv_now(loop);
}

static void *
grown(void *list, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return list;
	*cap = *cap > 0 ? 2 * *cap : 64;
	list = realloc(list, *cap * size);
	if (list == NULL)
		fatal("sim-memory", "%s", "");
	return list;
}

void
sim_net_add_unit(struct sim_net *n, struct sim_unit *u)
{
	n->unit = grown(n->unit, n->nunit, &n->unit_cap, sizeof *n->unit);
	n->unit[n->nunit++] = u;
}

void
sim_net_add(struct sim_net *n, struct sim_endpoint *e)
{
	n->ep = grown(n->ep, n->nep, &n->cap, sizeof *n->ep);
	n->ep[n->nep++] = e;
	e->net = n;
}

struct sim_unit *
sim_endpoint_unit(const struct sim_endpoint *e, uint8_t id)
{
	if (e->lenient)
		return e->slots[0].unit;
	for (size_t i = 0; i < e->nslots; i++)
		if (e->slots[i].id == id)
			return e->slots[i].unit;
	return NULL;
}

static void
free_listener(uv_handle_t *h)
{
	free(h);
}

static void
on_connection(uv_stream_t *listener, int status)
{
	if (status == 0)
		sim_conn_accept(listener->data, listener);
}

/* Bind, and listen unless the endpoint plays dead: a bound port is ours and refuses connections. */
static int
open_listener(struct sim_endpoint *e)
{
	uv_tcp_t *t = malloc(sizeof *t);
	int len = sizeof e->addr, r;

	if (t == NULL)
		return ERR_NOMEM;
	uv_tcp_init(e->net->loop, t);
	t->data = e;
	if ((r = uv_tcp_bind(t, (const struct sockaddr *)&e->addr, 0)) != 0 ||
	    (!e->dead && (r = uv_listen((uv_stream_t *)t, 511, on_connection)) != 0) ||
	    (r = uv_tcp_getsockname(t, (struct sockaddr *)&e->addr, &len)) != 0) {
		log_error("sim-listen", "endpoint=%s error=\"%s; is another program on this port?\"", e->name,
		    uv_strerror(r));
		uv_close((uv_handle_t *)t, free_listener);
		return err_from_errno(-r);
	}
	e->listener = t;
	return 0;
}

int
sim_listen(struct sim_endpoint *e, const char *host, unsigned port)
{
	char name[64];
	int r = uv_ip4_addr(host, (int)port, (struct sockaddr_in *)&e->addr);

	if (r != 0 && uv_ip6_addr(host, (int)port, (struct sockaddr_in6 *)&e->addr) != 0) {
		log_error("sim-listen", "endpoint=%s address=\"%s\" error=\"not an IP address\"", e->name, host);
		return ERR_SYNTAX;
	}
	int err = open_listener(e);
	if (err != 0)
		return err;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&e->addr;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&e->addr;
	if (e->addr.ss_family == AF_INET6) {
		uv_ip6_name(v6, name, sizeof name);
		snprintf(e->where, sizeof e->where, "[%s]:%u", name, ntohs(v6->sin6_port));
	} else {
		uv_ip4_name(v4, name, sizeof name);
		snprintf(e->where, sizeof e->where, "%s:%u", name, ntohs(v4->sin_port));
	}
	return 0;
}

/* A fault that concerns connections takes hold of the open ones, or lets them go, at once. */
static void
apply_to_connections(struct sim_endpoint *e)
{
	enum sim_fault_kind k = e->fault.kind;

	for (struct sim_conn *c = e->conns, *next; c != NULL; c = next) {
		next = sim_conn_next(c);
		if (k == SIM_FAULT_REFUSE && e->tty == NULL)
			sim_conn_end(c, SIM_RESET);
		else
			sim_conn_hold(c, k == SIM_FAULT_HALF_OPEN);
	}
	if (e->tty != NULL || e->dead)
		return;
	if (k == SIM_FAULT_REFUSE && e->listener != NULL) {
		uv_close((uv_handle_t *)e->listener, free_listener);
		e->listener = NULL;
	} else if (k != SIM_FAULT_REFUSE && e->listener == NULL)
		open_listener(e);
}

static void
next_end(const struct sim_fault *f, uint64_t *end)
{
	if (f->kind != SIM_FAULT_NONE && f->until_ms < *end)
		*end = f->until_ms;
}

static void
set_fault_timer(struct sim_net *n)
{
	uint64_t end = UINT64_MAX, now = uv_now(n->loop);

	for (size_t i = 0; i < n->nep; i++)
		next_end(&n->ep[i]->fault, &end);
	for (size_t i = 0; i < n->nunit; i++)
		next_end(&n->unit[i]->fault, &end);
	if (end == UINT64_MAX)
		uv_timer_stop(&n->fault_end);
	else
		uv_timer_start(&n->fault_end, on_fault_end, end > now ? end - now : 0, 0);
}

static void
on_fault_end(uv_timer_t *t)
{
	struct sim_net *n = t->data;
	uint64_t now = uv_now(n->loop);

	for (size_t i = 0; i < n->nep; i++)
		if (n->ep[i]->fault.kind != SIM_FAULT_NONE && n->ep[i]->fault.until_ms <= now) {
			n->ep[i]->fault.kind = SIM_FAULT_NONE;
			apply_to_connections(n->ep[i]);
		}
	for (size_t i = 0; i < n->nunit; i++)
		if (n->unit[i]->fault.until_ms <= now)
			n->unit[i]->fault.kind = SIM_FAULT_NONE;
	set_fault_timer(n);
}

size_t
sim_fault_set(struct sim_net *n, const char *target, const struct sim_fault *f)
{
	struct sim_fault timed = *f;
	bool all = strcmp(target, "all") == 0;
	size_t hits = 0;

	uv_update_time(n->loop);
	if (f->until_ms != UINT64_MAX)
		timed.until_ms = uv_now(n->loop) + f->until_ms;
	for (size_t i = 0; i < n->nunit; i++)
		if ((all && f->kind == SIM_FAULT_NONE) || (!all && strcmp(n->unit[i]->name, target) == 0)) {
			n->unit[i]->fault = timed;
			hits++;
		}
	for (size_t i = 0; i < n->nep; i++)
		if (all || strcmp(n->ep[i]->name, target) == 0) {
			n->ep[i]->fault = timed;
			apply_to_connections(n->ep[i]);
			hits++;
		}
	set_fault_timer(n);
	return hits;
}

/*
 * A unit among others behind one connection cannot take that connection with it: there, faults of connections are
 * silence.
 */
static const struct sim_fault silent = { .kind = SIM_FAULT_SILENCE, .percent = 100, .until_ms = UINT64_MAX };

static bool
of_connections(enum sim_fault_kind k)
{
	return k == SIM_FAULT_CLOSE || k == SIM_FAULT_RESET || k == SIM_FAULT_HALF_OPEN || k == SIM_FAULT_REFUSE;
}

const struct sim_fault *
sim_fault_now(struct sim_endpoint *e, struct sim_unit *u)
{
	uint64_t now = uv_now(e->net->loop);

	if (sim_fault_hits(&e->fault, now, &e->net->dice))
		return &e->fault;
	/* A machine's own port bears its name: one fault, one throw of the dice. */
	if (u == NULL || strcmp(u->name, e->name) == 0 || !sim_fault_hits(&u->fault, now, &e->net->dice))
		return NULL;
	return of_connections(u->fault.kind) ? &silent : &u->fault;
}

/* Broadcast, serial line only: every unit obeys, none answers. Modbus over Serial Line V1.02, 2.2. */
static void
broadcast(struct sim_endpoint *e, const struct mbs_adu *req)
{
	uint8_t pdu[MBS_PDU_MAX];

	for (size_t i = 0; i < e->nslots; i++)
		if (!e->slots[i].unit->dead)
			mbs_answer(&e->slots[i].unit->mb, req->pdu, req->pdu_len, pdu);
}

void
sim_unit_reply(struct sim_endpoint *e, const struct mbs_adu *req, struct sim_reply *out)
{
	uint8_t pdu[MBS_PDU_MAX];
	size_t len = 0;

	if (e->framing == MBS_RTU && req->unit == 0) {
		broadcast(e, req);
		sim_reply_make(NULL, e->framing, req, pdu, 0, &e->net->dice, out);
		return;
	}
	struct sim_unit *u = sim_endpoint_unit(e, req->unit);
	const struct sim_fault *f = sim_fault_now(e, u);
	if (u != NULL && !u->dead)
		len = mbs_answer(&u->mb, req->pdu, req->pdu_len, pdu);
	sim_reply_make(f, e->framing, req, pdu, len, &e->net->dice, out);
	e->stats.faulted += f != NULL;
	if (out->len > 0)
		e->stats.answers++;
	else
		e->stats.unanswered++;
}
