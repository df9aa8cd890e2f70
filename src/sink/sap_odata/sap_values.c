/*
 * Values read from SAP become writes of tags, one request after the other: gate judges each, and the site file says who may. What gate does not
 * answer is asked again; what it refuses is logged and passed over, and tried again when the row is read the next time.
 */
#include <stdlib.h>

#include "base/log.h"
#include "os/clock.h"
#include "sink/sap_odata/sap_odata.h"

#define WRITE_RETRY_MS	2000u

static void
write_ends(struct sap_sink *k)
{
	free(k->write);
	k->write = NULL;
	pthread_mutex_lock(&k->w.lock);
	bool last = --k->w.nwrites == 0;
	pthread_mutex_unlock(&k->w.lock);
	if (last)	/* the marker may be kept */
		worker_wake(&k->w);
}

/* Gate said no: the worker may pass the value on again. */
static void
write_refused(struct sap_sink *k, const char *code, const char *why)
{
	unsigned long left_out;
	struct sap_write *x = k->write;

	k->refused_row = x->row;
	if (log_limit_ok(&k->refusals, mono_now(), &left_out))
		log_warn("value_from_sap_refused", "sink=%s tag=\"%s\" code=%s why=\"%s\" left_out=%lu "
		    "remedy=\"requests: of the site file say who may write it\"", k->name, x->tag, code, why, left_out);
	k->write = NULL;
	pthread_mutex_lock(&k->w.lock);
	x->next = k->w.unwritten;
	k->w.unwritten = x;
	pthread_mutex_unlock(&k->w.lock);
	write_ends(k);
}

static void
on_write_timer(uv_timer_t *t)
{
	sap_next_value(t->data);
}

static void
on_written(void *arg, const struct request_result *r)
{
	struct sap_sink *k = arg;

	k->write_asked = false;
	if (k->stopping)
		return;
	if (r->state == REQUEST_UNKNOWN || r->state == REQUEST_EXPIRED) {	/* the same value again does no harm */
		uv_timer_start(&k->timer, on_write_timer, WRITE_RETRY_MS, 0);
		return;
	}
	if (r->state == REQUEST_APPLIED)
		write_ends(k);
	else
		write_refused(k, r->code, r->text);
	sap_next_value(k);
}

static bool
take_write(struct sap_sink *k)
{
	pthread_mutex_lock(&k->w.lock);
	k->write = k->w.writes;
	if (k->write != NULL && (k->w.writes = k->write->next) == NULL)
		k->w.writes_end = &k->w.writes;
	pthread_mutex_unlock(&k->w.lock);
	return k->write != NULL;
}

static int
ask_write(struct sap_sink *k)
{
	struct request q = { .kind = REQUEST_WRITE, .target = k->write->tag, .method = "", .event = "", .args = &k->write->v, .nargs = 1, .from = "",
	    .user = "sap", .key = "", .note = "read from SAP" };

	q.roles[q.nroles++] = "sap";
	return k->host->request == NULL ? ERR_DENIED : k->host->request(k->host, &q, on_written, k);
}

void
sap_next_value(struct sap_sink *k)
{
	/* Ends: each round takes one, until gate has one or none is left. */
	while (!k->stopping && !k->write_asked && (k->write != NULL || take_write(k))) {
		if (k->write->last && k->write->row == k->refused_row) {	/* a new order beside the old material would be a lie */
			write_refused(k, "row", "another value of its row was refused");
			continue;
		}
		int err = ask_write(k);
		k->write_asked = err == 0;
		if (err == ERR_FULL || err == ERR_CONN) {
			uv_timer_start(&k->timer, on_write_timer, WRITE_RETRY_MS, 0);
			return;
		}
		if (err == 0)
			return;
		write_refused(k, "none", err_text(err));
	}
}
