/*
 * The way to the broker. Sparkplug data goes at QoS 0, so nothing says that it arrived. Where the site file allows it, an empty message at
 * QoS 1 follows each group of data messages on the same connection: a broker reads a connection's packets in order, so its PUBACK says that
 * it has read all before it. One such message is under way at a time; its answer settles all batches sent before it, and calls for
 * the next one if more were sent meanwhile. A PUBACK that refuses the message says the same about those before it.
 */
#include <stdlib.h>

#include "os/clock.h"
#include "sink/sparkplug/sp_int.h"

static void
bump(struct sp_sink *k, enum stats_sink_figure figure, uint64_t by)
{
	stat_add((stat_t *)&k->host->stats[figure], by);
}

/* ---- messages ---- */

struct sp_msg *
sp_msg_begin(struct sp_sink *k, enum sp_msg_kind kind)
{
	struct sp_msg *m = k->spare;

	if (m != NULL)
		k->spare = m->next;
	else if ((m = calloc(1, sizeof *m)) == NULL)
		fatal("out_of_memory", "what=\"sparkplug message\"");
	m->kind = kind;
	m->payload.max = MQTT_PAYLOAD_MAX;
	buf_reset(&m->topic);
	buf_reset(&m->payload);
	if (kind != SP_MSG_CONFIRM)
		sp_builder_begin(k->builder, wall_now(), kind == SP_MSG_DEATH ? -1 : k->seq);
	return m;
}

static void
put_away(struct sp_sink *k, struct sp_msg *m)
{
	m->next = k->spare;
	k->spare = m;
}

static int
publish(struct sp_sink *k, struct sp_msg *m, uint8_t qos)
{
	m->m = (struct mqtt_msg){
		.topic = buf_text(&m->topic), .payload = buf_text(&m->payload), .len = (uint32_t)m->payload.len, .qos = qos, .user = m,
	};
	int err = mqtt_link_publish(k->link, &m->m);
	if (err != 0) {
		put_away(k, m);
		return err;
	}
	k->in_flight++;
	bump(k, STATS_sink_messages, 1);
	bump(k, STATS_sink_bytes, m->payload.len);
	return 0;
}

int
sp_msg_send(struct sp_sink *k, struct sp_msg *m)
{
	sp_builder_encode(k->builder, &m->payload);
	int err = m->payload.err != 0 ? m->payload.err : m->topic.err;
	if (err != 0) {
		put_away(k, m);
		return err;
	}
	m->serial = k->serial + 1;
	/* A death that is to be sent in good order may go at QoS 1 as the will does, unless our one confirmation fills the broker's window. */
	err = publish(k, m, m->kind == SP_MSG_DEATH && k->receive_max > 1 ? 1 : 0);
	if (err != 0)
		return err;
	k->serial++;
	if (m->kind != SP_MSG_DEATH)
		k->seq++;	/* 255 is followed by 0, 6.4.1 */
	return 0;
}

/* While a batch is suspected of making the broker hang up, the births must have been taken before it is tried: else it pays for them. */
static bool
births_first(const struct sp_sink *k)
{
	return suspects_alone(&k->suspects) && k->confirmed < k->births;
}

static void
ask_confirmation(struct sp_sink *k)
{
	if (!k->cfg.confirm || k->confirm_out || k->confirmed == k->serial || k->phase != SP_BORN || (k->njobs == 0 && !births_first(k)))
		return;
	struct sp_msg *m = sp_msg_begin(k, SP_MSG_CONFIRM);
	buf_puts(&m->topic, buf_text(&k->confirm_topic));
	m->serial = k->serial;
	k->confirm_out = publish(k, m, 1) == 0;
}

/* ---- batches under way ---- */

bool
sp_full(const struct sp_sink *k)
{
	if (births_first(k))
		return true;
	if (k->njobs == 0)
		return false;
	return suspects_alone(&k->suspects) || k->njobs == SP_JOBS_MAX || k->jobs_bytes >= SP_JOBS_BYTES_MAX || k->in_flight >= SP_MESSAGES_MAX;
}

void
sp_job_add(struct sp_sink *k, const struct sp_job *j)
{
	k->jobs[(k->job0 + k->njobs++) % SP_JOBS_MAX] = *j;
	k->jobs_bytes += j->bytes;
}

void
sp_jobs_forget(struct sp_sink *k, const struct sink_stream *s)
{
	for (size_t i = 0; i < k->njobs; i++) {
		struct sp_job *j = &k->jobs[(k->job0 + i) % SP_JOBS_MAX];
		if (j->s == s)
			j->s = NULL;
	}
	suspects_forget(&k->suspects, s);
}

void
sp_jobs_lost(struct sp_sink *k, bool blame)
{
	for (size_t i = 0; i < k->njobs; i++) {
		const struct sp_job *j = &k->jobs[(k->job0 + i) % SP_JOBS_MAX];
		suspects_lost(&k->suspects, j->s, j->first);
	}
	suspects_fell(&k->suspects, blame);
	k->njobs = k->jobs_bytes = 0;
}

void
sp_settle(struct sp_sink *k)
{
	/* The office may offer more from within; each turn takes the oldest one off first. */
	while (k->njobs > 0 && k->jobs[k->job0].upto <= k->confirmed) {
		struct sp_job j = k->jobs[k->job0];
		k->job0 = (k->job0 + 1) % SP_JOBS_MAX;
		k->njobs--;
		k->jobs_bytes -= j.bytes;
		suspects_answered(&k->suspects, j.s, j.first);
		if (j.s != NULL && j.refused)
			k->host->refused(k->host, j.s, j.first, j.last, j.why);
		else if (j.s != NULL)
			k->host->done(k->host, j.s, j.first, j.last);
	}
	ask_confirmation(k);
	if (k->want_ready && !sp_full(k) && k->phase == SP_BORN && !k->stale && !k->stopping) {
		k->want_ready = false;
		k->host->ready(k->host);
	}
}

/* ---- what comes back ---- */

/* It was never sent, so a number is missing in the sequence: the batch is not to be tried again, and hosts need new births. */
static void
on_refused(struct sp_sink *k, const struct sp_msg *m)
{
	log_error("sparkplug_message_refused", "sink=%s topic=\"%s\" bytes=%zu why=\"%s\"", k->name, buf_text(&m->topic), m->payload.len, m->m.why);
	if (m->kind == SP_MSG_BIRTH) {
		k->host->state(k->host, false, "a birth message cannot be published: raise the broker's limits, or split the flows over more sinks");
		sp_end_session(k, true);
		return;
	}
	for (size_t i = 0; i < k->njobs; i++) {
		struct sp_job *j = &k->jobs[(k->job0 + i) % SP_JOBS_MAX];
		if (m->serial <= j->from || m->serial > j->upto)
			continue;
		j->refused = true;
		snprintf(j->why, sizeof j->why, "%.160s", m->m.why);
	}
	sp_rebirth(k);
}

void
sp_on_returned(void *arg, struct mqtt_msg *mm)
{
	struct sp_sink *k = arg;
	struct sp_msg *m = mm->user;

	k->in_flight--;
	if (m->kind == SP_MSG_CONFIRM) {
		k->confirm_out = false;
		if (mm->result == MQTT_REFUSED && log_limit_ok(&k->complaints, mono_now(), &(unsigned long){ 0 }))
			log_warn("sparkplug_confirm_refused", "sink=%s topic=\"%s\" why=\"%s\" remedy=\"let this client write to the topic, or set "
			    "confirm-topic to one it may write to\"", k->name, buf_text(&m->topic), mm->why);
	}
	/* A refusal of the broker's own has a reason; one without never left this machine, and says nothing of what went before. */
	bool local = mm->result == MQTT_REFUSED && mm->reason == 0 && m->kind == SP_MSG_CONFIRM;
	bool counts = mm->result != MQTT_LOST && !local && m->kind == (k->cfg.confirm ? SP_MSG_CONFIRM : m->kind) && m->kind != SP_MSG_DEATH;
	if (counts && m->serial > k->confirmed)
		k->confirmed = m->serial;
	if (mm->result == MQTT_REFUSED && m->kind != SP_MSG_CONFIRM && m->kind != SP_MSG_DEATH)
		on_refused(k, m);
	bool lost = mm->result == MQTT_LOST, death = m->kind == SP_MSG_DEATH;
	put_away(k, m);
	if (local)
		sp_end_session(k, false);
	else if (!lost && death)
		sp_depart(k);
	else if (!lost)
		sp_settle(k);
}

void
sp_send_free(struct sp_sink *k)
{
	for (struct sp_msg *m = k->spare, *next; m != NULL; m = next) {
		next = m->next;
		buf_fini(&m->topic);
		buf_fini(&m->payload);
		free(m);
	}
	free(k->jobs);
}
