/*
 * Reads and writes that somebody asked for, outside of any scan.
 *
 * A read marks its tags and walks over the marks run by run; a refused run is read again tag by tag. A write is sent
 * once: when no answer comes it may have been carried out or not, and only the person who asked can decide what to do
 * about that.
 */
#include "driver/modbus/modbus.h"

#include "model/status.h"

static void
read_end(struct mb_link *l, struct mb_src *s, int err, const char *why)
{
	s->read.active = s->read.flight = false;
	for (uint32_t i = 0; i < s->ntags; i++)
		s->tags[i].marked = false;
	l->h->done(l->h, s->read.id, err, why);
}

/* On to the next run, or the end. */
static void
read_next(struct mb_link *l, struct mb_src *s)
{
	s->read.tries = 0;
	if (!mb_read_run(s, &s->read))
		read_end(l, s, s->read.err,
		    s->read.err == 0 ? "" : "some of the tags could not be read; their status says why");
}

int
mb_read_start(struct mb_link *l, struct mb_src *s, const uint32_t *tags, uint32_t n, uint32_t id)
{
	if (!l->up)
		return ERR_CONN;
	if (s->read.active)
		return ERR_BUSY;
	if (mb_broadcast(l, s))
		return ERR_TYPE;
	for (uint32_t i = 0; i < n; i++)
		if (tags[i] >= s->ntags)
			return ERR_RANGE;
	uint32_t asked = 0;
	for (uint32_t i = 0; i < n; i++) {
		struct mb_tag *t = &s->tags[s->pos[tags[i]]];
		if (t->broken)
			mb_emit_bad(l, s, t, (uint32_t)STATUS_BadConfigurationError, SAMPLE_REREAD);
		else {
			t->marked = true;
			asked++;
		}
	}
	if (asked == 0)
		return ERR_NOTFOUND;
	s->read = (struct mb_read){ .active = true, .id = id };
	mb_read_run(s, &s->read);
	return 0;
}

/* The run gave data. */
static void
read_good(struct mb_link *l, struct mb_src *s, const uint8_t *data)
{
	for (uint32_t i = s->read.first; i <= s->read.last; i++) {
		struct mb_tag *t = &s->tags[i];
		if (!t->marked)
			continue;
		t->marked = false;
		t->asked.fault = MB_FAULT_NONE;
		mb_take(l, s, t, data, s->read.reg0, SAMPLE_REREAD);
	}
	s->read.cursor = s->read.last + 1;
}

static void
read_bad(struct mb_link *l, struct mb_src *s, enum mb_fault fault, uint8_t exception)
{
	for (uint32_t i = s->read.first; i <= s->read.last; i++) {
		struct mb_tag *t = &s->tags[i];
		if (!t->marked)
			continue;
		t->marked = false;
		t->asked = (struct mb_asked){ .when = l->wall, .reg0 = s->read.reg0, .count = s->read.count,
		    .tid = s->read.tid, .fault = (uint8_t)fault, .exception = exception };
		mb_emit_bad(l, s, t, mb_fault_status(fault, exception), SAMPLE_REREAD);
	}
	s->read.cursor = s->read.last + 1;
}

void
mb_read_reply(struct mb_link *l, struct mb_src *s, const struct mb_reply *reply)
{
	struct mb_read *r = &s->read;
	uint8_t ex = reply->exception;

	r->flight = false;
	if (ex == 0)
		read_good(l, s, reply->data);
	else if ((ex == MB_EX_ADDRESS || ex == MB_EX_VALUE) && r->last > r->first)
		r->alone_until = r->last + 1;
	else if ((ex == MB_EX_ACK || ex == MB_EX_BUSY || ex == MB_EX_PATH || ex == MB_EX_TARGET) &&
		 r->tries < s->conf.retries) {
		r->tries++;
		s->not_before = mono_add(l->now, s->conf.retry_delay_ns);
		return;
	} else {
		r->err = ERR_DENIED;
		read_bad(l, s, MB_FAULT_EXCEPTION, ex);
	}
	read_next(l, s);
}

void
mb_read_fault(struct mb_link *l, struct mb_src *s, enum mb_fault fault)
{
	struct mb_read *r = &s->read;

	r->flight = false;
	if (fault == MB_FAULT_GARBAGE && r->tries < s->conf.retries) {
		r->tries++;
		s->not_before = mono_add(l->now, s->conf.retry_delay_ns);
		return;
	}
	r->err = fault == MB_FAULT_TIMEOUT ? ERR_TIMEOUT : fault == MB_FAULT_LINK ? ERR_CONN : ERR_PROTO;
	read_bad(l, s, fault, 0);
	read_next(l, s);
}

int
mb_write_start(struct mb_link *l, struct mb_src *s, uint32_t tag, const struct value *v, uint32_t id)
{
	char why[160];

	if (tag >= s->ntags)
		return ERR_RANGE;
	const struct mb_tag *t = &s->tags[s->pos[tag]];
	if (s->writes == NULL || !s->s->tags[tag].writable || t->broken ||
	    (t->op.a.table != MB_COIL && t->op.a.table != MB_HOLDING))
		return ERR_DENIED;
	if (!l->up)
		return ERR_CONN;
	if (s->w_count == MB_WRITES_MAX)
		return ERR_BUSY;
	struct mb_write *w = &s->writes[(s->w_head + s->w_count) % MB_WRITES_MAX];
	*w = (struct mb_write){ .id = id, .tag = s->pos[tag] };
	int err = mb_encode(&t->op, v, &w->enc, why, sizeof why);
	if (err != 0)
		return err;
	if (w->enc.masked && mb_broadcast(l, s) && !s->conf.mask_write)
		return ERR_TYPE;	/* read, change, write needs a unit that answers */
	if (w->enc.masked && (!s->conf.mask_write || s->no_mask)) {
		if (!s->conf.read_modify_write)
			return ERR_DENIED;	/* function 22 is not to be had, and nothing else is allowed */
		w->step = MB_STEP_FETCH;
	}
	s->w_count++;
	return 0;
}

void
mb_write_request(struct mb_src *s, struct writer *out)
{
	struct mb_write *w = &s->writes[s->w_head];
	const struct mb_addr *a = &s->tags[w->tag].op.a;
	const uint8_t *b = w->enc.bytes;
	bool multiple = w->enc.n > 1 || s->conf.write_multiple || s->no_single;

	if (w->step == MB_STEP_FETCH)
		mb_put_read(out, MB_FC_READ_HOLDING, a->reg0, 1);
	else if (w->enc.masked && w->step == MB_STEP_WRITE)
		mb_put_mask_write(out, a->reg0, w->enc.and_mask, w->enc.or_mask);
	else if (a->table == MB_COIL && multiple)
		mb_put_write_coils(out, a->reg0, w->enc.n, b);
	else if (a->table == MB_COIL)
		mb_put_write_coil(out, a->reg0, (b[0] & 1) != 0);
	else if (multiple)
		mb_put_write_regs(out, a->reg0, w->enc.n, b);
	else
		mb_put_write_reg(out, a->reg0, (uint16_t)(b[0] << 8 | b[1]));
}

void
mb_write_end(struct mb_link *l, struct mb_src *s, int err, const char *why)
{
	uint32_t id = s->writes[s->w_head].id;

	s->w_head = (s->w_head + 1) % MB_WRITES_MAX;
	s->w_count--;
	s->w_flight = false;
	l->h->done(l->h, id, err, why);
}

static void
fetched(struct mb_write *w, const uint8_t *data)
{
	unsigned old = (unsigned)data[0] << 8 | data[1];
	unsigned now = (old & w->enc.and_mask) | w->enc.or_mask;

	w->enc.bytes[0] = (uint8_t)(now >> 8);
	w->enc.bytes[1] = (uint8_t)now;
	w->enc.n = 1;
	w->step = MB_STEP_STORE;
}

void
mb_write_reply(struct mb_link *l, struct mb_src *s, const struct mb_reply *reply)
{
	struct mb_write *w = &s->writes[s->w_head];
	const struct mb_addr *a = &s->tags[w->tag].op.a;

	s->w_flight = false;
	if (reply->exception == 0 && w->step == MB_STEP_FETCH)
		fetched(w, reply->data);
	else if (reply->exception == 0)
		mb_write_end(l, s, 0, "");
	else if (reply->exception == MB_EX_FUNCTION && w->enc.masked && w->step == MB_STEP_WRITE) {
		s->no_mask = true;	/* nothing was changed: the device lacks function 22 */
		w->step = MB_STEP_FETCH;
		if (!s->conf.read_modify_write)
			mb_write_end(l, s, ERR_DENIED,
			    "the device lacks function 22, which changes a part of a register; `read-modify-write: yes` at the "
			    "source allows to read, change and write it");
	} else if (reply->exception == MB_EX_FUNCTION && w->enc.n == 1 && !s->conf.write_multiple && !s->no_single &&
	    w->step != MB_STEP_FETCH)
		s->no_single = true;	/* nor function 5 or 6 */
	else if (reply->exception == MB_EX_BUSY && w->tries < s->conf.retries) {
		w->tries++;	/* busy: it was not begun, so this is no repetition */
		s->not_before = mono_add(l->now, s->conf.retry_delay_ns);
	} else if (reply->exception == MB_EX_ACK)
		mb_write_end(l, s, ERR_AGAIN,
		    "the device has accepted the write and is still working on it: read the value back");
	else
		mb_write_end(l, s, ERR_DENIED, a->table == MB_HOLDING && reply->exception == MB_EX_ADDRESS ?
		    "illegal data address: the device has no such register, or does not let it be written" :
		    mb_exception_remedy(reply->exception));
}

void
mb_write_fault(struct mb_link *l, struct mb_src *s, enum mb_fault fault)
{
	bool harmless = s->writes[s->w_head].step == MB_STEP_FETCH;

	if (harmless)
		mb_write_end(l, s, ERR_BUSY,
		    "the register could not be read before changing it: nothing was written");
	else
		mb_write_end(l, s,
		    fault == MB_FAULT_LINK ? ERR_CONN : fault == MB_FAULT_GARBAGE ? ERR_PROTO : ERR_TIMEOUT,
		    "no valid answer came: the write may or may not have been carried out, read the value back");
}

void
mb_write_expire(struct mb_link *l, struct mb_src *s)
{
	while (s->w_count > 0 && !s->w_flight && l->h->deadline != NULL &&
	    mono_before(l->h->deadline(l->h, s->writes[s->w_head].id), l->now))
		mb_write_end(l, s, ERR_EXPIRED, "its time was over before it could be sent");
}

void
mb_demand_abandon(struct mb_link *l, struct mb_src *s, int err, const char *why)
{
	while (s->w_count > 0)
		if (s->w_flight && s->writes[s->w_head].step != MB_STEP_FETCH)
			mb_write_end(l, s, err, "the connection went away: the write may or may not have been carried out");
		else
			mb_write_end(l, s, ERR_BUSY, why);	/* nothing was sent */
	if (s->read.active) {
		for (uint32_t i = 0; i < s->ntags; i++)
			if (s->tags[i].marked)
				mb_emit_bad(l, s, &s->tags[i], (uint32_t)STATUS_BadNoCommunication, SAMPLE_REREAD);
		read_end(l, s, err, why);
	}
}
