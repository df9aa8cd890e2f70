/* A message becomes a sample of each tag whose filter takes its topic; who has it, and when the broker may forget it. */
#include <jansson.h>
#include <mosquitto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "driver/mqtt/mqtt_source.h"

static bool
takes(const struct tag *t, const char *topic)
{
	bool fits = false;
	return mosquitto_topic_matches_sub(t->at, topic, &fits) == MOSQ_ERR_SUCCESS && fits;
}

/* A sample for each such tag, under the message's numbers. One a record: so a tear between two of them is nothing special. */
static void
emit(struct mqtts *d, const struct pending *p)
{
	struct sample s = { .status = STATUS_Good, .v = { .type = VALUE_JSON, .len = (uint32_t)p->len, .p = p->payload },
	    .source = p->time, .arrival = p->arrival };
	uint64_t no = p->first;

	for (uint32_t i = 0; i < d->s->ntags; i++) {
		if (!takes(&d->s->tags[i], p->topic))
			continue;
		s.tag = i;
		d->h->numbered(d->h, 0, &s, 1, &(struct driver_numbers){ .origin = d->origin, .no = no, .prev = no - 1, .base = d->base });
		no++;
	}
}

static uint32_t
takers(const struct mqtts *d, const char *topic)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < d->s->ntags; i++)
		n += takes(&d->s->tags[i], topic);
	return n;
}

/* Its id and its time, if it is an object and has them. False: it is no JSON object. */
static bool
look_into(struct pending *p, const char *payload, size_t len)
{
	if (len == 0 || len > VALUE_BYTES_MAX || !json_valid(payload, len))
		return false;
	json_t *o = json_loadb(payload, len, 0, NULL);
	const char *id = json_string_value(json_object_get(o, "id")), *time = json_string_value(json_object_get(o, "time"));
	bool object = json_is_object(o);

	if (id != NULL && strlen(id) <= ID_MAX)
		memcpy(p->id, id, strlen(id) + 1);
	if (time == NULL || wall_parse(time, &p->time) != 0)
		p->time = (struct wall){ 0 };
	json_decref(o);
	return object;
}

/* The message with this id that gate has not confirmed yet; NULL: none. */
static const struct pending *
under_way(const struct mqtts *d, const char *id)
{
	for (const struct pending *p = d->head; p != NULL && id[0] != '\0'; p = p->next)
		if (!p->done && p->payload != NULL && strcmp(p->id, id) == 0)
			return p;
	return NULL;
}

static bool
had(const struct mqtts *d, const char *id)
{
	for (unsigned i = 0; id[0] != '\0' && i < RECENT; i++)
		if (strcmp(d->recent[i], id) == 0)
			return true;
	return false;
}

static void
finish(struct mqtts *d, struct pending *p)
{
	p->done = true;
	if (p->payload != NULL && p->id[0] != '\0') {
		memcpy(d->recent[d->recent_at], p->id, sizeof p->id);
		d->recent_at = (d->recent_at + 1) % RECENT;
	}
	free(p->payload);
	p->payload = NULL;
}

static void
refuse(struct mqtts *d, struct pending *p, struct mono now, const char *why)
{
	unsigned long left_out;

	d->refused++;
	p->done = true;
	snprintf(d->trouble, sizeof d->trouble, "topic %.80s: %s", p->topic, why);
	if (log_limit_ok(&d->quiet, now, &left_out))
		log_warn("mqtt_message_refused", "source=\"%s\" topic=\"%s\" why=\"%s\" left_out=%lu", d->s->name, p->topic, why, left_out);
}

void
mqtts_received(struct mqtts *d, const char *topic, const void *payload, size_t len, struct wall wall, struct mono now)
{
	size_t room = strlen(topic) + 1;
	struct pending *p = calloc(1, sizeof *p + room);

	if (p == NULL)
		fatal("out_of_memory", "what=\"mqtt message\"");
	memcpy(p->topic, topic, room);
	p->session = d->session;
	p->arrival = wall;
	*d->tail = p;
	d->tail = &p->next;
	if (d->npending++ == 0)
		d->moved = now;
	d->received++;
	uint32_t n = takers(d, topic);
	if (n == 0 || !look_into(p, payload, len)) {
		refuse(d, p, now, n == 0 ? "no tag has an address that takes this topic" :
		    "it is no JSON object of at most 65535 bytes, as this source wants; the publisher must send one");
		return;
	}
	const struct pending *same = under_way(d, p->id);
	if (same != NULL || had(d, p->id)) {
		d->repeats++;
		p->last = same != NULL ? same->last : 0;
		p->done = same == NULL;
		return;
	}
	p->payload = malloc(len);
	if (p->payload == NULL)
		fatal("out_of_memory", "what=\"mqtt message\"");
	memcpy(p->payload, payload, len);
	p->len = len;
	p->first = d->no + 1;
	p->last = d->no += n;
	emit(d, p);
}

void
mqtts_confirmed(struct mqtts *d, uint64_t no)
{
	if (no > d->base)
		d->base = no;
	for (struct pending *p = d->head; p != NULL; p = p->next)
		if (!p->done && p->last <= d->base)
			finish(d, p);
}

void
mqtts_again(struct mqtts *d, const char *why)
{
	log_warn("mqtt_given_again", "source=\"%s\" why=\"%s\"", d->s->name, why);
	for (const struct pending *p = d->head; p != NULL; p = p->next)
		if (!p->done && p->payload != NULL)
			emit(d, p);
}

unsigned
mqtts_settle(struct mqtts *d)
{
	unsigned n = 0;

	while (d->head != NULL && d->head->done) {
		struct pending *p = d->head;
		d->head = p->next;
		n += d->up && p->session == d->session;
		d->npending--;
		free(p);
	}
	if (d->head == NULL)
		d->tail = &d->head;
	return n;
}

void
mqtts_forget(struct mqtts *d)
{
	for (struct pending *p = d->head, *next; p != NULL; p = next) {
		next = p->next;
		free(p->payload);
		free(p);
	}
	d->head = NULL;
	d->tail = &d->head;
	d->npending = 0;
}
