/* What comes from hosts: the state of the primary one (Sparkplug 3.0.0, 5.4, 5.13) and commands (5.15). None of it is trusted. */
#include <string.h>

#include "os/clock.h"
#include "sink/sparkplug/sp_int.h"

#define WALK_PAUSE_NS	NS_PER_S	/* between two servers of the list */

static void
complain(struct sp_sink *k, const char *topic, const char *why)
{
	unsigned long left_out;

	if (log_limit_ok(&k->complaints, mono_now(), &left_out))
		log_warn("sparkplug_message_ignored", "sink=%s topic=\"%.200s\" why=\"%s\" left_out=%lu", k->name, topic, why, left_out);
}

/* ---- the primary host ---- */

static void
wait_for_host(struct sp_sink *k)
{
	char text[MQTT_HOST_MAX + SP_ID_MAX + 80];

	k->phase = SP_WAITING;
	snprintf(text, sizeof text, "connected to %s port %u, waiting for the primary host %s to be online", k->cfg.servers[k->server].host,
	    k->cfg.servers[k->server].port, k->cfg.primary_host);
	k->host->state(k->host, false, text);
	log_info("sparkplug_waits", "sink=%s primary_host=\"%s\"", k->name, k->cfg.primary_host);
}

void
sp_end_session(struct sp_sink *k, bool walk)
{
	if (k->phase == SP_DOWN || k->phase == SP_LEAVING)
		return;
	k->walk = walk && k->cfg.nservers > 1;
	sp_death(k);
}

/* 5.4: with MQTT 5 the broker is told to send the will as well; a host knows both by their bdSeq. */
void
sp_drop(struct sp_sink *k)
{
	mqtt_link_drop(k->link, k->cfg.link.v5 ? 0x04 : 0, k->walk ? WALK_PAUSE_NS : -1);
}

void
sp_host_look(struct sp_sink *k)
{
	k->waiting_since = mono_now();
	if (k->cfg.primary_host == NULL || (k->primary.known && k->primary.online))
		sp_birth_all(k);
	else if (k->primary.known && k->cfg.nservers > 1) {
		wait_for_host(k);
		sp_end_session(k, true);
	} else
		wait_for_host(k);
}

static void
on_state(struct sp_sink *k, const char *topic, const void *p, size_t len)
{
	struct sp_host_state s;

	int err = sp_host_state_parse(p, len, &s);
	if (err != 0) {
		complain(k, topic, err == ERR_LIMIT ? "a STATE of this size cannot be one" : "it is not {\\\"online\\\": true or false, \\\"timestamp\\\": number}");
		return;
	}
	if (!sp_host_take(&k->primary, &s)) {
		complain(k, topic, "its timestamp is older than that of the STATE before");
		return;
	}
	if (k->phase == SP_WAITING && s.online)
		sp_host_look(k);
	else if ((k->phase == SP_BORN || (k->phase == SP_WAITING && k->cfg.nservers > 1)) && !s.online) {
		log_warn("sparkplug_host_offline", "sink=%s primary_host=\"%s\"", k->name, k->cfg.primary_host);
		sp_end_session(k, true);
	}
}

/* ---- commands ---- */

static void
refuse(struct sp_sink *k, const char *topic, size_t n)
{
	unsigned long left_out;

	k->commands_refused += n;
	if (log_limit_ok(&k->complaints, mono_now(), &left_out))
		log_warn("sparkplug_command_refused", "sink=%s topic=\"%.200s\" metrics=%zu refused=%llu left_out=%lu why=\"writing through this sink is not "
		    "permitted\"", k->name, topic, n, (unsigned long long)k->commands_refused, left_out);
}

static void
on_command(struct sp_sink *k, const char *topic, const void *p, size_t len, bool to_node)
{
	struct sp_command c;

	int err = sp_command_parse(p, len, &c);
	if (err != 0) {
		complain(k, topic, err == ERR_LIMIT ? "a command of this size is not read" : "it is no Sparkplug payload");
		return;
	}
	if (c.others > 0 || !to_node)
		refuse(k, topic, c.others > 0 ? c.others : 1);
	if (!c.rebirth || !to_node || k->phase != SP_BORN)
		return;		/* unborn, the births are still to come */
	log_info("sparkplug_rebirth_asked", "sink=%s", k->name);
	sp_rebirth(k);
}

void
sp_on_received(void *arg, const char *topic, const void *payload, size_t len, uint8_t qos, bool retain)
{
	struct sp_sink *k = arg;
	(void)qos;

	if (k->cfg.primary_host != NULL && strcmp(topic, buf_text(&k->state_topic)) == 0)
		on_state(k, topic, payload, len);
	else if (retain)
		complain(k, topic, "a retained command would act at every reconnect: commands are not retained");
	else if (strcmp(topic, buf_text(&k->ncmd_topic)) == 0)
		on_command(k, topic, payload, len, true);
	else if (strncmp(topic, buf_text(&k->dcmd_prefix), k->dcmd_prefix.len) == 0)
		on_command(k, topic, payload, len, false);
	else
		complain(k, topic, "nothing was subscribed there");
}
