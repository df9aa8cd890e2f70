/* See job.h. */
#include "sink/mqtt/job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sink/sink.h"

static const char content_type[] = "application/json";

struct mqtt_job *
job_take(struct job_list *l, struct sink_stream *s, const struct spool_batch *b)
{
	struct mqtt_job *j = l->spare;

	if (j != NULL)
		l->spare = j->next;
	else if ((j = calloc(1, sizeof *j)) == NULL)
		fatal("out_of_memory", "what=\"mqtt job\"");
	j->s = s;
	j->enc = payload_stream_ref(s->user);
	j->first = b->first;
	j->last = b->first + b->n - 1;
	j->sent = j->out_now = j->nbusy = 0;
	j->refused = false;
	return j;
}

void
job_put_away(struct job_list *l, struct mqtt_job *j)
{
	payload_stream_unref(j->enc);
	j->enc = NULL;
	j->next = l->spare;
	l->spare = j;
}

void
job_enqueue(struct job_list *l, struct mqtt_job *j)
{
	j->next = NULL;
	*l->tail = j;
	l->tail = &j->next;
	l->bytes += j->out.bytes.len;
	l->unsent += j->out.n;
}

void
job_dequeue(struct job_list *l, struct mqtt_job *j)
{
	struct mqtt_job **p = &l->head;

	while (*p != j)
		p = &(*p)->next;
	*p = j->next;
	if (l->tail == &j->next)
		l->tail = p;
	l->bytes -= j->out.bytes.len;
	l->unsent -= j->out.n - j->sent;
}

static void
free_all(struct mqtt_job *j)
{
	for (struct mqtt_job *next; j != NULL; j = next) {
		next = j->next;
		payload_stream_unref(j->enc);
		payload_out_fini(&j->out);
		free(j->msgs);
		free(j);
	}
}

void
job_list_fini(struct job_list *l)
{
	free_all(l->head);
	free_all(l->spare);
	*l = (struct job_list){ 0 };
}

int
job_messages(struct mqtt_job *j, const struct mqtt_cfg *cfg)
{
	if (j->cap < j->out.n) {
		struct mqtt_msg *msgs = reallocarray(j->msgs, j->out.n, sizeof *msgs);
		if (msgs == NULL)
			return ERR_NOMEM;
		j->msgs = msgs;
		j->cap = j->out.n;
	}
	for (size_t i = 0; i < j->out.n; i++) {
		const struct payload_msg *m = &j->out.msgs[i];
		j->msgs[i] = (struct mqtt_msg){
			.topic = m->topic, .payload = j->out.bytes.p + m->at, .len = m->len, .qos = 1, .retain = cfg->retain,
			.expiry_s = cfg->expiry_s, .key = j->out.bytes.p + m->key, .text = true, .user = j, .content_type = content_type,
		};
	}
	return 0;
}

struct mqtt_msg *
job_next(struct job_list *l, struct mqtt_job *j)
{
	for (size_t i = 0; j->nbusy > 0 && i < j->sent; i++) {
		if (j->msgs[i].result == MQTT_BUSY) {
			j->nbusy--;
			return &j->msgs[i];
		}
	}
	if (j->sent == j->out.n)
		return NULL;
	l->unsent--;
	return &j->msgs[j->sent++];
}

/* At most: fixed header 5, topic, packet id, the properties that the link sets with their ids and lengths (MQTT 5.0, 3.3). */
static size_t
packet_bytes(const struct mqtt_msg *m)
{
	size_t properties = 4 + 2 + 5 + 3 + sizeof content_type - 1 + 3 + 3 + 2 + strlen(m->key);
	return 5 + 2 + strlen(m->topic) + 2 + properties + m->len;
}

bool
job_too_large(const struct mqtt_job *j, uint32_t max_packet, char *why, size_t size)
{
	for (size_t i = 0; max_packet != 0 && i < j->out.n; i++) {
		size_t bytes = packet_bytes(&j->msgs[i]);
		if (bytes <= max_packet)
			continue;
		snprintf(why, size, "a message of %zu bytes is larger than the broker takes (its Maximum Packet Size is %u): raise it "
		    "there, or give the flow a shorter latency so that it makes smaller batches", bytes, max_packet);
		return true;
	}
	return false;
}
